//! What pictures are looked at for, over everything else.

use crate::session::PictureRef;

#[derive(Debug, Clone, PartialEq)]
pub enum ViewCommand {
    /// Large, by itself.
    Look(PictureRef),
    /// Two to four beside each other.
    Compare(Vec<PictureRef>),
    /// What is in view: the results of the shown run or, in the gallery, the chosen pictures.
    CompareResults,
}

impl ViewCommand {
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Look(_) => "Look at it large",
            Self::Compare(_) => "Compare",
            Self::CompareResults => "Compare what is in view",
        }
    }
}
