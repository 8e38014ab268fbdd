use std::{
    fs::File,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread::JoinHandle,
};

use crate::protocol::{BlobHash, Event, chunks, framing};

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
            && self.n_waiting.load(Ordering::Relaxed) >= MAX_WAITING_FOR_PREVIEW
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

/// Starts the thread that owns the pipe. It ends with [`Outbox::close`].
pub(super) fn spawn_writer(stdout: impl Write + Send + 'static) -> (Outbox, JoinHandle<()>) {
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
        .spawn(move || write_events(stdout, &receiver, &n_waiting))
        .expect("the system starts threads");
    (outbox, writer)
}

fn write_events(mut stdout: impl Write, events: &Receiver<Option<Event>>, n_waiting: &AtomicUsize) {
    let mut result = framing::write_greeting(&mut stdout);
    while result.is_ok() {
        let Ok(Some(event)) = events.recv() else {
            return;
        };
        n_waiting.fetch_sub(1, Ordering::Relaxed);
        result = framing::write_frame(&mut stdout, &event);
    }
    if let Err(error) = result {
        // Nobody listens: nothing that this process does matters any more.
        tracing::info!("{error}; ending");
        std::process::exit(0);
    }
}
