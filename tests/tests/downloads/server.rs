//! A server on this machine that answers as a test says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Counted from 0.
    pub number: usize,
    pub path: String,
    pub headers: BTreeMap<String, String>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The first byte that is wanted.
    pub fn start(&self) -> Option<usize> {
        let range = self.header("range")?.strip_prefix("bytes=")?;
        range.strip_suffix('-')?.parse().ok()
    }
}

/// What is answered, byte for byte as far as it goes.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Nothing is said for so long once the body is sent, before the connection ends.
    pub stalls: Duration,
    /// Between any two pieces of the body.
    pub trickles: Duration,
    /// In place of all that.
    pub raw: Option<Vec<u8>>,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: vec![("Content-Length", "0".to_owned())],
            ..Self::default()
        }
    }

    /// With its true length.
    pub fn of(status: u16, body: &[u8]) -> Self {
        Self {
            status,
            headers: vec![("Content-Length", body.len().to_string())],
            body: body.to_vec(),
            ..Self::default()
        }
    }

    pub fn json(text: &str) -> Self {
        Self::of(200, text.as_bytes()).with("Content-Type", "application/json")
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    /// Only so many bytes of the body.
    pub fn cut(mut self, n_bytes: usize) -> Self {
        self.body.truncate(n_bytes);
        self
    }
}

/// As a good server answers for a file: whole, or from a byte on if it is the same file.
pub fn file(asked: &Asked, content: &[u8], etag: &str) -> Answer {
    let is_same = asked.header("if-range").is_none_or(|wanted| wanted == etag);
    let answer = match asked.start() {
        Some(start) if is_same && start >= content.len() => Answer::status(416),
        Some(start) if is_same => {
            let (last, length) = (content.len() - 1, content.len());
            Answer::of(206, &content[start..])
                .with("Content-Range", format!("bytes {start}-{last}/{length}"))
        }
        _ => Answer::of(200, content),
    };
    answer.with("ETag", etag)
}

/// Answers until it is dropped.
pub struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    is_over: Arc<AtomicBool>,
}

impl Server {
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, is_over) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(AtomicBool::new(false)),
        );
        let answer = Arc::new(answer);
        let (log, ends) = (Arc::clone(&asked), Arc::clone(&is_over));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || converse(stream, &log, &*answer));
            }
        });
        Self {
            port,
            asked,
            is_over,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The same server under another name: another host to whoever asks.
    pub fn url_elsewhere(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// What is sent between two pauses.
const PIECE_BYTES: usize = 16 << 10;

fn converse(mut stream: TcpStream, log: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked) -> Answer) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else {
        return;
    };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    for line in lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
    {
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    let asked = {
        let mut log = log.lock().unwrap();
        let asked = Asked {
            number: log.len(),
            path,
            headers,
        };
        log.push(asked.clone());
        asked
    };
    let answer = answer(&asked);
    let bytes = answer.raw.unwrap_or_else(|| {
        let mut head = format!("HTTP/1.1 {} Answer\r\nConnection: close\r\n", answer.status);
        for (name, value) in &answer.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        [head.as_bytes(), &answer.body].concat()
    });
    for piece in bytes.chunks(PIECE_BYTES) {
        if stream.write_all(piece).is_err() {
            return;
        }
        std::thread::sleep(answer.trickles);
    }
    let _ = stream.flush();
    std::thread::sleep(answer.stalls);
}
