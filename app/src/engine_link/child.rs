use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use limn_engine::protocol::{Event, Request, chunks, framing};

use super::{EngineCommand, Outgoing, supervisor::Message};

/// Last words worth showing; the whole story is in the engine's log.
const MAX_LAST_LINES: usize = 6;
const MAX_LINE_BYTES: u64 = 2000;
/// From the end of its output to the end of the process, which is then killed.
const EXIT_PATIENCE: Duration = Duration::from_secs(1);

/// What the reader thread passes on.
#[derive(Debug)]
pub(super) enum Received {
    Greeting {
        build: String,
    },
    Event(Box<Event>),
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
    last_lines: Arc<Mutex<VecDeque<String>>>,
    stderr_reader: Option<JoinHandle<()>>,
}

impl EngineChild {
    /// Starts the process; what it says arrives as [`Message::Received`] under this `generation`.
    pub fn spawn(
        command: &EngineCommand,
        generation: u64,
        to_supervisor: Sender<Message>,
    ) -> std::io::Result<Self> {
        let mut child = command.to_command().spawn()?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(std::io::Error::other("its pipes are missing"));
        };
        let (to_writer, outgoing) = mpsc::channel();
        let last_lines = Arc::new(Mutex::new(VecDeque::new()));
        let lines = Arc::clone(&last_lines);
        spawn_thread("engine writer", move || write_requests(stdin, &outgoing))?;
        spawn_thread("engine reader", move || {
            read_events(stdout, generation, &to_supervisor);
        })?;
        let stderr_reader = spawn_thread("engine errors", move || keep_last_lines(stderr, &lines))?;
        Ok(Self {
            child,
            to_writer: Some(to_writer),
            last_lines,
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
        let lines = self
            .last_lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .fold(status, |text, line| text + "\n" + line.as_str())
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

fn read_events(stdout: ChildStdout, generation: u64, to_supervisor: &Sender<Message>) {
    let pass_on = |received| {
        to_supervisor
            .send(Message::Received {
                generation,
                received,
            })
            .is_ok()
    };
    let mut stdout = BufReader::with_capacity(1 << 16, stdout);
    let fault = match framing::read_greeting(&mut stdout) {
        Err(error) => Some(error.to_string()),
        Ok(build) => {
            if !pass_on(Received::Greeting { build }) {
                return;
            }
            loop {
                match framing::read_frame::<Event>(&mut stdout) {
                    Ok(Some(event)) => {
                        if !pass_on(Received::Event(Box::new(event))) {
                            return;
                        }
                    }
                    Ok(None) => break None,
                    Err(error) => break Some(error.to_string()),
                }
            }
        }
    };
    pass_on(Received::End { fault });
}

fn keep_last_lines(stderr: ChildStderr, last_lines: &Mutex<VecDeque<String>>) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match stderr
            .by_ref()
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)
        {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if text.is_empty() {
            continue;
        }
        tracing::warn!("engine: {text}");
        let mut last_lines = last_lines.lock().unwrap_or_else(PoisonError::into_inner);
        if last_lines.len() == MAX_LAST_LINES {
            last_lines.pop_front();
        }
        last_lines.push_back(text);
    }
}
