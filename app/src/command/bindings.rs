//! Keys, and what the palette lists.

use egui::{Key, Modifiers};

use super::{
    Command, CopiesCommand, GalleryCommand, GestureCommand, LayerCommand, ModelsCommand, Scope,
    Shortcut, Step, ViewCommand,
};
use crate::session::{Deed, Place, SideTab};
use crate::settings::Theme;
use crate::tools::{MaskAction, Tool};

const fn everywhere(key: Key) -> Shortcut {
    Shortcut::new(key, Scope::Everywhere)
}

const fn outside_text(key: Key) -> Shortcut {
    Shortcut::new(key, Scope::OutsideText)
}

const fn unfocused(key: Key) -> Shortcut {
    Shortcut::new(key, Scope::Unfocused)
}

const fn gallery(key: Key) -> Shortcut {
    Shortcut::new(key, Scope::Gallery)
}

const fn grid(key: Key) -> Shortcut {
    Shortcut::new(key, Scope::Grid)
}

const fn step(step: Step) -> Command {
    Command::Gallery(GalleryCommand::Move {
        step,
        extends: false,
    })
}

const fn extend(step: Step) -> Command {
    Command::Gallery(GalleryCommand::Move {
        step,
        extends: true,
    })
}

const fn in_text(key: Key) -> Shortcut {
    Shortcut::new(key, Scope::InText)
}

