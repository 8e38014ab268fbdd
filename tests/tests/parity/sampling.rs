//! Noise, schedules and samplers against PyTorch's and diffusers' own numbers:
//! `fixtures/schedules.json`, made by `reference/make_schedules.py`.

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use burn::tensor::{DType, Tensor, TensorData};
use limn_engine::{
    Result, guidance,
    noise::Generator,
    samplers::{self, AncestralSchedule, ModelOutput, Sampler, Schedule, Spacing, Spacings},
    schedules::{
        NoiseLevels, SchedulerConfig, SigmaSchedule, ancestral_timesteps, unclip_timesteps,
    },
};
use serde::Deserialize;

use crate::harness::{assert_values_close, fixture_path, test_device};

#[derive(Deserialize)]
struct Tables {
    noise: Vec<NoiseRow>,
    levels: Vec<LevelRow>,
    schedules: Vec<ScheduleRow>,
    loops: Vec<LoopRow>,
    crossed: Vec<LoopRow>,
    spaced: Vec<LoopRow>,
    rescaled: Vec<RescaledRow>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    serde_json::from_slice(&fs::read(fixture_path("schedules.json")).unwrap()).unwrap()
});

#[derive(Deserialize)]
struct NoiseRow {
    seed: u64,
    draws: Vec<Vec<f32>>,
}

#[test]
fn noise_is_pytorchs() {
    for row in &TABLES.noise {
        let mut generator = Generator::new(row.seed);
        for expected in &row.draws {
            let what = format!("seed {}, {} numbers", row.seed, expected.len());
            let actual = generator.randn(expected.len());
            assert_values_close(&actual, expected, 1e-6, &what);
        }
    }
}

#[derive(Deserialize)]
struct LevelRow {
    config: String,
    timesteps: Vec<usize>,
    betas: Vec<f32>,
    alphas_cumprod: Vec<f32>,
}

#[test]
fn noise_levels_are_diffusers() {
    for row in &TABLES.levels {
        let levels = NoiseLevels::new(&config(&row.config));
        for (index, &timestep) in row.timesteps.iter().enumerate() {
            for (actual, expected) in [
                (levels.betas[timestep], row.betas[index]),
                (levels.alphas_cumprod[timestep], row.alphas_cumprod[index]),
            ] {
                // Rescaling takes one minus a ratio near one: a few ulps there are all one can ask for.
                let tolerance = 5e-7;
                assert!(
                    (actual - expected).abs() <= tolerance,
                    "{actual} for {expected} at {timestep} of {}",
                    row.config
                );
            }
        }
    }
}

#[derive(Deserialize)]
struct ScheduleRow {
    config: String,
    n_steps: usize,
    timesteps: Vec<f32>,
    sigmas: Option<Vec<f32>>,
    initial_sigma: Option<f32>,
}

#[test]
fn schedules_are_diffusers() {
    for row in &TABLES.schedules {
        let config = config(&row.config);
        let what = format!("{} steps of {}", row.n_steps, row.config);
        if row.config.contains("UnCLIPScheduler") {
            let timesteps = unclip_timesteps(&config, row.n_steps).unwrap();
            assert_eq!(as_f32(&timesteps), row.timesteps, "{what}");
            continue;
        }
        match config.sampler().unwrap() {
            sampler if sampler.info().spacings == Spacings::Timesteps => {
                let timesteps = ancestral_timesteps(&config, row.n_steps).unwrap();
                assert_eq!(as_f32(&timesteps), row.timesteps, "{what}");
            }
            sampler @ (Sampler::Euler | Sampler::EulerAncestral) => {
                let schedule = SigmaSchedule::euler(&config, sampler, row.n_steps).unwrap();
                assert_eq!(schedule.timesteps.len(), row.timesteps.len(), "{what}");
                for (actual, expected) in schedule.timesteps.iter().zip(&row.timesteps) {
                    assert!(
                        (actual - expected).abs() < 2e-3,
                        "{actual}, {expected}: {what}"
                    );
                }
                check_sigmas(&schedule, row, &what);
            }
            sampler => {
                let schedule = SigmaSchedule::dpmpp(&config, sampler, row.n_steps).unwrap();
                assert_eq!(schedule.timesteps, row.timesteps, "{what}");
                check_sigmas(&schedule, row, &what);
            }
        }
    }
}

