use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use limn_engine::protocol::{Event, JobId, Picture, chunks::Joiner};

use super::{
    EngineCommand, EngineEvent, Outgoing, Patience,
    child::{EngineChild, Received},
    watch::Watch,
};

/// Pause before the second start in a row, doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

#[derive(Debug)]
pub(super) enum Message {
    Send(Box<Outgoing>),
    Received { generation: u64, received: Received },
    AskProcessId(Sender<Option<u32>>),
    Quit,
}

/// Where the app's events go, and the bell that tells it.
pub(super) struct Outbox {
    events: Sender<EngineEvent>,
    wake: Box<dyn Fn() + Send>,
}

impl Outbox {
    pub fn new(events: Sender<EngineEvent>, wake: impl Fn() + Send + 'static) -> Self {
        Self {
            events,
            wake: Box::new(wake),
        }
    }

    fn put(&self, event: EngineEvent) {
        // A dropped receiver is the link being dropped: `Quit` follows.
        let _ = self.events.send(event);
        (self.wake)();
    }
}

pub(super) fn spawn(
    command: EngineCommand,
    patience: Patience,
    outbox: Outbox,
    to_self: Sender<Message>,
    messages: Receiver<Message>,
) -> JoinHandle<()> {
    let supervisor = Supervisor::new(command, patience, outbox, to_self);
    let body = move || supervisor.run(&messages);
    #[expect(
        clippy::expect_used,
        reason = "a process that cannot start a thread cannot go on"
    )]
    thread::Builder::new()
        .name("engine link".to_owned())
        .spawn(body)
        .expect("the system starts threads")
}

struct Supervisor {
    command: EngineCommand,
    patience: Patience,
    outbox: Outbox,
    to_self: Sender<Message>,
    /// Counts engines, so that the last frames of a dead one are told from the next one's.
    generation: u64,
    engine: Engine,
    /// Requests for the next engine that greets.
    waiting: VecDeque<Outgoing>,
    watch: Watch,
    joiner: Joiner,
    n_deaths_in_a_row: u32,
}

enum Engine {
    /// None runs; the next starts at this time.
    Paused {
        until: Instant,
    },
    /// Started, and expected to greet before the deadline.
    Greeting {
        child: EngineChild,
        deadline: Instant,
    },
    Connected {
        child: EngineChild,
    },
}

impl Supervisor {
    fn new(
        command: EngineCommand,
        patience: Patience,
        outbox: Outbox,
        to_self: Sender<Message>,
    ) -> Self {
        Self {
            command,
            patience,
            outbox,
            to_self,
            generation: 0,
            engine: Engine::Paused {
                until: Instant::now(),
            },
            waiting: VecDeque::new(),
            watch: Watch::new(patience, Instant::now()),
            joiner: Joiner::default(),
            n_deaths_in_a_row: 0,
        }
    }

    fn run(mut self, messages: &Receiver<Message>) {
        loop {
            let message = match self.next_deadline() {
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(deadline) => {
                    messages.recv_timeout(deadline.saturating_duration_since(Instant::now()))
                }
            };
            match message {
                Ok(Message::Send(outgoing)) => self.send(*outgoing),
                Ok(Message::Received {
                    generation,
                    received,
                }) => {
                    if generation == self.generation {
                        self.received(received);
                    }
                }
                Ok(Message::AskProcessId(reply)) => {
                    let _ = reply.send(self.child().map(EngineChild::id));
                }
                Err(RecvTimeoutError::Timeout) => self.deadline_passed(),
                Ok(Message::Quit) | Err(RecvTimeoutError::Disconnected) => return self.quit(),
            }
        }
    }

