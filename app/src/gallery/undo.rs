//! What takes a change of the gallery back. It is found out before the change is made, and only about what
//! really changes: a picture that had a star before keeps it.

use std::collections::HashSet;

use super::error::Result;
use super::handle::Command;
use super::index::State;
use super::layout::PictureId;
use super::marks::{Change, Mark};
use super::store::Gallery;

/// The commands that undo `command`, in their order; none where it changes nothing, or cannot be undone.
pub(super) fn inverse(gallery: &Gallery, command: &Command) -> Result<Vec<Command>> {
    match command {
        Command::Mark { pictures, mark } => inverse_mark(gallery, pictures, mark),
        Command::Change(change) => inverse_change(gallery, change),
        Command::Trash(ids) => {
            let ids = in_state(gallery, ids, State::Here)?;
            Ok(unless_empty(ids, Command::Restore))
        }
        Command::Restore(ids) => {
            let ids = in_state(gallery, ids, State::Trashed)?;
            Ok(unless_empty(ids, Command::Trash))
        }
        _ => Ok(Vec::new()),
    }
}

fn unless_empty(
    ids: Vec<PictureId>,
    command: impl FnOnce(Vec<PictureId>) -> Command,
) -> Vec<Command> {
    if ids.is_empty() {
        Vec::new()
    } else {
        vec![command(ids)]
    }
}

fn in_state(gallery: &Gallery, ids: &[PictureId], state: State) -> Result<Vec<PictureId>> {
    let mut found = Vec::new();
    for id in ids {
        let stamp = gallery.index.stamp(*id)?;
        if stamp.is_some_and(|stamp| stamp.state == state) {
            found.push(*id);
        }
    }
    Ok(found)
}

fn inverse_mark(gallery: &Gallery, pictures: &[PictureId], mark: &Mark) -> Result<Vec<Command>> {
    let (kind, name, on, back) = match mark {
        Mark::Star(on) => ("star", "", *on, Mark::Star(!on)),
        Mark::Tag { name, on } => {
            let back = Mark::Tag {
                name: name.clone(),
                on: !on,
            };
            ("tag", name.as_str(), *on, back)
        }
        Mark::Board { name, on } => {
            let back = Mark::Board {
                name: name.clone(),
                on: !on,
            };
            ("board", name.as_str(), *on, back)
        }
        Mark::Note(_) | Mark::Title(_) => return inverse_text(gallery, pictures, mark),
        // What a file was called when it came in stays true.
        Mark::Origin(_) => return Ok(Vec::new()),
    };
    let marked = gallery.index.marked(kind, name)?;
    let changed = pictures.iter().filter(|id| marked.contains(id) != on);
    let changed: Vec<PictureId> = changed.copied().collect();
    let mut commands = unless_empty(changed, |pictures| Command::Mark {
        pictures,
        mark: back,
    });
    if kind == "board" && on && !gallery.index.has_board(name)? {
        // The first picture makes the board.
        let name = name.to_owned();
        commands.push(Command::Change(Change::DeleteBoard { name }));
    }
    Ok(commands)
}

/// Titles and notes are put back one by one: each picture had its own.
fn inverse_text(gallery: &Gallery, pictures: &[PictureId], mark: &Mark) -> Result<Vec<Command>> {
    let mut commands = Vec::new();
    for id in pictures {
        let Some(record) = gallery.index.record(*id)? else {
            continue;
        };
        let (before, back): (String, fn(String) -> Mark) = match mark {
            Mark::Title(_) => (record.title.unwrap_or_default(), Mark::Title),
            _ => (record.note.unwrap_or_default(), Mark::Note),
        };
        let back = back(before);
        if back != *mark {
            let pictures = vec![*id];
            commands.push(Command::Mark {
                pictures,
                mark: back,
            });
        }
    }
    Ok(commands)
}

