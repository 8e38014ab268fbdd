//! T1: `kill -9` while pictures are saved. What was acknowledged is there afterwards, whole.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use image::RgbImage;
use limn::gallery::{Gallery, Mark, PictureId, Query, Recipe};
use limn::paths::Folders;
use limn_engine::protocol::{BlobHash, Compute, GenerateRequest, ModelId, Picture, Plan, Sampling};
use limn_engine::samplers::Sampler;

/// Set for the process that saves: the folder under which it works.
const CHILD_VARIABLE: &str = "LIMN_TEST_SAVES_UNDER";
/// How often to kill; 20 unless told otherwise.
pub const KILLS_VARIABLE: &str = "LIMN_TEST_KILLS";

const SIDE_PX: u32 = 96;

/// Noise that compresses badly and tells each picture from all others.
pub fn pixels(seed: u64) -> RgbImage {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut rgb = vec![0; (SIDE_PX * SIDE_PX * 3) as usize];
    for byte in &mut rgb {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = state as u8;
    }
    RgbImage::from_raw(SIDE_PX, SIDE_PX, rgb).expect("as many bytes as pixels need")
}

pub fn recipe(seed: u64) -> Recipe {
    let plan = Plan {
        model_name: "Doodle".into(),
        model_hash: "ab".repeat(32),
        device: "CPU".into(),
        dtype: "f32".into(),
        width: SIDE_PX,
        height: SIDE_PX,
        cascade: None,
        sampler: Sampler::Ddim,
        n_steps: 8,
        guidance_scale: 4.0,
        n_prior_steps: Some(5),
        prior_guidance_scale: Some(4.0),
        unread_prompt: None,
        loras: Vec::new(),
        ip_adapter: None,
        stand_in: None,
        spacing: None,
        guidance_rescale: None,
        clip_skip: None,
        remarks: Vec::new(),
    };
    let request = GenerateRequest {
        model: ModelId("doodle".into()),
        compute: Compute::default(),
        prompt: format!("a red sailboat \u{1f6a4} number {seed}"),
        negative_prompt: None,
        size: None,
        n_pictures: 1,
        best_of: 1,
        seed,
        sampling: Sampling::default(),
        latents: None,
        loras: Vec::new(),
        ip_adapter: None,
    };
    let picture = Picture {
        index: 0,
        seed,
        width: SIDE_PX,
        height: SIDE_PX,
        pixels: BlobHash([0; 32]),
        score: None,
        patch_mask: None,
        chosen: None,
    };
    Recipe::new(&plan, &request, &picture)
}

pub fn open(home: &Path) -> Gallery {
    let folders = Folders::under(home);
    Gallery::open(&folders.pictures, &folders.indexes, &folders.thumbnails())
        .expect("the gallery opens")
}

/// Saves and marks without end, and says what is done only when it is done.
fn save_for_ever(home: &Path) -> ! {
    let mut gallery = open(home);
    let mut acknowledge = std::io::stdout();
    let base = u64::from(std::process::id()) << 32;
    for seed in base.. {
        let id = gallery
            .save(&pixels(seed), &recipe(seed))
            .expect("saved")
            .id;
        writeln!(acknowledge, "saved {id} {seed}")
            .and_then(|()| acknowledge.flush())
            .expect("heard");
        if seed % 3 == 0 {
            gallery.mark(&[id], &Mark::Star(true)).expect("marked");
            writeln!(acknowledge, "starred {id}")
                .and_then(|()| acknowledge.flush())
                .expect("heard");
        }
    }
    unreachable!("seeds do not run out")
}

/// What a killed process had acknowledged: pictures with their seeds, and stars.
#[derive(Default)]
struct Acknowledged {
    saved: Vec<(PictureId, u64)>,
    starred: Vec<PictureId>,
}

