//! What commands are called.

use limn_engine::protocol::DeviceChoice;

use super::{Command, LayerCommand};
use crate::settings::Theme;

impl Command {
    /// Short and plain: what the palette, the menus and screen readers say.
    #[expect(clippy::too_many_lines, reason = "one line for each command")]
    pub fn label(&self) -> String {
        let fixed = match self {
            Self::Generate => "Run the prompt",
            Self::Do(deed) | Self::ChooseDeed(deed) => deed.label(),
            Self::SetChoices(_) => "How to change the picture",
            Self::Again => "Again, with new seeds",
            Self::Gesture(command) => return command.label(),
            Self::Keep => "Keep",
            Self::Discard => "Discard",
            Self::Undo
            | Self::UndoStep { .. }
            | Self::Restore(_)
            | Self::TakeBackRun(_)
            | Self::PutBack(_) => "Undo",
            Self::Redo => "Redo",
            Self::RunAgain(_) => "Run again",
            Self::CancelCurrent => "Cancel the running job",
            Self::CancelRun(_) | Self::ForgetDropped => "Cancel",
            Self::DismissRun(_) => "Hide these results",
            Self::RetrySaving => "Try saving again",
            Self::FocusPrompt => "Write a prompt",
            Self::EarlierPrompt => "Earlier prompt",
            Self::LaterPrompt => "Later prompt",
            Self::SetPrompt(text) => return format!("Use the prompt “{text}”"),
            Self::SurprisePrompt => "Surprise me",
            Self::ReplaceWord { from, to } => return format!("Replace “{from}” by “{to}”"),
            Self::UseRecipe { part, .. } => part.label(),
            Self::Show(_) => "Show on the canvas",
            Self::View(command) => command.label(),
            Self::SelectRun(_) => "Show these results",
            Self::ShowResult(n) => return format!("Show result {n}"),
            Self::ShowBefore => "Show the picture before",
            Self::PreviousResult => "Previous result",
            Self::NextResult => "Next result",
            Self::GoTo(place) => return format!("Go to {}", place.label()),
            Self::SideTab(tab) => return format!("Show {}", tab.label()),
            Self::Tool(tool) => tool.label(),
            Self::SwapTools => "Swap brush and eraser",
            Self::BrushSize(step) if *step < 0 => "Smaller brush",
            Self::BrushSize(_) => "Larger brush",
            Self::BrushHardness(step) if *step < 0 => "Softer brush",
            Self::BrushHardness(_) => "Harder brush",
            Self::AdjustBrush { .. } | Self::SetTools(_) => "Set the tool",
            Self::EditPatchMask(true) => "Edit this patch's mask",
            Self::EditPatchMask(false) => "Back to the picture's mask",
            Self::Pointer(_) => "Use the tool",
            Self::Nudge(..) => "Nudge the layer",
            Self::ExtendTo((width, height)) => return format!("Extend to {width}:{height}"),
            Self::ChooseCrop(None) => "Crop freely",
            Self::ChooseCrop(Some((width, height))) => return format!("Crop to {width}:{height}"),
            Self::ApplyCrop => "Crop",
            Self::Mask(action) => action.label(),
            Self::LoadMask => "Load a mask…",
            Self::ReadMask(_) => "Read the picture as a mask",
            Self::SaveMask => "Save the mask…",
            Self::Peek(_) => "Peek under the mask",
            Self::ToggleMask => "Hide or show the mask",
            Self::Layer(command) => command.label(),
            Self::NewDocument => "New document",
            Self::AskBlankCanvas => "Blank canvas…",
            Self::NewCanvas(_) => "New canvas",
            Self::OpenFile => "Open…",
            Self::OpenRecent(path) => {
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                return format!("Open {name}");
            }
            Self::Save => "Save",
            Self::SaveAs => "Save as…",
            Self::SaveWithoutHistory => "Save a copy without history…",
            Self::OpenDropped => "Open as a document",
            Self::AddDropped => "Add as a layer",
            Self::SelectDocument(_) => "Show this document",
            Self::CloseDocument(_) | Self::CloseCurrent => "Close the document",
            Self::ReopenDocument => "Open the closed document again",
            Self::RenameDocument { .. } => "Rename the document",
            Self::NextDocument => "Next document",
            Self::PreviousDocument => "Previous document",
            Self::OpenAsDocument(_) => "Open on the canvas",
            Self::AddAsLayer(_) => "Add as layer",
            Self::PastePicture { .. } => "Paste the picture",
            Self::PasteDocument => "Paste as a new document",
            Self::Pin { pinned: true, .. } => "Pin beside the canvas",
            Self::Pin { pinned: false, .. } => "Unpin the picture",
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::ZoomFit => "Fit the picture",
            Self::ZoomActual => "Zoom to 100 %",
            Self::TogglePanels => "Hide or show the panels",
            Self::FullScreen => "Full screen",
            Self::NextRegion => "To the next part of the window",
            Self::Palette => "Commands",
            Self::Shortcuts => "Keyboard shortcuts",
            Self::Models(command) => command.label(),
            Self::Settings => "Settings",
            Self::Escape => "Close",
            Self::Export => "Export…",
            Self::Copies(command) => command.label(),
            Self::CopyPicture => "Copy the picture",
            Self::CopyMerged => "Copy all layers together",
            Self::CopyPrompt(_) => "Copy the prompt",
            Self::OpenFolder => "Open the gallery folder",
            Self::ShowInFolder(_) | Self::ShowFile(_) => "Show in the folder",
            Self::ToggleStar => "Star or unstar",
            Self::StarPicture { starred: true, .. } => "Star",
            Self::StarPicture { starred: false, .. } => "Remove the star",
            Self::Delete | Self::DeletePicture(_) => "Move to the trash",
            Self::SearchGallery(_) => "Search the gallery",
            Self::Gallery(command) => return command.label(),
            Self::MoreLike(_) => "Find similar pictures",
            Self::SetIndexModel(_) => "Find pictures by this model",
            Self::SetModel(model) => return format!("Use the model {}", model.0),
            Self::SetDevice(device) => return format!("Compute on {}", device_label(device)),
            Self::SetTheme(theme) => theme_label(*theme),
            Self::SetScale(_) => "Interface scale",
            Self::ShowScores(true) => "Show scores on results",
            Self::ShowScores(false) => "Hide scores on results",
            Self::SetMaskColour(_) => "Colour of masks",
            Self::ChooseGalleryFolder => "Choose the gallery folder…",
            Self::DismissToast(_) => "Close the message",
            Self::CloseAnyway => "Close anyway",
            Self::FinishStart => "Do what the start left out",
        };
        fixed.to_owned()
    }

