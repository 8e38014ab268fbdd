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
/// Lines that are read at once, and how long the next ones then wait in the pipe.
const LINES_AT_ONCE: usize = 500;
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
pub(super) struct LastLines(Mutex<VecDeque<String>>);

impl LastLines {
    /// How a process ended, and below it what it said last.
    pub fn after(&self, status: String) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .fold(status, |text, line| text + "\n" + line.as_str())
    }

    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == MAX_LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

/// Reads lines to the end of the stream, no faster than anybody has a use for.
pub(super) fn keep(errors: impl Read, last_lines: &LastLines) {
    let mut errors = BufReader::new(errors);
    let mut line = Vec::new();
    let (mut n_logged, mut is_in_backtrace) = (0, false);
    let (mut n_at_once, mut since) = (0, Instant::now());
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
        let text = String::from_utf8_lossy(&line);
        let text = foreign_text::message(text.trim_end()).to_string();
        if text.is_empty() {
            continue;
        }
        match MAX_LOGGED_LINES.cmp(&n_logged) {
            std::cmp::Ordering::Greater => tracing::warn!("engine: {text}"),
            std::cmp::Ordering::Equal => tracing::warn!("the engine's further lines are left out"),
            std::cmp::Ordering::Less => {}
        }
        n_logged += 1;
        is_in_backtrace |= text == "stack backtrace:";
        if !is_in_backtrace && let Some(text) = in_plain_words(text) {
            last_lines.push(text);
        }
        n_at_once += 1;
        if since.elapsed() >= PAUSE {
            (n_at_once, since) = (0, Instant::now());
        } else if n_at_once == LINES_AT_ONCE {
            thread::sleep(PAUSE);
        }
    }
}

/// A last line as somebody may read it who does not know what an engine is written in; `None` for advice that is
/// not theirs.
fn in_plain_words(line: String) -> Option<String> {
    if line.starts_with("note: run with `RUST_BACKTRACE") {
        return None;
    }
    let wanted = line.strip_prefix("memory allocation of ");
    let wanted = wanted.and_then(|wanted| wanted.strip_suffix(" bytes failed"));
    match wanted.and_then(|n_bytes| n_bytes.parse::<f64>().ok()) {
        Some(n_bytes) => Some(format!(
            "there was not enough memory: it wanted {:.1} GB at once",
            n_bytes / 1e9
        )),
        None => Some(line),
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
