//! Limn as the tests start it: the very same program, built beside them.

fn main() -> std::process::ExitCode {
    limn::cli::main()
}
