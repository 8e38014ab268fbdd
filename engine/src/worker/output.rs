use std::{
    fs::File,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread::JoinHandle,
};

use super::{EXIT_PROTOCOL, failed};
use crate::{
    Error, Result,
    protocol::{BlobHash, Event, Preview, chunks, framing},
    standard_error,
};

/// Events that wait for the pipe at most; then whoever sends waits too. Parts of pictures are 1 MiB each.
const MAX_WAITING: usize = 64;
/// From this many waiting events on, previews are left out.
const MAX_WAITING_FOR_PREVIEW: usize = 4;

/// Standard output for frames alone: whatever prints later prints to standard error.
#[cfg(unix)]
pub(super) fn take_stdout() -> std::io::Result<File> {
    use std::os::fd::AsFd;
    let stdout = std::io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(std::io::stderr())?;
    Ok(stdout.into())
}

/// Standard output for frames. Nothing in the engine prints; here that is not enforced.
#[cfg(windows)]
pub(super) fn take_stdout() -> std::io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(std::io::stdout().as_handle().try_clone_to_owned()?.into())
}

/// The way to the writer thread, for any thread.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    /// `None` closes.
    events: SyncSender<Option<Event>>,
    n_waiting: Arc<AtomicUsize>,
}

impl Outbox {
    /// Sends an event, waiting while the pipe is backed up; a preview is dropped instead.
    pub fn send(&self, mut event: Event) {
        if let Event::Progress { progress, .. } = &mut event
            && (self.n_waiting.load(Ordering::Relaxed) >= MAX_WAITING_FOR_PREVIEW
                || progress.preview.as_ref().is_some_and(is_too_long))
        {
            progress.preview = None;
        }
        self.n_waiting.fetch_add(1, Ordering::Relaxed);
        // The writer ends only with the process.
        let _ = self.events.send(Some(event));
    }

    /// Sends an event that means nothing late: a sign of life. Never waits.
    pub fn send_if_clear(&self, event: Event) {
        if self.n_waiting.load(Ordering::Relaxed) >= MAX_WAITING_FOR_PREVIEW {
            return;
        }
        self.n_waiting.fetch_add(1, Ordering::Relaxed);
        if self.events.try_send(Some(event)).is_err() {
            self.n_waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Ends the writer after everything sent so far.
    pub fn close(&self) {
        let _ = self.events.send(None);
    }

    /// Sends a picture in parts, ahead of the event that names it.
    pub fn send_blob(&self, bytes: &[u8]) -> BlobHash {
        for chunk in chunks::split(bytes) {
            self.send(Event::Chunk(chunk));
        }
        BlobHash::of(bytes)
    }
}

/// Whether it would not be read on the other side.
fn is_too_long(preview: &Preview) -> bool {
    preview.rgb.len() > framing::MAX_EVENT_BYTES / 2
}

/// Starts the thread that owns the pipe. It ends with [`Outbox::close`] and gives the pipe back.
pub(super) fn spawn_writer<W: Write + Send + 'static>(mut stdout: W) -> (Outbox, JoinHandle<W>) {
    let (events, receiver) = mpsc::sync_channel(MAX_WAITING);
    let n_waiting = Arc::new(AtomicUsize::new(0));
    let outbox = Outbox {
        events,
        n_waiting: Arc::clone(&n_waiting),
    };
    #[expect(
        clippy::expect_used,
        reason = "a process that cannot start a thread cannot go on"
    )]
    let writer = std::thread::Builder::new()
        .name("writer".to_owned())
        .spawn(move || {
            write_events(&mut stdout, &receiver, &n_waiting);
            stdout
        })
        .expect("the system starts threads");
    (outbox, writer)
}

/// The event, or where no frame holds it, that it has failed: only a broken pipe ends the conversation.
fn frame_of(event: &Event) -> Result<Vec<u8>> {
    let frame = framing::encode_frame(event).and_then(|frame| {
        let n_bytes = frame.len() - 4;
        if n_bytes > framing::MAX_EVENT_BYTES {
            let limit = framing::MAX_EVENT_BYTES;
            let message = format!(
                "an answer has {} MB, and at most {} can be sent",
                n_bytes / 1_000_000,
                limit / 1_000_000
            );
            return Err(Error::Protocol(message));
        }
        Ok(frame)
    });
    frame.or_else(|error| framing::encode_frame(&failed(event.job(), &error)))
}

fn write_events(
    stdout: &mut impl Write,
    events: &Receiver<Option<Event>>,
    n_waiting: &AtomicUsize,
) {
    let mut greeting = Vec::new();
    let mut result = framing::write_greeting(&mut greeting)
        .map_err(io::Error::other)
        .and_then(|()| write_whole(stdout, &greeting));
    while result.is_ok() {
        let Ok(Some(event)) = events.recv() else {
            return;
        };
        n_waiting.fetch_sub(1, Ordering::Relaxed);
        result = match frame_of(&event) {
            Ok(frame) => write_whole(stdout, &frame),
            // Not even its failure can be told, and the conversation goes on without it.
            Err(error) => {
                tracing::error!("{error}");
                Ok(())
            }
        };
    }
    if let Err(error) = result {
        // Nothing that this process does is heard any more. That nobody listens is no fault of it.
        if error.kind() == io::ErrorKind::BrokenPipe {
            tracing::info!("{error}; ending");
            std::process::exit(0);
        }
        standard_error::line(format_args!("the answers cannot be written: {error}"));
        std::process::exit(EXIT_PROTOCOL.into());
    }
}

fn write_whole(stdout: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    stdout.write_all(bytes)?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{
        error::ErrorKind,
        protocol::{JobId, Plan},
        samplers::Sampler,
    };

    fn started(job: JobId, unread_prompt: String) -> Event {
        let text = String::new;
        Event::Started {
            job,
            plan: Plan {
                model_name: text(),
                model_hash: text(),
                device: text(),
                dtype: text(),
                width: 64,
                height: 64,
                cascade: None,
                sampler: Sampler::Ddpm,
                n_steps: 1,
                guidance_scale: 1.0,
                n_prior_steps: Some(1),
                prior_guidance_scale: Some(1.0),
                unread_prompt: Some(unread_prompt),
                loras: Vec::new(),
                ip_adapter: None,
                stand_in: None,
                spacing: None,
                guidance_rescale: None,
                clip_skip: None,
                remarks: Vec::new(),
            },
        }
    }

    #[test]
    fn what_no_frame_holds_fails_its_job_and_the_conversation_goes_on() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let (outbox, thread) = spawn_writer(writer);
        let job = JobId(7);
        outbox.send(started(job, "x".repeat(framing::MAX_FRAME_BYTES)));
        outbox.send(Event::Cancelled { job });
        outbox.close();
        framing::read_greeting(&mut reader).unwrap();
        let mut next = || framing::read_frame::<Event>(&mut reader).unwrap();
        match next() {
            Some(Event::Failed { job: told, failure }) => {
                assert_eq!(told, Some(job));
                assert_eq!(failure.kind, ErrorKind::Protocol);
                assert!(
                    failure.message.contains("can be sent"),
                    "{}",
                    failure.message
                );
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(next(), Some(Event::Cancelled { job }));
        drop(thread.join().unwrap());
        assert_eq!(next(), None);
    }
}
