//! Limn as the tests start it: the very same program, built beside them. And some that no user has: engines that lie
//! or draw at once, a window that is connected to one, and a document of many steps.

mod false_engine;
mod flooded_window;
mod instant_engine;
mod undo_steps;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["false-engine", lie] => false_engine::run(lie),
        ["flooded-window", lie, secs] => flooded_window::run(lie, secs),
        ["instant-engine"] => instant_engine::run(),
        ["undo-steps", share] => undo_steps::run(share),
        _ => limn::cli::main(),
    }
}
