//! Larger copies: made by the engine, and nowhere but in their file.

#![allow(clippy::unwrap_used)]
use std::path::Path;
use std::time::Duration;

use image::{Rgba, RgbaImage};
use limn_engine::protocol::{
    BlobHash, Event, JobId, MemoryUse, ModelInfo, Operation, Phase, Picture, Plan, Progress,
    Sampling, Timings,
};
use limn_engine::samplers::Sampler;

use super::*;
use egui::Context;

use crate::app::export_copy::CopyOrder;
use crate::app::sources::Intent;
use crate::engine_link::EngineEvent;
use crate::export::{ExportSettings, Subject};
use crate::gallery::picture_file;
use crate::gallery::recipe::RecipeIpAdapter;
use crate::marking;
use crate::paths::Folders;

/// An app without a window; the engine is played.
struct Bench {
    app: App,
    ctx: Context,
    home: tempfile::TempDir,
    n_jobs: u64,
}

impl Bench {
    fn new() -> Self {
        let (ctx, home) = (Context::default(), tempfile::tempdir().unwrap());
        let app = App::new(&ctx, Folders::under(home.path()), None);
        let mut bench = Self {
            app,
            ctx,
            home,
            n_jobs: 0,
        };
        bench.app.engine_event(EngineEvent::Connected {
            build: "played".to_owned(),
        });
        bench
    }

    fn wait_for(&mut self, what: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !what(self) {
            assert!(start.elapsed() < Duration::from_mins(1), "waited too long");
            std::thread::sleep(Duration::from_millis(2));
            let now = Instant::now();
            self.app.drain_gallery(&self.ctx.clone(), now);
            self.app.drain_sources(now);
            self.app.drain_dialogs(&self.ctx.clone(), now);
        }
    }

    /// The engine makes the one picture of the newest run.
    fn draw(&mut self, (width, height): (u32, u32)) {
        self.n_jobs += 1;
        let job = JobId(self.n_jobs);
        let plan = Plan {
            model_name: "Resampler".to_owned(),
            model_hash: String::new(),
            device: "CPU".to_owned(),
            dtype: "f32".to_owned(),
            width,
            height,
            cascade: None,
            sampler: Sampler::Ddim,
            n_steps: 0,
            guidance_scale: 1.0,
            n_prior_steps: None,
            prior_guidance_scale: None,
            unread_prompt: None,
            loras: Vec::new(),
            ip_adapter: None,
            stand_in: None,
            spacing: None,
            guidance_rescale: None,
            clip_skip: None,
            remarks: Vec::new(),
        };
        self.app
            .engine_event(EngineEvent::Event(Event::Started { job, plan }));
        let progress = Progress {
            phase: Phase::Upscale,
            picture: 0,
            step: 1,
            n_steps: 2,
            seconds_left: None,
            preview: None,
        };
        self.app
            .engine_event(EngineEvent::Event(Event::Progress { job, progress }));
        let picture = Picture {
            index: 0,
            seed: 7,
            width,
            height,
            pixels: BlobHash([0; 32]),
            score: None,
            patch_mask: None,
            chosen: None,
        };
        self.app.engine_event(EngineEvent::Picture {
            job,
            picture,
            pixels: vec![120; (width * height * 3) as usize],
            patch_mask: None,
        });
        self.app.engine_event(EngineEvent::Event(Event::Finished {
            job,
            timings: Timings::default(),
            memory: MemoryUse::default(),
        }));
    }

    /// Asks for a copy twice as large, and what is in the file then.
    fn export_larger(
        &mut self,
        subject: Subject,
        size: (u32, u32),
        with_recipe: bool,
    ) -> (RgbaImage, picture_file::Header) {
        let path = self.home.path().join("copy.png");
        let settings = ExportSettings {
            scale: 2,
            with_recipe,
            ..ExportSettings::default()
        };
        let order = CopyOrder {
            subject,
            settings,
            path: path.clone(),
        };
        let ctx = self.ctx.clone();
        self.app.export_copy(&ctx, order, Instant::now());
        self.wait_for(|bench| bench.app.session.active_runs().next().is_some());
        self.draw(size);
        self.wait_for(|_| is_whole(&path));
        let file = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let header = picture_file::read_header(&file).unwrap();
        (picture_file::decode(&file).unwrap(), header)
    }
}

fn is_whole(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|file| picture_file::decode(&file).is_ok())
}

#[test]
fn a_larger_copy_goes_to_its_file_and_adds_nothing_to_the_results() {
    let mut bench = Bench::new();
    let compute = limn_engine::protocol::Compute::default();
    let request = GenerateRequest {
        prompt: "a cat".to_owned(),
        size: Some((8, 6)),
        seed: 7,
        ..GenerateRequest::blank(ModelId("doodle".to_owned()), compute)
    };
    let (run, effects) = bench.app.session.queue(request);
    bench.app.carry_out_effects(effects);
    bench.draw((8, 6));
    bench.wait_for(|bench| bench.app.session.runs[0].n_finished() == 1);
    let shown = bench.app.session.shown();
    let small = bench.app.session.run(run).unwrap().slots[0]
        .saved_id()
        .unwrap();
    // The second is as large as the first: of the picture, not of the last copy.
    for with_recipe in [true, false] {
        let picture = Subject::Picture(small);
        let (larger, header) = bench.export_larger(picture, (16, 12), with_recipe);
        assert_eq!(larger.dimensions(), (16, 12));
        assert_eq!(header.recipe.is_some(), with_recipe);
        if let Some(recipe) = header.recipe {
            assert_eq!(
                (recipe.deed, recipe.prompt.as_str()),
                (Operation::Upscale.into(), "a cat")
            );
            assert_eq!(recipe.parents, [small]);
        }
        assert!(marking::source_type(&header.xmp.unwrap()).is_some());
    }
    assert_eq!(bench.app.session.runs.len(), 1, "no result came of it");
    assert_eq!(bench.app.session.runs[0].slots.len(), 1);
    assert_eq!(bench.app.session.shown(), shown);
    assert!(bench.app.copies.larger.is_empty());
    let saved = bench.app.gallery_view.entries().len();
    assert!(saved <= 1, "{saved} pictures in the gallery");
}

