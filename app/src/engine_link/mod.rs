//! The one place that talks to the engine process: starts it, watches it, starts it again.
//!
//! A supervisor thread owns the child. [`EngineLink::send`] never blocks; what comes back is polled with
//! [`EngineLink::try_recv`], and a waker tells when there is something. Requests sent while no engine is
//! connected wait for the next one. When an engine dies, [`EngineEvent::Died`] names every job that it
//! took along, and a new engine starts by itself; whether to ask again is the caller's choice.
//!
//! An engine counts as dead when its process ends, when it breaks the protocol, when it is silent for
//! too long while it has work ([`Patience`]), or when it does not acknowledge a cancel.
//!
//! An engine may be at the other end of a wire, and false: what it says is read no faster than the app takes it
//! (`flow`, `mailbox`), and is checked once, here, against what it was asked (`asked`, `bounds`). The first thing
//! that no engine says ends it, as a [`Breach`]. Signs of life are no way round this: they have a measure (`chatter`),
//! and lists are due in a minute whatever else is said. The window and the command line have this one link.

mod asked;
mod bounds;
mod breach;
mod chatter;
mod child;
mod command;
mod errors;
mod flow;
mod mailbox;
mod supervisor;
#[cfg(test)]
mod tests;
mod watch;

use std::{
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use limn_engine::protocol::{Event, JobId, Picture, Request};

pub use breach::{Breach, DeathCause};
pub use command::EngineCommand;
use mailbox::Mailbox;

#[derive(Debug, Clone, PartialEq)]
pub enum EngineEvent {
    /// An engine has greeted; `build` is what it calls itself. Models that were loaded before are not now.
    Connected { build: String },
    /// A finished picture, its chunks joined and checked: RGB, row by row, three bytes a pixel.
    Picture {
        job: JobId,
        picture: Picture,
        pixels: Vec<u8>,
        /// Of an edit: how much each pixel covers what is under it, one byte a pixel.
        patch_mask: Option<Vec<u8>>,
    },
    /// Anything else the engine says; never `Event::Chunk` or `Event::Picture`.
    Event(Event),
    /// Something in an answer was left out that cannot be used: for the user.
    Notice { message: String },
    /// The engine is gone and the next one is on its way.
    Died {
        cause: DeathCause,
        /// One or a few lines for the user: how it ended and its last words.
        reason: String,
        /// Every job that this engine had been sent and had not ended, in the order sent.
        lost: Vec<LostJob>,
    },
}

impl EngineEvent {
    /// What its pixels take.
    pub fn n_bytes(&self) -> usize {
        match self {
            Self::Picture {
                pixels, patch_mask, ..
            } => pixels.len() + patch_mask.as_ref().map_or(0, Vec::len),
            Self::Event(Event::Progress { progress, .. }) => {
                progress.preview.as_ref().map_or(0, |p| p.rgb.len())
            }
            _ => 0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostJob {
    pub job: JobId,
    /// It had left the engine's queue, so it may be what killed the engine.
    pub was_started: bool,
    /// A cancel was under way: the user does not want it back.
    pub was_cancelled: bool,
}

/// A request and the blobs that go ahead of it.
#[derive(Debug)]
struct Outgoing {
    request: Request,
    blobs: Vec<Arc<[u8]>>,
}

/// How long an engine may take before it counts as hung.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    /// From the start of the process to its greeting.
    pub greeting: Duration,
    /// Silence that is always allowed while there is work.
    pub silence: Duration,
    /// Silence allowed as a multiple of the longest seen in the same phase.
    pub silence_factor: u32,
    /// Silence while a question waits that asks for no work: for a list.
    pub answer_silence: Duration,
    /// From such a question to its answer, whatever else is said meanwhile.
    pub answer: Duration,
    /// From a cancel to its acknowledgement.
    pub cancel: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            greeting: Duration::from_secs(10),
            silence: Duration::from_mins(2),
            silence_factor: 10,
            answer_silence: Duration::from_secs(10),
            answer: Duration::from_mins(1),
            cancel: Duration::from_secs(5),
        }
    }
}

/// A running engine, or the next one. Dropping it ends the child process.
#[derive(Debug)]
pub struct EngineLink {
    to_supervisor: Sender<supervisor::Message>,
    mailbox: Arc<Mailbox>,
    supervisor: Option<JoinHandle<()>>,
}

impl EngineLink {
    /// Starts the engine in the background. `wake` is called, from another thread, whenever an event waits.
    pub fn start(command: EngineCommand, wake: impl Fn() + Send + 'static) -> Self {
        Self::start_with_patience(command, Patience::default(), wake)
    }

    pub fn start_with_patience(
        command: EngineCommand,
        patience: Patience,
        wake: impl Fn() + Send + 'static,
    ) -> Self {
        let (to_supervisor, messages) = mpsc::channel();
        let mailbox = Arc::new(Mailbox::default());
        let outbox = supervisor::Outbox::new(Arc::clone(&mailbox), wake);
        let supervisor =
            supervisor::spawn(command, patience, outbox, to_supervisor.clone(), messages);
        Self {
            to_supervisor,
            mailbox,
            supervisor: Some(supervisor),
        }
    }

    /// Hands a request to the engine, or to the next one when there is none. Never blocks.
    pub fn send(&self, request: Request) {
        self.send_with(request, Vec::new());
    }

    /// As [`Self::send`], with the pictures, masks and tensors that the request names by their hashes: they go
    /// ahead of it. An engine that dies forgets them.
    pub fn send_with(&self, request: Request, blobs: Vec<Arc<[u8]>>) {
        // The supervisor lives as long as this link.
        let _ = self
            .to_supervisor
            .send(supervisor::Message::Send(Box::new(Outgoing {
                request,
                blobs,
            })));
    }

    /// What has happened, oldest first; `None` when nothing has.
    pub fn try_recv(&self) -> Option<EngineEvent> {
        self.mailbox.take()
    }

    /// As [`Self::try_recv`], and waits: for the command line and for tests, never for the window.
    pub fn recv_timeout(&self, patience: Duration) -> Option<EngineEvent> {
        self.mailbox.take_within(patience)
    }

    /// The process that runs now, for diagnosis and for the tests that kill it.
    pub fn process_id(&self) -> Option<u32> {
        let (reply, answer) = mpsc::channel();
        self.to_supervisor
            .send(supervisor::Message::AskProcessId(reply))
            .ok()?;
        answer.recv().ok().flatten()
    }
}

impl Drop for EngineLink {
    fn drop(&mut self) {
        let _ = self.to_supervisor.send(supervisor::Message::Quit);
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
    }
}
