//! One file from a server to a folder.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use ureq::http::{Response, header};

use super::client::host_of;
use super::partial::Partial;
use super::{Checksum, Client, Error};

/// A file to fetch.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub url: String,
    /// What the server has said of it before.
    pub size: Option<u64>,
    pub checksum: Option<Checksum>,
    /// For this host alone.
    pub token: Option<String>,
}

/// How a file gets on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Received {
        n_bytes: u64,
        size: Option<u64>,
    },
    /// The connection was lost: it is tried again after this long.
    Waits(Duration),
}

/// Longer waits are not what a server asks for, but a mistake.
const LONGEST_PAUSE: Duration = Duration::from_mins(2);

/// Fetches a file, going on with what is there of it, and gives it its name once all of it has come and is right.
///
/// `on_progress` returns whether to go on.
///
/// # Errors
/// [`Error::Stopped`]; what the server or the disk refuses; [`Error::Wrong`] after a second try from the start.
pub fn fetch(
    client: &Client,
    wanted: &Wanted,
    target: &Path,
    on_progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<(), Error> {
    let partial = Partial::open(target, wanted.checksum, wanted.size)?;
    let mut fetching = Fetching {
        client,
        wanted,
        host: host_of(&wanted.url),
        partial,
        on_progress,
    };
    fetching.receive_all()?;
    if !fetching.partial.is_right() && fetching.partial.is_resumed() {
        // The parts may be of different files.
        fetching.partial.begin_again(None, wanted.size)?;
        fetching.receive_all()?;
    }
    let (partial, host) = (fetching.partial, fetching.host);
    if partial.is_right() {
        return partial.finish();
    }
    partial.discard();
    Err(Error::wrong(host, "its hash is another"))
}

struct Fetching<'a> {
    client: &'a Client,
    wanted: &'a Wanted,
    host: &'a str,
    partial: Partial,
    on_progress: &'a mut dyn FnMut(Progress) -> bool,
}

/// What one request came to.
enum Came {
    All,
    /// The connection ended before the file did.
    Cut(Error),
    /// To be asked again, after as long as the server says.
    Later(Error, Option<Duration>),
}