    /// Says more than the label, where there is more to say.
    pub fn tooltip(&self) -> Option<&'static str> {
        Some(match self {
            Self::Generate => "Queues the prompt; it starts when the jobs before it are done",
            Self::Do(deed) | Self::ChooseDeed(deed) => deed.remark(),
            Self::SurprisePrompt => "A prompt out of the words that the model knows",
            Self::Again => "What the shown results were asked for, with new seeds",
            Self::Gesture(command) => command.tooltip(),
            Self::ShowScores(_) => "How well a picture matches its prompt (CLIP similarity)",
            Self::Keep => "Makes the shown result a part of the document; Undo takes it back",
            Self::Discard => "Hides these results; the pictures stay in the gallery",
            Self::ToggleMask => "Hold the key to peek",
            Self::SaveWithoutHistory => {
                "Smaller, and nobody can undo back to what was there before"
            }
            Self::CloseDocument(_) | Self::CloseCurrent => "It can be opened again",
            Self::CancelCurrent | Self::CancelRun(_) => "Pictures that are finished stay",
            Self::AskBlankCanvas => "Of a size and a colour, to sketch on and to fill",
            Self::ApplyCrop => "What is left out is hidden, not lost: Undo brings it back",
            Self::ShowBefore => "What was on the canvas before these results",
            Self::Delete | Self::DeletePicture(_) => "Can be undone",
            Self::Tool(tool) => tool.tooltip(),
            Self::TogglePanels => "Only the picture and the prompt stay",
            _ => return None,
        })
    }
}

impl LayerCommand {
    pub fn label(&self) -> &'static str {
        match self {
            Self::Select(_) => "Select the layer",
            Self::Show { shown: true, .. } => "Show the layer",
            Self::Show { shown: false, .. } => "Hide the layer",
            Self::SetOpacity { .. } => "Opacity of the layer",
            Self::Rename { .. } => "Rename the layer",
            Self::Move { .. } => "Move the layer",
            Self::Raise => "Raise the layer",
            Self::Lower => "Lower the layer",
            Self::MergeDown => "Merge down",
            Self::MergeVisible => "Merge visible layers",
            Self::Delete(_) | Self::DeleteSelected => "Delete the layer",
            Self::AddSketch => "Add a sketch layer",
            Self::Duplicate => "Duplicate the layer",
            Self::SetBlend { .. } => "Blend mode of the layer",
            Self::Export => "Export the layer…",
        }
    }
}

pub fn theme_label(theme: Theme) -> &'static str {
    match theme {
        Theme::System => "Theme of the system",
        Theme::Dark => "Dark theme",
        Theme::Light => "Light theme",
    }
}

pub fn device_label(device: &DeviceChoice) -> String {
    match device {
        DeviceChoice::Auto => "the best device".to_owned(),
        DeviceChoice::Gpu => "the GPU".to_owned(),
        DeviceChoice::Cpu => "the CPU".to_owned(),
        DeviceChoice::Named(name) => name.clone(),
    }
}
