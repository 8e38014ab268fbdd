use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::job_input::JobInput;
use crate::protocol::{Compute, JobId, ModelId};

/// Work for the compute thread, in order.
#[derive(Debug)]
pub(super) enum Task {
    TestDevices,
    Load {
        model: ModelId,
        compute: Compute,
    },
    /// What the first job on the loaded model would wait for; gives way to everything else.
    WarmUp,
    Job {
        job: JobId,
        input: Box<JobInput>,
        cancelled: Arc<CancelFlag>,
    },
    ShutDown,
}

#[derive(Debug, Default)]
pub(super) struct CancelFlag(AtomicBool);

impl CancelFlag {
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Task>,
    running: Option<(JobId, Arc<CancelFlag>)>,
}

impl Queue {
    pub fn push(&self, task: Task) {
        self.lock().waiting.push_back(task);
        self.changed.notify_one();
    }

    /// False when a job of this number waits or runs already.
    pub fn push_job(&self, job: JobId, input: JobInput) -> bool {
        let mut state = self.lock();
        if state.position(job).is_some() || state.running.as_ref().is_some_and(|r| r.0 == job) {
            return false;
        }
        state.waiting.push_back(Task::Job {
            job,
            input: Box::new(input),
            cancelled: Arc::default(),
        });
        self.changed.notify_one();
        true
    }

    /// True when the job was still waiting and is now gone; a running one is only told.
    pub fn cancel(&self, job: JobId) -> bool {
        let mut state = self.lock();
        if let Some((running, flag)) = &state.running
            && *running == job
        {
            flag.0.store(true, Ordering::Relaxed);
        }
        let position = state.position(job);
        position.and_then(|i| state.waiting.remove(i)).is_some()
    }

    /// Forgets what waits, stops what runs.
    pub fn shut_down(&self) {
        let mut state = self.lock();
        if let Some((_, flag)) = &state.running {
            flag.0.store(true, Ordering::Relaxed);
        }
        state.waiting.clear();
        state.waiting.push_back(Task::ShutDown);
        self.changed.notify_one();
    }

    pub fn has_work(&self) -> bool {
        !self.lock().waiting.is_empty()
    }

    /// The next task, waiting for one; the one before counts as done.
    pub fn next(&self) -> Task {
        let mut state = self.lock();
        state.running = None;
        loop {
            if let Some(task) = state.waiting.pop_front() {
                if let Task::Job { job, cancelled, .. } = &task {
                    state.running = Some((*job, Arc::clone(cancelled)));
                }
                return task;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn position(&self, wanted: JobId) -> Option<usize> {
        self.waiting
            .iter()
            .position(|task| matches!(task, Task::Job { job, .. } if *job == wanted))
    }
}
