//! Documents and their files: through restarts, on failing disks, beside other processes.

#![allow(clippy::unwrap_used)]

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use limn_engine::PixelRect;

use super::super::content::Content;
use super::super::history::Document;
use super::super::step::StepName;
use super::super::tests::{Random, change_anything};
use super::worker::Worker;
use super::{AtStart, Command, DocumentStore, Event, working_path};
use crate::files::faulty::FaultyFs;
use crate::files::{Fs, RealFs};

pub struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    pub fn open_folder(&self) -> PathBuf {
        self.folder.path().join("open")
    }

    pub fn project(&self) -> PathBuf {
        self.folder.path().join("harbour.limn")
    }

    /// A store on this thread, and what it opened.
    pub fn start(&self, fs: Arc<dyn Fs>) -> (Store, Vec<Document>) {
        let (sender, events) = channel();
        let emit = Box::new(move |event| sender.send(event).unwrap());
        let mut worker: Worker<Box<dyn Fn(Event)>> =
            Worker::new(fs.clone(), &self.open_folder(), emit);
        worker.restore();
        let folder = self.open_folder();
        let mut store = Store {
            worker,
            events,
            fs,
            folder,
        };
        let restored = store.events().into_iter().filter_map(|event| match event {
            Event::Restored(document) => Some(*document),
            _ => None,
        });
        let restored = restored.collect();
        (store, restored)
    }

    /// As after a restart.
    pub fn start_again(&self, store: Store) -> (Store, Vec<Document>) {
        drop(store);
        self.start(Arc::new(RealFs))
    }

    /// The one document that was open.
    fn restored(&self) -> (Store, Document) {
        let (store, mut documents) = self.start(Arc::new(RealFs));
        assert_eq!(documents.len(), 1);
        (store, documents.remove(0))
    }
}

pub struct Store {
    pub worker: Worker<Box<dyn Fn(Event)>>,
    events: Receiver<Event>,
    fs: Arc<dyn Fs>,
    folder: PathBuf,
}

impl Store {
    pub fn events(&mut self) -> Vec<Event> {
        self.events.try_iter().collect()
    }

    /// As [`DocumentStore::keep`], and waits for the disk. The message of a failure, if it is a new one.
    pub fn keep(&mut self, document: &mut Document) -> Result<(), String> {
        use super::super::journal::JournalFile;
        let path = working_path(&self.folder, document.id());
        let entries = document.take_journal(|| JournalFile::new(self.fs.clone(), &path));
        let id = document.id();
        self.worker.handle(Command::Append {
            document: id,
            entries,
        });
        self.write(document)
    }

    fn write(&mut self, document: &mut Document) -> Result<(), String> {
        self.worker.write();
        let mut message = String::new();
        for event in self.events() {
            match event {
                Event::Written { places, .. } => document.written(&places),
                Event::WriteFailed {
                    message: reason, ..
                } => message = reason,
                _ => {}
            }
        }
        if self.worker.has_written_all() {
            Ok(())
        } else {
            Err(message)
        }
    }

    pub fn save(&mut self, document: &mut Document, path: PathBuf) -> Result<(), String> {
        let serial = document.serial();
        let id = document.id();
        self.worker.handle(Command::Save {
            document: id,
            path,
            serial,
        });
        for event in self.events() {
            match event {
                Event::Saved { path, serial, .. } => document.saved(&path, serial),
                Event::SaveFailed { message, .. } => return Err(message),
                _ => {}
            }
        }
        Ok(())
    }

    pub fn open(&mut self, path: PathBuf) -> Result<Document, String> {
        self.worker.handle(Command::Open(path));
        let opened = self.events().into_iter().find_map(|event| match event {
            Event::Opened(document) => Some(Ok(*document)),
            Event::OpenFailed { message, .. } => Some(Err(message)),
            _ => None,
        });
        opened.expect("an answer")
    }
}

pub fn dot(document: &mut Document, x: i32) {
    document.change(StepName::Brush, |content| {
        content.mask.write(PixelRect::new(x, 0, 1, 1), &[200]);
    });
}

