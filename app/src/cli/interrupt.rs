//! Ctrl-C: the first asks for an end, the second ends the program.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Starts to listen. What comes back is true from the first Ctrl-C on.
///
/// # Errors
/// If the system lets nobody listen.
pub fn listen() -> io::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let signal = signal_hook::consts::SIGINT;
    signal_hook::flag::register_conditional_default(signal, Arc::clone(&interrupted))?;
    signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    Ok(interrupted)
}
