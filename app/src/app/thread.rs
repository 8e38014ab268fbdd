//! Work that must not hold the window, one piece after the other in a thread of its own.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::supervised_thread::{Begin, SupervisedThread, panic_notice};

/// Where jobs are sent. Dropping it waits for those that were sent, unless nobody waits for their results.
pub(super) struct Jobs<Job> {
    thread: SupervisedThread<Job>,
}

impl<Job: Send + 'static> Jobs<Job> {
    pub fn send(&self, job: Job) {
        self.thread.send(job);
    }
}

/// A job that ended in a panic: its thread goes on with the next, and nothing comes of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The thread's name.
    pub thread: &'static str,
    /// For the user.
    pub message: String,
}

/// What went wrong in the threads of one window.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those since the last call.
    pub fn take(&self) -> Vec<Fault> {
        std::mem::take(&mut *self.lock())
    }
}

/// Starts a thread that does each job sent to it and wakes the window for each result. It ends when all jobs are done
/// and no more can come, or when nobody waits for results.
pub(super) fn start<Job: Send + 'static, Done: Send + 'static>(
    name: &'static str,
    work: impl Fn(Job) -> Done + Send + 'static,
    faults: &Faults,
    wake: impl Fn() + Send + 'static,
) -> (Jobs<Job>, Receiver<Done>) {
    let (results, done) = channel();
    let faults = faults.clone();
    let body = move |begin, jobs: &Receiver<Job>| {
        if let Begin::AfterPanic(message) = begin {
            faults.lock().push(Fault {
                thread: name,
                message: panic_notice(name, &message),
            });
            wake();
        }
        while let Ok(job) = jobs.recv() {
            if results.send(work(job)).is_err() {
                return;
            }
            wake();
        }
    };
    #[expect(
        clippy::expect_used,
        reason = "a process that cannot start a thread cannot go on"
    )]
    let thread = SupervisedThread::start(name, body).expect("the system starts threads");
    (Jobs { thread }, done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_panics_is_told_and_the_others_are_done() {
        let work = |n: u32| {
            assert!(n % 10 != 3, "unlucky {n}");
            n
        };
        let faults = Faults::default();
        let (jobs, done) = start("unlucky jobs", work, &faults, || {});
        (0..20).for_each(|n| jobs.send(n));
        let expected: Vec<u32> = (0..20).filter(|n| n % 10 != 3).collect();
        let results: Vec<u32> = done.iter().take(expected.len()).collect();
        assert_eq!(results, expected);
        let faults = faults.take();
        let [first, second] = &faults[..] else {
            panic!("{faults:?}");
        };
        assert_eq!(first.thread, "unlucky jobs");
        assert!(first.message.contains("unlucky 3"), "{first:?}");
        assert!(second.message.contains("unlucky 13"), "{second:?}");
    }
}
