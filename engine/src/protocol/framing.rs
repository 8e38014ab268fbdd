//! Bytes on the pipe: a greeting, then length-prefixed frames.
//!
//! A greeting is `LIMN`, the protocol version (`u16` LE), the length of the build's name (`u16` LE) and
//! that name in UTF-8. A frame is a `u32` LE length and that many bytes of postcard.

use std::io::{ErrorKind, Read, Write};

use serde::{Serialize, de::DeserializeOwned};

use super::VERSION;
use crate::{Error, Result};

pub const MAX_FRAME_BYTES: usize = 16 << 20;
/// What the window reads of one event: the longest is a list of thousands of models. In memory lists of small
/// things are many times as long as in a frame.
pub const MAX_EVENT_BYTES: usize = 8 << 20;
/// What a login shell or `ssh` may print before the greeting.
pub const MAX_BANNER_BYTES: usize = 64 << 10;

const MAGIC: &[u8; 4] = b"LIMN";
const MAX_BUILD_BYTES: usize = 256;

/// This build, as the other side's error messages and logs name it.
pub const BUILD: &str = concat!("limn ", env!("CARGO_PKG_VERSION"));

/// Sends this side's greeting and flushes.
pub fn write_greeting(output: &mut impl Write) -> Result<()> {
    let mut greeting = Vec::with_capacity(8 + BUILD.len());
    greeting.extend_from_slice(MAGIC);
    greeting.extend_from_slice(&VERSION.to_le_bytes());
    greeting.extend_from_slice(&(BUILD.len() as u16).to_le_bytes());
    greeting.extend_from_slice(BUILD.as_bytes());
    output.write_all(&greeting).map_err(broken)?;
    output.flush().map_err(broken)
}

/// Skips what comes before the other side's greeting and returns the build that it names.
///
/// Reads byte by byte up to the magic: give it something buffered.
///
/// # Errors
/// [`Error::ProtocolVersion`] when the versions differ; [`Error::Protocol`] when there is no greeting in
/// the first [`MAX_BANNER_BYTES`], or the stream ends.
pub fn read_greeting(input: &mut impl Read) -> Result<String> {
    skip_banner(input)?;
    let theirs = read_u16(input)?;
    // The version comes before all else, so that any later layout can still be refused by number.
    if theirs != VERSION {
        return Err(Error::ProtocolVersion {
            ours: VERSION,
            theirs,
        });
    }
    let n_bytes = usize::from(read_u16(input)?);
    if n_bytes > MAX_BUILD_BYTES {
        return Err(Error::Protocol(format!(
            "the version in its greeting has {n_bytes} bytes"
        )));
    }
    let mut build = vec![0; n_bytes];
    input.read_exact(&mut build).map_err(broken)?;
    Ok(String::from_utf8_lossy(&build).into_owned())
}

fn skip_banner(input: &mut impl Read) -> Result<()> {
    let mut window = [0; MAGIC.len()];
    input.read_exact(&mut window).map_err(no_greeting)?;
    for _ in 0..=MAX_BANNER_BYTES {
        if &window == MAGIC {
            return Ok(());
        }
        window.rotate_left(1);
        input
            .read_exact(&mut window[MAGIC.len() - 1..])
            .map_err(no_greeting)?;
    }
    Err(Error::Protocol(format!(
        "no greeting in its first {MAX_BANNER_BYTES} bytes"
    )))
}

/// Writes one frame and flushes.
pub fn write_frame(output: &mut impl Write, message: &impl Serialize) -> Result<()> {
    write_encoded(output, &encode_frame(message)?)
}

/// Writes what [`encode_frame`] gave and flushes.
pub fn write_encoded(output: &mut impl Write, frame: &[u8]) -> Result<()> {
    output.write_all(frame).map_err(broken)?;
    output.flush().map_err(broken)
}

