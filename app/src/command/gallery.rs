//! What can be done in the gallery.

use std::ops::Range;
use std::path::PathBuf;

use crate::gallery::{Change, Mark, Query};
use crate::session::{Choose, Grouping, PictureId};

/// A step of the grid's cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Left,
    Right,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

/// "Chosen" are the chosen pictures of the list, or else the one at the cursor.
#[derive(Debug, Clone, PartialEq)]
pub enum GalleryCommand {
    /// Lists what matches, in the query's order.
    List(Box<Query>),
    Group(Grouping),
    /// How large tiles are, in points.
    TileSide(f32),
    Choose {
        picture: PictureId,
        how: Choose,
    },
    /// What a rubber band touches, as places in the list of that number.
    ChooseBand {
        list: u64,
        touched: Vec<Range<usize>>,
        adds: bool,
    },
    EndBand,
    Move {
        step: Step,
        extends: bool,
    },
    ChooseAll,
    ChooseNone,
    /// Opens what the cursor is at.
    Open,
    /// Looks at what the cursor is at.
    Look,
    /// Stars what is chosen, or takes the stars off where all have one.
    StarChosen,
    TrashChosen,
    /// Asks for a board for what is chosen.
    AskBoard,
    Mark {
        pictures: Vec<PictureId>,
        mark: Mark,
    },
    /// Of a board or a tag as a whole.
    Change(Change),
    Trash(Vec<PictureId>),
    Restore(Vec<PictureId>),
    /// The second step before [`Self::DeleteForGood`].
    AskDelete(Vec<PictureId>),
    DeleteForGood(Vec<PictureId>),
    /// The second step before [`Self::EmptyTrash`].
    AskEmptyTrash,
    EmptyTrash,
    /// Takes the last change of the gallery back, or the one of that number.
    Undo(Option<u64>),
    Redo,
    /// Asks for a folder to import.
    AskImport,
    Import(Vec<PathBuf>),
    CancelImport,
    /// Shows or hides what is known of the chosen pictures.
    ToggleDetails,
    /// To the words to search for.
    FocusSearch,
    /// Closes whatever was asked.
    Dismiss,
}

impl GalleryCommand {
    pub fn label(&self) -> String {
        let fixed = match self {
            Self::List(_) => "List these pictures",
            Self::Group(grouping) => match grouping {
                Grouping::None => "No groups",
                Grouping::Day => "Group by day",
                Grouping::Run => "Group by run",
            },
            Self::TileSide(_) => "Size of the pictures",
            Self::Choose { .. } => "Choose the picture",
            Self::ChooseBand { .. } | Self::EndBand => "Choose these pictures",
            Self::Move { extends: true, .. } => "Choose up to there",
            Self::Move { .. } => "Move the cursor",
            Self::ChooseAll => "Choose all pictures",
            Self::ChooseNone => "Choose none",
            Self::Open => "Open on the canvas",
            Self::Look => "Look at the picture",
            Self::StarChosen => "Star or unstar",
            Self::AskBoard => "Add to a board…",
            Self::Mark { mark, .. } => return mark_label(mark),
            Self::Change(change) => return change_label(change),
            Self::TrashChosen | Self::Trash(_) => "Move to the trash",
            Self::Restore(_) => "Put back",
            Self::AskDelete(_) => "Delete for good…",
            Self::DeleteForGood(_) | Self::EmptyTrash => "Delete for good",
            Self::AskEmptyTrash => "Empty the trash…",
            Self::Undo(_) => "Undo",
            Self::Redo => "Redo",
            Self::AskImport => "Bring in a folder…",
            Self::Import(_) => "Bring pictures in",
            Self::CancelImport => "Stop the import",
            Self::ToggleDetails => "Hide or show the details",
            Self::FocusSearch => "Search the gallery",
            Self::Dismiss => "Cancel",
        };
        fixed.to_owned()
    }
}

fn mark_label(mark: &Mark) -> String {
    match mark {
        Mark::Star(true) => "Star".to_owned(),
        Mark::Star(false) => "Remove the star".to_owned(),
        Mark::Tag { name, on: true } => format!("Tag “{name}”"),
        Mark::Tag { name, on: false } => format!("Remove the tag “{name}”"),
        Mark::Board { name, on: true } => format!("Add to “{name}”"),
        Mark::Board { name, on: false } => format!("Take off “{name}”"),
        Mark::Note(_) => "Write a note".to_owned(),
        Mark::Title(_) => "Rename".to_owned(),
        Mark::Origin(_) => "Note where it came from".to_owned(),
    }
}

fn change_label(change: &Change) -> String {
    match change {
        Change::MakeBoard { name } => format!("Make the board “{name}”"),
        Change::RenameBoard { from, .. } => format!("Rename the board “{from}”"),
        Change::DeleteBoard { name } => format!("Delete the board “{name}”"),
        Change::RenameTag { from, .. } => format!("Rename the tag “{from}”"),
        Change::DeleteTag { name } => format!("Remove the tag “{name}” everywhere"),
    }
}
