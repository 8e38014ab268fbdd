use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use limn_engine::protocol::{
    Event, JobId, ModelInfo, Picture,
    chunks::{Joiner, MAX_CHUNK_BYTES},
    framing,
};

use super::{
    Breach, DeathCause, EngineCommand, EngineEvent, Outgoing, Patience,
    asked::{self, Asked},
    bounds,
    chatter::Chatter,
    child::{EngineChild, Received, unreadable},
    flow::{self, Charge, Flow},
    mailbox::Mailbox,
    watch::Watch,
};

/// Pause before the second start in a row, doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// How often a process is looked at that has something to do: another one may hold its output open beyond its end.
const LOOK_PERIOD: Duration = Duration::from_millis(500);
/// What an ended process has said is read for so long after the last of it.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Models of a list that are named by themselves when they are left out.
const MAX_LEFT_OUT_NAMED: usize = 3;

#[derive(Debug)]
pub(super) enum Message {
    Send(Box<Outgoing>),
    Received { generation: u64, received: Received },
    AskProcessId(Sender<Option<u32>>),
    Quit,
}

/// Where the app's events go, and the bell that tells it.
pub(super) struct Outbox {
    mailbox: Arc<Mailbox>,
    wake: Box<dyn Fn() + Send>,
}

impl Outbox {
    pub fn new(mailbox: Arc<Mailbox>, wake: impl Fn() + Send + 'static) -> Self {
        Self {
            mailbox,
            wake: Box::new(wake),
        }
    }

    fn put(&self, event: EngineEvent) {
        self.put_charged(event, None);
    }

