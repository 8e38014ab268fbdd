//! What an engine may say in answer to what it was asked, and what ends it.

#![allow(clippy::unwrap_used)]

use limn_engine::PixelRect;
use limn_engine::error::ErrorKind;
use limn_engine::protocol::{
    BlobHash, CascadePlan, Chunk, Compute, EditRequest, EmbedRequest, Embeddings, Event, Failure,
    GenerateRequest, IpAdapterUse, JobId, MemoryUse, ModelId, ModelInfo, Phase, Picture,
    PictureInput, Plan, Preview, Progress, Request, Sampling, Timings, UpscaleRequest, Vocabulary,
};
use limn_engine::samplers::Sampler;
use limn_engine::stitch::{self, EditSettings, ModelSize};

use super::asked::{self, Asked};
use super::bounds;
use super::breach::Breach;

const JOB: JobId = JobId(3);
const SIDE: u32 = 64;

fn generate(n_pictures: u32, size: Option<(u32, u32)>) -> GenerateRequest {
    GenerateRequest {
        n_pictures,
        size,
        ..GenerateRequest::blank(ModelId("doodle".to_owned()), Compute::default())
    }
}

fn asked_for_pictures(n_pictures: u32, size: Option<(u32, u32)>) -> Asked {
    let mut asked = Asked::default();
    let request = generate(n_pictures, size);
    asked.sent(&Request::Generate { job: JOB, request }, 0);
    asked
}

/// Two pictures of 64 × 64, begun.
fn drawing() -> Asked {
    let mut asked = asked_for_pictures(2, Some((SIDE, SIDE)));
    asked.check(&mut started(JOB, (SIDE, SIDE))).unwrap();
    asked
}

fn plan((width, height): (u32, u32)) -> Plan {
    Plan {
        model_name: "Doodle".to_owned(),
        model_hash: String::new(),
        device: "CPU".to_owned(),
        dtype: "f32".to_owned(),
        width,
        height,
        cascade: None,
        sampler: Sampler::Ddim,
        n_steps: 10,
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
    }
}

fn started(job: JobId, size: (u32, u32)) -> Event {
    let plan = plan(size);
    Event::Started { job, plan }
}

fn picture(job: JobId, index: u32, (width, height): (u32, u32)) -> Event {
    let picture = Picture {
        index,
        seed: 1,
        width,
        height,
        pixels: BlobHash([0; 32]),
        score: Some(f32::NAN),
        patch_mask: None,
        chosen: None,
    };
    Event::Picture { job, picture }
}

fn part(total_bytes: u64) -> Event {
    Event::Chunk(Chunk {
        blob: BlobHash([0; 32]),
        offset: 0,
        total_bytes,
        bytes: Vec::new(),
    })
}

fn progress(picture: u32, preview: Option<(u32, u32, usize)>) -> Event {
    let preview = preview.map(|(width, height, n_bytes)| Preview {
        width,
        height,
        rgb: vec![0; n_bytes],
    });
    let progress = Progress {
        phase: Phase::Step,
        picture,
        step: u32::MAX,
        n_steps: 4,
        seconds_left: Some(f32::INFINITY),
        preview,
    };
    Event::Progress { job: JOB, progress }
}

fn finished(job: JobId) -> Event {
    Event::Finished {
        job,
        timings: Timings::default(),
        memory: MemoryUse::default(),
    }
}

fn failed(job: Option<JobId>) -> Event {
    Event::Failed {
        job,
        failure: Failure {
            kind: ErrorKind::Io,
            message: "no".to_owned(),
        },
    }
}

fn embedded(n_rows: usize, row: Vec<f32>, dim: u32) -> Event {
    Event::Embedded {
        job: JOB,
        embeddings: Embeddings {
            encoder: String::new(),
            dim,
            pictures: Vec::new(),
            texts: vec![row; n_rows],
        },
    }
}

