//! The gallery on a failing disk: whichever file operation fails, once or from then on, every picture is
//! the old one or the new one, what was acknowledged stays, and another try succeeds.

#![allow(clippy::unwrap_used)]

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;

use image::RgbImage;

use super::export::{ExportOptions, Format};
use super::handle::Worker;
use super::layout::FileKind;
use super::picture_file;
use super::recipe::tests::recipe;
use super::unsaved::Unsaved;
use super::{Access, Command, Event, Gallery, Mark, PictureId, Query, Recipe};
use crate::files::faulty::FaultyFs;
use crate::files::{Existing, Fs, RealFs};

#[derive(Clone)]
struct Home {
    folder: Arc<tempfile::TempDir>,
}

impl Home {
    fn new() -> Self {
        Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self, fs: Arc<dyn Fs>) -> super::Result<Gallery> {
        let [pictures, indexes, thumbnails] =
            ["pictures", "indexes", "thumbnails"].map(|name| self.path(name));
        Gallery::open_with(fs, &pictures, &indexes, &thumbnails, Access::Change)
    }

    /// Opens after the fault is over, as the next start does.
    fn reopen(&self) -> Gallery {
        let mut gallery = self.open(Arc::new(RealFs)).unwrap();
        gallery.scan().unwrap();
        gallery
    }
}

fn picture(seed: u64) -> (RgbImage, Recipe) {
    let pixels = RgbImage::from_fn(16, 8, |x, y| image::Rgb([x as u8, y as u8, seed as u8]));
    let recipe = recipe("a red sailboat", seed, (16, 8));
    (pixels, recipe)
}

/// Which operations of the scenario were acknowledged.
#[expect(clippy::struct_excessive_bools, reason = "one for each operation")]
#[derive(Default)]
struct Answers {
    opened: bool,
    saved: bool,
    starred: bool,
    trashed: bool,
    restored: bool,
    exported: bool,
}

const EXPORT: ExportOptions = ExportOptions {
    format: Format::Png,
    with_recipe: true,
    existing: Existing::Replace,
};

/// Everything that changes files, once; each whether or not the one before succeeded.
fn scenario(
    home: &Home,
    fs: Arc<dyn Fs>,
    old: [PictureId; 3],
    new: &(RgbImage, Recipe),
) -> Answers {
    let [starred, trashed, restored] = old;
    let Ok(mut gallery) = home.open(fs) else {
        return Answers::default();
    };
    Answers {
        opened: true,
        saved: gallery.save(&new.0, &new.1).is_ok(),
        starred: gallery.mark(&[starred], &Mark::Star(true)).is_ok(),
        trashed: gallery.trash(trashed).is_ok(),
        restored: gallery.restore(restored).is_ok(),
        exported: gallery
            .export(starred, &home.path("exported.png"), EXPORT)
            .is_ok(),
    }
}

/// T2: for every N, the Nth operation fails, once and for ever.
#[test]
fn whichever_operation_fails_it_is_old_or_new() {
    for for_ever in [false, true] {
        let mut n_faults = 0;
        loop {
            let fs = Arc::new(FaultyFs::failing_at(n_faults, for_ever));
            check_fault(&fs);
            if !fs.has_failed() {
                break;
            }
            n_faults += 1;
        }
        assert!(
            n_faults >= 25,
            "only {n_faults} operations were made to fail"
        );
    }
}

/// The same for the first opening ever, which makes the gallery.
#[test]
fn a_gallery_is_made_or_not() {
    for for_ever in [false, true] {
        for fail_at in 0.. {
            let home = Home::new();
            let fs = Arc::new(FaultyFs::failing_at(fail_at, for_ever));
            let is_open = home.open(fs.clone()).is_ok();
            if !fs.has_failed() {
                assert!(is_open && fail_at >= 6, "{fail_at}");
                break;
            }
            let (pixels, recipe) = picture(1);
            let id = home.reopen().save(&pixels, &recipe).unwrap().id;
            assert_eq!(
                home.reopen().ids(&Query::default()).unwrap(),
                [id],
                "operation {fail_at}"
            );
        }
    }
}

