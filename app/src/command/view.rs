//! What pictures are looked at for, over everything else.

use crate::session::PictureRef;

#[derive(Debug, Clone, PartialEq)]
pub enum ViewCommand {
    /// Large, by itself.
    Look(PictureRef),
    /// Two to four beside each other.
    Compare(Vec<PictureRef>),
    /// The results of the shown run.
    CompareResults,
}

impl ViewCommand {
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Look(_) => "Look at it large",
            Self::Compare(_) => "Compare",
            Self::CompareResults => "Compare the results",
        }
    }
}
