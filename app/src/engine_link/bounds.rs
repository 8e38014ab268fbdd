//! How large and how many what an engine says may be, and which numbers can be: checked once, where it enters.

use limn_engine::foreign_text;
use limn_engine::protocol::{
    DeviceInfo, Embeddings, ModelInfo, Plan, Progress, SelfTest, Timings, UpscalerInfo, Vocabulary,
};

use super::breach::Breach;

/// Of a name, a path, a line of description.
const MAX_TEXT_BYTES: usize = 4 << 10;
/// Of what is shown of a failure.
const MAX_MESSAGE_BYTES: usize = 4 << 10;
/// Far more than anyone adds up.
const MAX_LORAS: usize = 100;
/// The longest end of a prompt that a model may leave unread.
const MAX_PROMPT_BYTES: usize = 256 << 10;
const MAX_MODELS: usize = 4096;
/// Words that the models of a list know, in all.
const MAX_WORDS: usize = 200_000;
const MAX_DEVICES: usize = 256;
const MAX_STAGES: usize = 256;
const MAX_STEPS: usize = 1_000_000;
const MAX_EMBEDDING: usize = 16_384;
const MAX_PREVIEW_SIDE: u32 = 2048;

/// The sides of pictures that a model can be made for, and the steps of sizes.
const MAX_MODEL_SIDE: u32 = 8192;
const MAX_MODEL_STRIDE: u32 = 1024;
const MAX_SAMPLING_STEPS: u32 = 10_000;
const MAX_GUIDANCE: f32 = 1000.0;
/// More than any text encoder has layers.
const MAX_CLIP_SKIP: u32 = 100;
const MAX_SCALE: u32 = 64;

pub(super) fn text(what: &'static str, text: &str) -> Result<(), Breach> {
    at_most(what, text.len(), MAX_TEXT_BYTES)
}

/// Cuts a message to what is worth showing.
pub(super) fn shorten(message: &mut String) {
    if message.len() > MAX_MESSAGE_BYTES {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
        message.push('…');
        message.shrink_to_fit();
    }
}

/// The models of a list that can be drawn with, and of each other one what is wrong with it: one bad card is no reason
/// to do without the rest.
pub(super) fn models(models: Vec<ModelInfo>) -> (Vec<ModelInfo>, Vec<String>) {
    let (mut sound, mut left_out) = (Vec::new(), Vec::new());
    let mut n_words = 0;
    for mut model in models {
        let n_own = n_words_of(&model);
        let fault = fault_of_model(&model).or_else(|| {
            let is_too_much = sound.len() >= MAX_MODELS || n_words + n_own > MAX_WORDS;
            is_too_much
                .then(|| "there are too many models, or too many words that they know".to_owned())
        });
        if let Some(fault) = fault {
            let name = foreign_text::name(&model.name);
            left_out.push(format!("{name}: {fault}"));
            continue;
        }
        n_words += n_own;
        leave_out_impossible(&mut model);
        sound.push(model);
    }
    (sound, left_out)
}

fn n_words_of(model: &ModelInfo) -> usize {
    let of_vocabulary = model
        .vocabulary
        .as_ref()
        .map_or(0, |vocabulary| words(vocabulary).count());
    let of_abilities = model.operations.len() + model.features.len() + model.settings.len();
    model.examples.len() + model.native_sizes.len() + of_abilities + of_vocabulary
}

fn words(vocabulary: &Vocabulary) -> impl Iterator<Item = &String> {
    let Vocabulary {
        objects,
        colours,
        places,
        times,
        styles,
        words,
        synonyms,
    } = vocabulary;
    let lists = [objects, colours, places, times, styles, words];
    let pairs = synonyms.iter().flat_map(|(typed, known)| [typed, known]);
    lists.into_iter().flatten().chain(pairs)
}

