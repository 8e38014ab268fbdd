//! Gestures and embeddings as the window asks for them: over the pipe, of the very program that is shipped.

use std::sync::Arc;

use limn::engine_link::EngineEvent;
use limn_engine::{
    error::ErrorKind,
    protocol::{
        BlendInput, BlendNoise, BlendRequest, BlobHash, EmbedRequest, Embeddings, Event,
        GenerateRequest, JobId, Mix, Phase, PictureInput, Request, ShiftRequest, VariationsRequest,
    },
};

use super::{Engine, request};

/// A picture of more than one chunk, and its bytes.
fn picture(red: u8) -> (PictureInput, Arc<[u8]>) {
    const SIDE: u32 = 600;
    let rgba: Arc<[u8]> = (0..SIDE * SIDE)
        .flat_map(|i| [red, (i % SIDE / 3) as u8, (i / SIDE / 3) as u8, 255])
        .collect();
    let input = PictureInput {
        pixels: BlobHash::of(&rgba),
        width: SIDE,
        height: SIDE,
    };
    (input, rgba)
}

fn wordless(n_pictures: u32) -> GenerateRequest {
    GenerateRequest {
        prompt: String::new(),
        ..request(n_pictures)
    }
}

fn shift(n_pictures: usize) -> (ShiftRequest, Arc<[u8]>) {
    let (source, rgba) = picture(200);
    let request = ShiftRequest {
        generate: wordless(1),
        source,
        from: "the sea".to_owned(),
        to: "a red boat".to_owned(),
        amounts: vec![0.5; n_pictures],
    };
    (request, rgba)
}

impl Engine {
    fn embeddings(&self, job: JobId, request: EmbedRequest, blobs: Vec<Arc<[u8]>>) -> Embeddings {
        self.link.send_with(Request::Embed { job, request }, blobs);
        let mut embeddings = None;
        self.wait(|event| match event {
            EngineEvent::Event(Event::Embedded {
                job: j,
                embeddings: made,
            }) if *j == job => {
                embeddings = Some(made.clone());
                None
            }
            EngineEvent::Event(Event::Finished { job: j, .. }) if *j == job => Some(()),
            EngineEvent::Event(Event::Failed { failure, .. }) => panic!("{}", failure.message),
            _ => None,
        });
        embeddings.unwrap()
    }
}

#[test]
fn a_picture_is_blended_with_itself_though_it_came_once() {
    let engine = Engine::start();
    let (input, rgba) = picture(90);
    let ask = |job| Request::Blend {
        job,
        request: BlendRequest {
            generate: wordless(2),
            inputs: vec![
                BlendInput::Picture(input),
                BlendInput::Text("boat".to_owned()),
                BlendInput::Picture(input),
            ],
            ways: vec![vec![1.0, 1.0, 0.0], vec![1.0, 2.0, 1.0]],
            mix: Mix::Slerp,
            noise: BlendNoise::Inverted,
        },
    };
    engine
        .link
        .send_with(ask(JobId(1)), vec![Arc::clone(&rgba)]);
    let mut inverted = Vec::new();
    engine.wait(|event| match event {
        EngineEvent::Event(Event::Progress { progress, .. }) if progress.phase == Phase::Invert => {
            inverted.push((progress.step, progress.n_steps));
            None
        }
        EngineEvent::Event(Event::Finished { .. }) => Some(()),
        EngineEvent::Event(Event::Failed { failure, .. }) => panic!("{}", failure.message),
        _ => None,
    });
    let once = (1..=50).map(|step| (step, 50));
    assert!(inverted.iter().copied().eq(once), "{inverted:?}");
    // What it was sent is used up: the next request has to bring it again.
    engine.link.send(ask(JobId(2)));
    let (kind, message) = engine.wait_for_failure(Some(JobId(2)));
    assert_eq!(kind, ErrorKind::Protocol, "{message}");
    assert!(message.contains("was not sent"), "{message}");
    engine.link.send_with(ask(JobId(3)), vec![rgba]);
    let pictures = engine.wait_for_pictures(JobId(3));
    assert_eq!(pictures.len(), 2);
    assert_ne!(pictures[0].0, pictures[1].0, "another way, another picture");
}

