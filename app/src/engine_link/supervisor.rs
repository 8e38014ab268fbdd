use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use limn_engine::protocol::{Event, Request, chunks::Joiner};

use super::{
    EngineCommand, EngineEvent, Patience,
    child::{EngineChild, Received},
    watch::Watch,
};

/// Pause before the second start in a row, doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) enum Message {
    Send(Box<Request>),
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
    let supervisor = Supervisor {
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
    };
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
    waiting: VecDeque<Request>,
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
    fn run(mut self, messages: &Receiver<Message>) {
        loop {
            let message = match self.next_deadline() {
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(deadline) => {
                    messages.recv_timeout(deadline.saturating_duration_since(Instant::now()))
                }
            };
            match message {
                Ok(Message::Send(request)) => self.send(*request),
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

    fn send(&mut self, request: Request) {
        match &self.engine {
            Engine::Connected { child } => {
                self.watch.sent(&request, Instant::now());
                child.send(request);
            }
            Engine::Paused { .. } | Engine::Greeting { .. } => self.waiting.push_back(request),
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
        for request in std::mem::take(&mut self.waiting) {
            self.send(request);
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
            Event::Picture { job, picture } => match self.joiner.take(picture.pixels) {
                Some(pixels) => {
                    self.outbox.put(EngineEvent::Picture {
                        job,
                        picture,
                        pixels,
                    });
                }
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
