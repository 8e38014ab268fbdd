//! Signs of life from inside a model's forward pass: on a slow device a single one takes minutes, and whoever waits
//! must be able to tell that from a hang.
//!
//! Layers beat where they have done a good piece of work; they know nothing of who listens.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Beats that come faster say nothing new.
const PERIOD: Duration = Duration::from_secs(2);

static LISTENER: OnceLock<fn()> = OnceLock::new();
static LAST_BEAT: Mutex<Option<Instant>> = Mutex::new(None);

/// Calls `listener` at beats from now on, whatever thread they come from. Only the first one is listened to.
pub(crate) fn listen(listener: fn()) {
    let _ = LISTENER.set(listener);
}

/// The work goes on.
pub(crate) fn beat() {
    let Some(listener) = LISTENER.get() else {
        return;
    };
    let now = Instant::now();
    let mut last = LAST_BEAT.lock().unwrap_or_else(PoisonError::into_inner);
    if last.is_none_or(|last| now.duration_since(last) >= PERIOD) {
        *last = Some(now);
        drop(last);
        listener();
    }
}
