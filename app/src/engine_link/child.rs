use std::{
    io::{BufReader, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Child, ChildStdin, ChildStdout},
    sync::{
        Arc,
        atomic::AtomicBool,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use limn_engine::protocol::{Request, chunks, framing};

use super::{
    EngineCommand, Outgoing,
    errors::{self, LastLines},
    flow::{Charge, Flow},
    supervisor::Message,
};

/// From the end of its output to the end of the process, which is then killed.
const EXIT_PATIENCE: Duration = Duration::from_secs(1);

/// What the reader thread passes on.
#[derive(Debug)]
pub(super) enum Received {
    Greeting {
        build: String,
    },
    /// The bytes of an event, and what they count for.
    Frame {
        body: Vec<u8>,
        charge: Charge,
    },
    /// The stream has ended, cleanly (`None`) or with a fault. Nothing follows.
    End {
        fault: Option<String>,
    },
}

/// One engine process and the threads on its three pipes.
#[derive(Debug)]
pub(super) struct EngineChild {
    child: Child,
    /// Dropped to end the engine: its end of standard input.
    to_writer: Option<Sender<Outgoing>>,
    last_lines: Arc<LastLines>,
    flow: Arc<Flow>,
    /// Nobody waits for what it still says.
    is_over: Arc<AtomicBool>,
    stderr_reader: Option<JoinHandle<()>>,
}

impl EngineChild {
    /// Starts the process; what it says arrives as [`Message::Received`] under this `generation`.
    pub fn spawn(
        command: &EngineCommand,
        generation: u64,
        to_supervisor: Sender<Message>,
        flow: Arc<Flow>,
    ) -> std::io::Result<Self> {
        let mut child = command.to_command().spawn()?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(std::io::Error::other("its pipes are missing"));
        };
        let (to_writer, outgoing) = mpsc::channel();
        let last_lines = Arc::new(LastLines::default());
        let lines = Arc::clone(&last_lines);
        let is_over = Arc::new(AtomicBool::new(false));
        let reader = Reader {
            generation,
            to_supervisor,
            flow: Arc::clone(&flow),
            is_over: Arc::clone(&is_over),
        };
        spawn_thread("engine writer", move || write_requests(stdin, &outgoing))?;
        spawn_thread("engine reader", move || reader.run(stdout))?;
        let stderr_reader = spawn_thread("engine errors", move || errors::keep(stderr, &lines))?;
        Ok(Self {
            child,
            to_writer: Some(to_writer),
            last_lines,
            flow,
            is_over,
            stderr_reader: Some(stderr_reader),
        })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Queues a request for the pipe. A dead engine swallows it: its end is on its way to the supervisor.
    pub fn send(&self, outgoing: Outgoing) {
        if let Some(to_writer) = &self.to_writer {
            let _ = to_writer.send(outgoing);
        }
    }

    /// Whether the process has ended. What it said may be in its pipe still, and others may hold that open.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    pub fn kill(&mut self) {
        // Fails only when the process has ended already.
        let _ = self.child.kill();
    }

    /// Ends the process and says how it ended and what it said last.
    pub fn end(mut self) -> String {
        self.to_writer = None;
        let status = self.wait();
        if let Some(reader) = self.stderr_reader.take()
            && reader_ends_soon(&reader)
        {
            let _ = reader.join();
        }
        self.last_lines.after(status)
    }

    fn wait(&mut self) -> String {
        let deadline = Instant::now() + EXIT_PATIENCE;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status.to_string(),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
                Ok(None) => break,
                Err(error) => return error.to_string(),
            }
        }
        self.kill();
        match self.child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for EngineChild {
    fn drop(&mut self) {
        self.flow.end(&self.is_over);
        self.kill();
        let _ = self.child.wait();
    }
}

/// A grandchild may hold the pipe open after the engine's end: then its last words are cut.
fn reader_ends_soon(reader: &JoinHandle<()>) -> bool {
    let deadline = Instant::now() + Duration::from_millis(200);
    while !reader.is_finished() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    reader.is_finished()
}

fn spawn_thread(
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(body)
}

fn write_requests(mut stdin: ChildStdin, outgoing: &Receiver<Outgoing>) {
    if framing::write_greeting(&mut stdin).is_err() {
        return;
    }
    for Outgoing { request, blobs } in outgoing {
        // Here, because splitting reads every byte for its hash: that may take a second.
        let chunks = blobs.iter().flat_map(|blob| chunks::split(blob));
        for request in chunks.map(Request::Chunk).chain([request]) {
            match framing::encode_frame(&request) {
                Ok(frame) => {
                    if stdin.write_all(&frame).is_err() {
                        return;
                    }
                }
                // Chunks are far below the limit, so this is a request that no engine could read.
                Err(error) => tracing::error!("a request was not sent: {error}"),
            }
        }
    }
}

struct Reader {
    generation: u64,
    to_supervisor: Sender<Message>,
    flow: Arc<Flow>,
    is_over: Arc<AtomicBool>,
}

impl Reader {
    fn run(self, stdout: ChildStdout) {
        let mut stdout = BufReader::with_capacity(1 << 16, stdout);
        // A fault of this thread ends the connection; its panic has been logged.
        let read = catch_unwind(AssertUnwindSafe(|| self.read(&mut stdout)));
        let fault = read.unwrap_or_else(|_| Some("it could not be listened to".to_owned()));
        self.pass_on(Received::End { fault });
    }

    /// Reads to the end of the stream; what was wrong with it, if anything.
    fn read(&self, stdout: &mut BufReader<ChildStdout>) -> Option<String> {
        match framing::read_greeting(stdout) {
            Err(error) => return Some(unreadable(&error)),
            Ok(build) => {
                if !self.pass_on(Received::Greeting { build }) {
                    return None;
                }
            }
        }
        loop {
            match framing::read_frame_body_within(stdout, framing::MAX_EVENT_BYTES) {
                Ok(Some(body)) => {
                    let charge = self.flow.enter(body.len(), &self.is_over)?;
                    if !self.pass_on(Received::Frame { body, charge }) {
                        return None;
                    }
                }
                Ok(None) => return None,
                Err(error) => return Some(unreadable(&error)),
            }
        }
    }

    fn pass_on(&self, received: Received) -> bool {
        self.to_supervisor
            .send(Message::Received {
                generation: self.generation,
                received,
            })
            .is_ok()
    }
}

/// Why the other side cannot be understood; what to do is said beside it.
pub(super) fn unreadable(error: &limn_engine::Error) -> String {
    match error {
        limn_engine::Error::ProtocolVersion { ours, theirs } => {
            format!("it speaks Limn's protocol {theirs}, and this side {ours}")
        }
        _ => error.to_string(),
    }
}
