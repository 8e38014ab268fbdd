//! Everything that can be done in the window, as one enum: label, tooltip, shortcut and palette entry.
//!
//! Panels send commands; [`crate::app::App`] carries them out in one place.

mod bindings;
mod copies;
mod gallery;
mod gesture;
mod models;
mod view;
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use egui::{ColorImage, Key, Modifiers};
use limn_engine::protocol::{DeviceChoice, ModelId};

use crate::document::{BlendMode, DocumentId, LayerId};
use crate::import::MaskReading;
use crate::session::{
    BlankCanvas, Deed, EditChoices, PictureId, PictureRef, Place, RecipePart, RunId, SideTab,
};
use crate::settings::{MaskColour, Theme};
use crate::tools::{MaskAction, PointerEvent, Tool, ToolSettings};

pub use bindings::{BINDINGS, LISTED, command_for};
pub use copies::CopiesCommand;
pub use gallery::{GalleryCommand, Step};
pub use gesture::GestureCommand;
pub use models::ModelsCommand;
pub use view::ViewCommand;
pub use words::{device_label, theme_label};

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// What the button says: see [`crate::session::Session::deed`].
    Generate,
    /// Chooses what the button does, and does it.
    Do(Deed),
    /// Chooses what the button does.
    ChooseDeed(Deed),
    /// How much edits change, and how.
    SetChoices(EditChoices),
    /// The shown run's prompt, settings and, of an edit, picture and mask again, with new seeds.
    Again,
    Gesture(GestureCommand),
    /// The unfinished pictures of a run that failed or was cancelled.
    RunAgain(RunId),
    /// Cancels the job that is running.
    CancelCurrent,
    CancelRun(RunId),
    /// Closes the polygon that is being drawn, else keeps what is shown.
    Keep,
    /// Puts the shown results away.
    Discard,
    /// Hides a run from the results; its pictures stay in the gallery.
    DismissRun(RunId),
    /// Shows results again that were put away.
    TakeBackRun(RunId),
    /// Tries the writes again that failed, then goes on with the queue.
    RetrySaving,
    Undo,
    Redo,
    /// Takes back the step that leads to this state, as long as it is the last.
    UndoStep {
        document: DocumentId,
        serial: u64,
    },
    FocusPrompt,
    EarlierPrompt,
    LaterPrompt,
    SetPrompt(String),
    /// A prompt of the model's own words, or one of its examples.
    SurprisePrompt,
    ReplaceWord {
        from: String,
        to: String,
    },
    UseRecipe {
        picture: PictureRef,
        part: RecipePart,
    },
    Show(PictureRef),
    View(ViewCommand),
    SelectRun(RunId),
    /// The nth result of the shown run, from 1.
    ShowResult(u8),
    /// What was on the canvas before the run.
    ShowBefore,
    PreviousResult,
    NextResult,
    GoTo(Place),
    SideTab(SideTab),
    Tool(Tool),
    /// From the brush to the eraser and back.
    SwapTools,
    /// Steps of the brush's size, and of its hardness.
    BrushSize(i8),
    BrushHardness(i8),
    /// A drag with the right button, in points: size sideways, hardness up and down.
    AdjustBrush {
        dx: f32,
        dy: f32,
    },
    SetTools(ToolSettings),
    /// Painting goes to the selected patch's mask.
    EditPatchMask(bool),
    /// What the pointer does over the canvas.
    Pointer(PointerEvent),
    /// Moves the selected layer, by pixels, while the move tool is chosen.
    Nudge(i32, i32),
    /// Grows the frame to a shape, as in 16:9.
    ExtendTo((u32, u32)),
    /// Chooses what to crop to, in a shape or freely.
    ChooseCrop(Option<(u32, u32)>),
    /// Crops to what is chosen.
    ApplyCrop,
    Mask(MaskAction),
    LoadMask,
    /// What of a picture is meant as a mask; `None`: nothing.
    ReadMask(Option<MaskReading>),
    SaveMask,
    /// A key is held that shows the picture without its mask.
    Peek(bool),
    ToggleMask,
    Layer(LayerCommand),
    NewDocument,
    /// Asks for size and colour of a blank canvas.
    AskBlankCanvas,
    NewCanvas(BlankCanvas),
    OpenFile,
    OpenRecent(PathBuf),
    Save,
    SaveAs,
    /// A copy of what is there now, which nobody can undo.
    SaveWithoutHistory,
    /// What is to become of files that were dropped.
    OpenDropped,
    AddDropped,
    ForgetDropped,
    SelectDocument(DocumentId),
    CloseDocument(DocumentId),
    /// Closes the document in front.
    CloseCurrent,
    /// Puts the document back that was closed last.
    ReopenDocument,
    /// Puts this one back.
    PutBack(DocumentId),
    /// No name lets it follow the prompt again.
    RenameDocument {
        document: DocumentId,
        name: String,
    },
    NextDocument,
    PreviousDocument,
    /// A result or a picture of the gallery becomes a document.
    OpenAsDocument(PictureRef),
    AddAsLayer(PictureRef),
    /// A picture from another program, as a layer or as a document.
    PastePicture {
        picture: Arc<ColorImage>,
        as_document: bool,
    },
    /// Asks the clipboard for a picture that becomes a document.
    PasteDocument,
    /// Puts a picture beside the canvas, or takes it away.
    Pin {
        picture: PictureId,
        pinned: bool,
    },
    ZoomIn,
    ZoomOut,
    ZoomFit,
    ZoomActual,
    TogglePanels,
    FullScreen,
    NextRegion,
    Palette,
    /// The list of keys.
    Shortcuts,
    Settings,
    /// Closes the topmost thing: gesture, popover, sheet, text focus.
    Escape,
    Export,
    Copies(CopiesCommand),
    CopyPicture,
    /// Copies what the visible layers show together.
    CopyMerged,
    /// Puts a picture's prompt on the clipboard.
    CopyPrompt(PictureRef),
    OpenFolder,
    ShowInFolder(PictureId),
    /// The folder of a file, such as a copy.
    ShowFile(PathBuf),
    ToggleStar,
    StarPicture {
        id: PictureId,
        starred: bool,
    },
    Delete,
    DeletePicture(PictureId),
    Restore(PictureId),
    SearchGallery(String),
    Gallery(GalleryCommand),
    /// Lists what is like a picture; `None`: the one that is chosen or shown.
    MoreLike(Option<PictureId>),
    Models(ModelsCommand),
    SetModel(ModelId),
    SetDevice(DeviceChoice),
    /// By which model pictures are found; `None` is the built-in one.
    SetIndexModel(Option<ModelId>),
    SetTheme(Theme),
    SetScale(f32),
    /// Tiles tell how well their pictures match the prompt.
    ShowScores(bool),
    SetMaskColour(MaskColour),
    ChooseGalleryFolder,
    DismissToast(u64),
    /// Closes the window although pictures are not saved.
    CloseAnyway,
    /// Do what the start left out, because the last one came to its end over it.
    FinishStart,
}

