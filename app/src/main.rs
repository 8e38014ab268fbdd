//! Limn: the window, or with a subcommand the command line.

fn main() -> std::process::ExitCode {
    limn::cli::main()
}