#[test]
fn a_larger_copy_of_a_transparent_document_is_transparent() {
    let mut bench = Bench::new();
    let picture = RgbaImage::from_fn(8, 6, |x, _| Rgba([9, 9, 9, if x < 4 { 0 } else { 255 }]));
    bench
        .app
        .session
        .open_picture("cut out", &picture, None, None);
    let document = Subject::Document(bench.app.session.documents.current_id());
    let (larger, _) = bench.export_larger(document, (16, 12), true);
    assert_eq!(
        (larger.get_pixel(0, 5)[3], larger.get_pixel(15, 5)[3]),
        (0, 255)
    );
    assert_eq!(larger.get_pixel(15, 5).0[..3], [120; 3]);
    assert!(bench.app.session.runs.is_empty());
}

#[test]
fn a_larger_copy_that_fails_or_is_cancelled_leaves_no_file() {
    let mut bench = Bench::new();
    let picture = RgbaImage::from_pixel(8, 6, Rgba([9; 4]));
    bench.app.session.open_picture("grey", &picture, None, None);
    let document = Subject::Document(bench.app.session.documents.current_id());
    let path = bench.home.path().join("copy.png");
    for cancels in [true, false] {
        let settings = ExportSettings {
            scale: 4,
            ..ExportSettings::default()
        };
        let order = CopyOrder {
            subject: document.clone(),
            settings,
            path: path.clone(),
        };
        let ctx = bench.ctx.clone();
        bench.app.export_copy(&ctx, order, Instant::now());
        bench.wait_for(|bench| bench.app.session.active_runs().next().is_some());
        bench.n_jobs += 1;
        let job = JobId(bench.n_jobs);
        bench.app.engine_event(EngineEvent::Event(if cancels {
            Event::Cancelled { job }
        } else {
            Event::Failed {
                job: Some(job),
                failure: limn_engine::protocol::Failure {
                    kind: limn_engine::error::ErrorKind::OutOfMemory,
                    message: "no memory".to_owned(),
                },
            }
        }));
        let told: Vec<&str> = bench
            .app
            .toasts
            .shown()
            .iter()
            .map(|toast| toast.text.as_str())
            .collect();
        let is_told = told.iter().any(|text| text.contains("no memory"));
        assert_eq!(is_told, !cancels, "{told:?}");
        assert!(bench.app.copies.larger.is_empty());
    }
    assert!(!path.exists());
}

/// A model that does nothing but stand in the list.
fn model(name: &str) -> ModelInfo {
    ModelInfo {
        id: ModelId(name.to_lowercase()),
        name: name.to_owned(),
        family: "any".to_owned(),
        description: String::new(),
        bytes: 0,
        stride: 8,
        default_size: (64, 64),
        defaults: Sampling::default(),
        vocabulary: None,
        examples: Vec::new(),
        operations: vec![Operation::Generate],
        features: Vec::new(),
        settings: Vec::new(),
        native_sizes: vec![(64, 64)],
    }
}

#[test]
fn a_model_that_is_not_here_is_named_where_another_draws_in_its_place() {
    let mut recipe = crate::gallery::recipe::tests::recipe("a cat", 3, (64, 64));
    recipe.ip_adapter = Some(RecipeIpAdapter {
        name: "plus".to_owned(),
        scale: 0.5,
        hash: String::new(),
        encoder_hash: String::new(),
    });
    for (here, says) in [("Doodle", false), ("Another", true)] {
        let mut bench = Bench::new();
        let models = Event::Models(vec![model(here)]);
        bench.app.engine_event(EngineEvent::Event(models));
        let effects = bench.app.again_like(Some(&recipe), Instant::now()).unwrap();
        bench.app.carry_out_effects(effects);
        let shown = bench.app.toasts.shown();
        let told = shown.iter().any(|toast| {
            toast.text.contains("“Doodle” is not among your models") && toast.text.contains(here)
        });
        assert_eq!(told, says, "{here}");
        let request = bench.app.session.runs[0].request.clone();
        assert_eq!(
            (request.model.0.as_str(), request.prompt.as_str()),
            (model(here).id.0.as_str(), "a cat")
        );
        assert_eq!(request.ip_adapter.is_some(), !says);
    }
}

#[test]
fn a_file_that_is_no_picture_is_said_and_nothing_is_queued() {
    let mut bench = Bench::new();
    let path = bench.home.path().join("notes.png");
    std::fs::write(&path, "no picture").unwrap();
    let request = bench.app.upscale_request();
    bench.app.gather(
        request,
        Intent::Variations { far: 1.0 },
        vec![Origin::File(path)],
    );
    bench.wait_for(|bench| bench.app.sources.is_idle());
    assert!(bench.app.session.runs.is_empty());
}