/// Random changes, steps back and forth, and restarts; then all the way back and forth again.
#[test]
fn every_step_leads_back_and_forth_through_restarts() {
    for seed in 0..6 {
        let mut random = Random::new(100 + seed);
        let home = Home::new();
        let (mut store, _) = home.start(Arc::new(RealFs));
        let mut document = Document::new();
        let mut states = vec![document.content().clone()];
        let mut at = 0;
        for step in 0..60 {
            match random.below(8) {
                0 => {
                    at = if document.undo().is_some() {
                        at - 1
                    } else {
                        at
                    }
                }
                1 => {
                    at = if document.redo().is_some() {
                        at + 1
                    } else {
                        at
                    }
                }
                _ => {
                    if change_anything(&mut document, &mut random) {
                        at += 1;
                        states.truncate(at);
                        states.push(document.content().clone());
                    }
                }
            }
            if random.below(3) == 0 {
                store.keep(&mut document).unwrap();
            }
            if random.below(12) == 0 {
                store.keep(&mut document).unwrap();
                let id = document.id();
                drop(store);
                (store, document) = home.restored();
                assert_eq!(document.id(), id);
            }
            assert!(
                *document.content() == states[at],
                "seed {seed}, step {step}"
            );
        }
        store.keep(&mut document).unwrap();
        check_all_the_way(&mut document, &states, at);

        // A project has the same steps.
        store.keep(&mut document).unwrap();
        store.save(&mut document, home.project()).unwrap();
        let mut opened = store.open(home.project()).unwrap();
        assert!(!opened.is_modified() && opened.id() != document.id());
        let end = states.len() - 1;
        assert!(*opened.content() == states[end]);
        check_all_the_way(&mut opened, &states, end);
    }
}

fn check_all_the_way(document: &mut Document, states: &[Content], mut at: usize) {
    while document.undo().is_some() {
        at -= 1;
        assert!(*document.content() == states[at], "back to {at}");
    }
    assert_eq!((at, document.take_notice()), (0, None));
    while document.redo().is_some() {
        at += 1;
        assert!(*document.content() == states[at], "forth to {at}");
    }
    assert_eq!((at, document.take_notice()), (states.len() - 1, None));
}

/// T2: for every N, the Nth file operation fails, once and for ever.
#[test]
fn whichever_operation_fails_nothing_acknowledged_is_lost() {
    for for_ever in [false, true] {
        for fail_at in 0.. {
            let fs = Arc::new(FaultyFs::failing_at(fail_at, for_ever));
            check_fault(&fs);
            if !fs.has_failed() {
                assert!(fail_at > 30, "only {fail_at} operations were made to fail");
                break;
            }
        }
    }
}

fn check_fault(fs: &Arc<FaultyFs>) {
    let context = format!("operation {}, for ever: {}", fs.fail_at, fs.for_ever);
    let home = Home::new();
    let (mut store, _) = home.start(fs.clone());
    let mut document = Document::new();
    let mut states = vec![document.content().clone()];
    let mut n_acknowledged = 0;
    let mut n_saved = None;
    for step in 1..=2 {
        dot(&mut document, step);
        states.push(document.content().clone());
        if store.keep(&mut document).is_ok() {
            n_acknowledged = step;
        }
        if store.save(&mut document, home.project()).is_ok() {
            n_saved = Some(step);
        }
    }
    // In memory all is there, whatever the disk says; steps back that need the disk may be refused.
    assert!(*document.content() == states[2], "{context}");
    drop(store);

    age_temps(&home.open_folder());
    let (mut store, restored) = home.start(Arc::new(RealFs));
    if let Some(document) = restored.first() {
        let n_restored = states
            .iter()
            .position(|state| state == document.content())
            .unwrap();
        assert!(
            n_restored as i32 >= n_acknowledged,
            "{context}: acknowledged and gone"
        );
    } else {
        assert_eq!(n_acknowledged, 0, "{context}: acknowledged and gone");
    }
    // The project is the old one or the new one, whole.
    if n_saved.is_some() || home.project().exists() {
        let opened = store.open(home.project()).unwrap();
        let n_opened = states
            .iter()
            .position(|state| state == opened.content())
            .unwrap() as i32;
        assert!(n_opened >= n_saved.unwrap_or(1), "{context}");
    }
    let left = std::fs::read_dir(home.open_folder())
        .into_iter()
        .flatten()
        .flatten();
    let is_temp = |name: &str| name.starts_with(crate::files::TEMP_PREFIX);
    assert!(
        !left
            .into_iter()
            .any(|entry| is_temp(&entry.file_name().to_string_lossy())),
        "{context}"
    );
}

/// As if some time had passed since the process ended that wrote them.
fn age_temps(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with(crate::files::TEMP_PREFIX) {
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            let long_ago = std::time::SystemTime::now() - std::time::Duration::from_mins(1);
            file.set_modified(long_ago).unwrap();
        }
    }
}

