//! The engine process: jobs in, pictures out, over standard input and output.
//!
//! Four threads. The *reader* takes requests: a cancel acts at once, a question goes to the *answers*
//! thread, work goes to the queue; when its input ends the process ends, even in the middle of a step.
//! *Compute* is the main thread: it works the queue off in order and looks for a cancel at every event of
//! a pipeline. The *writer* owns standard output: results wait for a slow reader, previews are dropped.
//!
//! Signs of life ([`Event::Working`]) come from work alone, never from a clock: a pipeline's own events,
//! and a line of the kernel compiler's log for every kernel that it compiles or tunes (`log`).

mod compute;
mod job_input;
mod latents;
mod log;
mod lora_words;
mod output;
mod queue;
mod run_job;
mod token_counter;
mod told;
mod upscaling;

use std::{
    io::{BufReader, Read},
    process::ExitCode,
    sync::{Arc, mpsc},
    thread,
};

use serde::Serialize;

use crate::{
    Error, Result,
    catalogue::{Catalogue, UpscalerFile},
    device::Devices,
    foreign_text,
    protocol::{Event, Failure, JobId, ModelId, Phase, Request, chunks::Joiner, framing},
    standard_error,
};
use job_input::{Gatherer, JobInput};
use output::Outbox;
use queue::{Queue, Task};
use token_counter::TokenCounter;

/// The device is beyond repair within this process.
pub const EXIT_DEVICE_LOST: u8 = 70;
/// The other side speaks another version, or not this protocol: a failure as any other command has them.
pub const EXIT_PROTOCOL: u8 = 1;

