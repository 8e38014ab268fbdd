//! The handle as the window uses it.

#![allow(clippy::unwrap_used)]
use std::time::Instant;

use crate::gallery::export::Format;
use crate::gallery::recipe::tests::recipe;
use std::collections::VecDeque;
use std::time::Duration;

use image::RgbImage;

use super::*;
use crate::files::Existing;
use crate::gallery::index::State;
use crate::gallery::layout::FileKind;

/// A handle as the window has it: woken for each event.
struct Window {
    handle: GalleryHandle,
    woken: Receiver<()>,
    waiting: VecDeque<Event>,
}

impl Window {
    fn open(folders: &Folders) -> Self {
        let (wake, woken) = channel();
        let wake = move || wake.send(()).unwrap_or_default();
        let handle = GalleryHandle::start(folders, folders.pictures.clone(), wake).unwrap();
        Self {
            handle,
            woken,
            waiting: VecDeque::new(),
        }
    }

    /// The next event that `pick` takes; the ones before it are passed over.
    fn wait<T>(&mut self, pick: impl Fn(Event) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            while let Some(event) = self.waiting.pop_front() {
                if let Some(found) = pick(event) {
                    return found;
                }
            }
            self.woken
                .recv_timeout(deadline - Instant::now())
                .expect("an event in time");
            self.waiting.extend(self.handle.events());
        }
    }

    fn list(&mut self, query: Query) -> Vec<PictureId> {
        let request = 7;
        self.handle.send(Command::List { request, query });
        self.wait(|event| match event {
            Event::Listed {
                request: 7,
                entries,
                ..
            } => Some(entries.iter().map(|entry| entry.id).collect()),
            _ => None,
        })
    }

    fn save(&mut self, seed: u64) -> PictureId {
        let (pixels, recipe) = picture(seed);
        self.handle.send(Command::Save {
            pixels: Arc::new(pixels),
            recipe: Box::new(recipe),
        });
        self.wait(|event| match event {
            Event::Saved(record) => Some(record.id),
            _ => None,
        })
    }
}

fn picture(seed: u64) -> (RgbImage, Recipe) {
    let pixels = RgbImage::from_pixel(300, 20, image::Rgb([seed as u8, 100, 200]));
    (pixels, recipe("a red sailboat", seed, (300, 20)))
}

/// The command line opens the same gallery in a process of its own: a window that is idle hears of it soon, long before
/// it would look through the folder.
#[test]
fn what_another_process_adds_or_marks_is_told_within_seconds() {
    let home = tempfile::tempdir().unwrap();
    let folders = Folders::under(home.path());
    let mut window = Window::open(&folders);
    window.save(1);
    let mut other =
        Gallery::open(&folders.pictures, &folders.indexes, &folders.thumbnails()).unwrap();
    let (pixels, recipe) = picture(2);
    let changed = |window: &mut Window| {
        let start = Instant::now();
        window.wait(|event| matches!(event, Event::Changed).then_some(()));
        let seconds = start.elapsed().as_secs();
        assert!(seconds < 20, "after {seconds} s");
    };
    // What the window did itself is through.
    std::thread::sleep(Duration::from_secs(2));
    window.waiting.clear();
    window.handle.events().count();
    let id = other.save(&pixels, &recipe).unwrap().id;
    changed(&mut window);
    assert_eq!(window.list(Query::default()).first(), Some(&id));
    other.mark(&[id], &Mark::Star(true)).unwrap();
    changed(&mut window);
}

#[test]
fn the_window_gets_what_it_asks_for() {
    let home = tempfile::tempdir().unwrap();
    let folders = Folders::under(home.path());
    let mut window = Window::open(&folders);
    let folder = window.wait(|event| match event {
        Event::Ready { folder } => Some(folder),
        _ => None,
    });
    assert_eq!(folder, folders.pictures);
    let (a, b) = (window.save(1), window.save(2));
    assert_eq!(window.list(Query::default()), [b, a]);

    window.handle.send(Command::Thumbnails(vec![a]));
    let side = window.wait(|event| match event {
        Event::Thumbnail { id, pixels } if id == a => Some(pixels.dimensions()),
        _ => None,
    });
    assert_eq!(side, (256, 17));
    window.handle.send(Command::Open(a));
    let pixels = window.wait(|event| match event {
        Event::Opened { id, pixels } if id == a => Some(pixels),
        _ => None,
    });
    assert_eq!(
        image::DynamicImage::from((*pixels).clone()).into_rgb8(),
        picture(1).0
    );

    window.handle.send(Command::Mark {
        pictures: vec![b],
        mark: Mark::Star(true),
    });
    let is_starred = window.wait(|event| match event {
        Event::Record(record) if record.id == b => Some(record.is_starred),
        _ => None,
    });
    assert!(is_starred);
    window.handle.send(Command::Trash(vec![a]));
    assert_eq!(window.list(Query::default()), [b]);
    window.handle.send(Command::Restore(vec![a]));
    assert_eq!(
        window.list(Query {
            words: "sailb".into(),
            ..Query::default()
        }),
        [b, a]
    );

    let path = home.path().join("copy.webp");
    let options = ExportOptions {
        format: Format::WebP,
        with_recipe: false,
        existing: Existing::Keep,
    };
    window.handle.send(Command::Export {
        id: a,
        path: path.clone(),
        options,
    });
    window.wait(|event| matches!(event, Event::Exported { .. }).then_some(()));
    window.handle.send(Command::Export {
        id: a,
        path: path.clone(),
        options,
    });
    let message = window.wait(|event| match event {
        Event::Failed { message } => Some(message),
        _ => None,
    });
    assert!(message.contains("is there already"), "{message}");
}