/// What can be done with layers.
#[derive(Debug, Clone, PartialEq)]
pub enum LayerCommand {
    Select(LayerId),
    Show {
        layer: LayerId,
        shown: bool,
    },
    /// While the slider is dragged `is_done` is false: the whole drag is one step.
    SetOpacity {
        layer: LayerId,
        opacity: f32,
        is_done: bool,
    },
    Rename {
        layer: LayerId,
        name: String,
    },
    /// To a place counted from the bottom.
    Move {
        layer: LayerId,
        to: usize,
    },
    /// The selected one.
    Raise,
    Lower,
    MergeDown,
    MergeVisible,
    Delete(LayerId),
    DeleteSelected,
    AddSketch,
    /// A copy of the selected one, right above it.
    Duplicate,
    SetBlend {
        layer: LayerId,
        blend: BlendMode,
    },
    /// Writes the selected one to a file of its own.
    Export,
}

/// Where a shortcut is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Everywhere,
    /// Not while text is edited or a sheet is open.
    OutsideText,
    /// Only while nothing has the keyboard focus, so that a focused tile keeps its own keys.
    Unfocused,
    /// In the gallery's place, outside text: there the key means this and nothing else.
    Gallery,
    /// While a grid of pictures has the keyboard focus, or nothing has it in the gallery's place.
    Grid,
    /// Only in the prompt's text.
    InText,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortcut {
    pub command: bool,
    pub shift: bool,
    pub alt: bool,
    pub key: Key,
    pub scope: Scope,
}

impl Shortcut {
    pub(super) const fn new(key: Key, scope: Scope) -> Self {
        Self {
            command: false,
            shift: false,
            alt: false,
            key,
            scope,
        }
    }

    pub(super) const fn ctrl(mut self) -> Self {
        self.command = true;
        self
    }

    pub(super) const fn shift(mut self) -> Self {
        self.shift = true;
        self
    }

    pub(super) const fn alt(mut self) -> Self {
        self.alt = true;
        self
    }

    pub fn matches(&self, key: Key, modifiers: Modifiers) -> bool {
        self.key == key
            && self.command == modifiers.command
            && self.shift == modifiers.shift
            && self.alt == modifiers.alt
    }

    /// As it is written on buttons and in the palette.
    pub fn text(&self, is_mac: bool) -> String {
        let mut text = String::new();
        for (pressed, mac, other) in [
            (self.command, "⌘", "Ctrl "),
            (self.alt, "⌥", "Alt "),
            (self.shift, "⇧", "Shift "),
        ] {
            if pressed {
                text.push_str(if is_mac { mac } else { other });
            }
        }
        text.push_str(match self.key {
            Key::Enter => "↵",
            Key::ArrowUp => "↑",
            Key::ArrowDown => "↓",
            Key::ArrowLeft => "←",
            Key::ArrowRight => "→",
            Key::Escape => "Esc",
            Key::Plus | Key::Equals => "+",
            Key::Minus => "−",
            Key::Comma => ",",
            key => key.symbol_or_name(),
        });
        text
    }
}

impl Command {
    /// The shortcut to show beside the label.
    pub fn shortcut(&self) -> Option<Shortcut> {
        BINDINGS
            .iter()
            .find(|(_, command)| command == self)
            .map(|(shortcut, _)| *shortcut)
    }
}
