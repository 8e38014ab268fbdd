//! Turns key presses into commands before egui's own focus handling sees them.
//!
//! A plugin and not a look at the input inside `ui`: Tab and the arrows would otherwise already have moved
//! the focus, Esc already have left the text, and `T` already have typed a letter into the prompt.

use std::collections::HashSet;
use std::sync::Arc;

use egui::{Context, Event, Key, RawInput};

use crate::command::{self, Command, GalleryCommand, Scope};
use crate::panels::gallery::GridKind;

#[derive(Default)]
pub struct Keyboard {
    pressed: Vec<Command>,
    /// Pressed after something was typed in the same frame: the text gets that first.
    late: Vec<Command>,
    /// Keys that are held: a press of one of them is a repeat. egui marks repeats only after this hook.
    held: HashSet<Key>,
    /// A sheet or the palette is open: only what is heard everywhere is heard.
    pub sheet_is_open: bool,
    /// The gallery's place is shown.
    pub is_in_gallery: bool,
}

impl Keyboard {
    pub fn install(ctx: &Context) {
        ctx.add_plugin(Self::default());
    }

    /// The commands pressed since the last call, in order.
    pub fn take(ctx: &Context, sheet_is_open: bool, is_in_gallery: bool) -> Vec<Command> {
        let (now, has_late) = ctx
            .with_plugin(|keyboard: &mut Self| {
                keyboard.sheet_is_open = sheet_is_open;
                keyboard.is_in_gallery = is_in_gallery;
                let late = std::mem::take(&mut keyboard.late);
                let has_late = !late.is_empty();
                (std::mem::replace(&mut keyboard.pressed, late), has_late)
            })
            .unwrap_or_default();
        if has_late {
            ctx.request_repaint();
        }
        now
    }
}

impl egui::Plugin for Keyboard {
    fn debug_name(&self) -> &'static str {
        "limn keyboard"
    }

    fn input_hook(&mut self, ctx: &Context, input: &mut RawInput) {
        let in_text = ctx.text_edit_focused();
        let focused = ctx.memory(egui::Memory::focused);
        let has_focus = focused.is_some();
        let (sheet, in_gallery) = (self.sheet_is_open, self.is_in_gallery);
        let grids = [GridKind::Place, GridKind::Strip].map(GridKind::cursor_id);
        let in_grid = focused.map_or(in_gallery, |id| grids.contains(&id));
        let heard = |scope| match scope {
            Scope::Everywhere => true,
            Scope::OutsideText => !in_text && !sheet,
            Scope::Unfocused => !has_focus && !sheet,
            Scope::InText => in_text && !sheet,
            Scope::Gallery => in_gallery && !in_text && !sheet,
            Scope::Grid => in_grid && !sheet,
        };
        let mut drop_text = false;
        let mut has_typed = false;
        let Self {
            pressed,
            late,
            held,
            ..
        } = self;
        input.events.retain(|event| match event {
            Event::WindowFocused(false) => {
                // What is let go of elsewhere is not heard of here.
                held.clear();
                true
            }
            // Held it shows what is under the mask, pressed for a moment it toggles: both ends count.
            Event::Key {
                key,
                physical_key,
                pressed: is_down,
                modifiers,
                ..
            } if by_position(*key, *physical_key) == Key::Backslash
                && (!is_down || (heard(Scope::OutsideText) && modifiers.is_none())) =>
            {
                let is_news = if *is_down {
                    held.insert(Key::Backslash)
                } else {
                    held.remove(&Key::Backslash)
                };
                if is_news {
                    pressed.push(Command::Peek(*is_down));
                }
                drop_text = *is_down;
                !is_down
            }
            Event::Key {
                key,
                physical_key,
                pressed: true,
                modifiers,
                ..
            } => {
                drop_text = false;
                let key = by_position(*key, *physical_key);
                let is_repeat = !held.insert(key);
                let Some(command) = command::command_for(key, *modifiers, heard) else {
                    has_typed |= in_text;
                    return true;
                };
                if !is_repeat || repeats(command) {
                    let queue = if has_typed { &mut *late } else { &mut *pressed };
                    queue.push(command.clone());
                }
                drop_text = true;
                false
            }
            Event::Key {
                key, physical_key, ..
            } => {
                held.remove(&by_position(*key, *physical_key));
                true
            }
            // The letter that came with a shortcut.
            Event::Text(_) if drop_text => {
                drop_text = false;
                false
            }
            Event::Text(_) | Event::Paste(_) => {
                has_typed |= in_text;
                true
            }
            Event::Copy if !in_text => {
                pressed.push(Command::CopyPicture);
                false
            }
            Event::PasteImage(picture) if !sheet => {
                pressed.push(Command::PastePicture {
                    picture: Arc::clone(picture),
                    as_document: false,
                });
                false
            }
            _ => true,
        });
    }
}

/// Digits, brackets and backslash go by where they are on the keyboard, whatever the layout writes there.
fn by_position(key: Key, physical_key: Option<Key>) -> Key {
    match physical_key {
        Some(
            physical @ (Key::Num0
            | Key::Num1
            | Key::Num2
            | Key::Num3
            | Key::Num4
            | Key::Num5
            | Key::Num6
            | Key::Num7
            | Key::Num8
            | Key::Num9
            | Key::Backslash
            | Key::OpenBracket
            | Key::CloseBracket),
        ) => physical,
        _ => key,
    }
}

fn repeats(command: &Command) -> bool {
    matches!(
        command,
        Command::ZoomIn
            | Command::ZoomOut
            | Command::PreviousResult
            | Command::NextResult
            | Command::EarlierPrompt
            | Command::LaterPrompt
            | Command::BrushSize(_)
            | Command::BrushHardness(_)
            | Command::Nudge(..)
            | Command::Undo
            | Command::Redo
            | Command::Gallery(
                GalleryCommand::Move { .. } | GalleryCommand::Undo(_) | GalleryCommand::Redo
            )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: Key, pressed: bool) -> Event {
        Event::Key {
            key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: egui::Modifiers::NONE,
        }
    }

    fn commands(events: &[Event]) -> Vec<Command> {
        let ctx = Context::default();
        let mut keyboard = Keyboard::default();
        // A frame for each event, as a held key comes.
        for event in events {
            let mut input = RawInput {
                events: vec![event.clone()],
                ..RawInput::default()
            };
            egui::Plugin::input_hook(&mut keyboard, &ctx, &mut input);
        }
        keyboard.pressed
    }

    #[test]
    fn a_held_key_acts_once_where_once_is_meant() {
        let (s, bracket) = (key(Key::S, true), key(Key::OpenBracket, true));
        assert_eq!(
            commands(&[s.clone(), s.clone(), key(Key::S, false), s.clone()]),
            [Command::ToggleStar, Command::ToggleStar]
        );
        assert_eq!(commands(&[bracket.clone(), bracket]).len(), 2);
        let away = Event::WindowFocused(false);
        assert_eq!(commands(&[s.clone(), away, s]).len(), 2);
        let backslash = key(Key::Backslash, true);
        assert_eq!(
            commands(&[backslash.clone(), backslash, key(Key::Backslash, false)]),
            [Command::Peek(true), Command::Peek(false)]
        );
    }

    #[test]
    fn digits_go_by_position() {
        assert_eq!(
            by_position(Key::Exclamationmark, Some(Key::Num1)),
            Key::Num1
        );
        assert_eq!(by_position(Key::A, Some(Key::Q)), Key::A);
    }
}