fn check_sigmas(schedule: &SigmaSchedule, row: &ScheduleRow, what: &str) {
    let expected = row.sigmas.as_ref().unwrap();
    assert_eq!(schedule.sigmas.len(), expected.len(), "{what}");
    let initial = (schedule.initial_sigma, row.initial_sigma.unwrap());
    let pairs = schedule
        .sigmas
        .iter()
        .copied()
        .zip(expected.iter().copied());
    for (actual, expected) in pairs.chain([initial]) {
        let tolerance = expected * 5e-5;
        assert!(
            (actual - expected).abs() <= tolerance,
            "{actual}, {expected}: {what}"
        );
    }
}

#[derive(Deserialize)]
struct LoopRow {
    config: String,
    /// The one that runs; the config's own where none is named.
    sampler: Option<Sampler>,
    /// As the user chose it.
    spacing: Option<Spacing>,
    n_steps: usize,
    shape: Vec<usize>,
    seed: u64,
    latents: Vec<f32>,
}

#[test]
fn samplers_walk_as_diffusers_do() {
    for row in &TABLES.loops {
        let config = config(&row.config);
        let what = format!("{} steps of {}", row.n_steps, row.config);
        let latents = match row.shape[..] {
            [batch, channels, height, width] => {
                run_decoder(&config, row, [batch, channels, height, width])
            }
            [batch, width] => run_prior(&config, row, [batch, width]),
            _ => panic!("{what}"),
        };
        // At the terminal sigma of 4096, f32 keeps little of latents around one.
        let is_cancelling = what.contains("Euler") && config.rescale_betas_zero_snr;
        let tolerance = if is_cancelling { 1e-4 } else { 2e-6 };
        assert_values_close(&latents, &row.latents, tolerance, &what);
    }
}

/// Whichever scheduler wrote the folder's config, and wherever it says that a run ends.
#[test]
fn every_sampler_reads_every_config_as_diffusers_does() {
    let mut n_rows = 0;
    for row in &TABLES.crossed {
        let sampler = row.sampler.unwrap();
        let what = format!("{sampler} over {}", row.config);
        let [batch, channels, height, width] = row.shape[..] else {
            panic!("{what}");
        };
        let latents = run_decoder(&config(&row.config), row, [batch, channels, height, width]);
        assert_values_close(&latents, &row.latents, 2e-6, &what);
        n_rows += 1;
    }
    assert_eq!(n_rows, 5 * 2 * 2 * Sampler::all().count());
}

#[test]
fn every_sampler_takes_the_spacings_as_diffusers_does() {
    let mut n_spacings = BTreeMap::new();
    for row in &TABLES.spaced {
        let (sampler, spacing) = (row.sampler.unwrap(), row.spacing.unwrap());
        assert!(sampler.takes(spacing));
        let what = format!("{sampler} with {spacing}");
        let [batch, channels, height, width] = row.shape[..] else {
            panic!("{what}");
        };
        let latents = run_decoder(&config(&row.config), row, [batch, channels, height, width]);
        // Timesteps between the trained ones are f32 here and f64 in some classes there.
        assert_values_close(&latents, &row.latents, 1e-5, &what);
        *n_spacings.entry(sampler.name()).or_insert(0) += 1;
    }
    for sampler in Sampler::all() {
        let n_taken = Spacing::all()
            .filter(|spacing| sampler.takes(*spacing))
            .count();
        let n_tested = n_spacings.get(sampler.name()).copied().unwrap_or_default();
        // diffusers has Euler ancestral without spaced sigmas, and its DDPM and DDIM know no SGM.
        let n_ours = match sampler {
            Sampler::EulerAncestral => 3,
            Sampler::Ddpm | Sampler::Ddim => 1,
            _ => 0,
        };
        assert_eq!(n_tested, n_taken - n_ours, "{sampler}");
    }
}

#[derive(Deserialize)]
struct RescaledRow {
    rescale: f32,
    output: Vec<f32>,
    result: Vec<f32>,
}