fn inverse_change(gallery: &Gallery, change: &Change) -> Result<Vec<Command>> {
    let index = &gallery.index;
    match change {
        Change::MakeBoard { name } if index.has_board(name)? => Ok(Vec::new()),
        Change::MakeBoard { name } => {
            let name = name.clone();
            Ok(vec![Command::Change(Change::DeleteBoard { name })])
        }
        Change::DeleteBoard { name } if !index.has_board(name)? => Ok(Vec::new()),
        Change::DeleteBoard { name } => {
            let mut commands = vec![Command::Change(Change::MakeBoard { name: name.clone() })];
            commands.extend(put_all(
                index.marked("board", name)?,
                Kind::Board,
                name,
                true,
            ));
            Ok(commands)
        }
        Change::DeleteTag { name } => {
            let marked = index.marked("tag", name)?;
            Ok(put_all(marked, Kind::Tag, name, true))
        }
        Change::RenameBoard { from, to } if !index.has_board(to)? => {
            let (from, to) = (to.clone(), from.clone());
            Ok(vec![Command::Change(Change::RenameBoard { from, to })])
        }
        Change::RenameTag { from, to } if index.marked("tag", to)?.is_empty() => {
            let (from, to) = (to.clone(), from.clone());
            Ok(vec![Command::Change(Change::RenameTag { from, to })])
        }
        Change::RenameBoard { from, to } => {
            let make = Change::MakeBoard { name: from.clone() };
            let mut commands = vec![Command::Change(make)];
            commands.extend(part_again(gallery, Kind::Board, from, to)?);
            Ok(commands)
        }
        Change::RenameTag { from, to } => part_again(gallery, Kind::Tag, from, to),
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Board,
    Tag,
}

/// Two that will become one become two again: each picture is where it was.
fn part_again(gallery: &Gallery, kind: Kind, from: &str, to: &str) -> Result<Vec<Command>> {
    let name = match kind {
        Kind::Board => "board",
        Kind::Tag => "tag",
    };
    let of_from = gallery.index.marked(name, from)?;
    let of_to = gallery.index.marked(name, to)?;
    let newcomers: HashSet<PictureId> = of_from.difference(&of_to).copied().collect();
    let mut commands = put_all(of_from, kind, from, true);
    commands.extend(put_all(newcomers, kind, to, false));
    Ok(commands)
}

fn put_all(pictures: HashSet<PictureId>, kind: Kind, name: &str, on: bool) -> Vec<Command> {
    let name = name.to_owned();
    let mark = match kind {
        Kind::Board => Mark::Board { name, on },
        Kind::Tag => Mark::Tag { name, on },
    };
    let mut pictures: Vec<PictureId> = pictures.into_iter().collect();
    pictures.sort_unstable();
    unless_empty(pictures, |pictures| Command::Mark { pictures, mark })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use image::RgbImage;

    use super::super::recipe::tests::recipe;
    use super::*;
    use crate::gallery::{Event, GalleryHandle, Record};
    use crate::paths::Folders;

    /// A gallery of four pictures on its own thread.
    struct Window {
        handle: GalleryHandle,
        woken: Receiver<()>,
        ids: Vec<PictureId>,
        n_done: u64,
        _home: tempfile::TempDir,
    }

    impl Window {
        fn open() -> Self {
            let home = tempfile::tempdir().unwrap();
            let folders = Folders::under(home.path());
            let (wake, woken) = channel();
            let wake = move || wake.send(()).unwrap_or_default();
            let handle = GalleryHandle::start(&folders, folders.pictures.clone(), wake).unwrap();
            let mut window = Self {
                handle,
                woken,
                ids: Vec::new(),
                n_done: 0,
                _home: home,
            };
            for seed in 0..4 {
                window.handle.send(Command::Save {
                    pixels: std::sync::Arc::new(RgbImage::new(8, 8)),
                    recipe: Box::new(recipe("a boat", seed, (8, 8))),
                });
                let id = window.wait(|event| match event {
                    Event::Saved(record) => Some(record.id),
                    _ => None,
                });
                window.ids.push(id);
            }
            window
        }

        fn wait<T>(&mut self, pick: impl Fn(Event) -> Option<T>) -> T {
            loop {
                let found = self.handle.events().find_map(&pick);
                if let Some(found) = found {
                    return found;
                }
                self.woken.recv_timeout(Duration::from_mins(1)).unwrap();
            }
        }

        /// Does changes and returns what takes them back.
        fn do_all(&mut self, commands: Vec<Command>) -> Vec<Command> {
            self.n_done += 1;
            let serial = self.n_done;
            self.handle.send(Command::Do { serial, commands });
            self.wait(|event| match event {
                Event::Done {
                    serial: of,
                    inverse,
                } if of == serial => Some(inverse),
                Event::Failed { message } => panic!("{message}"),
                _ => None,
            })
        }

        /// The names of the boards, and what is known of each picture.
        fn state(&mut self) -> (Vec<String>, Vec<Record>) {
            let ids = self.ids.clone();
            self.handle.send(Command::Overview);
            let boards = self.wait(|event| match event {
                Event::Overview(overview) => Some(overview.boards.clone()),
                _ => None,
            });
            self.handle.send(Command::Records(ids));
            let mut records = Vec::new();
            for id in self.ids.clone() {
                records.push(self.wait(|event| match event {
                    Event::Record(record) if record.id == id => Some(*record),
                    _ => None,
                }));
            }
            (
                boards.into_iter().map(|board| board.name).collect(),
                records,
            )
        }
    }

    fn board(name: &str, on: bool) -> Mark {
        let name = name.to_owned();
        Mark::Board { name, on }
    }

    /// Every change, taken back, leaves the gallery as it was; and again, as the change made it.
    #[test]
    fn every_change_can_be_taken_back_and_made_again() {
        let mut window = Window::open();
        let [a, b, c, d] = window.ids[..] else {
            panic!("four pictures")
        };
        let mark = |pictures: &[PictureId], mark: Mark| Command::Mark {
            pictures: pictures.to_vec(),
            mark,
        };
        let tag = |name: &str, on| Mark::Tag {
            name: name.to_owned(),
            on,
        };
        let text = str::to_owned;
        window.do_all(vec![
            mark(&[a], Mark::Star(true)),
            mark(&[a, b], board("sea", true)),
            mark(&[b, c], board("sky", true)),
            mark(&[a, c], tag("blue", true)),
            mark(&[c], tag("red", true)),
            mark(&[a], Mark::Title(text("first"))),
        ]);
        let (from, to) = (text("sea"), text("sky"));
        let cases = [
            // Only what had no star loses it again.
            mark(&[a, b, c], Mark::Star(true)),
            mark(&[a, b], Mark::Star(false)),
            mark(&[b, d], board("sea", true)),
            // The board comes with its first picture and goes with it.
            mark(&[d], board("new", true)),
            mark(&[a], board("sea", false)),
            mark(&[b, d], tag("blue", true)),
            mark(&[a, b], Mark::Title(text("second"))),
            mark(&[b], Mark::Note(text("to print"))),
            Command::Change(Change::MakeBoard {
                name: text("empty"),
            }),
            Command::Change(Change::DeleteBoard { name: text("sea") }),
            Command::Change(Change::RenameBoard {
                from: from.clone(),
                to: text("ocean"),
            }),
            // Two boards become one.
            Command::Change(Change::RenameBoard { from, to }),
            Command::Change(Change::RenameTag {
                from: text("red"),
                to: text("blue"),
            }),
            Command::Change(Change::DeleteTag { name: text("blue") }),
            Command::Trash(vec![a, b]),
        ];
        for command in cases {
            let before = window.state();
            let inverse = window.do_all(vec![command.clone()]);
            let after = window.state();
            assert_ne!(before, after, "{command:?}");
            let again = window.do_all(inverse);
            assert_eq!(window.state(), before, "{command:?}");
            let inverse = window.do_all(again);
            assert_eq!(window.state(), after, "{command:?} again");
            window.do_all(inverse);
            assert_eq!(window.state(), before, "{command:?}");
        }
    }

    #[test]
    fn what_changes_nothing_has_nothing_to_take_back() {
        let mut window = Window::open();
        let ids = window.ids.clone();
        window.do_all(vec![Command::Mark {
            pictures: ids.clone(),
            mark: Mark::Star(true),
        }]);
        for command in [
            Command::Mark {
                pictures: ids.clone(),
                mark: Mark::Star(true),
            },
            Command::Mark {
                pictures: ids.clone(),
                mark: Mark::Note(String::new()),
            },
        ] {
            let inverse = window.do_all(vec![command.clone()]);
            assert!(inverse.is_empty(), "{command:?}: {inverse:?}");
        }
    }
}