/// Speaks the protocol until standard input ends, and then ends the process at once.
///
/// Returns only for [`Request::Shutdown`], or when there is no conversation or no device to go on with.
pub fn run(catalogue: Catalogue) -> ExitCode {
    let stdout = match output::take_stdout() {
        Ok(stdout) => stdout,
        Err(error) => {
            standard_error::line(format_args!("standard output cannot be taken: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let (outbox, writer) = output::spawn_writer(stdout);
    log::start(&outbox);
    match serve(catalogue, &outbox) {
        Ok(code) => {
            // Everything said is on the pipe before the process ends.
            outbox.close();
            // The pipe stays open to the end of the process: the other side answers its end by closing ours, and the
            // reader would end the process with another code.
            std::mem::forget(writer.join());
            code
        }
        Err(error) => {
            standard_error::line(&error);
            ExitCode::from(EXIT_PROTOCOL)
        }
    }
}

fn serve(catalogue: Catalogue, outbox: &Outbox) -> Result<ExitCode> {
    let mut stdin = BufReader::with_capacity(1 << 16, std::io::stdin());
    let build = framing::read_greeting(&mut stdin)?;
    tracing::info!("serving {}", foreign_text::name(build));

    let catalogue = Arc::new(catalogue);
    let devices = Arc::new(Devices::new());
    let queue = Arc::new(Queue::default());
    let (to_answers, questions) = mpsc::channel();
    {
        let (catalogue, devices, outbox) =
            (Arc::clone(&catalogue), Arc::clone(&devices), outbox.clone());
        spawn_thread("answers", move || {
            let mut counter = TokenCounter::default();
            for question in questions {
                let on_sign_of_life = || {
                    outbox.send_if_clear(Event::working(None, Phase::Load));
                };
                let answer = match question {
                    Question::Tokens(model, prompt) => counter.count(&catalogue, &model, &prompt),
                    question => answer(&question, &catalogue, &devices, on_sign_of_life),
                };
                outbox.send(answer);
            }
        })?;
    }
    {
        let reader = Reader {
            queue: Arc::clone(&queue),
            outbox: outbox.clone(),
            to_answers,
            blobs: Joiner::default(),
        };
        spawn_thread("reader", move || reader.run(&mut stdin))?;
    }
    Ok(compute::Compute::new(catalogue, devices, outbox.clone()).run(&queue))
}

fn spawn_thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map(drop)
        .map_err(|error| Error::Device(format!("no thread can be started: {error}")))
}

/// What can be answered beside a running job.
enum Question {
    Models,
    Devices,
    Upscalers,
    Tokens(ModelId, String),
}

fn answer(
    question: &Question,
    catalogue: &Catalogue,
    devices: &Devices,
    on_sign_of_life: impl Fn(),
) -> Event {
    match question {
        Question::Models => {
            let models = catalogue.models_one_by_one(on_sign_of_life);
            Event::Models(as_many_as_fit(models))
        }
        Question::Devices => Event::Devices(devices.list()),
        Question::Tokens(..) => Event::TokenCount(None),
        Question::Upscalers => {
            let upscalers = catalogue.upscalers();
            Event::Upscalers(as_many_as_fit(
                upscalers.iter().map(UpscalerFile::info).collect(),
            ))
        }
    }
}

/// A library may hold more than one frame can tell of: the first ones then, which are the built-in and the named.
fn as_many_as_fit<T: Serialize>(mut infos: Vec<T>) -> Vec<T> {
    /// Beside the list there are its length and the event's number.
    const MAX_BYTES: usize = framing::MAX_FRAME_BYTES - 64;
    let mut n_bytes = 0;
    let n_fitting = infos
        .iter()
        .take_while(|info| {
            n_bytes += postcard::to_stdvec(info).map_or(MAX_BYTES, |bytes| bytes.len());
            n_bytes <= MAX_BYTES
        })
        .count();
    if n_fitting < infos.len() {
        tracing::warn!(
            "the list is too long to tell: {n_fitting} of {}",
            infos.len()
        );
        infos.truncate(n_fitting);
    }
    infos
}

fn failed(job: Option<JobId>, error: &Error) -> Event {
    if !matches!(error, Error::Cancelled) {
        tracing::warn!("{job:?} failed: {error}");
    }
    Event::Failed {
        job,
        failure: Failure {
            kind: error.kind(),
            message: foreign_text::message(error).to_string(),
        },
    }
}

struct Reader {
    queue: Arc<Queue>,
    outbox: Outbox,
    to_answers: mpsc::Sender<Question>,
    blobs: Joiner,
}

impl Reader {
    /// Ends the process with its input.
    fn run(mut self, stdin: &mut impl Read) {
        loop {
            match framing::read_frame_body(stdin) {
                Ok(Some(body)) => match framing::decode_frame_body(&body) {
                    Ok(request) => self.take(request),
                    Err(error) => self.outbox.send(failed(None, &error)),
                },
                Ok(None) => {
                    tracing::info!("the other side has closed; ending");
                    std::process::exit(0);
                }
                Err(error) => {
                    tracing::error!("{error}");
                    std::process::exit(EXIT_PROTOCOL.into());
                }
            }
        }
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::ListModels => self.ask(Question::Models),
            Request::ListUpscalers => self.ask(Question::Upscalers),
            Request::CountTokens { model, prompt } => self.ask(Question::Tokens(model, prompt)),
            Request::ListDevices { self_test: false } => self.ask(Question::Devices),
            Request::ListDevices { self_test: true } => self.queue.push(Task::TestDevices),
            Request::Load { model, compute } => self.queue.push(Task::Load { model, compute }),
            Request::Generate { job, request } => self.queue_job(job, |g| g.generate(request)),
            Request::Edit { job, request } => self.queue_job(job, |g| g.edit(request)),
            Request::Vary { job, request } => self.queue_job(job, |g| g.vary(request)),
            Request::Blend { job, request } => self.queue_job(job, |g| g.blend(request)),
            Request::Shift { job, request } => self.queue_job(job, |g| g.shift(request)),
            Request::Upscale { job, request } => self.queue_job(job, |g| g.upscale(request)),
            Request::Embed { job, request } => self.queue_job(job, |g| g.embed(request)),
            Request::Cancel { job } => {
                // One that runs acknowledges by itself; one that is over needs no answer.
                if self.queue.cancel(job) {
                    self.outbox.send(Event::Cancelled { job });
                }
            }
            Request::Chunk(chunk) => match self.blobs.accept(chunk) {
                // A large picture may be minutes on a slow way here, with work that waits for it.
                Ok(()) => self.outbox.send_if_clear(Event::working(None, Phase::Load)),
                Err(error) => self.outbox.send(failed(None, &error)),
            },
            Request::Shutdown => self.queue.shut_down(),
        }
    }

    fn queue_job(&mut self, job: JobId, gather: impl FnOnce(Gatherer) -> Result<JobInput>) {
        match gather(Gatherer::new(&mut self.blobs)) {
            Err(error) => self.outbox.send(failed(Some(job), &error)),
            Ok(input) => {
                if !self.queue.push_job(job, input) {
                    let error = Error::Protocol(format!("job {} is already here", job.0));
                    self.outbox.send(failed(None, &error));
                }
            }
        }
    }

    fn ask(&self, question: Question) {
        if self.to_answers.send(question).is_err() {
            let error = Error::Bug("the answers thread has ended".to_owned());
            self.outbox.send(failed(None, &error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_as_long_as_a_frame_holds() {
        let text = "x".repeat(framing::MAX_FRAME_BYTES / 4);
        for (n, n_told) in [(0, 0), (1, 1), (3, 3), (4, 3), (100, 3)] {
            let told = as_many_as_fit(vec![text.as_str(); n]);
            assert_eq!(told.len(), n_told);
            assert!(framing::encode_frame(&told).is_ok());
        }
    }
}