#[test]
fn rescaled_guidance_is_diffusers() {
    for row in &TABLES.rescaled {
        let data = TensorData::new(row.output.clone(), [4, 3, 2, 2]);
        let output = Tensor::<4>::from_data(data, test_device());
        let guided = values(Ok(guidance::guide_rescaled(output, 6.5, row.rescale)));
        assert_values_close(&guided, &row.result, 2e-6, &format!("{}", row.rescale));
    }
}

fn run_decoder(config: &SchedulerConfig, row: &LoopRow, shape: [usize; 4]) -> Vec<f32> {
    let mut generator = Generator::new(row.seed);
    let noise = generator.randn_tensor(shape, test_device());
    let mut n_reported = 0;
    let sampler = row.sampler.unwrap_or(config.sampler().unwrap());
    let config = config.spaced(row.spacing);
    let schedule = Schedule::new(sampler, &config, row.n_steps).unwrap();
    let latents = samplers::sample(
        &schedule,
        |latents, timestep| Ok(analytic_model(&latents, timestep)),
        schedule.initial_latents(noise),
        &mut generator,
        |step| {
            assert_eq!((step.index, step.n_steps), (n_reported, row.n_steps));
            assert_eq!(step.denoised.dims(), shape);
            n_reported += 1;
            Ok(())
        },
    );
    assert_eq!(n_reported, row.n_steps);
    values(latents)
}

fn run_prior(config: &SchedulerConfig, row: &LoopRow, shape: [usize; 2]) -> Vec<f32> {
    let mut generator = Generator::new(row.seed);
    let noise = generator.randn_tensor(shape, test_device());
    values(samplers::ddpm(
        |latents, timestep| Ok(analytic_model(&latents, timestep)),
        noise,
        &AncestralSchedule::unclip(config, row.n_steps).unwrap(),
        &mut generator,
        |_| Ok(()),
    ))
}

/// As `analytic_model` of `make_schedules.py`.
fn analytic_model<const D: usize>(latents: &Tensor<D>, timestep: f32) -> ModelOutput<D> {
    let bias = 0.1 * (0.01 * f64::from(timestep)).cos();
    ModelOutput {
        prediction: latents.clone() * 0.3 + bias,
        variance: Some(latents.clone().clamp(-1.0, 1.0) * 0.25 + 0.3),
    }
}

#[test]
fn an_error_from_the_callback_ends_the_run() {
    let row = &TABLES.loops[0];
    let config = config(&row.config);
    for sampler in Sampler::all() {
        let mut generator = Generator::new(0);
        let noise = generator.randn_tensor([1, 4, 3, 3], test_device());
        let mut n_calls = 0;
        let schedule = Schedule::new(sampler, &config, 6).unwrap();
        let result = samplers::sample(
            &schedule,
            |latents, timestep| {
                n_calls += 1;
                Ok(analytic_model(&latents, timestep))
            },
            schedule.initial_latents(noise),
            &mut generator,
            |step| match step.index {
                2 => Err(limn_engine::Error::Cancelled),
                _ => Ok(()),
            },
        );
        assert!(
            matches!(result, Err(limn_engine::Error::Cancelled)),
            "{sampler}"
        );
        let twice = matches!(sampler, Sampler::Heun | Sampler::DpmppSde);
        assert_eq!(n_calls, if twice { 6 } else { 3 }, "{sampler}");
    }
}

#[test]
fn impossible_numbers_of_steps_are_refused() {
    let config = config(&TABLES.loops[0].config);
    for n_steps in [0, 1001, usize::MAX] {
        for sampler in [Sampler::Euler, Sampler::Dpmpp2m] {
            assert!(SigmaSchedule::euler(&config, sampler, n_steps).is_err());
            assert!(SigmaSchedule::dpmpp(&config, sampler, n_steps).is_err());
        }
        assert!(ancestral_timesteps(&config, n_steps).is_err());
        assert!(unclip_timesteps(&config, n_steps).is_err());
    }
    assert!(unclip_timesteps(&config, 1).is_err());
}

