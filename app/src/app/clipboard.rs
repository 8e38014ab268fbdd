//! Files on the clipboard, which the window's own toolkit does not do.

use std::path::PathBuf;

/// Opened when it is first needed. On X11 the files are there as long as this is.
#[derive(Default)]
pub struct Clipboard {
    system: Option<arboard::Clipboard>,
}

impl Clipboard {
    /// # Errors
    /// Why the system's clipboard does not take them.
    pub fn set_files(&mut self, files: &[PathBuf]) -> Result<(), String> {
        let system = match &mut self.system {
            Some(system) => system,
            None => self
                .system
                .insert(arboard::Clipboard::new().map_err(|error| error.to_string())?),
        };
        system
            .set()
            .file_list(files)
            .map_err(|error| error.to_string())
    }
}