/// Why a model of the list cannot be drawn with: its card is wrong, whoever wrote it.
fn fault_of_model(model: &ModelInfo) -> Option<String> {
    let (width, height) = model.default_size;
    let sides = 1..=MAX_MODEL_SIDE;
    if model.id.0.is_empty() {
        return Some("it has no name".to_owned());
    }
    if !sides.contains(&width) || !sides.contains(&height) {
        return Some(format!(
            "it says that it draws {width}×{height} pixels, and 1 to {MAX_MODEL_SIDE} are possible"
        ));
    }
    if !(1..=MAX_MODEL_STRIDE).contains(&model.stride) {
        return Some(format!(
            "it says that its sizes step by {} pixels, and 1 to {MAX_MODEL_STRIDE} are possible",
            model.stride
        ));
    }
    let texts = [&model.id.0, &model.name, &model.family, &model.description];
    let known = model.vocabulary.iter().flat_map(words);
    let mut texts = texts.into_iter().chain(&model.examples).chain(known);
    if texts.any(|text| text.len() > MAX_TEXT_BYTES) {
        return Some(format!(
            "its card has a name, a description or a word of more than {MAX_TEXT_BYTES} bytes"
        ));
    }
    None
}

/// Leaves out of a model that can be drawn with what cannot be: sizes that it is said to be made for, settings, and its
/// own values of those, of which the engine has others.
fn leave_out_impossible(model: &mut ModelInfo) {
    let sides = 1..=MAX_MODEL_SIDE;
    let is_possible =
        |(width, height): &(u32, u32)| sides.contains(width) && sides.contains(height);
    model.native_sizes.retain(is_possible);
    model.settings.retain(|setting| {
        let numbers = [setting.least, setting.most, setting.default];
        numbers.iter().all(|number| number.is_finite()) && setting.least <= setting.most
    });
    let sampling = &mut model.defaults;
    for n_steps in [&mut sampling.n_steps, &mut sampling.n_prior_steps] {
        *n_steps = n_steps.filter(|n| (1..=MAX_SAMPLING_STEPS).contains(n));
    }
    sampling.clip_skip = sampling.clip_skip.filter(|n| *n <= MAX_CLIP_SKIP);
    sampling.guidance_rescale = sampling
        .guidance_rescale
        .filter(|rescale| (0.0..=1.0).contains(rescale));
    for scale in [
        &mut sampling.guidance_scale,
        &mut sampling.prior_guidance_scale,
    ] {
        // Not-a-number is in no range.
        *scale = scale.filter(|scale| (-MAX_GUIDANCE..=MAX_GUIDANCE).contains(scale));
    }
}

pub(super) fn devices(devices: &mut [DeviceInfo]) -> Result<(), Breach> {
    at_most("a list of devices", devices.len(), MAX_DEVICES)?;
    for device in devices {
        at_most("a list of precisions", device.dtypes.len(), MAX_DEVICES)?;
        match &mut device.self_test {
            SelfTest::Passed { rung: told } | SelfTest::Failed { reason: told } => shorten(told),
            SelfTest::NotRun | SelfTest::NotNeeded => {}
        }
        shorten(&mut device.driver);
        let texts = [&device.name, &device.backend];
        for of_device in texts.into_iter().chain(&device.dtypes) {
            text("a device's description", of_device)?;
        }
    }
    Ok(())
}

pub(super) fn upscalers(upscalers: &mut Vec<UpscalerInfo>) -> Result<(), Breach> {
    at_most("a list of upscalers", upscalers.len(), MAX_MODELS)?;
    upscalers.retain(|upscaler| {
        let texts = [&upscaler.id.0, &upscaler.name, &upscaler.family];
        let mut texts = texts.into_iter().chain(&upscaler.made_for);
        (1..=MAX_SCALE).contains(&upscaler.scale) && texts.all(|text| text.len() <= MAX_TEXT_BYTES)
    });
    Ok(())
}

