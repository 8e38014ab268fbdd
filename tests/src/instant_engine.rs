//! An engine that draws every picture at once, in one colour that its seed says.

use std::io::{self, BufReader, Write};
use std::process::ExitCode;

use limn_engine::protocol::{
    BlobHash, Event, GenerateRequest, JobId, MemoryUse, Picture, Plan, Request, Timings, chunks,
    framing,
};
use limn_engine::samplers::Sampler;

const SIDE: u32 = 8;

pub fn run() -> ExitCode {
    match converse() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn converse() -> limn_engine::Result<()> {
    let mut requests = BufReader::new(io::stdin().lock());
    let mut events = io::stdout().lock();
    framing::write_greeting(&mut events)?;
    framing::read_greeting(&mut requests)?;
    while let Some(request) = framing::read_frame(&mut requests)? {
        match request {
            Request::ListModels => say(&mut events, &Event::Models(Vec::new()))?,
            Request::ListDevices { .. } => say(&mut events, &Event::Devices(Vec::new()))?,
            Request::ListUpscalers => say(&mut events, &Event::Upscalers(Vec::new()))?,
            Request::Generate { job, request } => draw(&mut events, job, &request)?,
            _ => {}
        }
    }
    Ok(())
}

fn say(events: &mut impl Write, event: &Event) -> limn_engine::Result<()> {
    framing::write_frame(events, event)
}

fn draw(events: &mut impl Write, job: JobId, request: &GenerateRequest) -> limn_engine::Result<()> {
    let plan = Plan {
        model_name: "Instant".to_owned(),
        model_hash: String::new(),
        device: "CPU".to_owned(),
        dtype: "f32".to_owned(),
        width: SIDE,
        height: SIDE,
        cascade: None,
        sampler: Sampler::Ddim,
        n_steps: 1,
        guidance_scale: 1.0,
        n_prior_steps: Some(1),
        prior_guidance_scale: Some(1.0),
        unread_prompt: None,
        loras: Vec::new(),
        ip_adapter: None,
        stand_in: None,
        spacing: None,
        guidance_rescale: None,
        clip_skip: None,
        remarks: Vec::new(),
    };
    say(events, &Event::Started { job, plan })?;
    for index in 0..request.n_pictures {
        let seed = request.seed + u64::from(index);
        let pixels: Vec<u8> = seed.to_le_bytes()[..3].repeat((SIDE * SIDE) as usize);
        for part in chunks::split(&pixels) {
            say(events, &Event::Chunk(part))?;
        }
        let picture = Picture {
            index,
            seed,
            width: SIDE,
            height: SIDE,
            pixels: BlobHash::of(&pixels),
            score: None,
            patch_mask: None,
            chosen: None,
        };
        say(events, &Event::Picture { job, picture })?;
    }
    let (timings, memory) = (Timings::default(), MemoryUse::default());
    say(
        events,
        &Event::Finished {
            job,
            timings,
            memory,
        },
    )
}
