//! `kill -9` while a document is worked on. The next start has every step that was acknowledged, and each
//! leads back.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use limn::document::{AtStart, Document, DocumentStore, Event, StepName};
use limn_engine::PixelRect;

/// Set for the process that works: the folder of its working files.
const CHILD_VARIABLE: &str = "LIMN_TEST_WORKS_UNDER";
/// How often to kill; 15 unless told otherwise.
const KILLS_VARIABLE: &str = "LIMN_TEST_KILLS";

const COUNTER: PixelRect = PixelRect::new(0, 0, 4, 1);

/// Where step `n` paints: in one tile, or in up to four.
fn painted_rect(n: u32) -> PixelRect {
    let (x, y) = (n * 97 % 2000, 10 + n * 61 % 2000);
    PixelRect::new(x as i32, y as i32, 40, 40)
}

fn painted_pixels(n: u32) -> Vec<u8> {
    let spread = |i: u32| (i + n).wrapping_mul(2_654_435_761) >> 24;
    (0..1600).map(|i| spread(i) as u8 | 1).collect()
}

/// The step that the document shows.
fn counter(document: &Document) -> u32 {
    let bytes = document.content().mask.read(COUNTER);
    u32::from_le_bytes(bytes.try_into().expect("four pixels"))
}

fn next_step(document: &mut Document) {
    let n = counter(document) + 1;
    document.change(StepName::Brush, |content| {
        content.mask.write(painted_rect(n), &painted_pixels(n));
        content.mask.write(COUNTER, &n.to_le_bytes());
    });
}

fn open(folder: &Path) -> DocumentStore {
    DocumentStore::start(folder, AtStart::Restore, || {}).expect("a thread")
}

/// The next event that `pick` takes.
fn wait<T>(store: &DocumentStore, pick: impl Fn(Event) -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = store.events().find_map(&pick) {
            return found;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "an event in time");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// The document of last time.
fn restored(store: &DocumentStore) -> Option<Document> {
    wait(store, |event| match event {
        Event::Restored(document) => Some(Some(*document)),
        Event::Ready => Some(None),
        _ => None,
    })
}

/// Paints without end, and says which step is done only when it is durable. Now and then a step goes back
/// and forth first.
fn work_for_ever(folder: &Path) -> ! {
    let store = open(folder);
    let mut document = restored(&store).unwrap_or_default();
    let mut acknowledge = std::io::stdout();
    loop {
        next_step(&mut document);
        let n = counter(&document);
        if n.is_multiple_of(5) {
            document.undo().expect("a step");
            document.redo().expect("a step");
        }
        store.keep(&mut document);
        let places = wait(&store, |event| match event {
            Event::Written { places, .. } => Some(places),
            _ => None,
        });
        document.written(&places);
        writeln!(acknowledge, "painted {n}")
            .and_then(|()| acknowledge.flush())
            .expect("heard");
    }
}

fn start_working(folder: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this program has a path"))
        .args([
            "--exact",
            "documents::a_killed_process_loses_no_step",
            "--nocapture",
        ])
        .env(CHILD_VARIABLE, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the working process starts")
}

/// Lets a process work, kills it at a moment of its own and returns the last step that it acknowledged.
fn kill_while_working(mut child: Child, delay: Duration) -> u32 {
    let step = |line: &str| {
        line.strip_prefix("painted ")?
            .strip_suffix('\n')?
            .parse::<u32>()
            .ok()
    };
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let mut last = None;
    while last.is_none() {
        let mut line = String::new();
        assert!(
            output.read_line(&mut line).expect("lines") > 0,
            "it ended early"
        );
        last = step(&line);
    }
    std::thread::sleep(delay);
    child.kill().expect("killed");
    child.wait().expect("gone");
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("text");
    rest.split_inclusive('\n')
        .filter_map(step)
        .next_back()
        .or(last)
        .expect("one at least")
}

#[test]
fn a_killed_process_loses_no_step() {
    if let Some(folder) = std::env::var_os(CHILD_VARIABLE) {
        work_for_ever(Path::new(&folder));
    }
    let n_kills = std::env::var(KILLS_VARIABLE)
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(15);
    let folder = tempfile::tempdir().expect("a folder");
    for kill in 0..n_kills {
        let delay = Duration::from_micros(kill * 7919 % 60_000);
        let acknowledged = kill_while_working(start_working(folder.path()), delay);
        let mut document = restored(&open(folder.path())).expect("the document of last time");
        let n = counter(&document);
        // At most the step in progress was durable and not acknowledged yet.
        assert!(
            (acknowledged..=acknowledged + 1).contains(&n),
            "{acknowledged}: {n}"
        );
        for n in (1..=n).rev() {
            assert_eq!(counter(&document), n);
            assert!(
                document.content().mask.read(painted_rect(n)) == painted_pixels(n),
                "step {n}"
            );
            assert_eq!(document.undo(), Some(StepName::Brush), "step {n}");
        }
        assert!(document.content().mask.is_empty(), "the beginning");
    }
}