fn model() -> ModelInfo {
    ModelInfo {
        id: ModelId("doodle".to_owned()),
        name: "Doodle".to_owned(),
        family: "unCLIP".to_owned(),
        description: String::new(),
        bytes: 0,
        stride: 16,
        default_size: (SIDE, SIDE),
        defaults: Sampling::default(),
        vocabulary: None,
        examples: Vec::new(),
        operations: Vec::new(),
        features: Vec::new(),
        settings: Vec::new(),
        native_sizes: Vec::new(),
    }
}

/// The breach that the last of these events is.
fn breach(mut asked: Asked, events: Vec<Event>) -> Breach {
    let n = events.len();
    let mut results = events.into_iter().map(|mut event| asked.check(&mut event));
    for _ in 1..n {
        results.next().unwrap().unwrap();
    }
    results.next().unwrap().unwrap_err()
}

#[test]
fn a_job_from_its_plan_to_its_end_is_all_asked_for() {
    let mut asked = drawing();
    let bytes = u64::from(SIDE * SIDE * 3);
    for mut event in [
        progress(0, Some((8, 8, 192))),
        part(bytes),
        picture(JOB, 0, (SIDE, SIDE)),
        progress(1, None),
        part(bytes),
        picture(JOB, 1, (SIDE, SIDE)),
        finished(JOB),
        // A moment late, from another thread.
        Event::working(Some(JOB), Phase::Step),
    ] {
        asked.check(&mut event).unwrap();
    }
    assert_eq!(asked.blob_budget_bytes(), 0, "nothing more is on its way");
    assert_eq!(
        breach(asked, vec![finished(JOB)]),
        Breach::UnknownJob(JOB.0)
    );
}