/// A copy that another Limn writes just now is none that was left behind.
#[test]
fn what_another_process_writes_stays() {
    let home = Home::new();
    drop(home.start(Arc::new(RealFs)));
    std::fs::create_dir_all(home.open_folder()).unwrap();
    let [new, old] = ["new", "old"].map(|name| {
        home.open_folder()
            .join(format!("{}{name}", crate::files::TEMP_PREFIX))
    });
    std::fs::write(&old, b"half").unwrap();
    age_temps(&home.open_folder());
    std::fs::write(&new, b"half").unwrap();
    drop(home.start(Arc::new(RealFs)));
    assert!(new.exists() && !old.exists());
}

#[test]
fn a_full_disk_keeps_steps_in_memory_until_there_is_room() {
    for free_bytes in [0, 10, 24, 60, 200, 500, 900] {
        let home = Home::new();
        let fs = Arc::new(FaultyFs::with_free_bytes(free_bytes));
        let (mut store, _) = home.start(fs.clone());
        let mut document = Document::new();
        let mut failures = Vec::new();
        for x in 0..6 {
            dot(&mut document, x * 300);
            failures.extend(
                store
                    .keep(&mut document)
                    .err()
                    .filter(|message| !message.is_empty()),
            );
        }
        assert_eq!(failures.len(), 1, "{free_bytes}: said once: {failures:?}");
        assert!(failures[0].contains("free some space"), "{failures:?}");
        store.worker.handle(Command::Retry);
        assert!(
            store.write(&mut document).is_err(),
            "asked again, said again"
        );

        fs.free_bytes.store(i64::MAX, Ordering::Relaxed);
        store.write(&mut document).unwrap();
        drop(store);
        let (_store, mut restored) = home.restored();
        assert!(restored.content() == document.content());
        for _ in 0..6 {
            assert!(restored.undo().is_some());
        }
        assert!(*restored.content() == Content::default());
    }
}

#[test]
fn a_step_back_that_the_disk_does_not_give_is_refused() {
    let home = Home::new();
    let (mut store, _) = home.start(Arc::new(RealFs));
    let mut document = Document::new();
    let mut random = Random::new(3);
    for _ in 0..40 {
        change_anything(&mut document, &mut random);
    }
    store.keep(&mut document).unwrap();
    drop(store);
    let (_store, mut document) = home.restored();
    std::fs::write(working_path(&home.open_folder(), document.id()), b"").unwrap();
    let mut before = document.content().clone();
    let step = document.next_undo();
    while document.undo().is_some() {
        before = document.content().clone();
    }
    assert!(step.is_some() && document.next_undo().is_some());
    assert!(*document.content() == before, "as it was");
    let notice = document.take_notice().unwrap();
    assert!(
        notice.starts_with("this step cannot be taken back"),
        "{notice}"
    );
}

#[test]
fn two_limns_do_not_open_the_same_document() {
    let home = Home::new();
    let (mut first, _) = home.start(Arc::new(RealFs));
    let mut document = Document::new();
    dot(&mut document, 1);
    first.keep(&mut document).unwrap();
    let (second, restored) = home.start(Arc::new(RealFs));
    assert_eq!(restored.len(), 0);
    drop((first, second));
    assert_eq!(home.restored().1.id(), document.id());
}

/// The store on its thread, as the window has it.
struct Window {
    store: DocumentStore,
    woken: Receiver<()>,
    waiting: Vec<Event>,
}

impl Window {
    fn open(home: &Home) -> Self {
        let (wake, woken) = channel();
        let wake = move || wake.send(()).unwrap_or_default();
        Self {
            store: DocumentStore::start(&home.open_folder(), AtStart::Restore, wake).unwrap(),
            woken,
            waiting: Vec::new(),
        }
    }

    /// The next event that `pick` takes; the ones before it are passed over.
    fn wait<T>(&mut self, pick: impl Fn(Event) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            while !self.waiting.is_empty() {
                if let Some(found) = pick(self.waiting.remove(0)) {
                    return found;
                }
            }
            self.woken
                .recv_timeout(deadline - Instant::now())
                .expect("an event in time");
            self.waiting.extend(self.store.events());
        }
    }
}