/// One frame, length and all, for whoever queues bytes.
///
/// # Errors
/// [`Error::Protocol`] for a message over [`MAX_FRAME_BYTES`].
pub fn encode_frame(message: &impl Serialize) -> Result<Vec<u8>> {
    let mut frame = postcard::to_extend(message, vec![0; 4])
        .map_err(|reason| Error::Protocol(format!("a message cannot be written: {reason}")))?;
    let n_bytes = frame.len() - 4;
    if n_bytes > MAX_FRAME_BYTES {
        return Err(Error::Protocol(format!(
            "a message has {} MB, and at most {} can be sent",
            n_bytes / 1_000_000,
            MAX_FRAME_BYTES / 1_000_000
        )));
    }
    frame[..4].copy_from_slice(&(n_bytes as u32).to_le_bytes());
    Ok(frame)
}

/// Reads one message; `None` when the stream ends between frames.
///
/// # Errors
/// [`Error::Protocol`] for a frame that is too long, cut off, or not a message of this protocol.
pub fn read_frame<T: DeserializeOwned>(input: &mut impl Read) -> Result<Option<T>> {
    match read_frame_body(input)? {
        Some(body) => decode_frame_body(&body).map(Some),
        None => Ok(None),
    }
}

/// Reads the bytes of one frame; `None` when the stream ends between frames.
///
/// # Errors
/// [`Error::Protocol`] for a frame that is too long or cut off: the stream cannot be read on.
pub fn read_frame_body(input: &mut impl Read) -> Result<Option<Vec<u8>>> {
    read_frame_body_within(input, MAX_FRAME_BYTES)
}

/// As [`read_frame_body`], of at most `limit_bytes`.
pub fn read_frame_body_within(
    input: &mut impl Read,
    limit_bytes: usize,
) -> Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if !read_exact_or_end(input, &mut length)? {
        return Ok(None);
    }
    let n_bytes = u32::from_le_bytes(length) as usize;
    if n_bytes > limit_bytes {
        return Err(Error::Protocol(format!(
            "it sent a message of {} MB, above the {} that one may have",
            n_bytes / 1_000_000,
            limit_bytes / 1_000_000
        )));
    }
    // Grows as bytes arrive: a length alone reserves nothing.
    let mut body = Vec::new();
    let n_read = input
        .by_ref()
        .take(n_bytes as u64)
        .read_to_end(&mut body)
        .map_err(broken)?;
    if n_read < n_bytes {
        return Err(Error::Protocol(format!(
            "it ended {} bytes before the end of a message",
            n_bytes - n_read
        )));
    }
    Ok(Some(body))
}

/// The message in a frame.
///
/// # Errors
/// [`Error::Protocol`] for what is not a message of this protocol: the frames after it can still be read.
pub fn decode_frame_body<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let (message, rest) = postcard::take_from_bytes(body)
        .map_err(|_| Error::Protocol("a message cannot be read".to_owned()))?;
    if rest.is_empty() {
        Ok(message)
    } else {
        let n_bytes = rest.len();
        Err(Error::Protocol(format!(
            "a message has {n_bytes} bytes too many"
        )))
    }
}

/// False when the stream ends before the first byte.
fn read_exact_or_end(input: &mut impl Read, buffer: &mut [u8]) -> Result<bool> {
    let mut n_read = 0;
    while n_read < buffer.len() {
        match input.read(&mut buffer[n_read..]) {
            Ok(0) if n_read == 0 => return Ok(false),
            Ok(0) => {
                return Err(Error::Protocol(
                    "it ended where a message begins".to_owned(),
                ));
            }
            Ok(n) => n_read += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(broken(error)),
        }
    }
    Ok(true)
}

