//! Search by what pictures show, with the built-in model and the very program that is shipped.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use image::RgbImage;
use limn::engine_link::EngineCommand;
use limn::gallery::handle::Meant;
use limn::gallery::meaning::{
    Activity, Command, EncoderChoice, Event, Found, Meaning, Search, State,
};
use limn::gallery::{self, Gallery, GalleryHandle, PictureId, Query, Recipe, Sort};
use limn::paths::Folders;
use limn_engine::protocol::ModelId;
use tempfile::TempDir;

use crate::command_line::{assert_success, json_events, limn};
use crate::engine::engine_command;
#[cfg(unix)]
use crate::engine::signal;
use crate::gallery::{open, recipe};
use crate::harness::fixture_path;

/// Far beyond what anything here takes on a busy machine: only a fault waits as long.
const PATIENCE: Duration = Duration::from_mins(3);

/// What the pictures of `fixtures/meaning/doodle.jpg` show, which Doodle drew.
const DRAWN: [&str; 8] = [
    "sailboat by day",
    "sailboat at night",
    "sailboat at sunset",
    "house at sunset",
    "house by day",
    "castle at night",
    "cat at night",
    "car by day",
];

/// The drawn pictures, oldest first, under prompts that do not say what they show.
fn save_drawn(gallery: &mut Gallery) -> Vec<PictureId> {
    const SIDE_PX: u32 = 128;
    let sheet = image::open(fixture_path("meaning/doodle.jpg")).unwrap();
    let save = |n: u32| {
        let (x, y) = (n % 4 * SIDE_PX, n / 4 * SIDE_PX);
        let picture = sheet.crop_imm(x, y, SIDE_PX, SIDE_PX).into_rgb8();
        save(gallery, &picture, n)
    };
    (0..DRAWN.len() as u32).map(save).collect()
}

fn save(gallery: &mut Gallery, picture: &RgbImage, n: u32) -> PictureId {
    let recipe = Recipe {
        prompt: format!("number {n}"),
        width: picture.width(),
        height: picture.height(),
        ..recipe(n.into())
    };
    gallery.save(picture, &recipe).unwrap().id
}

fn choice(home: &Path) -> EncoderChoice {
    EncoderChoice {
        engine: background_engine(home),
        model: None,
    }
}

/// As [`EngineCommand::in_background`] starts it.
fn background_engine(home: &Path) -> EngineCommand {
    let mut command = engine_command(home);
    command.args.push("--background".into());
    command
}

struct Watched {
    meaning: Meaning,
    events: Receiver<Event>,
}

impl Watched {
    fn start(home: &Path) -> Self {
        let (to_us, events) = channel();
        let folders = Folders::under(home);
        let open =
            move || Gallery::open(&folders.pictures, &folders.indexes, &folders.thumbnails());
        let meaning = Meaning::start(open, move |event| to_us.send(event).unwrap_or_default());
        let meaning = meaning.unwrap();
        meaning.send(Command::Use(choice(home)));
        Self { meaning, events }
    }

    fn wait<T>(&self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let event = self.events.recv_timeout(left).expect("an event in time");
            if let Event::State(State {
                activity: Activity::Failed(reason),
                ..
            }) = &event
            {
                panic!("{reason}");
            }
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    }

    /// Until so many pictures are embedded, and no more are left.
    fn wait_for_all(&self, n_pictures: usize) {
        self.wait(|event| match event {
            Event::State(state) => {
                let is_done = state.n_done == n_pictures && state.activity == Activity::Idle;
                is_done.then_some(())
            }
            Event::Found { .. } => None,
        });
    }

    fn find(&self, query: Query) -> Found {
        self.meaning.search(Search {
            request: 3,
            query,
            picture: None,
        });
        self.wait(|event| match event {
            Event::Found {
                request,
                found,
                trouble,
            } => {
                assert_eq!((request, trouble), (3, None));
                Some(found)
            }
            Event::State(_) => None,
        })
    }

    fn find_words(&self, words: &str) -> Found {
        self.find(Query {
            words: words.to_owned(),
            ..Query::default()
        })
    }
}

/// What was found, in order, by what it shows.
fn shown<'a>(found: &Found, ids: &[PictureId]) -> Vec<&'a str> {
    let name = |id: PictureId| DRAWN[ids.iter().position(|other| *other == id).unwrap()];
    found.entries.iter().map(|entry| name(entry.id)).collect()
}