type Case = (&'static str, Asked, Vec<Event>, Breach);

fn check_breaches(cases: impl IntoIterator<Item = Case>) {
    for (name, asked, events, expected) in cases {
        assert_eq!(breach(asked, events), expected, "{name}");
    }
}

#[test]
fn answers_to_no_question_are_breaches() {
    let idle = Asked::default;
    check_breaches([
        (
            "models",
            idle(),
            vec![Event::Models(Vec::new())],
            Breach::Unasked("a list of models"),
        ),
        (
            "devices",
            idle(),
            vec![Event::Devices(Vec::new())],
            Breach::Unasked("a list of devices"),
        ),
        (
            "upscalers",
            idle(),
            vec![Event::Upscalers(Vec::new())],
            Breach::Unasked("a list of upscalers"),
        ),
        (
            "a part",
            idle(),
            vec![part(12_288)],
            Breach::Unasked("a part of a picture"),
        ),
        (
            "a refusal",
            idle(),
            vec![failed(None)],
            Breach::Unasked("a refusal"),
        ),
        (
            "a plan",
            idle(),
            vec![started(JOB, (SIDE, SIDE))],
            Breach::UnknownJob(3),
        ),
        (
            "a picture",
            idle(),
            vec![picture(JOB, 0, (SIDE, SIDE))],
            Breach::UnknownJob(3),
        ),
        (
            "a failure",
            idle(),
            vec![failed(Some(JOB))],
            Breach::UnknownJob(3),
        ),
    ]);
}

#[test]
fn words_of_no_job_are_breaches() {
    check_breaches([
        (
            "an end",
            drawing(),
            vec![finished(JobId(4))],
            Breach::UnknownJob(4),
        ),
        (
            "two ends",
            drawing(),
            vec![
                picture(JOB, 0, (SIDE, SIDE)),
                picture(JOB, 1, (SIDE, SIDE)),
                finished(JOB),
                finished(JOB),
            ],
            Breach::UnknownJob(3),
        ),
        (
            "an end without pictures",
            drawing(),
            vec![finished(JOB)],
            Breach::TooFew { sent: 0, asked: 2 },
        ),
        (
            "an end before all",
            drawing(),
            vec![picture(JOB, 1, (SIDE, SIDE)), finished(JOB)],
            Breach::TooFew { sent: 1, asked: 2 },
        ),
        (
            "a cancel",
            drawing(),
            vec![Event::Cancelled { job: JOB }],
            Breach::Unasked("the end of a job"),
        ),
        (
            "two plans",
            drawing(),
            vec![started(JOB, (SIDE, SIDE))],
            Breach::Twice("a plan"),
        ),
        (
            "embeddings",
            drawing(),
            vec![embedded(1, vec![1.0], 1)],
            Breach::Unasked("embeddings"),
        ),
        (
            "a part of another size",
            drawing(),
            vec![part(12_287)],
            Breach::Unasked("a part of a picture"),
        ),
        (
            "a patch's mask",
            drawing(),
            vec![part(4_096)],
            Breach::Unasked("a part of a picture"),
        ),
        (
            "two refusals",
            drawing(),
            vec![failed(None), failed(None)],
            Breach::Unasked("a refusal"),
        ),
        (
            "a picture too many",
            drawing(),
            vec![picture(JOB, 2, (SIDE, SIDE))],
            Breach::PictureNumber {
                index: 2,
                n_asked: 2,
            },
        ),
    ]);
}

#[test]
fn pictures_that_were_not_asked_for_are_breaches() {
    check_breaches([
        (
            "a picture twice",
            drawing(),
            vec![picture(JOB, 1, (SIDE, SIDE)), picture(JOB, 1, (SIDE, SIDE))],
            Breach::Twice("a picture"),
        ),
        (
            "a picture before its plan",
            asked_for_pictures(1, Some((SIDE, SIDE))),
            vec![picture(JOB, 0, (SIDE, SIDE))],
            Breach::Unasked("a picture before its plan"),
        ),
        (
            "a larger picture",
            drawing(),
            vec![picture(JOB, 0, (SIDE * 2, SIDE))],
            Breach::WrongSize {
                what: "a picture",
                sent: (128, 64),
                asked: (64, 64),
            },
        ),
        (
            "a larger plan",
            asked_for_pictures(1, Some((SIDE, SIDE))),
            vec![started(JOB, (SIDE, 65))],
            Breach::WrongSize {
                what: "a plan",
                sent: (64, 65),
                asked: (64, 64),
            },
        ),
        (
            "a huge plan of the model's own",
            asked_for_pictures(1, None),
            vec![started(JOB, (4096, 4097))],
            Breach::ImpossibleSize {
                size: (4096, 4097),
                limit: 4096,
            },
        ),
        (
            "a flat plan",
            asked_for_pictures(1, None),
            vec![started(JOB, (0, 64))],
            Breach::ImpossibleSize {
                size: (0, 64),
                limit: 4096,
            },
        ),
        (
            "progress of a picture too many",
            drawing(),
            vec![progress(2, None)],
            Breach::PictureNumber {
                index: 2,
                n_asked: 2,
            },
        ),
        (
            "a short preview",
            drawing(),
            vec![progress(0, Some((8, 8, 191)))],
            Breach::WrongCount {
                what: "a preview",
                sent: 191,
                asked: 192,
            },
        ),
        (
            "a wide preview",
            drawing(),
            vec![progress(0, Some((1 << 31, 2, 0)))],
            Breach::ImpossibleSize {
                size: (1 << 31, 2),
                limit: 2048,
            },
        ),
    ]);
}

#[test]
fn an_edit_sends_patches_and_an_upscale_one_larger_picture() {
    let native = ModelSize::new((SIDE, SIDE), 16);
    let frame = PixelRect::from_size(100, 80);
    let settings = EditSettings::default();
    let plan = stitch::plan(PixelRect::from_size(9, 9), frame, &settings, native);
    let (context, work_size) = (plan.context.size(), plan.work_size);
    let mut asked = Asked::default();
    asked.sent(
        &Request::Edit {
            job: JOB,
            request: EditRequest {
                generate: generate(1, None),
                settings,
                plan,
                steering: None,
                image: BlobHash([0; 32]),
                mask: None,
            },
        },
        1,
    );
    asked.check(&mut started(JOB, work_size)).unwrap();
    let n_pixels = u64::from(context.0) * u64::from(context.1);
    for n_bytes in [n_pixels * 3, n_pixels] {
        asked.check(&mut part(n_bytes)).unwrap();
    }
    assert!(matches!(
        breach(asked, vec![picture(JOB, 0, context)]),
        Breach::Unasked(_)
    ));

    let mut asked = Asked::default();
    asked.sent(
        &Request::Upscale {
            job: JOB,
            request: UpscaleRequest {
                source: PictureInput {
                    pixels: BlobHash([0; 32]),
                    width: 10,
                    height: 7,
                },
                scale: 4,
                upscaler: None,
                compute: Compute::default(),
                drawn_by: None,
            },
        },
        1,
    );
    asked.check(&mut started(JOB, (40, 28))).unwrap();
    asked.check(&mut picture(JOB, 0, (40, 28))).unwrap();
}

#[test]
fn embeddings_are_as_many_as_were_asked_for() {
    let asked = || {
        let mut asked = Asked::default();
        asked.sent(
            &Request::Embed {
                job: JOB,
                request: EmbedRequest {
                    model: ModelId("doodle".to_owned()),
                    compute: Compute::default(),
                    pictures: Vec::new(),
                    texts: vec!["a boat".to_owned(); 2],
                },
            },
            0,
        );
        asked
    };
    asked().check(&mut embedded(2, vec![0.6, 0.8], 2)).unwrap();
    for (name, event) in [
        ("one", embedded(1, vec![0.6, 0.8], 2)),
        ("three", embedded(3, vec![0.6, 0.8], 2)),
        ("short rows", embedded(2, vec![0.6], 2)),
        ("no numbers", embedded(2, vec![f32::NAN, 0.8], 2)),
        ("endless rows", embedded(2, Vec::new(), u32::MAX)),
        ("a picture", picture(JOB, 0, (SIDE, SIDE))),
    ] {
        let is_breach = asked().check(&mut event.clone()).is_err();
        assert!(is_breach, "{name}");
    }
    let both = vec![embedded(2, vec![1.0], 1), embedded(2, vec![1.0], 1)];
    assert_eq!(breach(asked(), both), Breach::Twice("embeddings"));
}

#[test]
fn numbers_that_say_nothing_become_none() {
    let mut asked = drawing();
    let mut event = progress(0, None);
    asked.check(&mut event).unwrap();
    let Event::Progress { progress, .. } = event else {
        unreachable!()
    };
    assert_eq!((progress.step, progress.seconds_left), (4, None));
    let mut event = picture(JOB, 0, (SIDE, SIDE));
    asked.check(&mut event).unwrap();
    let Event::Picture { picture, .. } = event else {
        unreachable!()
    };
    assert_eq!(picture.score, None);
    asked
        .check(&mut self::picture(JOB, 1, (SIDE, SIDE)))
        .unwrap();
    let mut event = Event::Finished {
        job: JOB,
        timings: Timings {
            stages: vec![("load".to_owned(), f32::NAN)],
            steps: vec![-1.0, 2.0],
            total_seconds: f32::INFINITY,
        },
        memory: MemoryUse::default(),
    };
    asked.check(&mut event).unwrap();
    let Event::Finished { timings, .. } = event else {
        unreachable!()
    };
    assert_eq!(timings.stages, [("load".to_owned(), 0.0)]);
    assert_eq!(
        (timings.steps, timings.total_seconds),
        (vec![0.0, 2.0], 0.0)
    );
    let adapter = IpAdapterUse {
        name: "plain".to_owned(),
        scale: f32::NAN,
        hash: String::new(),
        encoder_hash: String::new(),
    };
    let spoilt: [fn(&mut Plan); 2] = [
        |plan| plan.guidance_scale = f32::NAN,
        |plan| plan.guidance_rescale = Some(f32::INFINITY),
    ];
    let mut plans = spoilt.map(|spoil| {
        let mut plan = plan((SIDE, SIDE));
        spoil(&mut plan);
        plan
    });
    plans[0].ip_adapter = Some(Box::new(adapter));
    for _ in 0..2 {
        for plan in &plans {
            let breach = bounds::plan(plan);
            assert_eq!(breach, Err(Breach::NotANumber("a guidance scale")));
        }
        // What is left is the adapter's scale alone.
        plans[0].guidance_scale = 7.0;
    }
    let mut plan = plan((SIDE, SIDE));
    for size in [(0, 64), (64, u32::MAX)] {
        plan.cascade = Some(CascadePlan {
            drawn_width: size.0,
            drawn_height: size.1,
            upscaler_hash: String::new(),
        });
        let limit = 8192;
        assert_eq!(
            bounds::plan(&plan),
            Err(Breach::ImpossibleSize { size, limit })
        );
    }
}

#[test]
fn lists_are_no_longer_than_a_window_can_hold() {
    let with_words = |words: Vec<String>| {
        let mut model = model();
        let vocabulary = Vocabulary {
            words,
            ..Vocabulary::default()
        };
        model.vocabulary = Some(vocabulary);
        model
    };
    let (sound, left_out) = bounds::models(vec![with_words(vec!["boat".to_owned(); 1_000]); 100]);
    assert_eq!((sound.len(), left_out.len()), (100, 0));
    let no_words = vec![String::new(); 1_000];
    for (name, models, n_sound) in [
        ("models", vec![model(); 5_000], 4_096),
        (
            "words",
            vec![with_words(vec![String::new(); 200_001]), model()],
            1,
        ),
        ("words of several", vec![with_words(no_words); 300], 200),
    ] {
        let n = models.len();
        let (sound, left_out) = bounds::models(models);
        assert_eq!(
            (sound.len(), left_out.len()),
            (n_sound, n - n_sound),
            "{name}"
        );
    }
}

#[test]
fn a_model_is_left_out_for_what_its_card_says() {
    let long = || "x".repeat(5_000);
    let mut with_word = model();
    with_word.vocabulary = Some(Vocabulary {
        words: vec![long()],
        ..Vocabulary::default()
    });
    let mut with_name = model();
    with_name.name = long();
    let changes: [fn(&mut ModelInfo); 6] = [
        |model| model.stride = 0,
        |model| model.stride = u32::MAX,
        |model| model.default_size = (0, 64),
        |model| model.default_size = (64, u32::MAX),
        |model| model.default_size = (8193, 64),
        |model| model.id = ModelId(String::new()),
    ];
    let changed = changes.map(|change| {
        let mut model = model();
        change(&mut model);
        model
    });
    for bad in changed.into_iter().chain([with_word, with_name]) {
        let (sound, left_out) = bounds::models(vec![model(), bad]);
        assert_eq!((sound.len(), left_out.len()), (1, 1));
        assert!(left_out[0].len() < 500, "{}", left_out[0]);
    }
    let mut odd = model();
    odd.defaults = Sampling {
        sampler: Some(Sampler::Ddim),
        n_steps: Some(0),
        guidance_scale: Some(f32::NAN),
        n_prior_steps: Some(u32::MAX),
        prior_guidance_scale: Some(1e9),
        clip_skip: Some(u32::MAX),
        spacing: None,
        guidance_rescale: None,
    };
    let (sound, _) = bounds::models(vec![odd]);
    let expected = Sampling {
        sampler: Some(Sampler::Ddim),
        ..Sampling::default()
    };
    assert_eq!(sound[0].defaults, expected);
}

#[test]
fn a_picture_has_the_bytes_of_its_size() {
    let Event::Picture { picture, .. } = picture(JOB, 0, (2, 2)) else {
        unreachable!()
    };
    asked::check_bytes(&picture, &[0; 12], Some(&[0; 4])).unwrap();
    asked::check_bytes(&picture, &[0; 13], None).unwrap_err();
    asked::check_bytes(&picture, &[0; 12], Some(&[0; 3])).unwrap_err();
}
