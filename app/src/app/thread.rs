//! Work that must not hold the window, one piece after the other in a thread of its own.

use std::sync::mpsc::{Receiver, Sender, channel};

/// Starts a thread that does each job sent to it and wakes the window for each result.
///
/// It ends when the sender is dropped and all jobs are done, or when nobody waits for results.
pub(super) fn start<Job: Send + 'static, Done: Send + 'static>(
    name: &str,
    work: impl Fn(Job) -> Done + Send + 'static,
    wake: impl Fn() + Send + 'static,
) -> (Sender<Job>, Receiver<Done>) {
    let (to_thread, jobs) = channel();
    let (results, done) = channel();
    let body = move || {
        for job in jobs {
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
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .expect("the system starts threads");
    (to_thread, done)
}