#[test]
fn a_boat_ranks_boats_above_houses() {
    let home = TempDir::new().unwrap();
    let mut gallery = open(home.path());
    let ids = save_drawn(&mut gallery);
    let watched = Watched::start(home.path());
    watched.wait_for_all(ids.len());

    let boats = watched.find_words("a boat");
    assert_eq!(boats.n_exact(), 0, "no prompt says it");
    let shown_first: Vec<&str> = shown(&boats, &ids).into_iter().take(3).collect();
    assert!(
        shown_first.iter().all(|name| name.starts_with("sailboat")),
        "{shown_first:?}"
    );
    assert!(
        !shown(&boats, &ids)
            .iter()
            .any(|name| name.starts_with("house"))
    );
    assert!(boats.cosines.is_sorted_by(|a, b| a >= b));

    // The model was not taught the plural.
    for words in ["boats at night", "Boats at nig"] {
        let found = watched.find_words(words);
        assert_eq!(shown(&found, &ids)[0], "sailboat at night", "{words}");
    }
    let nothing = watched.find_words("zeppelin");
    assert!(nothing.entries.is_empty());

    // Words come first, whatever the picture shows, and a picture comes once.
    let both = watched.find_words("number");
    assert_eq!((both.n_exact(), both.entries.len()), (8, 8));
    // Another order mixes those that have the words with those that show it.
    let in_order = |sort_found| -> Vec<PictureId> {
        let found = watched.find(Query {
            words: "boat".to_owned(),
            sort_found,
            ..Query::default()
        });
        found.entries.iter().map(|entry| entry.id).collect()
    };
    let mut expected = in_order(None);
    assert!(expected.len() > 1);
    expected.sort_unstable();
    assert_eq!(in_order(Some(Sort::Oldest)), expected);
    expected.reverse();
    assert_eq!(in_order(Some(Sort::Newest)), expected);
    gallery.trash(ids[0]).unwrap();
    let kept = watched.find_words("sailboat");
    assert!(!kept.entries.iter().any(|entry| entry.id == ids[0]));

    let like = |id| Query {
        like: Some(id),
        ..Query::default()
    };
    let alike = watched.find(like(ids[1]));
    assert_eq!(
        shown(&alike, &ids)[..2],
        ["sailboat at night", "sailboat at sunset"]
    );
    // It is in the trash, and still a question.
    let alike = watched.find(like(ids[0]));
    assert!(shown(&alike, &ids)[0].starts_with("sailboat"));
}

#[cfg(unix)]
#[test]
fn embeddings_are_made_though_the_encoder_is_killed_and_kept_through_a_rebuild() {
    let home = TempDir::new().unwrap();
    let mut gallery = open(home.path());
    let mut ids = save_drawn(&mut gallery);
    let watched = Watched::start(home.path());
    watched.wait_for_all(8);
    let process = watched.meaning.encoder_process_id().expect("it runs still");
    assert!(signal("KILL", process));
    let grey = RgbImage::from_pixel(40, 40, image::Rgb([90, 90, 90]));
    for n in 8..20 {
        ids.push(save(&mut gallery, &grey, n));
    }
    watched.wait_for_all(20);
    assert_ne!(watched.meaning.encoder_process_id(), Some(process));
    drop(watched);

    gallery.rebuild(&mut |_| {}).unwrap();
    let watched = Watched::start(home.path());
    let first = watched.wait(|event| match event {
        Event::State(state) => Some(state),
        Event::Found { .. } => None,
    });
    assert_eq!((first.n_done, first.n_total), (20, 20));
    assert_eq!(
        watched.meaning.encoder_process_id(),
        None,
        "there is nothing to start it for"
    );
}

#[test]
fn another_model_embeds_all_anew_and_going_back_costs_nothing() {
    let home = TempDir::new().unwrap();
    let ids = save_drawn(&mut open(home.path()));
    let watched = Watched::start(home.path());
    watched.wait_for_all(8);
    let other = EncoderChoice {
        engine: background_engine(home.path()).with_model(&fixture_path("pipeline")),
        model: Some(ModelId("pipeline".to_owned())),
    };
    watched.meaning.send(Command::Use(other));
    let mut has_begun = false;
    watched.wait(|event| match event {
        Event::State(state) => {
            has_begun |= state.n_done == 0;
            (has_begun && state.is_complete()).then_some(())
        }
        Event::Found { .. } => None,
    });
    let like = Query {
        like: Some(ids[4]),
        ..Query::default()
    };
    let alike = watched.find(like);
    assert_eq!(alike.entries[0].id, ids[4]);
    assert!((alike.cosines[0].unwrap() - 1.0).abs() < 1e-2);

    watched.meaning.send(Command::Use(choice(home.path())));
    watched.wait_for_all(8);
    assert_eq!(watched.meaning.encoder_process_id(), None);
    assert_eq!(shown(&watched.find_words("cat"), &ids)[0], "cat at night");
}

