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
    /// What the next frame hears first. Much may come in one slow frame: what follows a command may be meant for what it
    /// opens, and what comes before one is for the field that has the keyboard.
    waiting: Vec<Event>,
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
        let (pressed, is_waiting) = ctx
            .with_plugin(|keyboard: &mut Self| {
                keyboard.sheet_is_open = sheet_is_open;
                keyboard.is_in_gallery = is_in_gallery;
                let pressed = std::mem::take(&mut keyboard.pressed);
                (pressed, !keyboard.waiting.is_empty())
            })
            .unwrap_or_default();
        if is_waiting {
            ctx.request_repaint();
        }
        pressed
    }

    fn hear(&mut self, event: &Event, place: &Place, so_far: &mut SoFar) -> Heard {
        let drops_text = std::mem::take(&mut so_far.drops_text);
        match event {
            // The letter that came with a shortcut.
            Event::Text(_) if drops_text => return Heard::Here,
            Event::Text(_) | Event::Paste(_) | Event::PointerButton { .. }
                if so_far.has_commanded =>
            {
                return Heard::NextFrame;
            }
            Event::Key { pressed: true, .. } if so_far.has_commanded => return Heard::NextFrame,
            _ => {}
        }
        match event {
            Event::WindowFocused(false) => {
                // What is let go of elsewhere is not heard of here.
                self.held.clear();
                Heard::ByWidgets
            }
            // Held it shows what is under the mask, pressed for a moment it toggles: both ends count.
            Event::Key {
                key,
                physical_key,
                pressed: is_down,
                modifiers,
                ..
            } if by_position(*key, *physical_key) == Key::Backslash
                && (!is_down || (place.hears(Scope::OutsideText) && modifiers.is_none())) =>
            {
                let is_news = if *is_down {
                    self.held.insert(Key::Backslash)
                } else {
                    self.held.remove(&Key::Backslash)
                };
                if is_news {
                    self.pressed.push(Command::Peek(*is_down));
                }
                so_far.drops_text = *is_down;
                if *is_down {
                    Heard::Here
                } else {
                    Heard::ByWidgets
                }
            }
            Event::Key {
                key,
                physical_key,
                pressed: true,
                modifiers,
                ..
            } => {
                let key = by_position(*key, *physical_key);
                let hears = |scope| place.hears(scope);
                let Some(command) = command::command_for(key, *modifiers, hears) else {
                    self.held.insert(key);
                    so_far.has_typed |= place.in_text;
                    return Heard::ByWidgets;
                };
                if so_far.has_typed {
                    return Heard::NextFrame;
                }
                let is_repeat = !self.held.insert(key);
                if !is_repeat || repeats(command) {
                    self.pressed.push(command.clone());
                }
                so_far.has_commanded |= !repeats(command);
                so_far.drops_text = true;
                Heard::Here
            }
            Event::Key {
                key, physical_key, ..
            } => {
                self.held.remove(&by_position(*key, *physical_key));
                Heard::ByWidgets
            }
            Event::Text(_) | Event::Paste(_) => {
                so_far.has_typed |= place.in_text;
                Heard::ByWidgets
            }
            Event::Copy if !place.in_text => {
                self.pressed.push(Command::CopyPicture);
                Heard::Here
            }
            Event::PasteImage(picture) if !place.sheet_is_open => {
                self.pressed.push(Command::PastePicture {
                    picture: Arc::clone(picture),
                    as_document: false,
                });
                Heard::Here
            }
            _ => {
                so_far.drops_text = drops_text;
                Heard::ByWidgets
            }
        }
    }
}

/// Who an event is for.
enum Heard {
    ByWidgets,
    Here,
    /// It and all that follows it.
    NextFrame,
}

/// What one frame has heard so far.
#[derive(Default)]
struct SoFar {
    /// A shortcut's key is down: the letter that comes with it is not typed.
    drops_text: bool,
    has_typed: bool,
    /// A command that may open something: not one of those that repeat.
    has_commanded: bool,
}

/// Where the keyboard is.
struct Place {
    in_text: bool,
    sheet_is_open: bool,
    /// What is heard there.
    scopes: Vec<Scope>,
}

impl Place {
    fn hears(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

impl egui::Plugin for Keyboard {
    fn debug_name(&self) -> &'static str {
        "limn keyboard"
    }

    fn input_hook(&mut self, ctx: &Context, input: &mut RawInput) {
        let in_text = ctx.text_edit_focused();
        let focused = ctx.memory(egui::Memory::focused);
        let (sheet, in_gallery) = (self.sheet_is_open, self.is_in_gallery);
        let grids = [GridKind::Place, GridKind::Strip].map(GridKind::cursor_id);
        let in_grid = focused.map_or(in_gallery, |id| grids.contains(&id));
        let scopes = [
            (Scope::Everywhere, true),
            (Scope::OutsideText, !in_text && !sheet),
            (Scope::Unfocused, focused.is_none() && !sheet),
            (Scope::InText, in_text && !sheet),
            (Scope::Gallery, in_gallery && !in_text && !sheet),
            (Scope::Grid, in_grid && !sheet),
        ];
        let place = Place {
            in_text,
            sheet_is_open: sheet,
            scopes: scopes
                .into_iter()
                .filter_map(|(scope, is_heard)| is_heard.then_some(scope))
                .collect(),
        };
        let mut so_far = SoFar::default();
        let mut events = std::mem::take(&mut self.waiting);
        events.append(&mut input.events);
        let mut events = events.into_iter();
        for event in events.by_ref() {
            match self.hear(&event, &place, &mut so_far) {
                Heard::ByWidgets => input.events.push(event),
                Heard::Here => {}
                Heard::NextFrame => {
                    self.waiting.push(event);
                    break;
                }
            }
        }
        self.waiting.extend(events);
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
