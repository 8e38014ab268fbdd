//! A panic in the gallery's thread or in an import: it is said, what waits is kept, and the work goes on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::gallery::handle::Worker;
use crate::gallery::importing::Stopped;
use crate::gallery::unsaved::Unsaved;

/// A gallery's thread of which every opening with one of these numbers, from 0, panics.
fn handle(home: &Arc<Home>, panics: &'static [usize]) -> GalleryHandle {
    let n_opened = AtomicUsize::new(0);
    let opens = Arc::clone(home);
    let open = move || {
        let n = n_opened.fetch_add(1, Ordering::Relaxed);
        assert!(!panics.contains(&n), "opening {n} goes wrong");
        Ok(opens.open())
    };
    let unsaved = Unsaved::new(&home.path("indexes"));
    GalleryHandle::start_with(unsaved, open, || {}).unwrap()
}

/// What a handle told, one by one: what comes after the event that is waited for is there for the next wait.
struct Told<'a> {
    handle: &'a GalleryHandle,
    waiting: VecDeque<Event>,
}

impl<'a> Told<'a> {
    fn by(handle: &'a GalleryHandle) -> Self {
        Self {
            handle,
            waiting: VecDeque::new(),
        }
    }

    fn wait<T>(&mut self, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            while let Some(event) = self.waiting.pop_front() {
                if let Some(found) = pick(event) {
                    return found;
                }
            }
            assert!(Instant::now() < deadline, "no such event in time");
            std::thread::sleep(Duration::from_millis(5));
            self.waiting.extend(self.handle.events());
        }
    }
}

fn save_command(seed: u8) -> Command {
    let recipe = recipe(&format!("picture {seed}"), seed.into(), (24, 16));
    Command::Save {
        pixels: Arc::new(pixels(seed)),
        recipe: Box::new(recipe),
    }
}

#[test]
fn pictures_that_wait_outlive_a_panic_of_the_gallerys_thread() {
    let home = Arc::new(Home::new());
    let gallery = handle(&home, &[0, 1]);
    for seed in 0..3 {
        gallery.send(save_command(seed));
    }
    let mut n_told = 0;
    let mut n_saved = 0;
    Told::by(&gallery).wait(|event| {
        match event {
            Event::Failed { message } if message.contains("went wrong") => n_told += 1,
            Event::Saved(_) => n_saved += 1,
            _ => {}
        }
        (n_saved == 3).then_some(())
    });
    assert_eq!(n_told, 2, "each panic is said");
    drop(gallery);
    assert_eq!(all(&mut home.open()).len(), 3);
}

#[test]
fn an_import_that_panics_is_told_and_the_next_one_runs() {
    let home = Arc::new(Home::new());
    let camera = home.path("camera");
    std::fs::create_dir(&camera).unwrap();
    pixels(1).save(camera.join("a.png")).unwrap();
    // The first opening is the gallery's own, the second the first import's.
    let gallery = handle(&home, &[1]);
    gallery.send(Command::Import(vec![camera.clone()]));
    gallery.send(Command::Import(vec![camera]));
    let imported = |event| match event {
        Event::Imported(report) => Some(report),
        _ => None,
    };
    let mut told = Told::by(&gallery);
    let first = told.wait(imported);
    let Some(Stopped::Failed(reason)) = first.stopped else {
        panic!("it ended early");
    };
    assert!(reason.contains("opening 1 goes wrong"), "{reason}");
    let second = told.wait(imported);
    assert_eq!((second.added.len(), second.stopped), (1, None));
}

/// The picture that cannot be saved without a panic keeps no other from being saved.
#[test]
fn a_picture_whose_saving_panics_goes_behind_the_others() {
    let home = Arc::new(Home::new());
    let events = Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = Arc::clone(&events);
    let opens = Arc::clone(&home);
    let unsaved = Unsaved::new(&home.path("indexes"));
    let emit = Arc::new(move |event| told.lock().unwrap().push(event));
    let mut worker = Worker::new(Arc::new(move || Ok(opens.open())), unsaved, emit);
    worker.open();
    // Of another size than its recipe says: a mistake of Limn's own.
    let wrong = Command::Save {
        pixels: Arc::new(RgbImage::new(2, 2)),
        recipe: Box::new(recipe("wrong", 1, (24, 16))),
    };
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| worker.handle(wrong)));
    assert!(panicked.is_err());
    worker.begin_anew("wrong");
    worker.open();
    // What comes now is saved, then the wrong one panics again.
    let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        worker.handle(save_command(2));
    }));
    assert!(again.is_err());
    worker.begin_anew("wrong");
    let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        worker.handle(save_command(3));
    }));
    assert!(again.is_err());
    let events = events.lock().unwrap();
    let n_saved = events
        .iter()
        .filter(|event| matches!(event, Event::Saved(_)))
        .count();
    assert!(n_saved >= 1, "{n_saved}");
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::SaveFailed { .. }))
    );
}
