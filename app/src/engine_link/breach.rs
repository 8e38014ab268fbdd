//! How an engine ended, and how one broke the rules of the conversation.

/// Why an engine is gone.
#[derive(Debug, Clone, PartialEq)]
pub enum DeathCause {
    CannotStart,
    /// Its process or its output has ended.
    Ended,
    /// It did not greet in time.
    NoGreeting,
    /// No sign of life while it had work.
    Hung,
    /// It did not acknowledge a cancel.
    IgnoredCancel,
    /// What it sent could not be read.
    Unreadable,
    /// What it sent was no answer to anything asked, or beyond all bounds.
    Breach(Breach),
    /// A fault of this side: the connection is begun anew.
    OwnFault,
}

/// What no engine sends that does its work: it is broken, or something else that poses as one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Breach {
    #[error("it sent {0} that nobody asked for")]
    Unasked(&'static str),
    #[error("it spoke of job {0}, which it does not have")]
    UnknownJob(u64),
    #[error("it sent {0} twice")]
    Twice(&'static str),
    #[error("it ended a job after {sent} of {asked} results")]
    TooFew { sent: usize, asked: usize },
    #[error("it sent {0} faster than anything can happen")]
    Flood(&'static str),
    #[error("it named picture {index} of a job of {n_asked}")]
    PictureNumber { index: u32, n_asked: u32 },
    #[error(
        "it sent {what} of {}×{} pixels in place of {}×{}",
        sent.0, sent.1, asked.0, asked.1
    )]
    WrongSize {
        what: &'static str,
        sent: (u32, u32),
        asked: (u32, u32),
    },
    #[error("it planned pictures of {}×{} pixels: at most {limit} a side are possible", size.0, size.1)]
    ImpossibleSize { size: (u32, u32), limit: u32 },
    #[error("it sent {what} of {n}: {limit} are the limit")]
    TooMuch {
        what: &'static str,
        n: usize,
        limit: usize,
    },
    #[error("it sent {0} that is no number")]
    NotANumber(&'static str),
    #[error("it sent {what} of {sent} values in place of {asked}")]
    WrongCount {
        what: &'static str,
        sent: usize,
        asked: usize,
    },
    #[error("it named a picture that it had not sent")]
    MissingPicture,
    /// A part of a picture that does not follow on the others.
    #[error("{0}")]
    BadPart(String),
}
