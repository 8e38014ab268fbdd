//! Copies of pictures on their way to other programs.

use crate::export::{ExportSettings, Subject};
use crate::gallery::export_many::ExportChoices;
use crate::session::PictureId;

#[derive(Debug, Clone, PartialEq)]
pub enum CopiesCommand {
    /// Opens the sheet about pictures of the gallery.
    Export(Vec<PictureId>),
    /// Asks where the copy of one goes, and writes it.
    ChooseFile {
        subject: Subject,
        settings: ExportSettings,
    },
    /// Asks where the copies go, and writes them.
    ChooseFolder {
        pictures: Vec<PictureId>,
        choices: ExportChoices,
        settings: ExportSettings,
    },
    Cancel,
    /// Puts files on the clipboard.
    AsFiles(Vec<PictureId>),
    /// The picture that is shown, as a file on the clipboard.
    ShownAsFile,
}

impl CopiesCommand {
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Export(pictures) if pictures.len() == 1 => "Export…",
            Self::Export(_) => "Export these…",
            Self::ChooseFile { .. } | Self::ChooseFolder { .. } => "Choose where to export",
            Self::Cancel => "Cancel the export",
            Self::AsFiles(_) | Self::ShownAsFile => "Copy as a file",
        }
    }
}