#[test]
fn embeddings_come_before_their_end_and_a_bad_picture_costs_its_job_alone() {
    let engine = Engine::start();
    let [(red, red_bytes), (blue, blue_bytes)] = [picture(255), picture(0)];
    let of = |pictures: &[PictureInput], texts: &[&str]| EmbedRequest {
        model: request(1).model,
        compute: request(1).compute,
        pictures: pictures.to_vec(),
        texts: texts.iter().map(|&text| text.to_owned()).collect(),
    };
    let blobs = vec![Arc::clone(&red_bytes), blue_bytes];
    let made = engine.embeddings(JobId(1), of(&[red, blue, red], &["a boat"]), blobs);
    assert_eq!((made.pictures.len(), made.texts.len()), (3, 1));
    assert_eq!(made.encoder.len(), 64);
    let rows = made.pictures.iter().chain(&made.texts);
    assert!(rows.map(Vec::len).all(|n| n == made.dim as usize));
    assert_eq!(made.pictures[0], made.pictures[2]);
    assert_ne!(made.pictures[0], made.pictures[1]);

    let short = PictureInput { width: 601, ..red };
    for (job, request, kind) in [
        (JobId(2), of(&[short], &[]), ErrorKind::BadRequest),
        (JobId(3), of(&[red], &["x"; 32]), ErrorKind::BadRequest),
        (JobId(4), of(&[blue], &[]), ErrorKind::Protocol),
    ] {
        let ask = Request::Embed { job, request };
        engine.link.send_with(ask, vec![Arc::clone(&red_bytes)]);
        assert_eq!(engine.wait_for_failure(Some(job)).0, kind);
    }
    let nothing = engine.embeddings(JobId(5), of(&[], &[]), Vec::new());
    assert!(nothing.pictures.is_empty() && nothing.texts.is_empty());
    let again = engine.embeddings(JobId(6), of(&[red], &[]), vec![red_bytes]);
    assert_eq!(again.encoder, made.encoder);
}

#[test]
fn a_cancel_stops_a_search_for_a_pictures_noise() {
    let engine = Engine::start();
    let wordy = request(1);
    let (request, rgba) = shift(1_000);
    let job = JobId(1);
    engine
        .link
        .send_with(Request::Shift { job, request }, vec![rgba]);
    engine.wait(|event| match event {
        EngineEvent::Event(Event::Progress { progress, .. }) => {
            (progress.phase == Phase::Invert).then_some(())
        }
        EngineEvent::Event(Event::Failed { failure, .. }) => panic!("{}", failure.message),
        _ => None,
    });
    engine.link.send(Request::Cancel { job });
    engine.wait(|event| match event {
        EngineEvent::Event(Event::Cancelled { job: j }) if *j == job => Some(()),
        _ => None,
    });
    assert_eq!(engine.pictures(JobId(2), wordy).len(), 1);
}

/// A shift asks for full precision, which a CPU computes in anyway.
#[test]
fn on_a_cpu_a_shift_and_a_prompt_share_the_model_in_memory() {
    let engine = Engine::start();
    let (request, rgba) = shift(1);
    let job = JobId(1);
    engine
        .link
        .send_with(Request::Shift { job, request }, vec![rgba]);
    assert_eq!(engine.wait_for_pictures(job).len(), 1);
    let (source, rgba) = picture(10);
    let request = VariationsRequest {
        generate: wordless(1),
        source,
        far: 0.5,
    };
    let job = JobId(2);
    engine
        .link
        .send_with(Request::Vary { job, request }, vec![rgba]);
    engine.wait(|event| match event {
        EngineEvent::Event(Event::Loading { component, .. }) => {
            panic!("{component} was in memory already")
        }
        EngineEvent::Event(Event::Finished { job: j, .. }) if *j == job => Some(()),
        EngineEvent::Event(Event::Failed { failure, .. }) => panic!("{}", failure.message),
        _ => None,
    });
}