#[test]
fn a_paused_encoder_looks_at_no_picture_and_still_answers() {
    let home = TempDir::new().unwrap();
    let mut gallery = open(home.path());
    let ids = save_drawn(&mut gallery);
    let watched = Watched::start(home.path());
    watched.wait_for_all(8);
    watched.meaning.send(Command::Pause(true));
    let grey = RgbImage::from_pixel(40, 40, image::Rgb([90, 90, 90]));
    save(&mut gallery, &grey, 8);
    watched.wait(|event| match event {
        Event::State(state) => (state.activity == Activity::Paused).then_some(()),
        Event::Found { .. } => None,
    });
    assert_eq!(
        shown(&watched.find_words("castle"), &ids)[0],
        "castle at night"
    );
    watched.meaning.send(Command::Pause(false));
    watched.wait_for_all(9);
}

#[test]
fn the_window_s_list_comes_by_words_at_once_and_then_by_meaning() {
    let home = TempDir::new().unwrap();
    let ids = save_drawn(&mut open(home.path()));
    let folders = Folders::under(home.path());
    let (wake, woken) = channel();
    let wake = move || wake.send(()).unwrap_or_default();
    let handle = GalleryHandle::start(&folders, folders.pictures.clone(), wake).unwrap();
    handle.send(gallery::Command::Meaning(Command::Use(choice(home.path()))));
    let mut lists = Vec::new();
    let mut is_asked = false;
    while lists.len() < 2 {
        woken.recv_timeout(PATIENCE).expect("an event in time");
        for event in handle.events() {
            match event {
                gallery::Event::Meaning(state) if state.n_done == 8 && !is_asked => {
                    is_asked = true;
                    let query = Query {
                        words: "castle".to_owned(),
                        ..Query::default()
                    };
                    handle.send(gallery::Command::List { request: 9, query });
                }
                gallery::Event::Listed {
                    request: 9,
                    entries,
                    meant,
                    n_exact,
                } => {
                    assert_eq!(n_exact, 0);
                    lists.push((entries.first().map(|entry| entry.id), meant));
                }
                _ => {}
            }
        }
    }
    assert_eq!(lists, [(None, Meant::NotYet), (Some(ids[5]), Meant::Done)]);
}

#[test]
fn the_command_line_finds_by_words_by_meaning_and_by_likeness() {
    let home = TempDir::new().unwrap();
    let ids = save_drawn(&mut open(home.path()));
    let gallery = |arguments: &[&str]| {
        let output = limn(home.path()).arg("gallery").args(arguments).output();
        output.unwrap()
    };
    let ids_of = |output: &std::process::Output| -> Vec<(String, String)> {
        assert_success(output);
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let events = json_events(output).into_iter();
        events
            .map(|event| (text(&event["id"]), text(&event["found_by"])))
            .collect()
    };
    let found = ids_of(&gallery(&["search", "--json", "boats", "at", "night"]));
    assert_eq!(found[0], (ids[1].to_string(), "meaning".to_owned()));
    let found = ids_of(&gallery(&["search", "--json", "number", "5"]));
    assert_eq!(found[0], (ids[5].to_string(), "words".to_owned()));
    assert!(ids_of(&gallery(&["search", "--json", "--words", "boats"])).is_empty());
    assert!(!ids_of(&gallery(&["search", "--json", "--meaning", "boats"])).is_empty());

    let cat = ids[6].to_string();
    let found = ids_of(&gallery(&["similar", "--json", "--limit", "3", &cat]));
    assert_eq!((found.len(), &found[0].0), (3, &cat));
    let sheet = fixture_path("meaning/doodle.jpg");
    let found = ids_of(&gallery(&["similar", "--json", sheet.to_str().unwrap()]));
    assert_eq!(found.len(), 8, "all of a small gallery is shown, in order");

    for (arguments, expected) in [
        (&["similar", "nothing.png"][..], "nothing.png"),
        (
            &["similar", "01890a5d-ac96-774b-bcce-b302099a8057"],
            "there is no picture",
        ),
    ] {
        let output = gallery(arguments);
        assert_eq!(output.status.code(), Some(1));
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(words.contains(expected), "{words}");
    }
}
