//! Everything that can be done in the window, as one enum: label, tooltip, shortcut and palette entry.
//!
//! Panels send commands; [`crate::app::App`] carries them out in one place.

use egui::{Key, Modifiers};
use limn_engine::protocol::{DeviceChoice, ModelId};

use crate::session::{PictureId, PictureRef, Place, RecipePart, RunId, SideTab, Tool};
use crate::settings::Theme;

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    NewPictures,
    /// The shown run's prompt and settings again, with new seeds.
    Again,
    /// The unfinished pictures of a run that failed or was cancelled.
    RunAgain(RunId),
    /// Cancels the job that is running.
    CancelCurrent,
    CancelRun(RunId),
    /// Hides a run from the results; its pictures stay in the gallery.
    DismissRun(RunId),
    /// Tries the writes again that failed, then goes on with the queue.
    RetrySaving,
    FocusPrompt,
    EarlierPrompt,
    LaterPrompt,
    SetPrompt(String),
    ReplaceWord {
        from: String,
        to: String,
    },
    UseRecipe {
        picture: PictureRef,
        part: RecipePart,
    },
    Show(PictureRef),
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
    ZoomIn,
    ZoomOut,
    ZoomFit,
    ZoomActual,
    TogglePanels,
    FullScreen,
    NextRegion,
    Palette,
    Settings,
    /// Closes the topmost thing: popover, sheet, text focus.
    Escape,
    Export,
    CopyPicture,
    /// Puts a picture's prompt on the clipboard.
    CopyPrompt(PictureRef),
    OpenFolder,
    ShowInFolder(PictureId),
    ToggleStar,
    StarPicture {
        id: PictureId,
        starred: bool,
    },
    Delete,
    DeletePicture(PictureId),
    Restore(PictureId),
    SearchGallery(String),
    OnlyStarred(bool),
    SetModel(ModelId),
    SetDevice(DeviceChoice),
    SetTheme(Theme),
    SetScale(f32),
    ChooseGalleryFolder,
    DismissToast(u64),
    /// Closes the window although pictures are not saved.
    CloseAnyway,
}

