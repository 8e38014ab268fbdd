//! Writes the settings on a thread of its own, so that the window never waits for the disk.

use std::sync::mpsc::Receiver;

use super::Settings;
use crate::document::working_path;
use crate::files::{RealFs, sweep};
use crate::paths::Folders;
use crate::supervised_thread::{Begin, SupervisedThread, panic_notice};

/// Whoever drops it waits until the last settings are written.
pub struct Keeper {
    thread: SupervisedThread<Change>,
}

/// What is to be written.
pub struct Change {
    pub settings: Settings,
    /// Before a window knows which documents were open, it must not decide about tabs.
    pub tabs_are_known: bool,
}

impl Keeper {
    /// `report` is called on the thread with what says why settings could not be written.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub fn start(
        folders: Folders,
        report: impl Fn(String) + Send + 'static,
    ) -> std::io::Result<Self> {
        let thread = SupervisedThread::start("settings", move |begin, changes| {
            match begin {
                Begin::First => {
                    sweep(&RealFs, &folders.config);
                }
                Begin::AfterPanic(message) => {
                    report(panic_notice("keeping the settings", &message));
                }
            }
            write_all(&folders, changes, &report);
        })?;
        Ok(Self { thread })
    }

    pub fn keep(&self, change: Change) {
        self.thread.send(change);
    }
}

fn write_all(folders: &Folders, changes: &Receiver<Change>, report: impl Fn(String)) {
    while let Ok(change) = changes.recv() {
        let latest = changes.try_iter().last().unwrap_or(change);
        if let Err(error) = beside_other_windows(latest, folders).save(folders) {
            report(error.to_string());
        }
    }
}

/// Other windows write the same file: what it says of tabs that are not this window's stays, while their documents
/// are there.
fn beside_other_windows(change: Change, folders: &Folders) -> Settings {
    let mut settings = change.settings;
    let (stored, _) = Settings::load(folders);
    settings.unread = stored.unread;
    if change.tabs_are_known {
        for (document, tab) in stored.tabs {
            if working_path(&folders.documents, document).exists() {
                settings.tabs.entry(document).or_insert(tab);
            }
        }
    } else {
        settings.tabs = stored.tabs;
        settings.current_document = stored.current_document;
    }
    settings
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::document::DocumentId;
    use crate::settings::{Tab, Theme};

    fn with_tab(document: DocumentId, prompt: &str) -> Settings {
        let tab = Tab {
            prompt: prompt.to_owned(),
            ..Tab::default()
        };
        Settings {
            tabs: [(document, tab)].into(),
            current_document: Some(document),
            ..Settings::default()
        }
    }

    fn write(folders: &Folders, changes: impl IntoIterator<Item = (Settings, bool)>) {
        let keeper = Keeper::start(folders.clone(), |fault| panic!("{fault}")).unwrap();
        for (settings, tabs_are_known) in changes {
            keeper.keep(Change {
                settings,
                tabs_are_known,
            });
        }
    }

    #[test]
    fn the_latest_settings_are_written_when_it_ends() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::under(home.path());
        let scales = (0..50).map(|n| Settings {
            ui_scale: Some(1.0 + n as f32 / 100.0),
            ..Settings::default()
        });
        write(&folders, scales.map(|settings| (settings, true)));
        assert_eq!(Settings::load(&folders).0.ui_scale, Some(1.49));
    }

    #[test]
    fn tabs_of_another_window_stay_while_their_documents_are_there() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::under(home.path());
        let [ours, theirs] = [(), ()].map(|()| DocumentId::new());
        write(&folders, [(with_tab(theirs, "theirs"), true)]);
        let working_file = working_path(&folders.documents, theirs);
        std::fs::create_dir_all(&folders.documents).unwrap();
        std::fs::write(&working_file, b"").unwrap();

        write(&folders, [(with_tab(ours, "ours"), true)]);
        let (stored, _) = Settings::load(&folders);
        assert_eq!(stored.current_document, Some(ours));
        let prompts: Vec<_> = [ours, theirs]
            .map(|id| stored.tabs[&id].prompt.clone())
            .into();
        assert_eq!(prompts, ["ours", "theirs"]);

        std::fs::remove_file(working_file).unwrap();
        write(&folders, [(with_tab(ours, "again ours"), true)]);
        let tabs = Settings::load(&folders).0.tabs;
        assert_eq!(tabs, with_tab(ours, "again ours").tabs);
    }

    #[test]
    fn a_window_that_does_not_know_its_tabs_leaves_them() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::under(home.path());
        let before = with_tab(DocumentId::new(), "kept");
        write(&folders, [(before.clone(), true)]);
        let hasty = Settings {
            theme: Theme::Light,
            ..Settings::default()
        };
        write(&folders, [(hasty, false)]);
        let (stored, _) = Settings::load(&folders);
        assert_eq!(stored.theme, Theme::Light);
        assert_eq!(stored.tabs, before.tabs);
        assert_eq!(stored.current_document, before.current_document);
    }

    #[test]
    fn a_fault_is_reported() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::under(home.path());
        std::fs::write(&folders.config, b"a file where the folder should be").unwrap();
        let faults = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&faults);
        let report = move |fault| heard.lock().unwrap().push(fault);
        let keeper = Keeper::start(folders, report).unwrap();
        keeper.keep(Change {
            settings: Settings::default(),
            tabs_are_known: true,
        });
        drop(keeper);
        let faults = faults.lock().unwrap();
        assert!(
            faults[0].starts_with("the settings cannot be saved"),
            "{faults:?}"
        );
    }
}
