use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::{Command, Stdio},
};

use crate::paths::Folders;

/// The environment variable that names another engine, words divided by spaces: `ssh HOST limn engine`.
const ENGINE_VARIABLE: &str = "LIMN_ENGINE";

/// How to start an engine: anything that speaks the protocol on its standard input and output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineCommand {
    pub program: OsString,
    pub args: Vec<OsString>,
}

impl EngineCommand {
    /// What `LIMN_ENGINE` names, else this program's own `engine` subcommand with the user's library.
    ///
    /// # Errors
    /// When this system knows no home folder, or no path to the running program.
    pub fn from_environment() -> anyhow::Result<Self> {
        let named = std::env::var(ENGINE_VARIABLE).unwrap_or_default();
        let mut words = named.split_whitespace().map(OsString::from);
        match words.next() {
            Some(program) => Ok(Self {
                program,
                args: words.collect(),
            }),
            None => {
                let library = Folders::find()?.models;
                Ok(Self::local(std::env::current_exe()?).with_library(&library))
            }
        }
    }

    /// The `engine` subcommand of a Limn binary.
    pub fn local(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: vec!["engine".into()],
        }
    }

    /// This program's own `engine` subcommand with the user's library, whatever `LIMN_ENGINE` says: for work beside
    /// the user's own.
    ///
    /// # Errors
    /// When the system names no path to the running program.
    pub fn in_background(library: &Path) -> std::io::Result<Self> {
        let mut command = Self::local(std::env::current_exe()?).with_library(library);
        command.args.push("--background".into());
        Ok(command)
    }

    /// Measures where the time goes, as `--profile`.
    #[must_use]
    pub fn with_profile(mut self) -> Self {
        self.args.push("--profile".into());
        self
    }

    /// Serves this folder or file too, as `--model PATH`.
    #[must_use]
    pub fn with_model(mut self, path: &Path) -> Self {
        self.args.extend(["--model".into(), path.into()]);
        self
    }

    /// Serves every model folder inside this one, as `--models DIR`.
    #[must_use]
    pub fn with_library(mut self, folder: &Path) -> Self {
        self.args.extend(["--models".into(), folder.into()]);
        self
    }

    /// The prior folder of a decoder given with [`Self::with_model`], as `--prior PATH`.
    #[must_use]
    pub fn with_prior(mut self, path: &Path) -> Self {
        self.args.extend(["--prior".into(), path.into()]);
        self
    }

    /// Serves this LoRA too, as `--lora PATH`.
    #[must_use]
    pub fn with_lora(mut self, path: &Path) -> Self {
        self.args.extend(["--lora".into(), path.into()]);
        self
    }

    /// Serves this IP-Adapter too, as `--ip-adapter PATH`.
    #[must_use]
    pub fn with_ip_adapter(mut self, path: &Path) -> Self {
        self.args.extend(["--ip-adapter".into(), path.into()]);
        self
    }

    pub(super) fn to_command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        leave_terminal_group(&mut command);
        command
    }
}

/// Ctrl-C in a terminal goes to the whole process group; the engine must outlive it to acknowledge the cancel.
#[cfg(unix)]
fn leave_terminal_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

/// As on Unix; and no console window flashes up beside the app's.
#[cfg(windows)]
fn leave_terminal_group(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW);
}
