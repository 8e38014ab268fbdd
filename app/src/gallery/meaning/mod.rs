//! Search by what pictures show: CLIP embeddings of all of them, and a thread that makes and compares them.
//!
//! - [`Meaning`] is that thread, the one door: it finds by itself what has no embedding yet, newest first, and
//!   answers searches;
//! - [`encoder`] is the engine process that it keeps for that, apart from the user's;
//! - [`matrix`] holds the embeddings in memory; the index database keeps them (`index/embeddings.rs`);
//! - [`ranking`] decides what is shown: exact words first, then by meaning.
//!
//! Invariants: the user's runs never wait for this; a picture that ends the encoder twice is left alone; only
//! embeddings of one encoder are ever compared; an answer to an older search never comes after a newer one's.

pub mod encoder;
pub mod matrix;
pub mod ranking;
mod search;
mod small;
mod worker;

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use image::RgbaImage;

pub use encoder::EncoderChoice;
pub use ranking::Found;

use super::index::Query;
use super::store::Gallery;
use super::{PictureId, Result};
use crate::supervised_thread::{Begin, SupervisedThread};
use worker::Worker;

#[derive(Debug, Clone)]
pub enum Command {
    /// From now on this encodes; embeddings by another are made anew when idle.
    Use(EncoderChoice),
    /// No picture is encoded while the user's own runs need the processor. Searches are answered.
    Pause(bool),
}

/// A question. Only the newest is answered.
#[derive(Debug, Clone)]
pub struct Search {
    pub request: u64,
    /// Its `words` are the text, unless a picture is asked about: then they hold for what is found.
    pub query: Query,
    /// Pictures like this one, from anywhere.
    pub picture: Option<Arc<RgbaImage>>,
}

#[derive(Debug, Clone)]
pub enum Event {
    /// The answer to a [`Search`].
    Found {
        request: u64,
        found: Found,
        /// Why nothing was found by meaning, if that is because it could not be looked for.
        trouble: Option<String>,
    },
    State(State),
}

/// How far the embeddings are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Pictures with an embedding, or that can have none.
    pub n_done: usize,
    pub n_total: usize,
    pub activity: Activity,
}

impl State {
    pub fn is_complete(&self) -> bool {
        self.n_done >= self.n_total
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Activity {
    /// Nothing encodes: [`Command::Use`] has not come.
    #[default]
    Off,
    /// All is done.
    Idle,
    Encoding,
    /// The user's runs come first.
    Paused,
    /// The encoder has ended; it is tried again.
    Resting,
    /// It cannot go on; the reason says what to do.
    Failed(String),
}

enum Message {
    Command(Command),
    Search(Box<Search>),
    /// The encoder has said something.
    Heard,
    AskProcessId(Sender<Option<u32>>),
    Quit,
}

/// The thread `meaning`. Dropping it ends the encoder's process and waits for the thread.
pub struct Meaning {
    thread: SupervisedThread<Message>,
}

impl Meaning {
    /// Starts the thread, which opens the gallery once more for itself.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        open: impl Fn() -> Result<Gallery> + Send + 'static,
        emit: impl Fn(Event) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (inbox, messages) = channel();
        let wake_inbox = inbox.clone();
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            // The thread has ended: nobody listens to the encoder any more.
            let _ = wake_inbox.send(Message::Heard);
        });
        let mut worker = Worker::new(Box::new(open), Box::new(emit), wake);
        let thread =
            SupervisedThread::start_over("meaning", (inbox, messages), move |begin, messages| {
                if let Begin::AfterPanic(message) = begin {
                    worker.begin_anew(&message);
                }
                worker.run(messages);
            })?;
        Ok(Self { thread })
    }

    pub fn send(&self, command: Command) {
        // The thread ends only after `Quit`.
        self.thread.send(Message::Command(command));
    }

    /// The encoder's process, for diagnosis and for the tests that kill it.
    pub fn encoder_process_id(&self) -> Option<u32> {
        let (reply, answer) = channel();
        self.thread.send(Message::AskProcessId(reply));
        answer.recv().ok().flatten()
    }

    /// Answered by one [`Event::Found`], unless a newer search comes before.
    pub fn search(&self, search: Search) {
        self.thread.send(Message::Search(Box::new(search)));
    }
}

impl Drop for Meaning {
    fn drop(&mut self) {
        self.thread.send(Message::Quit);
    }
}

/// What a search is about, once it is clear.
#[derive(Debug, Clone)]
enum Subject {
    Text(String),
    Like(PictureId),
    Picture(Arc<RgbaImage>),
}