/// Where a shortcut is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Everywhere,
    /// Not while text is edited or a sheet is open.
    OutsideText,
    /// Only while nothing has the keyboard focus, so that a focused tile keeps its own keys.
    Unfocused,
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
    const fn new(key: Key, scope: Scope) -> Self {
        Self {
            command: false,
            shift: false,
            alt: false,
            key,
            scope,
        }
    }

    const fn ctrl(mut self) -> Self {
        self.command = true;
        self
    }

    const fn shift(mut self) -> Self {
        self.shift = true;
        self
    }

    const fn alt(mut self) -> Self {
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

const fn everywhere(key: Key) -> Shortcut {
    Shortcut::new(key, Scope::Everywhere)
}

const fn outside_text(key: Key) -> Shortcut {
    Shortcut::new(key, Scope::OutsideText)
}

const fn unfocused(key: Key) -> Shortcut {
    Shortcut::new(key, Scope::Unfocused)
}

const fn in_text(key: Key) -> Shortcut {
    Shortcut::new(key, Scope::InText)
}

/// The shortcuts; a command's first one is the one that is shown.
pub const BINDINGS: &[(Shortcut, Command)] = &[
    (everywhere(Key::Enter).ctrl(), Command::NewPictures),
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
    (outside_text(Key::H), Command::Tool(Tool::Pan)),
    (outside_text(Key::Z), Command::Tool(Tool::Zoom)),
    (everywhere(Key::Num0).ctrl(), Command::ZoomFit),
    (everywhere(Key::Num1).ctrl(), Command::ZoomActual),
    (everywhere(Key::Plus).ctrl(), Command::ZoomIn),
    (everywhere(Key::Plus).ctrl().shift(), Command::ZoomIn),
    (everywhere(Key::Equals).ctrl(), Command::ZoomIn),
    (everywhere(Key::Minus).ctrl(), Command::ZoomOut),
    (unfocused(Key::Tab), Command::TogglePanels),
    (everywhere(Key::F6), Command::NextRegion),
    (outside_text(Key::F), Command::FullScreen),
    (everywhere(Key::F11), Command::FullScreen),
    (outside_text(Key::S), Command::ToggleStar),
    (outside_text(Key::Delete), Command::Delete),
    (everywhere(Key::E).ctrl().shift(), Command::Export),
    (everywhere(Key::K).ctrl(), Command::Palette),
    (everywhere(Key::Comma).ctrl(), Command::Settings),
];

/// What the palette lists, besides models and devices, which it adds itself.
pub const LISTED: &[Command] = &[
    Command::NewPictures,
    Command::Again,
    Command::CancelCurrent,
    Command::FocusPrompt,
    Command::EarlierPrompt,
    Command::LaterPrompt,
    Command::ShowBefore,
    Command::PreviousResult,
    Command::NextResult,
    Command::Export,
    Command::CopyPicture,
    Command::ToggleStar,
    Command::Delete,
    Command::OpenFolder,
    Command::GoTo(Place::Canvas),
    Command::GoTo(Place::Gallery),
    Command::GoTo(Place::Models),
    Command::SideTab(SideTab::Results),
    Command::SideTab(SideTab::Info),
    Command::Tool(Tool::Pan),
    Command::Tool(Tool::Zoom),
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
    Command::ChooseGalleryFolder,
    Command::Settings,
];

impl Command {
    /// Short and plain: what the palette, the menus and screen readers say.
    pub fn label(&self) -> String {
        let fixed = match self {
            Self::NewPictures => "New pictures",
            Self::Again => "Again, with new seeds",
            Self::RunAgain(_) => "Run again",
            Self::CancelCurrent => "Cancel the running job",
            Self::CancelRun(_) => "Cancel",
            Self::DismissRun(_) => "Put away",
            Self::RetrySaving => "Try saving again",
            Self::FocusPrompt => "Write a prompt",
            Self::EarlierPrompt => "Earlier prompt",
            Self::LaterPrompt => "Later prompt",
            Self::SetPrompt(text) => return format!("Use the prompt “{text}”"),
            Self::ReplaceWord { from, to } => return format!("Replace “{from}” by “{to}”"),
            Self::UseRecipe { part, .. } => part.label(),
            Self::Show(_) => "Show on the canvas",
            Self::SelectRun(_) => "Show these results",
            Self::ShowResult(n) => return format!("Show result {n}"),
            Self::ShowBefore => "Show the picture before",
            Self::PreviousResult => "Previous result",
            Self::NextResult => "Next result",
            Self::GoTo(place) => return format!("Go to {}", place.label()),
            Self::SideTab(tab) => return format!("Show {}", tab.label()),
            Self::Tool(tool) => tool.label(),
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::ZoomFit => "Fit the picture",
            Self::ZoomActual => "Zoom to 100 %",
            Self::TogglePanels => "Hide or show the panels",
            Self::FullScreen => "Full screen",
            Self::NextRegion => "To the next part of the window",
            Self::Palette => "Commands",
            Self::Settings => "Settings",
            Self::Escape => "Close",
            Self::Export => "Export…",
            Self::CopyPicture => "Copy the picture",
            Self::CopyPrompt(_) => "Copy the prompt",
            Self::OpenFolder => "Open the gallery folder",
            Self::ShowInFolder(_) => "Show in the folder",
            Self::ToggleStar => "Star or unstar",
            Self::StarPicture { starred: true, .. } => "Star",
            Self::StarPicture { starred: false, .. } => "Remove the star",
            Self::Delete | Self::DeletePicture(_) => "Move to the trash",
            Self::Restore(_) => "Undo",
            Self::SearchGallery(_) => "Search the gallery",
            Self::OnlyStarred(true) => "Show only starred pictures",
            Self::OnlyStarred(false) => "Show all pictures",
            Self::SetModel(model) => return format!("Use the model {}", model.0),
            Self::SetDevice(device) => return format!("Compute on {}", device_label(device)),
            Self::SetTheme(theme) => theme_label(*theme),
            Self::SetScale(_) => "Interface scale",
            Self::ChooseGalleryFolder => "Choose the gallery folder…",
            Self::DismissToast(_) => "Close the message",
            Self::CloseAnyway => "Close anyway",
        };
        fixed.to_owned()
    }

    /// Says more than the label, where there is more to say.
    pub fn tooltip(&self) -> Option<&'static str> {
        Some(match self {
            Self::NewPictures => "Queues the prompt; it starts when the jobs before it are done",
            Self::Again => "The same prompt and settings as the shown results, with new seeds",
            Self::CancelCurrent | Self::CancelRun(_) => "Pictures that are finished stay",
            Self::ShowBefore => "What was on the canvas before these results",
            Self::Delete | Self::DeletePicture(_) => "Can be undone",
            Self::Tool(Tool::Pan) => "Drag to move the view; Space does the same for a moment",
            Self::Tool(Tool::Zoom) => {
                "Click to zoom in, with Alt to zoom out; the wheel always zooms"
            }
            Self::TogglePanels => "Only the picture and the prompt stay",
            _ => return None,
        })
    }

    /// The shortcut to show beside the label.
    pub fn shortcut(&self) -> Option<Shortcut> {
        BINDINGS
            .iter()
            .find(|(_, command)| command == self)
            .map(|(shortcut, _)| *shortcut)
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

    #[test]
    fn no_two_commands_share_a_shortcut() {
        for (i, (shortcut, command)) in BINDINGS.iter().enumerate() {
            for (other, other_command) in &BINDINGS[i + 1..] {
                let same_keys = (shortcut.command, shortcut.shift, shortcut.alt, shortcut.key)
                    == (other.command, other.shift, other.alt, other.key);
                assert!(
                    !same_keys,
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
            let function_key = matches!(shortcut.key, Key::Escape | Key::F6 | Key::F11);
            if types && !function_key {
                assert!(
                    matches!(shortcut.scope, Scope::OutsideText | Scope::Unfocused),
                    "{command:?}"
                );
            }
            // The text field's own editing keys.
            if shortcut.command && !shortcut.shift {
                let edits = [Key::A, Key::C, Key::V, Key::X, Key::Z, Key::Y];
                assert!(!edits.contains(&shortcut.key), "{command:?}");
            }
        }
    }

    #[test]
    fn every_shortcut_is_in_the_palette_or_has_no_use_there() {
        for (_, command) in BINDINGS {
            let elsewhere = matches!(
                command,
                Command::ShowResult(_) | Command::Escape | Command::Palette
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
        assert_eq!(
            text(&Command::NewPictures, false).as_deref(),
            Some("Ctrl ↵")
        );
        assert_eq!(text(&Command::NewPictures, true).as_deref(), Some("⌘↵"));
        assert_eq!(
            text(&Command::Export, false).as_deref(),
            Some("Ctrl Shift E")
        );
    }
}
