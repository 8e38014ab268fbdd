//! Limn as the tests start it: the very same program, built beside them. And two that no user has: an engine that
//! lies, and a window that is connected to one.

mod false_engine;
mod flooded_window;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["false-engine", lie] => false_engine::run(lie),
        ["flooded-window", lie, secs] => flooded_window::run(lie, secs),
        _ => limn::cli::main(),
    }
}