fn check_fault(fs: &Arc<FaultyFs>) {
    let context = format!("operation {}, for ever: {}", fs.fail_at, fs.for_ever);
    let home = Home::new();
    let pictures: Vec<_> = (0..4).map(picture).collect();
    let [starred, trashed, restored, new] = [0, 1, 2, 3].map(|i: usize| pictures[i].1.id);
    {
        let mut gallery = home.reopen();
        for (pixels, recipe) in &pictures[..3] {
            gallery.save(pixels, recipe).unwrap();
        }
        gallery.trash(restored).unwrap();
        std::fs::write(home.path("exported.png"), b"old").unwrap();
    }
    let answers = scenario(
        &home,
        fs.clone(),
        [starred, trashed, restored],
        &pictures[3],
    );

    let mut gallery = home.reopen();
    let here = gallery.ids(&Query::default()).unwrap();
    let binned = gallery
        .ids(&Query {
            in_trash: true,
            ..Query::default()
        })
        .unwrap();
    for (id, acknowledged, expected, other) in [
        (new, answers.saved, &here, None),
        (trashed, answers.trashed, &binned, Some(&here)),
        (restored, answers.restored, &here, Some(&binned)),
    ] {
        let is_new = expected.contains(&id);
        assert!(is_new || !acknowledged, "{context}: acknowledged and gone");
        if let Some(other) = other {
            assert!(
                is_new != other.contains(&id),
                "{context}: in exactly one place"
            );
        }
    }
    assert!(here.contains(&starred), "{context}");
    let is_starred = gallery.record(starred).unwrap().is_starred;
    assert!(
        is_starred || !answers.starred,
        "{context}: the star was acknowledged"
    );

    // Whatever has a picture's name is whole.
    for (pixels, recipe) in &pictures {
        if here.contains(&recipe.id) || binned.contains(&recipe.id) {
            let read = image::DynamicImage::from(gallery.pixels(recipe.id).unwrap()).into_rgb8();
            assert_eq!(&read, pixels, "{context}");
            assert_eq!(
                gallery.record(recipe.id).unwrap().recipe.as_ref(),
                Some(recipe),
                "{context}"
            );
        }
    }
    let exported = std::fs::read(home.path("exported.png")).unwrap();
    let is_whole = picture_file::decode(&exported).is_ok();
    assert!(
        is_whole || exported == b"old" && !answers.exported,
        "{context}: a torn export"
    );
    let mut findings = Vec::new();
    gallery
        .verify(&mut |finding| findings.push(finding.clone()))
        .unwrap();
    assert_eq!(findings, [], "{context}");

    // And another try does it.
    gallery.save(&pictures[3].0, &pictures[3].1).unwrap();
    gallery.mark(&[starred], &Mark::Star(true)).unwrap();
    assert!(
        gallery.ids(&Query::default()).unwrap().contains(&new),
        "{context}"
    );
    assert!(gallery.record(starred).unwrap().is_starred, "{context}");
    if !fs.has_failed() {
        let all = [
            answers.opened,
            answers.saved,
            answers.trashed,
            answers.restored,
            answers.exported,
        ];
        assert_eq!(all, [true; 5], "without a fault everything works");
    }
}

/// T3: on disks with 20 sizes of free space the queue stops at the first picture that does not fit, keeps
/// it in memory, says what to do, and goes on when there is room again.
#[test]
fn a_full_disk_pauses_the_saves_and_loses_none() {
    let one_file = picture_file::encode_png(&picture(0).0, &picture(0).1)
        .unwrap()
        .len() as i64;
    for size in 0..20 {
        let home = Home::new();
        drop(home.reopen());
        let fs = Arc::new(FaultyFs::with_free_bytes(size * one_file / 4));
        let (mut worker, events) = worker(&home, fs.clone());
        let pictures: Vec<_> = (0..6).map(picture).collect();
        for picture in &pictures {
            worker.handle(save(picture));
        }
        let events_before = take(&events);
        let n_saved = events_before
            .iter()
            .filter(|event| matches!(event, Event::Saved(_)))
            .count();
        assert!(n_saved < pictures.len());
        let Some(Event::SaveFailed {
            message, n_waiting, ..
        }) = events_before.last()
        else {
            panic!("the last event is a failure: {events_before:?}");
        };
        assert_eq!(*n_waiting, pictures.len() - n_saved);
        assert!(message.contains("free some space"), "{message}");

        fs.free_bytes.store(i64::MAX, Ordering::Relaxed);
        worker.handle(Command::RetrySaves);
        let saved = take(&events)
            .iter()
            .filter(|event| matches!(event, Event::Saved(_)))
            .count();
        assert_eq!(n_saved + saved, pictures.len());
        assert_eq!(
            home.reopen().ids(&Query::default()).unwrap().len(),
            pictures.len()
        );
    }
}