fn read_u16(input: &mut impl Read) -> Result<u16> {
    let mut bytes = [0; 2];
    input.read_exact(&mut bytes).map_err(broken)?;
    Ok(u16::from_le_bytes(bytes))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
fn broken(error: std::io::Error) -> Error {
    Error::Protocol(error.to_string())
}

fn no_greeting(error: std::io::Error) -> Error {
    if error.kind() == ErrorKind::UnexpectedEof {
        Error::Protocol("it ended before its greeting".to_owned())
    } else {
        broken(error)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::protocol::{JobId, Request};

    fn greeting() -> Vec<u8> {
        let mut bytes = Vec::new();
        write_greeting(&mut bytes).unwrap();
        bytes
    }

    fn cancel_frame() -> Vec<u8> {
        encode_frame(&Request::Cancel { job: JobId(7) }).unwrap()
    }

    #[test]
    fn greeting_survives_a_banner_of_64_kib_and_no_more() {
        let with_banner = |n_bytes: usize| {
            let mut bytes = vec![b'L'; n_bytes];
            bytes.extend(greeting());
            read_greeting(&mut bytes.as_slice())
        };
        for n_bytes in [0, 1, 3, 4, 5, 1000, MAX_BANNER_BYTES] {
            assert_eq!(with_banner(n_bytes).unwrap(), BUILD, "{n_bytes} bytes");
        }
        let error = with_banner(MAX_BANNER_BYTES + 1).unwrap_err();
        assert!(error.to_string().contains("no greeting"), "{error}");
    }

    #[test]
    fn another_version_is_named_beside_ours() {
        let mut bytes = greeting();
        bytes[4..6].copy_from_slice(&999_u16.to_le_bytes());
        let error = read_greeting(&mut bytes.as_slice()).unwrap_err();
        assert!(
            matches!(error, Error::ProtocolVersion { ours, theirs: 999 } if ours == VERSION),
            "{error}"
        );
    }

    #[test]
    fn a_cut_greeting_is_an_error_at_every_length() {
        let whole = greeting();
        for n_bytes in 0..whole.len() {
            assert!(read_greeting(&mut &whole[..n_bytes]).is_err(), "{n_bytes}");
        }
    }

    #[test]
    fn frames_follow_each_other_until_the_end() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &Request::ListModels).unwrap();
        write_frame(&mut bytes, &Request::Cancel { job: JobId(3) }).unwrap();
        let mut input = bytes.as_slice();
        assert_eq!(read_frame(&mut input).unwrap(), Some(Request::ListModels));
        assert_eq!(
            read_frame(&mut input).unwrap(),
            Some(Request::Cancel { job: JobId(3) })
        );
        assert_eq!(read_frame::<Request>(&mut input).unwrap(), None);
    }

    #[test]
    fn a_cut_frame_is_an_error_at_every_length() {
        let whole = cancel_frame();
        for n_bytes in 1..whole.len() {
            let result = read_frame::<Request>(&mut &whole[..n_bytes]);
            assert!(matches!(result, Err(Error::Protocol(_))), "{n_bytes}");
        }
    }

    #[test]
    fn bad_frames_are_refused() {
        let too_long = (MAX_FRAME_BYTES as u32 + 1).to_le_bytes().to_vec();
        let garbage = [&4_u32.to_le_bytes()[..], &[0xff; 4]].concat();
        let unknown_variant = [&1_u32.to_le_bytes()[..], &[120]].concat();
        let mut trailing = cancel_frame();
        trailing[..4].copy_from_slice(&3_u32.to_le_bytes());
        trailing.push(0);
        for (frame, message) in [
            (too_long, "that one may have"),
            (garbage, "cannot be read"),
            (unknown_variant, "cannot be read"),
            (trailing, "too many"),
        ] {
            let error = read_frame::<Request>(&mut frame.as_slice()).unwrap_err();
            assert!(error.to_string().contains(message), "{error}");
        }
    }

    #[test]
    fn an_oversized_message_is_not_sent() {
        let error = encode_frame(&vec![0_u8; MAX_FRAME_BYTES + 1]).unwrap_err();
        assert!(error.to_string().contains("can be sent"), "{error}");
    }
}
