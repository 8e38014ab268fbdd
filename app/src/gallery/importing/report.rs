//! What an import came to, and what it left out.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::gallery::layout::PictureId;
use crate::import;

/// Failures that are told one by one.
const LIMIT_FAILURES: usize = 1000;

/// How far an import is, and what it came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    pub n_files: usize,
    pub n_done: usize,
    /// Pictures that came in, or came back from the trash.
    pub added: Vec<PictureId>,
    /// Pictures that were there, and whose file says now how they were made.
    pub completed: Vec<PictureId>,
    /// Files whose picture was there already.
    pub n_duplicates: usize,
    /// Of the pictures that came in, those with more than 8 bits a channel: they are shown with 8. The files of PNG
    /// are kept as they are.
    pub n_reduced: usize,
    pub n_failed: usize,
    /// The same by reason.
    pub refusals: BTreeMap<Refusal, usize>,
    /// The first thousand of them.
    pub failures: Vec<ImportFailure>,
    /// Files in the folders that are not called pictures, by what their names end in, in small letters.
    pub left_out: BTreeMap<String, usize>,
    /// Why it ended before the last file: a full disk, or the user.
    pub stopped: Option<Stopped>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportFailure {
    pub path: PathBuf,
    /// What is wrong and what to do.
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    Cancelled,
    Failed(String),
}

/// Why a file was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The file itself cannot be read.
    Unreadable,
    /// It is no picture, or of a kind that Limn does not read.
    OtherFormat,
    TooLarge,
    Damaged,
}

impl Refusal {
    pub fn of(error: &import::Error) -> Self {
        match error {
            import::Error::Io { .. } => Self::Unreadable,
            import::Error::NotAPicture
            | import::Error::OtherFormat(_)
            | import::Error::Variant { .. } => Self::OtherFormat,
            import::Error::TooLarge { .. }
            | import::Error::FileTooLarge { .. }
            | import::Error::TooHeavy { .. }
            | import::Error::OutOfMemory { .. } => Self::TooLarge,
            _ => Self::Damaged,
        }
    }

    /// As in "3 too large".
    pub fn words(self) -> &'static str {
        match self {
            Self::Unreadable => "cannot be read",
            Self::OtherFormat => "of another kind",
            Self::TooLarge => "too large",
            Self::Damaged => "damaged",
        }
    }

    /// For scripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::OtherFormat => "other_format",
            Self::TooLarge => "too_large",
            Self::Damaged => "damaged",
        }
    }
}

impl ImportReport {
    pub(super) fn fail(&mut self, path: PathBuf, refusal: Refusal, reason: String) {
        self.n_failed += 1;
        *self.refusals.entry(refusal).or_default() += 1;
        if self.failures.len() < LIMIT_FAILURES {
            self.failures.push(ImportFailure { path, reason });
        }
    }

    /// What did not come in as it was or not at all, in words and counts; empty where all did.
    pub fn omissions(&self) -> Vec<String> {
        let mut parts = Vec::new();
        match self.completed.len() {
            0 => {}
            1 => parts.push("1 got its recipe".to_owned()),
            n => parts.push(format!("{n} got their recipes")),
        }
        if self.n_failed > 0 {
            let refusals = self.refusals.iter();
            let refusals: Vec<String> = refusals
                .map(|(refusal, n)| format!("{n} {}", refusal.words()))
                .collect();
            parts.push(format!(
                "{} not taken in ({})",
                self.n_failed,
                refusals.join(", ")
            ));
        }
        let n_left_out: usize = self.left_out.values().sum();
        if n_left_out > 0 {
            const MOST: usize = 5;
            let mut endings: Vec<(&String, &usize)> = self.left_out.iter().collect();
            endings.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
            let named = endings
                .iter()
                .take(MOST)
                .map(|(ending, n)| match ending.as_str() {
                    "" => format!("{n} without an ending"),
                    ending => format!("{n} .{ending}"),
                });
            let named = named.collect::<Vec<_>>().join(", ");
            let more = if endings.len() > MOST { ", …" } else { "" };
            parts.push(format!("{n_left_out} not called pictures ({named}{more})"));
        }
        if self.n_reduced > 0 {
            let n = self.n_reduced;
            parts.push(format!("{n} with more than 8 bits a channel, shown with 8"));
        }
        parts
    }
}