#[test]
fn a_folder_that_may_not_be_written_is_named_with_what_to_do() {
    let home = Home::new();
    drop(home.reopen());
    let mut fs = FaultyFs::failing_at(0, true);
    fs.kind = io::ErrorKind::PermissionDenied;
    let fs = Arc::new(fs);
    // Reading works: the fault begins with the first write.
    let reading = Arc::new(FaultyFs::failing_at(usize::MAX, false));
    drop(home.open(reading.clone()).unwrap());
    let n_reads = reading.n_operations.load(Ordering::Relaxed);
    let mut gallery = home
        .open(Arc::new(FaultyFs {
            fail_at: n_reads,
            ..Arc::into_inner(fs).unwrap()
        }))
        .unwrap();
    let (pixels, recipe) = picture(1);
    let message = gallery.save(&pixels, &recipe).unwrap_err().to_string();
    let expected = "cannot save the picture (permission denied): allow Limn to write there or choose another folder, and try again: ";
    assert!(message.starts_with(expected), "{message}");
    assert!(
        message.ends_with(&recipe.id.file_name(FileKind::Png)),
        "the path is last: {message}"
    );
}

#[test]
fn a_gallery_that_comes_back_takes_what_waited() {
    let home = Home::new();
    // A file where the folder should be, as when a drive is unplugged.
    std::fs::write(home.path("pictures"), b"").unwrap();
    let (mut worker, events) = worker(&home, Arc::new(RealFs));
    worker.handle(save(&picture(1)));
    assert!(
        take(&events)
            .iter()
            .any(|event| matches!(event, Event::SaveFailed { n_waiting: 1, .. }))
    );
    std::fs::remove_file(home.path("pictures")).unwrap();
    worker.handle(save(&picture(2)));
    let saved = take(&events)
        .iter()
        .filter(|event| matches!(event, Event::Saved(_)))
        .count();
    assert_eq!(saved, 2);
}

/// What the gallery's folder cannot take outlives even a crash, and is taken in by the next start.
#[test]
fn a_picture_that_does_not_fit_waits_elsewhere() {
    let home = Home::new();
    // The drive is unplugged, and Limn ends before it is back.
    std::fs::write(home.path("pictures"), b"").unwrap();
    let (mut worker, events) = worker(&home, Arc::new(RealFs));
    let unplugged = picture(1);
    worker.handle(save(&unplugged));
    assert!(
        take(&events)
            .iter()
            .any(|event| matches!(event, Event::SaveFailed { .. }))
    );
    drop(worker);
    std::fs::remove_file(home.path("pictures")).unwrap();

    // Then the folder may not be written any more, while reading and the app-data folder work.
    let mut gallery = home.reopen();
    assert_eq!(gallery.ids(&Query::default()).unwrap(), [unplugged.1.id]);
    drop(gallery);
    let month = home.path("pictures").join(unplugged.1.id.month());
    std::fs::rename(&month, home.path("aside")).unwrap();
    std::fs::write(&month, b"").unwrap();
    let mut gallery = home.open(Arc::new(RealFs)).unwrap();
    let refused = picture(2);
    assert!(gallery.save(&refused.0, &refused.1).is_err());
    drop(gallery);
    std::fs::remove_file(&month).unwrap();
    std::fs::rename(home.path("aside"), &month).unwrap();

    let mut gallery = home.reopen();
    let all = [refused.1.id, unplugged.1.id];
    assert_eq!(gallery.ids(&Query::default()).unwrap(), all);
    let read = image::DynamicImage::from(gallery.pixels(all[0]).unwrap()).into_rgb8();
    assert_eq!(read, refused.0);
    let waiting = std::fs::read_dir(home.path("indexes").join("unsaved")).unwrap();
    assert_eq!(waiting.count(), 0, "nothing waits any more");
}

fn save((pixels, recipe): &(RgbImage, Recipe)) -> Command {
    Command::Save {
        pixels: Arc::new(pixels.clone()),
        recipe: Box::new(recipe.clone()),
    }
}

type Events = std::sync::mpsc::Receiver<Event>;

/// A worker on this thread, opened.
fn worker(home: &Home, fs: Arc<dyn Fs>) -> (Worker, Events) {
    let (sender, events) = channel();
    let unsaved = Unsaved::new(&home.path("indexes"));
    let home = home.clone();
    let open = Arc::new(move || home.open(fs.clone()));
    let emit = Arc::new(move |event| sender.send(event).unwrap());
    let mut worker = Worker::new(open, unsaved, emit);
    worker.open();
    (worker, events)
}

fn take(events: &Events) -> Vec<Event> {
    events.try_iter().collect()
}
