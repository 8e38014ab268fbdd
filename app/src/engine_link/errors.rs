//! What an engine prints beside its answers: its last lines are worth showing, the rest is for the log.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use limn_engine::foreign_text;

/// Last words worth showing; the whole story is in the engine's log.
const MAX_LAST_LINES: usize = 6;
const MAX_LINE_BYTES: u64 = 2000;
/// Of one process; its own log has them all.
const MAX_LOGGED_LINES: usize = 2000;
/// How long it is read without a pause, and how long the rest then waits in its pipe: a flood costs a quarter of a
/// core, and an honest engine that says too much is not kept waiting.
const READING: Duration = Duration::from_millis(10);
const PAUSE: Duration = Duration::from_millis(30);

/// What a process adds for whoever wrote it.
const ADVICE: &[u8] = b"note: run with `RUST_BACKTRACE";

/// The last lines as they came.
#[derive(Debug, Default)]
pub(super) struct LastLines(Mutex<VecDeque<Vec<u8>>>);

impl LastLines {
    /// How a process ended, and below it what it said last.
    pub fn after(&self, status: String) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = lines.iter().map(|line| in_plain_words(readable(line)));
        lines.fold(status, |text, line| text + "\n" + line.as_str())
    }

    fn push(&self, line: &[u8]) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut room = if lines.len() == MAX_LAST_LINES {
            lines.pop_front().unwrap_or_default()
        } else {
            Vec::new()
        };
        room.clear();
        room.extend_from_slice(line);
        lines.push_back(room);
    }
}

fn readable(line: &[u8]) -> String {
    foreign_text::message(String::from_utf8_lossy(line).trim_end()).to_string()
}

/// Reads lines to the end of the stream.
pub(super) fn keep(errors: impl Read, last_lines: &LastLines) {
    let mut errors = BufReader::with_capacity(1 << 16, errors);
    let mut line = Vec::new();
    let (mut n_lines, mut is_in_backtrace) = (0_usize, false);
    let mut since = Instant::now();
    loop {
        line.clear();
        match errors
            .by_ref()
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)
        {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = line.trim_ascii_end();
        if text.is_empty() {
            continue;
        }
        match MAX_LOGGED_LINES.cmp(&n_lines) {
            std::cmp::Ordering::Greater => tracing::warn!("engine: {}", readable(text)),
            std::cmp::Ordering::Equal => tracing::warn!("the engine's further lines are left out"),
            std::cmp::Ordering::Less => {}
        }
        n_lines += 1;
        is_in_backtrace |= text == b"stack backtrace:";
        if !is_in_backtrace && !text.starts_with(ADVICE) {
            last_lines.push(text);
        }
        if n_lines.is_multiple_of(256) && since.elapsed() >= READING {
            thread::sleep(PAUSE);
            since = Instant::now();
        }
    }
}

/// A last line as somebody may read it who does not know what an engine is written in.
fn in_plain_words(line: String) -> String {
    let wanted = line.strip_prefix("memory allocation of ");
    let wanted = wanted.and_then(|wanted| wanted.strip_suffix(" bytes failed"));
    match wanted.and_then(|n_bytes| n_bytes.parse::<f64>().ok()) {
        Some(n_bytes) => format!(
            "there was not enough memory: it wanted {:.1} GB at once",
            n_bytes / 1e9
        ),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_says_of_itself_is_left_out() {
        let errors = "memory allocation of 67188787264 bytes failed\nnote: run with `RUST_BACKTRACE=1` environment \
                      variable to display a backtrace\nstack backtrace:\n   0: limn::run\n             at ./src/lib.rs\n";
        let lines = LastLines::default();
        keep(errors.as_bytes(), &lines);
        assert_eq!(
            lines.after("killed".to_owned()),
            "killed\nthere was not enough memory: it wanted 67.2 GB at once"
        );
    }

    /// Ten thousand lines at once took a second and more, for which the engine's work stood still.
    #[test]
    fn a_flood_is_read_to_its_end_and_its_last_words_are_kept() {
        let mut errors = b"\x1b[31mnoise\r\n".repeat(3_000_000);
        errors.extend_from_slice(b"the last word\n");
        let lines = LastLines::default();
        keep(errors.as_slice(), &lines);
        let text = lines.after("killed".to_owned());
        assert!(text.ends_with("\nthe last word"), "{text}");
        assert!(text.contains("noise") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn only_the_last_lines_are_kept_and_none_is_long() {
        let mut errors = Vec::new();
        for i in 0..1000 {
            errors.extend(format!("line {i}\n\n").bytes());
        }
        errors.extend([b'x'; 10_000]);
        let lines = LastLines::default();
        keep(errors.as_slice(), &lines);
        let text = lines.after("killed".to_owned());
        assert!(text.starts_with("killed\n"), "{text}");
        assert_eq!(text.lines().count(), 1 + MAX_LAST_LINES);
        assert!(
            text.lines()
                .all(|line| line.len() <= MAX_LINE_BYTES as usize)
        );
        assert!(text.contains("xxx") && !text.contains("line 990"), "{text}");
    }
}
