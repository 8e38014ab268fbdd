//! A thread with an inbox that outlives a panic: what waits in the inbox is kept, the work begins anew, and the user
//! is told. Whoever drops it lets the thread finish what was sent, and waits for that.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// After a panic the thread rests for this long, and twice as long after each that follows at once.
const FIRST_REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(30);
/// Work that went well for so long is not to be blamed for the next panic.
const CALM: Duration = Duration::from_mins(1);
/// How often a resting thread looks whether it is to end.
const LOOK_PERIOD: Duration = Duration::from_millis(20);

/// Why the work begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    First,
    /// It panicked, with this message. The message that it worked on is gone from the inbox; what else it held is as
    /// the panic left it.
    AfterPanic(String),
}

/// The sending side of a thread that is restarted after a panic.
pub struct SupervisedThread<M> {
    inbox: Option<Sender<M>>,
    is_closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl<M: Send + 'static> SupervisedThread<M> {
    /// Starts a thread that runs `work` until the inbox is closed and empty: `work` returns when `recv` fails.
    /// After a panic `work` is called again with the same inbox, and has to bring its own state in order first.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        name: &str,
        work: impl FnMut(Begin, &Receiver<M>) + Send + 'static,
    ) -> io::Result<Self> {
        Self::start_over(name, channel(), work)
    }

    /// [`start`](Self::start) over a channel that others send to as well; `work` then has to learn by a message that
    /// it is to return.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start_over(
        name: &str,
        (inbox, messages): (Sender<M>, Receiver<M>),
        mut work: impl FnMut(Begin, &Receiver<M>) + Send + 'static,
    ) -> io::Result<Self> {
        let is_closing = Arc::new(AtomicBool::new(false));
        let closing = Arc::clone(&is_closing);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || supervise(&mut work, &messages, &closing))?;
        Ok(Self {
            inbox: Some(inbox),
            is_closing,
            thread: Some(thread),
        })
    }

    pub fn send(&self, message: M) {
        if let Some(inbox) = &self.inbox {
            // The thread ends only after this sender is dropped.
            let _ = inbox.send(message);
        }
    }
}

impl<M> Drop for SupervisedThread<M> {
    fn drop(&mut self) {
        self.is_closing.store(true, Ordering::Relaxed);
        self.inbox = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn supervise<M>(
    work: &mut impl FnMut(Begin, &Receiver<M>),
    messages: &Receiver<M>,
    is_closing: &AtomicBool,
) {
    let mut begin = Begin::First;
    let mut rest = FIRST_REST;
    let mut was_closing = false;
    loop {
        let began = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| work(begin.clone(), messages)));
        let Err(panic) = ended else {
            return;
        };
        let name = std::thread::current()
            .name()
            .unwrap_or("a thread")
            .to_owned();
        let message = panic_text(&*panic);
        tracing::error!("the thread {name} panicked and begins anew: {message}");
        // What was sent before the end gets another chance, but not for ever.
        if was_closing {
            return;
        }
        if began.elapsed() > CALM {
            rest = FIRST_REST;
        }
        let until = Instant::now() + rest;
        while Instant::now() < until && !is_closing.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK_PERIOD);
        }
        rest = (rest * 2).min(LONGEST_REST);
        was_closing = is_closing.load(Ordering::Relaxed);
        begin = Begin::AfterPanic(message);
    }
}

/// What the panic says.
fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no reason given".to_owned())
}

/// What the user reads after a panic: `doing` is what was at work, as in "the gallery".
pub fn panic_notice(doing: &str, message: &str) -> String {
    format!(
        "Something went wrong in {doing} ({message}), and it was started again; what waited is kept. If this happens again, please report it"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Of a hundred messages three panic; all others arrive, in their order, and each panic is told.
    #[test]
    fn a_panic_costs_one_message_and_no_other() {
        let (heard, hears) = channel();
        let thread = SupervisedThread::start("fragile", move |begin, inbox: &Receiver<u32>| {
            if let Begin::AfterPanic(message) = begin {
                heard.send(Err(message)).unwrap();
            }
            while let Ok(n) = inbox.recv() {
                assert!(n % 40 != 13, "unlucky {n}");
                heard.send(Ok(n)).unwrap();
            }
        })
        .unwrap();
        (0..100).for_each(|n| thread.send(n));
        let heard: Vec<_> = (0..100).map(|_| hears.recv().unwrap()).collect();
        drop(thread);
        let expected = (0..100).map(|n| match n % 40 {
            13 => Err(format!("unlucky {n}")),
            _ => Ok(n),
        });
        assert_eq!(heard, expected.collect::<Vec<_>>());
    }

    #[test]
    fn a_thread_that_panics_whatever_it_does_still_ends() {
        let (begun, begins) = channel();
        let thread = SupervisedThread::start("hopeless", move |begin, _: &Receiver<()>| {
            let _ = begun.send(begin);
            panic!("always");
        })
        .unwrap();
        assert_eq!(begins.recv().unwrap(), Begin::First);
        assert_eq!(begins.recv().unwrap(), Begin::AfterPanic("always".into()));
        let since = Instant::now();
        drop(thread);
        assert!(since.elapsed() < Duration::from_secs(20));
    }
}