    fn put_charged(&self, event: EngineEvent, charge: Option<Charge>) {
        self.mailbox.put(event, charge);
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
    asked: Asked,
    chatter: Chatter,
    /// When the process is looked at next, and since when it is seen to have ended and says nothing.
    next_look: Instant,
    ended_at: Option<Instant>,
    flow: Arc<Flow>,
    joiner: Joiner,
    n_deaths_in_a_row: u32,
    /// Of one that broke the rules no good answer makes up.
    n_breaches: u32,
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
            asked: Asked::default(),
            chatter: Chatter::new(Instant::now()),
            next_look: Instant::now(),
            ended_at: None,
            flow: Arc::default(),
            joiner: Joiner::with_budget(0),
            n_deaths_in_a_row: 0,
            n_breaches: 0,
        }
    }

    fn run(mut self, messages: &Receiver<Message>) {
        loop {
            // Before each message: an engine that never stops talking would put it off for ever.
            let deadline = self.next_deadline();
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                self.guarded(Self::deadline_passed);
            }
            let message = match self.next_deadline() {
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(deadline) => {
                    messages.recv_timeout(deadline.saturating_duration_since(Instant::now()))
                }
            };
            match message {
                Ok(Message::Quit) | Err(RecvTimeoutError::Disconnected) => return self.quit(),
                Ok(message) => self.guarded(|this| this.handle(message)),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// A fault of this side costs the connection and not the window: what waits goes to the next engine.
    fn guarded(&mut self, body: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| body(self))).is_err() {
            let reason = "the connection to it failed".to_owned();
            self.died(DeathCause::OwnFault, Some(reason));
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Send(outgoing) => self.send(*outgoing),
            Message::Received {
                generation,
                received,
            } => {
                if generation == self.generation {
                    self.received(received);
                }
            }
            Message::AskProcessId(reply) => {
                let _ = reply.send(self.child().map(EngineChild::id));
            }
            Message::Quit => {}
        }
    }

    fn child(&self) -> Option<&EngineChild> {
        match &self.engine {
            Engine::Paused { .. } => None,
            Engine::Greeting { child, .. } | Engine::Connected { child } => Some(child),
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let deadline = self.engine_deadline()?;
        Some(match &self.engine {
            Engine::Paused { .. } => deadline,
            Engine::Greeting { .. } | Engine::Connected { .. } => deadline.min(self.next_look),
        })
    }

    /// Until when the engine has to say something, if it has to.
    fn engine_deadline(&self) -> Option<Instant> {
        match &self.engine {
            Engine::Paused { until } => Some(*until),
            Engine::Greeting { deadline, .. } => Some(*deadline),
            Engine::Connected { .. } => self.watch.deadline(),
        }
    }

    /// Sees whether the process is still there.
    fn look(&mut self, now: Instant) {
        self.next_look = now + LOOK_PERIOD;
        let (Engine::Greeting { child, .. } | Engine::Connected { child }) = &mut self.engine
        else {
            return;
        };
        if child.has_ended() {
            let since = *self.ended_at.get_or_insert(now);
            if now.duration_since(since) >= LAST_WORDS && !self.is_held_up() {
                self.died(DeathCause::Ended, None);
            }
        }
    }

    fn deadline_passed(&mut self) {
        let now = Instant::now();
        if self.next_look <= now {
            self.look(now);
        }
        if self.engine_deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        match &self.engine {
            Engine::Paused { .. } => self.start(),
            Engine::Greeting { .. } => {
                let reason = format!("it did not greet within {:?}", self.patience.greeting);
                self.died(DeathCause::NoGreeting, Some(reason));
            }
            Engine::Connected { .. } if self.is_held_up() => self.watch.held_up(Instant::now()),
            Engine::Connected { .. } => {
                if let Some((cause, reason)) = self.watch.fault(Instant::now()) {
                    self.died(cause, Some(reason));
                }
            }
        }
    }

    /// Whether the app has not taken what came, so that the engine's pipe is not read.
    fn is_held_up(&self) -> bool {
        self.outbox.mailbox.charged_bytes() > flow::LIMIT_BYTES / 2
    }

    fn start(&mut self) {
        self.generation += 1;
        self.joiner = Joiner::with_budget(0);
        self.asked = Asked::default();
        self.chatter = Chatter::new(Instant::now());
        self.ended_at = None;
        let (to_self, flow) = (self.to_self.clone(), Arc::clone(&self.flow));
        match EngineChild::spawn(&self.command, self.generation, to_self, flow) {
            Ok(child) => {
                self.engine = Engine::Greeting {
                    child,
                    deadline: Instant::now() + self.patience.greeting,
                }
            }
            Err(error) => {
                let program = self.command.program.display();
                let reason = format!(
                    "it cannot be started ({error}): see whether this is there and may be run: {program}"
                );
                self.report_death(DeathCause::CannotStart, &reason);
            }
        }
    }

    fn send(&mut self, outgoing: Outgoing) {
        match &self.engine {
            Engine::Connected { child } => {
                self.watch.sent(&outgoing.request, Instant::now());
                let chunks = outgoing.blobs.iter();
                let n_chunks = chunks
                    .map(|blob| blob.len().div_ceil(MAX_CHUNK_BYTES).max(1))
                    .sum();
                self.asked.sent(&outgoing.request, n_chunks);
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
            Received::Frame { body, charge } => match framing::decode_frame_body(&body) {
                Ok(event) => {
                    drop((body, charge));
                    self.event(event);
                }
                Err(error) => self.died(DeathCause::Unreadable, Some(unreadable(&error))),
            },
            Received::End { fault: None } => self.died(DeathCause::Ended, None),
            Received::End { fault } => self.died(DeathCause::Unreadable, fault),
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

    fn event(&mut self, mut event: Event) {
        let now = Instant::now();
        // It had more to say.
        self.ended_at = self.ended_at.map(|_| now);
        self.watch.received(&event, now);
        let passed_on = self
            .chatter
            .count(&event, now)
            .and_then(|()| self.asked.check(&mut event))
            .and_then(|()| self.pass_on(event));
        if let Err(breach) = passed_on {
            self.n_breaches = (self.n_breaches + 1).min(16);
            let reason = breach.to_string();
            self.died(DeathCause::Breach(breach), Some(reason));
        }
    }

    fn pass_on(&mut self, event: Event) -> Result<(), Breach> {
        match event {
            Event::Chunk(chunk) => {
                self.joiner.set_budget(self.asked.blob_budget_bytes());
                let joined = self.joiner.accept(chunk);
                return joined.map_err(|error| Breach::BadPart(error.to_string()));
            }
            Event::Picture { job, picture } => {
                let event = self.joined(job, picture)?;
                let charge = self.flow.charge(event.n_bytes());
                self.outbox.put_charged(event, Some(charge));
            }
            Event::Models(models) => self.models(models),
            event => {
                if matches!(event, Event::Finished { .. } | Event::Loaded { .. }) {
                    self.n_deaths_in_a_row = 0;
                }
                self.outbox.put(EngineEvent::Event(event));
            }
        }
        Ok(())
    }

    /// Passes on the models that can be drawn with, and says which of them cannot.
    fn models(&self, models: Vec<ModelInfo>) {
        let (sound, left_out) = bounds::models(models);
        for named in left_out.iter().take(MAX_LEFT_OUT_NAMED) {
            let message = format!("A model is left out. {named}");
            tracing::warn!("{message}");
            self.outbox.put(EngineEvent::Notice { message });
        }
        if left_out.len() > MAX_LEFT_OUT_NAMED {
            let n_more = left_out.len() - MAX_LEFT_OUT_NAMED;
            let message = format!("{n_more} more models are left out: their cards are wrong.");
            self.outbox.put(EngineEvent::Notice { message });
        }
        self.outbox.put(EngineEvent::Event(Event::Models(sound)));
    }

    fn joined(&mut self, job: JobId, picture: Picture) -> Result<EngineEvent, Breach> {
        let mut take = |blob| self.joiner.take(blob).ok_or(Breach::MissingPicture);
        let pixels = take(picture.pixels)?;
        let patch_mask = picture.patch_mask.map(take).transpose()?;
        asked::check_bytes(&picture, &pixels, patch_mask.as_deref())?;
        Ok(EngineEvent::Picture {
            job,
            picture,
            pixels,
            patch_mask,
        })
    }

    /// Ends the engine for a fault, or because its stream has ended (`None`), and plans the next.
    fn died(&mut self, cause: DeathCause, fault: Option<String>) {
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
        self.joiner = Joiner::with_budget(0);
        let reason = match fault {
            // Its last words stand below.
            Some(fault) => match ending.split_once('\n') {
                Some((status, last_words)) => format!("{fault} ({status})\n{last_words}"),
                None => format!("{fault} ({ending})"),
            },
            None => ending,
        };
        self.report_death(cause, &reason);
    }

    fn report_death(&mut self, cause: DeathCause, reason: &str) {
        let pause = match self.n_deaths_in_a_row.max(self.n_breaches) {
            0 => Duration::ZERO,
            n => LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.saturating_pow(n - 1)),
        };
        self.n_deaths_in_a_row = (self.n_deaths_in_a_row + 1).min(16);
        self.engine = Engine::Paused {
            until: Instant::now() + pause,
        };
        let reason = told(&cause, reason);
        tracing::error!("{reason}");
        let lost = self.watch.take_lost(Instant::now());
        self.outbox.put(EngineEvent::Died {
            cause,
            reason,
            lost,
        });
    }

    /// Closes the engine's input, which ends it even in the middle of a step; kills it if that fails.
    fn quit(self) {
        if let Engine::Greeting { child, .. } | Engine::Connected { child } = self.engine {
            child.end();
        }
    }
}

/// What happened and what to do, and below it what the engine said last.
fn told(cause: &DeathCause, reason: &str) -> String {
    let remedy = match cause {
        DeathCause::Breach(_) | DeathCause::NoGreeting | DeathCause::Unreadable => {
            ": see whether what is started there is Limn, of the same version"
        }
        // Says it itself.
        DeathCause::CannotStart => "",
        _ => ": try again, and another is started",
    };
    let (first, last_words) = match reason.split_once('\n') {
        Some((first, last_words)) => (first, Some(last_words)),
        None => (reason, None),
    };
    let told = format!("the engine stopped: {first}{remedy}");
    last_words.map_or(told.clone(), |words| format!("{told}\n{words}"))
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
        let (to_self, _messages) = mpsc::channel();
        let command = EngineCommand::local("/nowhere/limn");
        let outbox = Outbox::new(Arc::default(), || {});
        let mut supervisor = Supervisor::new(command, Patience::default(), outbox, to_self);
        for (request, is_at_once) in [(Request::ListModels, false), (job(), true)] {
            for _ in 0..20 {
                supervisor.report_death(DeathCause::Ended, "it fell over");
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
