//! Limn as the tests start it: the very same program, built beside them. And some that no user has: engines that lie
//! or draw at once, a window that is connected to one, and a document of many steps.

mod false_engine;
mod flooded_window;
mod instant_engine;
mod undo_steps;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Of Limn's own some are no text; those of the others all are.
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let arguments: Vec<&str> = arguments
        .iter()
        .map(|argument| argument.to_str().unwrap_or_default())
        .collect();
    match arguments.as_slice() {
        ["false-engine", lie] => false_engine::run(lie),
        ["flooded-window", lie, secs] => flooded_window::run(lie, secs),
        ["instant-engine"] => instant_engine::run(),
        ["undo-steps", share] => undo_steps::run(share),
        _ => limn::cli::main(),
    }
}