    fn child(&self) -> Option<&EngineChild> {
        match &self.engine {
            Engine::Paused { .. } => None,
            Engine::Greeting { child, .. } | Engine::Connected { child } => Some(child),
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        match &self.engine {
            Engine::Paused { until } => Some(*until),
            Engine::Greeting { deadline, .. } => Some(*deadline),
            Engine::Connected { .. } => self.watch.deadline(),
        }
    }

    fn deadline_passed(&mut self) {
        match &self.engine {
            Engine::Paused { until } if *until <= Instant::now() => self.start(),
            Engine::Greeting { deadline, .. } if *deadline <= Instant::now() => {
                self.died(Some("it did not greet".to_owned()));
            }
            Engine::Paused { .. } | Engine::Greeting { .. } => {}
            Engine::Connected { .. } => {
                if let Some(fault) = self.watch.fault(Instant::now()) {
                    self.died(Some(fault));
                }
            }
        }
    }

    fn start(&mut self) {
        self.generation += 1;
        self.joiner = Joiner::default();
        match EngineChild::spawn(&self.command, self.generation, self.to_self.clone()) {
            Ok(child) => {
                self.engine = Engine::Greeting {
                    child,
                    deadline: Instant::now() + self.patience.silence,
                }
            }
            Err(error) => {
                let program = self.command.program.display();
                self.report_death(&format!("it cannot be started ({error}): {program}"));
            }
        }
    }

    fn send(&mut self, outgoing: Outgoing) {
        match &self.engine {
            Engine::Connected { child } => {
                self.watch.sent(&outgoing.request, Instant::now());
                child.send(outgoing);
            }
            Engine::Paused { .. } => {
                // Somebody waits for this: worth a try at once, however often it has failed.
                if outgoing.request.job().is_some() {
                    self.engine = Engine::Paused {
                        until: Instant::now(),
                    };
                }
                self.waiting.push_back(outgoing);
            }
            Engine::Greeting { .. } => self.waiting.push_back(outgoing),
        }
    }

    fn received(&mut self, received: Received) {
        match received {
            Received::Greeting { build } => self.connected(build),
            Received::Event(event) => self.event(*event),
            Received::End { fault } => self.died(fault),
        }
    }

    fn connected(&mut self, build: String) {
        let paused = Engine::Paused {
            until: Instant::now(),
        };
        let Engine::Greeting { child, .. } = std::mem::replace(&mut self.engine, paused) else {
            unreachable!("a reader thread greets once, and first");
        };
        self.engine = Engine::Connected { child };
        self.outbox.put(EngineEvent::Connected { build });
        for outgoing in std::mem::take(&mut self.waiting) {
            self.send(outgoing);
        }
    }

    fn event(&mut self, event: Event) {
        self.watch.received(&event, Instant::now());
        match event {
            Event::Chunk(chunk) => {
                if let Err(error) = self.joiner.accept(chunk) {
                    self.died(Some(error.to_string()));
                }
            }
            Event::Picture { job, picture } => match self.joined(job, picture) {
                Some(event) => self.outbox.put(event),
                None => self.died(Some("it named a picture that it had not sent".to_owned())),
            },
            event => {
                if matches!(event, Event::Finished { .. } | Event::Loaded { .. }) {
                    self.n_deaths_in_a_row = 0;
                }
                self.outbox.put(EngineEvent::Event(event));
            }
        }
    }

    fn joined(&mut self, job: JobId, picture: Picture) -> Option<EngineEvent> {
        let pixels = self.joiner.take(picture.pixels)?;
        let patch_mask = match picture.patch_mask {
            Some(blob) => Some(self.joiner.take(blob)?),
            None => None,
        };
        Some(EngineEvent::Picture {
            job,
            picture,
            pixels,
            patch_mask,
        })
    }

    /// Ends the engine for a fault, or because its stream has ended (`None`), and plans the next.
    fn died(&mut self, fault: Option<String>) {
        // Whatever the dead engine's reader still passes on is of an old generation.
        self.generation += 1;
        let paused = Engine::Paused {
            until: Instant::now(),
        };
        let ending = match std::mem::replace(&mut self.engine, paused) {
            Engine::Paused { .. } => return,
            Engine::Greeting { mut child, .. } | Engine::Connected { mut child } => {
                if fault.is_some() {
                    child.kill();
                }
                child.end()
            }
        };
        self.report_death(&match fault {
            Some(fault) => format!("{fault} ({ending})"),
            None => ending,
        });
    }

    fn report_death(&mut self, reason: &str) {
        let pause = match self.n_deaths_in_a_row {
            0 => Duration::ZERO,
            n => LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.saturating_pow(n - 1)),
        };
        self.n_deaths_in_a_row = (self.n_deaths_in_a_row + 1).min(16);
        self.engine = Engine::Paused {
            until: Instant::now() + pause,
        };
        let reason = format!("the engine stopped: {reason}");
        tracing::error!("{reason}");
        let lost = self.watch.take_lost(Instant::now());
        self.outbox.put(EngineEvent::Died { reason, lost });
    }

    /// Closes the engine's input, which ends it even in the middle of a step; kills it if that fails.
    fn quit(self) {
        if let Engine::Greeting { child, .. } | Engine::Connected { child } = self.engine {
            child.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use limn_engine::protocol::{Compute, GenerateRequest, ModelId, Request};

    use super::*;

    fn job() -> Request {
        Request::Generate {
            job: JobId(1),
            request: GenerateRequest {
                prompt: "a boat".to_owned(),
                ..GenerateRequest::blank(ModelId("doodle".to_owned()), Compute::default())
            },
        }
    }

    #[test]
    fn a_job_ends_the_pause_after_many_deaths_and_a_question_does_not() {
        let (to_app, _events) = mpsc::channel();
        let (to_self, _messages) = mpsc::channel();
        let command = EngineCommand::local("/nowhere/limn");
        let outbox = Outbox::new(to_app, || {});
        let mut supervisor = Supervisor::new(command, Patience::default(), outbox, to_self);
        for (request, is_at_once) in [(Request::ListModels, false), (job(), true)] {
            for _ in 0..20 {
                supervisor.report_death("it fell over");
            }
            supervisor.send(Outgoing {
                request,
                blobs: Vec::new(),
            });
            let Engine::Paused { until } = &supervisor.engine else {
                panic!("it has been started");
            };
            let left = until.saturating_duration_since(Instant::now());
            assert!(left <= LONGEST_PAUSE);
            assert_eq!(left.is_zero(), is_at_once);
        }
        assert_eq!(supervisor.waiting.len(), 2, "both wait for the next engine");
    }
}