pub(super) fn plan(plan: &Plan) -> Result<(), Breach> {
    for of_plan in [
        &plan.model_name,
        &plan.model_hash,
        &plan.device,
        &plan.dtype,
    ] {
        at_most("a plan", of_plan.len(), MAX_PROMPT_BYTES)?;
    }
    let unread = plan.unread_prompt.as_ref().map_or(0, String::len);
    at_most("the unread end of a prompt", unread, MAX_PROMPT_BYTES)?;
    at_most("the LoRAs of a plan", plan.loras.len(), MAX_LORAS)?;
    let remarks = plan.remarks.iter().map(String::len);
    at_most("remarks on a prompt", remarks.sum(), MAX_PROMPT_BYTES)?;
    if let Some(cascade) = &plan.cascade {
        let size = (cascade.drawn_width, cascade.drawn_height);
        if size.0.min(size.1) == 0 || size.0.max(size.1) > MAX_MODEL_SIDE {
            let limit = MAX_MODEL_SIDE;
            return Err(Breach::ImpossibleSize { size, limit });
        }
    }
    // A recipe could not be written with it.
    let weights = plan.loras.iter().map(|lora| Some(lora.weight));
    let scales = [
        Some(plan.guidance_scale),
        plan.prior_guidance_scale,
        plan.guidance_rescale,
        plan.ip_adapter.as_ref().map(|adapter| adapter.scale),
    ];
    let scales = scales.into_iter().chain(weights);
    if scales.flatten().all(f32::is_finite) {
        Ok(())
    } else {
        Err(Breach::NotANumber("a guidance scale"))
    }
}

pub(super) fn progress(progress: &mut Progress) -> Result<(), Breach> {
    progress.step = progress.step.min(progress.n_steps);
    let seconds = progress.seconds_left;
    progress.seconds_left = seconds.filter(|seconds| (0.0..1e9).contains(seconds));
    let Some(preview) = &progress.preview else {
        return Ok(());
    };
    let (width, height) = (preview.width, preview.height);
    if width.min(height) == 0 || width.max(height) > MAX_PREVIEW_SIDE {
        let (size, limit) = ((width, height), MAX_PREVIEW_SIDE);
        return Err(Breach::ImpossibleSize { size, limit });
    }
    let (sent, asked) = (preview.rgb.len(), (width * height * 3) as usize);
    if sent != asked {
        let what = "a preview";
        return Err(Breach::WrongCount { what, sent, asked });
    }
    Ok(())
}

pub(super) fn timings(timings: &mut Timings) -> Result<(), Breach> {
    at_most("a list of stages", timings.stages.len(), MAX_STAGES)?;
    at_most("a list of steps", timings.steps.len(), MAX_STEPS)?;
    for (stage, seconds) in &mut timings.stages {
        text("a stage's name", stage)?;
        *seconds = sound_seconds(*seconds);
    }
    for seconds in &mut timings.steps {
        *seconds = sound_seconds(*seconds);
    }
    timings.total_seconds = sound_seconds(timings.total_seconds);
    Ok(())
}

fn sound_seconds(seconds: f32) -> f32 {
    if (0.0..1e9).contains(&seconds) {
        seconds
    } else {
        0.0
    }
}

pub(super) fn embeddings(embeddings: &Embeddings) -> Result<(), Breach> {
    text("an encoder's name", &embeddings.encoder)?;
    let dim = embeddings.dim as usize;
    at_most("an embedding", dim, MAX_EMBEDDING)?;
    for row in embeddings.pictures.iter().chain(&embeddings.texts) {
        if row.len() != dim {
            return Err(Breach::WrongCount {
                what: "an embedding",
                sent: row.len(),
                asked: dim,
            });
        }
        if !row.iter().all(|value| value.is_finite()) {
            return Err(Breach::NotANumber("an embedding"));
        }
    }
    Ok(())
}

fn at_most(what: &'static str, n: usize, limit: usize) -> Result<(), Breach> {
    if n > limit {
        return Err(Breach::TooMuch { what, n, limit });
    }
    Ok(())
}