impl Acknowledged {
    fn note(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let (verb, id) = (words.next(), words.next().and_then(|id| id.parse().ok()));
        match (verb, id, words.next().and_then(|seed| seed.parse().ok())) {
            (Some("saved"), Some(id), Some(seed)) => self.saved.push((id, seed)),
            (Some("starred"), Some(id), None) => self.starred.push(id),
            // The test harness prints lines of its own.
            _ => {}
        }
    }
}

fn start_saving(home: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this program has a path"))
        .args([
            "--exact",
            "gallery::a_killed_process_loses_no_picture",
            "--nocapture",
        ])
        .env(CHILD_VARIABLE, home)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the saving process starts")
}

/// Lets a process work, kills it at a moment of its own and returns what it had acknowledged.
fn kill_while_saving(mut child: Child, delay: Duration) -> Acknowledged {
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let mut acknowledged = Acknowledged::default();
    // From the first picture on: before it there is nothing to lose.
    while acknowledged.saved.is_empty() {
        let mut line = String::new();
        assert!(
            output.read_line(&mut line).expect("lines") > 0,
            "the saving process ended early"
        );
        acknowledged.note(&line);
    }
    std::thread::sleep(delay);
    child.kill().expect("killed");
    child.wait().expect("gone");
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("text");
    // A last line without its end was not heard.
    for line in rest
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
    {
        acknowledged.note(line);
    }
    acknowledged
}

#[test]
fn a_killed_process_loses_no_picture() {
    if let Some(home) = std::env::var_os(CHILD_VARIABLE) {
        save_for_ever(Path::new(&home));
    }
    let n_kills = std::env::var(KILLS_VARIABLE)
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(20);
    let home = tempfile::tempdir().expect("a folder");
    let mut n_saved = 0;
    let start = Instant::now();
    for kill in 0..n_kills {
        // Every other time two processes save at once, as the window and the command line may.
        let children: Vec<Child> = (0..=kill % 2).map(|_| start_saving(home.path())).collect();
        let killers = children.into_iter().enumerate().map(|(i, child)| {
            let delay = Duration::from_micros((kill * 7919 + i as u64 * 3571) % 120_000);
            std::thread::spawn(move || kill_while_saving(child, delay))
        });
        let killers: Vec<_> = killers.collect();
        let mut gallery = open(home.path());
        let all: Vec<Acknowledged> = killers
            .into_iter()
            .map(|killer| killer.join().expect("killed"))
            .collect();
        gallery.scan().expect("scanned");
        check(&mut gallery, &all);
        n_saved += all
            .iter()
            .map(|acknowledged| acknowledged.saved.len())
            .sum::<usize>();
    }
    let n_kept = open(home.path())
        .ids(&Query::default())
        .expect("listed")
        .len();
    assert!(n_kept >= n_saved, "{n_kept} of {n_saved} pictures are left");
    let mut findings = Vec::new();
    open(home.path())
        .verify(&mut |finding| findings.push(finding.clone()))
        .expect("verified");
    assert_eq!(findings, []);
    let seconds = start.elapsed().as_secs_f32();
    let mut output = std::io::stderr();
    writeln!(
        output,
        "{n_kills} kills, {n_saved} pictures acknowledged, {n_kept} kept, {seconds:.1} s"
    )
    .expect("heard");
}

fn check(gallery: &mut Gallery, all: &[Acknowledged]) {
    let listed = gallery.ids(&Query::default()).expect("listed");
    for acknowledged in all {
        for (id, seed) in &acknowledged.saved {
            assert!(
                listed.contains(id),
                "{id} was acknowledged and is not listed"
            );
            let read = image::DynamicImage::from(gallery.pixels(*id).expect("read")).into_rgb8();
            assert_eq!(
                read,
                pixels(*seed),
                "{id} is not the picture that was saved"
            );
            let record = gallery.record(*id).expect("known");
            assert_eq!(record.recipe.expect("kept").seed, *seed);
        }
        for id in &acknowledged.starred {
            assert!(
                gallery.record(*id).expect("known").is_starred,
                "{id} has lost its star"
            );
        }
    }
}