#[test]
fn schedulers_that_limn_lacks_are_refused_by_name() {
    let path = Path::new("scheduler_config.json");
    for (json, mention) in [
        (
            r#"{"_class_name": "FlowMatchEulerDiscreteScheduler"}"#,
            "FlowMatchEulerDiscreteScheduler",
        ),
        (
            r#"{"_class_name": "LCMScheduler", "original_inference_steps": 0}"#,
            "original_inference_steps",
        ),
        (
            r#"{"_class_name": "DDIMScheduler", "thresholding": true}"#,
            "thresholding",
        ),
        (
            r#"{"_class_name": "DDIMScheduler", "beta_schedule": "laplace"}"#,
            "laplace",
        ),
        (
            r#"{"_class_name": "DDPMScheduler", "num_train_timesteps": 99999999999}"#,
            "num_train_timesteps",
        ),
        (
            r#"{"_class_name": "DDPMScheduler", "trained_betas": [0.1]}"#,
            "trained_betas",
        ),
        (r#"{"beta_start": 0.1}"#, "_class_name"),
    ] {
        let error = SchedulerConfig::from_json(json.as_bytes(), path)
            .and_then(|config| config.sampler())
            .unwrap_err();
        assert!(error.to_string().contains(mention), "{error}");
        assert!(
            matches!(error, limn_engine::Error::NotAModel { .. }),
            "{error}"
        );
    }
}

#[test]
fn schedulers_that_limn_lacks_have_a_nearest_one_which_is_told() {
    for (json, sampler, told) in [
        (
            r#"{"_class_name": "PNDMScheduler", "skip_prk_steps": true}"#,
            Sampler::Ddim,
            Some("PNDMScheduler"),
        ),
        (
            r#"{"_class_name": "DEISMultistepScheduler", "algorithm_type": "deis", "solver_type": "logrho"}"#,
            Sampler::Dpmpp2m,
            Some("DEISMultistepScheduler"),
        ),
        (
            r#"{"_class_name": "DPMSolverMultistepScheduler", "solver_order": 3}"#,
            Sampler::Dpmpp2m,
            Some("of order 3"),
        ),
        (
            r#"{"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "sde-dpmsolver"}"#,
            Sampler::Dpmpp2m,
            Some("sde-dpmsolver"),
        ),
        (
            r#"{"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "sde-dpmsolver++", "use_karras_sigmas": true}"#,
            Sampler::Dpmpp2mSde,
            None,
        ),
        (
            r#"{"_class_name": "UniPCMultistepScheduler", "solver_type": "bh1"}"#,
            Sampler::UniPc,
            Some("with bh1"),
        ),
        (
            r#"{"_class_name": "UniPCMultistepScheduler"}"#,
            Sampler::UniPc,
            None,
        ),
        (
            r#"{"_class_name": "EulerDiscreteScheduler", "solver_order": 3}"#,
            Sampler::Euler,
            None,
        ),
    ] {
        let config = config(json);
        assert_eq!(config.sampler().unwrap(), sampler, "{json}");
        let note = config.substitution();
        match (&note, told) {
            (None, None) => {}
            (Some(note), Some(told)) => {
                let label = sampler.info().label;
                assert!(note.contains(told) && note.contains(label), "{note}");
            }
            _ => panic!("{json}: {note:?}"),
        }
    }
}

#[test]
fn samplers_have_one_name_everywhere() {
    for sampler in Sampler::all() {
        let name = sampler.to_string();
        assert_eq!(name.parse::<Sampler>().unwrap(), sampler);
        assert_eq!(serde_json::to_value(sampler).unwrap(), name);
    }
    let error = "plms".parse::<Sampler>().unwrap_err().to_string();
    assert!(
        error.contains("plms") && error.contains("dpmpp_2m_karras"),
        "{error}"
    );
}

fn config(json: &str) -> SchedulerConfig {
    SchedulerConfig::from_json(json.as_bytes(), Path::new("scheduler_config.json")).unwrap()
}

fn as_f32(timesteps: &[usize]) -> Vec<f32> {
    timesteps.iter().map(|&timestep| timestep as f32).collect()
}

fn values<const D: usize>(latents: Result<Tensor<D>>) -> Vec<f32> {
    let data: TensorData = latents.unwrap().cast(DType::F32).into_data();
    data.try_to_vec().unwrap()
}