/// The shortcuts; a command's first one is the one that is shown. Those of the gallery come first: where they
/// are heard, the same keys mean nothing else.
pub const BINDINGS: &[(Shortcut, Command)] = &[
    (grid(Key::ArrowLeft), step(Step::Left)),
    (grid(Key::ArrowRight), step(Step::Right)),
    (grid(Key::ArrowUp), step(Step::Up)),
    (grid(Key::ArrowDown), step(Step::Down)),
    (grid(Key::PageUp), step(Step::PageUp)),
    (grid(Key::PageDown), step(Step::PageDown)),
    (grid(Key::Home), step(Step::First)),
    (grid(Key::End), step(Step::Last)),
    (grid(Key::ArrowLeft).shift(), extend(Step::Left)),
    (grid(Key::ArrowRight).shift(), extend(Step::Right)),
    (grid(Key::ArrowUp).shift(), extend(Step::Up)),
    (grid(Key::ArrowDown).shift(), extend(Step::Down)),
    (grid(Key::PageUp).shift(), extend(Step::PageUp)),
    (grid(Key::PageDown).shift(), extend(Step::PageDown)),
    (grid(Key::Home).shift(), extend(Step::First)),
    (grid(Key::End).shift(), extend(Step::Last)),
    (grid(Key::Enter), Command::Gallery(GalleryCommand::Open)),
    (grid(Key::Space), Command::Gallery(GalleryCommand::Look)),
    (
        gallery(Key::A).ctrl(),
        Command::Gallery(GalleryCommand::ChooseAll),
    ),
    (
        gallery(Key::D).ctrl(),
        Command::Gallery(GalleryCommand::ChooseNone),
    ),
    (
        gallery(Key::S),
        Command::Gallery(GalleryCommand::StarChosen),
    ),
    (gallery(Key::B), Command::Gallery(GalleryCommand::AskBoard)),
    (
        gallery(Key::Delete),
        Command::Gallery(GalleryCommand::TrashChosen),
    ),
    (
        grid(Key::Delete),
        Command::Gallery(GalleryCommand::TrashChosen),
    ),
    (
        gallery(Key::Z).ctrl(),
        Command::Gallery(GalleryCommand::Undo(None)),
    ),
    (
        gallery(Key::Z).ctrl().shift(),
        Command::Gallery(GalleryCommand::Redo),
    ),
    (
        gallery(Key::Y).ctrl(),
        Command::Gallery(GalleryCommand::Redo),
    ),
    (
        gallery(Key::I),
        Command::Gallery(GalleryCommand::ToggleDetails),
    ),
    (
        everywhere(Key::F).ctrl(),
        Command::Gallery(GalleryCommand::FocusSearch),
    ),
    (everywhere(Key::T).ctrl().shift(), Command::ReopenDocument),
    (everywhere(Key::Enter).ctrl(), Command::Generate),
    (everywhere(Key::Enter).ctrl().shift(), Command::Again),
    (everywhere(Key::Escape).shift(), Command::CancelCurrent),
    (everywhere(Key::Escape), Command::Escape),
    (outside_text(Key::T), Command::FocusPrompt),
    (in_text(Key::ArrowUp).alt(), Command::EarlierPrompt),
    (in_text(Key::ArrowDown).alt(), Command::LaterPrompt),
    (outside_text(Key::Num1), Command::ShowResult(1)),
    (outside_text(Key::Num2), Command::ShowResult(2)),
    (outside_text(Key::Num3), Command::ShowResult(3)),
    (outside_text(Key::Num4), Command::ShowResult(4)),
    (outside_text(Key::Num5), Command::ShowResult(5)),
    (outside_text(Key::Num6), Command::ShowResult(6)),
    (outside_text(Key::Num7), Command::ShowResult(7)),
    (outside_text(Key::Num8), Command::ShowResult(8)),
    (outside_text(Key::Num9), Command::ShowResult(9)),
    (outside_text(Key::Num0), Command::ShowBefore),
    (unfocused(Key::ArrowLeft), Command::PreviousResult),
    (unfocused(Key::ArrowRight), Command::NextResult),
    (unfocused(Key::Enter), Command::Keep),
    (
        outside_text(Key::V).shift(),
        Command::Gesture(GestureCommand::Vary(None)),
    ),
    (
        outside_text(Key::B).shift(),
        Command::Gesture(GestureCommand::AddToMix(None)),
    ),
    (outside_text(Key::Z).ctrl(), Command::Undo),
    (outside_text(Key::Z).ctrl().shift(), Command::Redo),
    (outside_text(Key::Y).ctrl(), Command::Redo),
    (outside_text(Key::H), Command::Tool(Tool::Pan)),
    (outside_text(Key::Z), Command::Tool(Tool::Zoom)),
    (outside_text(Key::R), Command::Tool(Tool::RotateView)),
    (outside_text(Key::V), Command::Tool(Tool::Move)),
    (outside_text(Key::B), Command::Tool(Tool::Brush)),
    (outside_text(Key::E), Command::Tool(Tool::Eraser)),
    (outside_text(Key::L), Command::Tool(Tool::Lasso)),
    (outside_text(Key::L).shift(), Command::Tool(Tool::Polygon)),
    (outside_text(Key::M), Command::Tool(Tool::Rectangle)),
    (outside_text(Key::M).shift(), Command::Tool(Tool::Ellipse)),
    (outside_text(Key::W), Command::Tool(Tool::Wand)),
    (outside_text(Key::I), Command::Tool(Tool::Eyedropper)),
    (outside_text(Key::C), Command::Tool(Tool::Crop)),
    (outside_text(Key::P), Command::Tool(Tool::SketchBrush)),
    (outside_text(Key::X), Command::SwapTools),
    (outside_text(Key::OpenBracket), Command::BrushSize(-1)),
    (outside_text(Key::CloseBracket), Command::BrushSize(1)),
    (
        outside_text(Key::OpenBracket).shift(),
        Command::BrushHardness(-1),
    ),
    (
        outside_text(Key::CloseBracket).shift(),
        Command::BrushHardness(1),
    ),
    (unfocused(Key::ArrowUp), Command::Nudge(0, -1)),
    (unfocused(Key::ArrowDown), Command::Nudge(0, 1)),
    (unfocused(Key::ArrowLeft).shift(), Command::Nudge(-10, 0)),
    (unfocused(Key::ArrowRight).shift(), Command::Nudge(10, 0)),
    (unfocused(Key::ArrowUp).shift(), Command::Nudge(0, -10)),
    (unfocused(Key::ArrowDown).shift(), Command::Nudge(0, 10)),
    (outside_text(Key::A).ctrl(), Command::Mask(MaskAction::All)),
    (
        outside_text(Key::D).ctrl(),
        Command::Mask(MaskAction::Clear),
    ),
    (
        outside_text(Key::D).ctrl().shift(),
        Command::Mask(MaskAction::Last),
    ),
    (
        outside_text(Key::I).ctrl().shift(),
        Command::Mask(MaskAction::Invert),
    ),
    (outside_text(Key::Backslash), Command::ToggleMask),
    (everywhere(Key::N).ctrl(), Command::NewDocument),
    (everywhere(Key::N).ctrl().alt(), Command::AskBlankCanvas),
    (everywhere(Key::O).ctrl(), Command::OpenFile),
    (everywhere(Key::S).ctrl(), Command::Save),
    (everywhere(Key::S).ctrl().shift(), Command::SaveAs),
    (everywhere(Key::W).ctrl(), Command::CloseCurrent),
    (everywhere(Key::Tab).ctrl(), Command::NextDocument),
    (
        everywhere(Key::Tab).ctrl().shift(),
        Command::PreviousDocument,
    ),
    (
        outside_text(Key::J).ctrl(),
        Command::Layer(LayerCommand::Duplicate),
    ),
    (
        outside_text(Key::E).ctrl(),
        Command::Layer(LayerCommand::MergeDown),
    ),
    (
        outside_text(Key::CloseBracket).ctrl(),
        Command::Layer(LayerCommand::Raise),
    ),
    (
        outside_text(Key::OpenBracket).ctrl(),
        Command::Layer(LayerCommand::Lower),
    ),
    (outside_text(Key::C).ctrl().shift(), Command::CopyMerged),
    (outside_text(Key::V).ctrl().shift(), Command::PasteDocument),
    (everywhere(Key::Num0).ctrl(), Command::ZoomFit),
    (everywhere(Key::Num1).ctrl(), Command::ZoomActual),
    (everywhere(Key::Plus).ctrl(), Command::ZoomIn),
    (everywhere(Key::Plus).ctrl().shift(), Command::ZoomIn),
    (everywhere(Key::Equals).ctrl(), Command::ZoomIn),
    (everywhere(Key::Minus).ctrl(), Command::ZoomOut),
    (unfocused(Key::Tab), Command::TogglePanels),
    (everywhere(Key::F6), Command::NextRegion),
    (
        outside_text(Key::C).shift(),
        Command::View(ViewCommand::CompareResults),
    ),
    (outside_text(Key::F), Command::FullScreen),
    (everywhere(Key::F11), Command::FullScreen),
    (outside_text(Key::S), Command::ToggleStar),
    (outside_text(Key::Delete), Command::Delete),
    (everywhere(Key::E).ctrl().shift(), Command::Export),
    (everywhere(Key::K).ctrl(), Command::Palette),
    (everywhere(Key::F1), Command::Shortcuts),
    (outside_text(Key::Questionmark), Command::Shortcuts),
    (outside_text(Key::Questionmark).shift(), Command::Shortcuts),
    (outside_text(Key::Slash).shift(), Command::Shortcuts),
    (everywhere(Key::Comma).ctrl(), Command::Settings),
];