#[test]
fn the_window_gets_what_it_asks_for() {
    let home = Home::new();
    let mut window = Window::open(&home);
    window.wait(|event| matches!(event, Event::Ready).then_some(()));
    let mut document = Document::new();
    document.name_after_prompt("a red sailboat");
    dot(&mut document, 1);
    window.store.keep(&mut document);
    let places = window.wait(|event| match event {
        Event::Written { places, .. } => Some(places),
        _ => None,
    });
    document.written(&places);

    window.store.save(&mut document, home.project());
    dot(&mut document, 2);
    window.store.keep(&mut document);
    let (path, serial) = window.wait(|event| match event {
        Event::Saved { path, serial, .. } => Some((path, serial)),
        _ => None,
    });
    document.saved(&path, serial);
    assert!(document.is_modified(), "painted while it was saved");
    assert_eq!(
        (document.name(), document.path()),
        ("harbour", Some(&*home.project()))
    );
    let recent = window.wait(|event| match event {
        Event::Recent(paths) => Some(paths),
        _ => None,
    });
    assert_eq!(recent, [home.project()]);

    window.store.open(home.project());
    let opened = window.wait(|event| match event {
        Event::Opened(document) => Some(document),
        _ => None,
    });
    assert_eq!((opened.name(), opened.is_modified()), ("harbour", false));
    assert_eq!(opened.content().mask.pixel(2, 0), 0);
    window.store.close(opened.id());
    window.store.open(home.open_folder());
    let message = window.wait(|event| match event {
        Event::OpenFailed { message, .. } => Some(message),
        _ => None,
    });
    assert!(
        message.starts_with("this is not a Limn project"),
        "{message}"
    );

    // The last steps are written by closing the window.
    dot(&mut document, 3);
    window.store.keep(&mut document);
    drop(window);
    let mut window = Window::open(&home);
    let restored = window.wait(|event| match event {
        Event::Restored(document) => Some(document),
        _ => None,
    });
    assert!(restored.content() == document.content() && restored.is_modified());
    assert_eq!((restored.id(), restored.name()), (document.id(), "harbour"));
    window.wait(|event| match event {
        Event::Restored(document) => panic!("{} was closed", document.name()),
        Event::Ready => Some(()),
        _ => None,
    });
}

#[test]
fn a_folder_that_may_not_be_written_is_named_with_what_to_do() {
    let home = Home::new();
    let mut fs = FaultyFs::failing_at(2, true);
    fs.kind = io::ErrorKind::PermissionDenied;
    let (mut store, _) = home.start(Arc::new(fs));
    let mut document = Document::new();
    dot(&mut document, 1);
    let message = store.keep(&mut document).unwrap_err();
    let expected =
        "cannot write down the last steps (permission denied): allow Limn to write there";
    assert!(message.starts_with(expected), "{message}");
    let path = working_path(&home.open_folder(), document.id());
    assert!(
        message.ends_with(path.to_str().unwrap()),
        "the path is last: {message}"
    );
}

/// A process that was killed over a file, and the next start: the file is out of the way, and named.
#[test]
fn a_file_whose_opening_did_not_end_is_put_aside() {
    let home = Home::new();
    let (mut store, _) = home.start(Arc::new(RealFs));
    let mut documents: Vec<_> = (0..2).map(|_| Document::new()).collect();
    for document in &mut documents {
        dot(document, 1);
        store.keep(document).unwrap();
    }
    drop(store);
    let path = working_path(&home.open_folder(), documents[0].id());
    std::fs::write(path.with_extension("lock"), "opening").unwrap();
    let (store, restored) = home.start(Arc::new(RealFs));
    assert_eq!(restored.len(), 1, "the other one is open");
    assert_eq!(restored[0].id(), documents[1].id());
    let aside = home.open_folder().join("aside");
    let aside = aside.join(path.file_name().unwrap());
    assert!(!path.exists() && aside.exists());
    drop((store, restored));
    let (mut store, restored) = home.start(Arc::new(RealFs));
    assert_eq!(restored.len(), 1);
    // Nothing of it is lost.
    let opened = store.open(aside).unwrap();
    assert!(*opened.content() == *documents[0].content());
}

/// Opening sets the mark and takes it away: a process that is killed later leaves none.
#[test]
fn a_file_that_is_open_bears_no_mark() {
    let home = Home::new();
    let (mut store, _) = home.start(Arc::new(RealFs));
    let mut document = Document::new();
    dot(&mut document, 1);
    store.keep(&mut document).unwrap();
    drop(store);
    let lock = working_path(&home.open_folder(), document.id()).with_extension("lock");
    let (_store, restored) = home.start(Arc::new(RealFs));
    assert_eq!(restored.len(), 1);
    assert_eq!(std::fs::read(&lock).unwrap(), b"");
}
