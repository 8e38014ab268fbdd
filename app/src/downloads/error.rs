use std::io;

use limn_engine::foreign_text;

use crate::files;

/// Why something could not be fetched. What was received stays, unless it is wrong: asking again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Limn is set to stay offline: allow downloads in the settings, or unset LIMN_OFFLINE")]
    Offline,
    #[error(
        "this is no address that Limn can download from ({0}): paste a page of huggingface.co, `owner/name`, or the https address of a .safetensors file"
    )]
    NoLink(String),
    #[error(
        "check the connection and try again, what was received is kept: {host} cannot be reached ({reason})"
    )]
    Unreachable { host: String, reason: String },
    #[error("check the name: {host} has no {what}")]
    NotFound { host: String, what: String },
    #[error(
        "{host} gives this only to people it knows: ask for access on its page, then set HF_TOKEN to a token of yours"
    )]
    Forbidden { host: String },
    #[error("try again later: {host} answers {status}")]
    Refused { host: String, status: u16 },
    #[error(
        "try again: what came from {host} is not what it announced ({reason}), and was deleted"
    )]
    Wrong { host: String, reason: String },
    #[error("{host} gives an answer that Limn does not understand ({reason})")]
    BadAnswer { host: String, reason: String },
    #[error("wait until it has it, or stop it there: another Limn downloads this file")]
    Busy,
    #[error("free {} MB on the disk and try again: {} MB are needed, {} MB are free", (needed_bytes - free_bytes) / 1_000_000 + 1, needed_bytes / 1_000_000, free_bytes / 1_000_000)]
    NoRoom { needed_bytes: u64, free_bytes: u64 },
    #[error("{} ({error})", files::remedy(error))]
    Disk {
        #[from]
        error: io::Error,
    },
    #[error("stopped; asking for it again goes on from here")]
    Stopped,
}

impl Error {
    pub(super) fn unreachable(host: &str, reason: impl std::fmt::Display) -> Self {
        Self::Unreachable {
            host: shown(host),
            reason: foreign_text::name(reason.to_string().as_str()).to_string(),
        }
    }

    pub(super) fn wrong(host: &str, reason: impl Into<String>) -> Self {
        Self::Wrong {
            host: shown(host),
            reason: reason.into(),
        }
    }

    pub(super) fn bad_answer(host: &str, reason: impl std::fmt::Display) -> Self {
        Self::BadAnswer {
            host: shown(host),
            reason: foreign_text::name(reason.to_string().as_str()).to_string(),
        }
    }

    /// Of an answer that is no success.
    pub(super) fn of_status(host: &str, what: &str, status: u16) -> Self {
        let (host, what) = (shown(host), foreign_text::name(what).to_string());
        match status {
            401 | 403 => Self::Forbidden { host },
            404 | 410 => Self::NotFound { host, what },
            _ => Self::Refused { host, status },
        }
    }
}

fn shown(host: &str) -> String {
    foreign_text::name(host).to_string()
}