/// What the palette lists, besides models and devices, which it adds itself.
pub const LISTED: &[Command] = &[
    Command::Generate,
    Command::Do(Deed::NewPictures),
    Command::Do(Deed::FillMask),
    Command::Do(Deed::ChangePicture),
    Command::Do(Deed::Extend),
    Command::Again,
    Command::Gesture(GestureCommand::Vary(None)),
    Command::Gesture(GestureCommand::AddToMix(None)),
    Command::Gesture(GestureCommand::Turn(None)),
    UPSCALE_2,
    UPSCALE_4,
    Command::Gesture(GestureCommand::LeaveTray),
    Command::Keep,
    Command::Discard,
    Command::Undo,
    Command::Redo,
    Command::CancelCurrent,
    Command::FocusPrompt,
    Command::SurprisePrompt,
    Command::EarlierPrompt,
    Command::LaterPrompt,
    Command::ShowBefore,
    Command::PreviousResult,
    Command::NextResult,
    Command::View(ViewCommand::CompareResults),
    Command::Export,
    Command::CopyPicture,
    Command::Copies(CopiesCommand::ShownAsFile),
    Command::ToggleStar,
    Command::MoreLike(None),
    Command::Delete,
    Command::OpenFolder,
    Command::GoTo(Place::Canvas),
    Command::GoTo(Place::Gallery),
    Command::GoTo(Place::Models),
    Command::Gallery(GalleryCommand::ChooseAll),
    Command::Gallery(GalleryCommand::ChooseNone),
    Command::Gallery(GalleryCommand::AskBoard),
    Command::Gallery(GalleryCommand::ToggleDetails),
    Command::Gallery(GalleryCommand::FocusSearch),
    Command::Gallery(GalleryCommand::AskImport),
    Command::Gallery(GalleryCommand::AskEmptyTrash),
    Command::SideTab(SideTab::Results),
    Command::SideTab(SideTab::Layers),
    Command::SideTab(SideTab::Info),
    Command::NewDocument,
    Command::AskBlankCanvas,
    Command::OpenFile,
    Command::Save,
    Command::SaveAs,
    Command::SaveWithoutHistory,
    Command::CloseCurrent,
    Command::ReopenDocument,
    Command::NextDocument,
    Command::PreviousDocument,
    Command::Tool(Tool::Pan),
    Command::Tool(Tool::Zoom),
    Command::Tool(Tool::RotateView),
    Command::Tool(Tool::Move),
    Command::Tool(Tool::Brush),
    Command::Tool(Tool::Eraser),
    Command::Tool(Tool::Lasso),
    Command::Tool(Tool::Polygon),
    Command::Tool(Tool::Rectangle),
    Command::Tool(Tool::Ellipse),
    Command::Tool(Tool::Wand),
    Command::Tool(Tool::Eyedropper),
    Command::Tool(Tool::Crop),
    Command::Tool(Tool::SketchBrush),
    Command::SwapTools,
    Command::ApplyCrop,
    Command::ChooseCrop(None),
    Command::ChooseCrop(Some((1, 1))),
    Command::ChooseCrop(Some((4, 3))),
    Command::ChooseCrop(Some((16, 9))),
    Command::ChooseCrop(Some((3, 4))),
    Command::ChooseCrop(Some((9, 16))),
    Command::ExtendTo((16, 9)),
    Command::ExtendTo((4, 3)),
    Command::ExtendTo((1, 1)),
    Command::ExtendTo((3, 4)),
    Command::ExtendTo((9, 16)),
    Command::Mask(MaskAction::All),
    Command::Mask(MaskAction::Clear),
    Command::Mask(MaskAction::Last),
    Command::Mask(MaskAction::Invert),
    Command::LoadMask,
    Command::SaveMask,
    Command::ToggleMask,
    Command::Layer(LayerCommand::AddSketch),
    Command::Layer(LayerCommand::Duplicate),
    Command::Layer(LayerCommand::Raise),
    Command::Layer(LayerCommand::Lower),
    Command::Layer(LayerCommand::MergeDown),
    Command::Layer(LayerCommand::MergeVisible),
    Command::Layer(LayerCommand::DeleteSelected),
    Command::Layer(LayerCommand::Export),
    Command::CopyMerged,
    Command::PasteDocument,
    Command::ZoomFit,
    Command::ZoomActual,
    Command::ZoomIn,
    Command::ZoomOut,
    Command::TogglePanels,
    Command::FullScreen,
    Command::NextRegion,
    Command::SetTheme(Theme::System),
    Command::SetTheme(Theme::Dark),
    Command::SetTheme(Theme::Light),
    Command::ShowScores(true),
    Command::ShowScores(false),
    Command::ChooseGalleryFolder,
    Command::Models(ModelsCommand::ChooseFolder),
    Command::Models(ModelsCommand::ChooseFile),
    Command::Models(ModelsCommand::OpenFolder),
    Command::Models(ModelsCommand::Refresh),
    Command::Shortcuts,
    Command::Settings,
];