#[test]
fn closing_the_window_finishes_its_saves() {
    let home = tempfile::tempdir().unwrap();
    let folders = Folders::under(home.path());
    let window = Window::open(&folders);
    for seed in 0..10 {
        let (pixels, recipe) = picture(seed);
        window.handle.send(Command::Save {
            pixels: Arc::new(pixels),
            recipe: Box::new(recipe),
        });
    }
    drop(window);
    let mut window = Window::open(&folders);
    assert_eq!(window.list(Query::default()).len(), 10);
    let missing = PictureId::new();
    window.handle.send(Command::Thumbnails(vec![missing]));
    let message = window.wait(|event| match event {
        Event::Unreadable { id, message } if id == missing => Some(message),
        _ => None,
    });
    assert!(message.starts_with("there is no picture"), "{message}");
}

#[test]
fn imports_run_beside_the_rest_and_families_are_told() {
    let home = tempfile::tempdir().unwrap();
    let folders = Folders::under(home.path());
    let mut window = Window::open(&folders);
    let camera = home.path().join("camera");
    std::fs::create_dir(&camera).unwrap();
    for seed in 1..4 {
        picture(seed)
            .0
            .save(camera.join(format!("pier {seed}.png")))
            .unwrap();
    }
    window.handle.send(Command::Import(vec![camera.clone()]));
    let progress = window.wait(|event| match event {
        Event::ImportProgress(progress) => Some(progress),
        _ => None,
    });
    assert_eq!((progress.n_files, progress.n_done), (3, 0));
    let imported = |event| match event {
        Event::Imported(report) => Some(report),
        _ => None,
    };
    let report = window.wait(imported);
    assert_eq!((report.added.len(), &report.stopped), (3, &None));
    assert_eq!(window.list(Query::default()).len(), 3);
    // A cancel ends what runs, not what comes after it.
    picture(9).0.save(camera.join("late.png")).unwrap();
    window.handle.send(Command::CancelImports);
    window.handle.send(Command::Import(vec![camera]));
    assert_eq!(window.wait(imported).added.len(), 1);

    let (pixels, mut child) = picture(5);
    child.parents = report.added.clone();
    let id = child.id;
    window.handle.send(Command::Save {
        pixels: Arc::new(pixels),
        recipe: Box::new(child),
    });
    window.handle.send(Command::Trash(report.added.clone()));
    window
        .handle
        .send(Command::EmptyTrash(report.added.clone()));
    window.handle.send(Command::Family(id));
    let family = window.wait(|event| match event {
        Event::Family(family) => Some(family),
        _ => None,
    });
    let ghosts = family
        .members
        .iter()
        .filter(|member| member.state == State::Missing);
    assert_eq!((ghosts.count(), family.members.len()), (3, 4));
    window
        .handle
        .send(Command::Thumbnails(report.added.clone()));
    window.wait(|event| match event {
        Event::Thumbnail { id, .. } => report.added.contains(&id).then_some(()),
        _ => None,
    });
    window.handle.send(Command::Overview);
    window.wait(|event| match event {
        Event::Overview(overview) => (overview.n_pictures == 2).then_some(()),
        _ => None,
    });

    // Another program paints on a picture; the window hears of it when it looks again.
    let path = folders
        .pictures
        .join(id.month())
        .join(id.file_name(FileKind::Png));
    picture(77).0.save(path).unwrap();
    window.handle.send(Command::Rescan);
    let redrawn = window.wait(|event| match event {
        Event::Redrawn(ids) => Some(ids),
        _ => None,
    });
    assert_eq!(redrawn, [id]);
}