impl Fetching<'_> {
    fn receive_all(&mut self) -> Result<(), Error> {
        let patience = self.client.patience;
        let (mut n_vain, mut pause) = (0, patience.first_pause);
        for _ in 0..patience.n_tries {
            let before = self.partial.n_bytes();
            if self.has_all() {
                return Ok(());
            }
            let (error, asked) = match self.receive()? {
                Came::All => return self.check_size(),
                Came::Cut(error) => (error, None),
                Came::Later(error, pause) => (error, pause),
            };
            self.partial.was_cut();
            if self.partial.n_bytes() > before {
                (n_vain, pause) = (0, patience.first_pause);
            } else {
                n_vain += 1;
                if n_vain >= patience.n_vain_tries {
                    return Err(error);
                }
                let wait = asked.unwrap_or(pause).min(LONGEST_PAUSE);
                self.wait(wait)?;
                pause *= 2;
            }
        }
        Err(Error::unreachable(
            self.host,
            "the connection is lost again and again",
        ))
    }

    fn has_all(&self) -> bool {
        let n_bytes = self.partial.n_bytes();
        n_bytes > 0 && self.size() == Some(n_bytes)
    }

    /// As the list says, or else the file's own answer.
    fn size(&self) -> Option<u64> {
        self.wanted.size.or(self.partial.size())
    }

    fn check_size(&self) -> Result<(), Error> {
        match self.size() {
            Some(size) if size != self.partial.n_bytes() => {
                let n_bytes = self.partial.n_bytes();
                Err(Error::wrong(
                    self.host,
                    format!("{n_bytes} bytes of {size}"),
                ))
            }
            _ => Ok(()),
        }
    }

    fn wait(&mut self, pause: Duration) -> Result<(), Error> {
        /// How soon a stop is heard.
        const SLICE: Duration = Duration::from_millis(100);
        let mut left = pause;
        while !left.is_zero() {
            if !(self.on_progress)(Progress::Waits(left)) {
                return Err(Error::Stopped);
            }
            std::thread::sleep(left.min(SLICE));
            left = left.saturating_sub(SLICE);
        }
        Ok(())
    }

    /// One request from where the file ends here.
    fn receive(&mut self) -> Result<Came, Error> {
        let mut headers = Vec::new();
        if let Some(token) = &self.wanted.token {
            headers.push(("authorization", format!("Bearer {token}")));
        }
        let n_bytes = self.partial.n_bytes();
        if n_bytes > 0 {
            headers.push(("range", format!("bytes={n_bytes}-")));
            if let Some(etag) = self.partial.etag() {
                headers.push(("if-range", etag.to_owned()));
            }
        }
        let answer = match self.client.get(&self.wanted.url, &headers) {
            Ok(answer) => answer,
            Err(error @ Error::Unreachable { .. }) => return Ok(Came::Cut(error)),
            Err(error) => return Err(error),
        };
        let etag = strong_etag(&answer);
        match answer.status().as_u16() {
            200 => {
                let size = content_length(&answer);
                self.refuse_encoded(&answer)?;
                self.refuse_page(&answer)?;
                if let (Some(size), Some(wanted)) = (size, self.wanted.size)
                    && size != wanted
                {
                    let reason = format!("{size} bytes in place of {wanted}");
                    return Err(Error::wrong(self.host, reason));
                }
                self.partial.begin_again(etag, size)?;
            }
            206 => {
                self.refuse_encoded(&answer)?;
                let range = content_range(&answer);
                let fits = range.is_some_and(|(start, size)| {
                    start == n_bytes
                        && (size.is_none() || self.size().is_none_or(|own| size == Some(own)))
                });
                if !fits || !self.partial.continues(etag.as_deref()) {
                    self.partial.begin_again(None, self.wanted.size)?;
                    let error = Error::wrong(self.host, "it has changed meanwhile");
                    return Ok(Came::Later(error, Some(Duration::ZERO)));
                }
            }
            // It is no longer than what is here, or another.
            416 => {
                self.partial.begin_again(None, self.wanted.size)?;
                let error = Error::of_status(self.host, "such part", 416);
                return Ok(Came::Later(error, Some(Duration::ZERO)));
            }
            status @ (408 | 425 | 429 | 500..=599) => {
                let error = Error::of_status(self.host, "such file", status);
                return Ok(Came::Later(error, retry_after(&answer)));
            }
            status => return Err(Error::of_status(self.host, "such file", status)),
        }
        self.read(answer)
    }

    fn read(&mut self, answer: Response<ureq::Body>) -> Result<Came, Error> {
        let mut body = answer.into_body().into_reader();
        let mut buffer = vec![0; 256 << 10];
        loop {
            let n_bytes = self.partial.n_bytes();
            let size = self.size();
            if !(self.on_progress)(Progress::Received { n_bytes, size }) {
                return Err(Error::Stopped);
            }
            match body.read(&mut buffer) {
                Ok(0) if size.is_none_or(|size| n_bytes >= size) => return Ok(Came::All),
                Ok(0) => {
                    let reason = "the connection ended before the file did";
                    return Ok(Came::Cut(Error::unreachable(self.host, reason)));
                }
                Ok(n) => {
                    if size.is_some_and(|size| n_bytes + n as u64 > size) {
                        self.partial.begin_again(None, self.wanted.size)?;
                        return Err(Error::wrong(self.host, "more bytes than announced"));
                    }
                    self.partial.append(&buffer[..n])?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Ok(Came::Cut(Error::unreachable(self.host, error))),
            }
        }
    }

    fn refuse_encoded(&self, answer: &Response<ureq::Body>) -> Result<(), Error> {
        match text(answer, header::CONTENT_ENCODING) {
            None | Some("identity") => Ok(()),
            Some(_) => Err(Error::bad_answer(
                self.host,
                "it is compressed, which nobody asked for",
            )),
        }
    }

    /// A page to log in at, in the file's place.
    fn refuse_page(&self, answer: &Response<ureq::Body>) -> Result<(), Error> {
        let kind = text(answer, header::CONTENT_TYPE).unwrap_or_default();
        if kind.starts_with("text/html") {
            let host = self.host.to_owned();
            return Err(Error::Forbidden { host });
        }
        Ok(())
    }
}

fn text(answer: &Response<ureq::Body>, name: header::HeaderName) -> Option<&str> {
    answer.headers().get(name)?.to_str().ok()
}

fn content_length(answer: &Response<ureq::Body>) -> Option<u64> {
    text(answer, header::CONTENT_LENGTH)?.parse().ok()
}

/// The first byte, and the whole file's size if it is told.
fn content_range(answer: &Response<ureq::Body>) -> Option<(u64, Option<u64>)> {
    let range = text(answer, header::CONTENT_RANGE)?.strip_prefix("bytes ")?;
    let (range, size) = range.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, size.trim().parse().ok()))
}

/// A weak one says that the content is as good, not that its bytes are the same.
fn strong_etag(answer: &Response<ureq::Body>) -> Option<String> {
    const MAX_BYTES: usize = 1024;
    let etag = text(answer, header::ETAG)?;
    (!etag.starts_with("W/") && etag.len() <= MAX_BYTES).then(|| etag.to_owned())
}

fn retry_after(answer: &Response<ureq::Body>) -> Option<Duration> {
    let seconds = text(answer, header::RETRY_AFTER)?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