const UPSCALE_2: Command = Command::Gesture(GestureCommand::Upscale {
    picture: None,
    scale: 2,
});
const UPSCALE_4: Command = Command::Gesture(GestureCommand::Upscale {
    picture: None,
    scale: 4,
});

/// The command that a key press means here, if any.
pub fn command_for(
    key: Key,
    modifiers: Modifiers,
    heard: impl Fn(Scope) -> bool,
) -> Option<&'static Command> {
    BINDINGS
        .iter()
        .find(|(shortcut, _)| heard(shortcut.scope) && shortcut.matches(key, modifiers))
        .map(|(_, command)| command)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the gallery a key may mean something of its own, which then stands first.
    #[test]
    fn no_two_commands_share_a_shortcut() {
        let is_of_gallery = |scope| matches!(scope, Scope::Gallery | Scope::Grid);
        for (i, (shortcut, command)) in BINDINGS.iter().enumerate() {
            for (other, other_command) in &BINDINGS[i + 1..] {
                let same_keys = (shortcut.command, shortcut.shift, shortcut.alt, shortcut.key)
                    == (other.command, other.shift, other.alt, other.key);
                let goes_first = is_of_gallery(shortcut.scope) && !is_of_gallery(other.scope);
                assert!(
                    !same_keys || goes_first || command == other_command,
                    "{} means both {command:?} and {other_command:?}",
                    shortcut.text(false)
                );
            }
        }
    }

    /// A bare letter, digit or editing key would be swallowed in a text field.
    #[test]
    fn keys_that_type_are_never_heard_in_text() {
        for (shortcut, command) in BINDINGS {
            let types = !shortcut.command && !shortcut.alt;
            let function_key = matches!(shortcut.key, Key::Escape | Key::F1 | Key::F6 | Key::F11);
            if types && !function_key {
                assert!(
                    !matches!(shortcut.scope, Scope::Everywhere | Scope::InText),
                    "{command:?}"
                );
            }
            // The text field's own editing keys.
            let edits = [Key::A, Key::C, Key::V, Key::X, Key::Z, Key::Y];
            if shortcut.command && edits.contains(&shortcut.key) {
                assert_ne!(shortcut.scope, Scope::Everywhere, "{command:?}");
            }
        }
    }

    #[test]
    fn every_shortcut_is_in_the_palette_or_has_no_use_there() {
        for (_, command) in BINDINGS {
            let elsewhere = matches!(
                command,
                Command::ShowResult(_)
                    | Command::Escape
                    | Command::Palette
                    | Command::BrushSize(_)
                    | Command::BrushHardness(_)
                    | Command::Nudge(..)
                    | Command::Gallery(_)
            );
            assert!(
                elsewhere || LISTED.contains(command),
                "{command:?} is not listed"
            );
        }
    }

    #[test]
    fn shortcuts_read_as_keys() {
        let text = |command: &Command, is_mac| command.shortcut().map(|s| s.text(is_mac));
        assert_eq!(text(&Command::Generate, false).as_deref(), Some("Ctrl ↵"));
        assert_eq!(text(&Command::Generate, true).as_deref(), Some("⌘↵"));
        assert_eq!(
            text(&Command::Export, false).as_deref(),
            Some("Ctrl Shift E")
        );
    }
}
