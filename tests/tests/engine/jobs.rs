//! Pictures from words: drawn, cancelled, refused.

use limn::engine_link::EngineEvent;
use limn_engine::{
    error::ErrorKind,
    protocol::{
        BlobHash, Chunk, DeviceChoice, DtypeChoice, Event, GenerateRequest, JobId, ModelId,
        Request, TokenCount,
    },
};

use super::{ENDLESS, Engine, request};

#[test]
fn an_engine_lists_its_models_and_draws_the_same_picture_again() {
    let engine = Engine::start();
    engine.link.send(Request::ListModels);
    engine.wait_for_connection();
    let models = engine.wait(|event| match event {
        EngineEvent::Event(Event::Models(models)) => Some(models.clone()),
        _ => None,
    });
    let model = models
        .iter()
        .find(|model| model.id.0 == "pipeline")
        .unwrap();
    assert!(model.bytes > 0 && model.stride > 0);

    let first = engine.pictures(JobId(1), request(2));
    let again = engine.pictures(JobId(2), request(2));
    assert_eq!(first.len(), 2);
    assert_ne!(first[0], first[1], "another seed, another picture");
    assert!(first == again, "the same seed, the same pictures");
}

#[test]
fn tokens_are_counted_beside_a_running_job() {
    let engine = Engine::start();
    engine.link.send(Request::Generate {
        job: JobId(1),
        request: request(ENDLESS),
    });
    engine.wait_for_connection();
    engine.wait_for_step(JobId(1));
    let count = |model: &str, prompt: &str| {
        engine.link.send(Request::CountTokens {
            model: ModelId(model.to_owned()),
            prompt: prompt.to_owned(),
        });
        engine.wait(|event| match event {
            EngineEvent::Event(Event::TokenCount(count)) => Some(*count),
            _ => None,
        })
    };
    // A model that reads no chunks, and one that is none.
    let other = request(1).model.0;
    assert_eq!(count(&other, "a red boat"), None);
    assert_eq!(count("nobody", "a red boat"), None);
    let model = crate::harness::fixture_path("stable_diffusion");
    let counted = count(
        &model.display().to_string(),
        "a (red:1.2) boat BREAK the sea",
    );
    let expected = TokenCount {
        n_tokens: 5,
        n_chunks: 2,
        chunk_tokens: 14,
    };
    assert_eq!(counted, Some(expected));
}

#[test]
fn a_cancel_stops_a_running_job_and_a_waiting_one() {
    let engine = Engine::start();
    for job in [JobId(1), JobId(2)] {
        engine.link.send(Request::Generate {
            job,
            request: request(ENDLESS),
        });
    }
    engine.wait_for_connection();
    engine.wait_for_step(JobId(1));
    let process = engine.link.process_id();
    for job in [JobId(2), JobId(1)] {
        engine.link.send(Request::Cancel { job });
        engine.wait(|event| match event {
            EngineEvent::Event(Event::Cancelled { job: j }) if *j == job => Some(()),
            _ => None,
        });
    }
    assert_eq!(engine.pictures(JobId(3), request(1)).len(), 1);
    assert_eq!(engine.link.process_id(), process, "the same engine goes on");
}

/// What makes a good request a bad one.
type Spoil = fn(&mut GenerateRequest);

#[test]
fn bad_requests_get_typed_failures_and_the_engine_goes_on() {
    let engine = Engine::start();
    engine.wait_for_connection();
    let change = |edit: fn(&mut GenerateRequest)| {
        let mut request = request(1);
        edit(&mut request);
        request
    };
    let table: [(Spoil, ErrorKind, &str); 8] = [
        (
            |r| r.prompt = " ".to_owned(),
            ErrorKind::BadRequest,
            "prompt is empty",
        ),
        (|r| r.size = Some((0, 0)), ErrorKind::BadRequest, "step by"),
        (|r| r.size = Some((65, 64)), ErrorKind::BadRequest, "use "),
        (
            |r| r.sampling.n_steps = Some(0),
            ErrorKind::BadRequest,
            "steps",
        ),
        (
            |r| r.model.0 = "nosuch".to_owned(),
            ErrorKind::BadRequest,
            "pipeline",
        ),
        (
            |r| r.compute.device = DeviceChoice::Named("abacus".to_owned()),
            ErrorKind::BadRequest,
            "auto, gpu, cpu",
        ),
        (
            |r| r.compute.dtype = DtypeChoice::F16,
            ErrorKind::BadRequest,
            "f32 on the CPU",
        ),
        (
            |r| r.latents = Some(BlobHash::of(b"never sent")),
            ErrorKind::Protocol,
            "not sent",
        ),
    ];
    for (number, (edit, kind, words)) in table.into_iter().enumerate() {
        let job = JobId(number as u64 + 1);
        engine.link.send(Request::Generate {
            job,
            request: change(edit),
        });
        let (got, message) = engine.wait_for_failure(Some(job));
        assert!(got == kind && message.contains(words), "{got:?}: {message}");
    }

    engine.link.send(Request::Chunk(Chunk {
        blob: BlobHash([0; 32]),
        offset: 0,
        total_bytes: 3,
        bytes: vec![1, 2, 3],
    }));
    let (kind, message) = engine.wait_for_failure(None);
    assert!(
        kind == ErrorKind::Protocol && message.contains("hash"),
        "{message}"
    );
    assert_eq!(engine.pictures(JobId(100), request(1)).len(), 1);
}
