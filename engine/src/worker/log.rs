//! The engine's log file, the kernel compiler's signs of life, and the words of a panic.

use std::{
    fmt::Write as _,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tracing_log::NormalizeEvent;
use tracing_subscriber::{
    EnvFilter, Layer, fmt::MakeWriter, layer::Context, layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::output::Outbox;
use crate::{
    device, foreign_text, heartbeat,
    protocol::{Event, JobId, Phase},
    regular_file::{has_other_names, open_own},
    standard_error,
};

/// One file of this size at most, and one older one.
const MAX_LOG_BYTES: u64 = 2 << 20;
/// What is logged unless `LIMN_LOG` says otherwise. The kernel compiler logs a line per kernel.
const DEFAULT_FILTER: &str = "info,wgpu_core=warn,wgpu_hal=warn,naga=warn";

/// Whom to tell of kernels being made, and in which job; empty while nothing is being computed.
static LISTENER: Mutex<Listener> = Mutex::new(Listener {
    outbox: None,
    job: None,
    is_working: false,
    n_signs: 0,
    n_kernels: 0,
});
static PANIC_MESSAGE: Mutex<String> = Mutex::new(String::new());

/// From a panic in a device's thread until work that stands still ends the process.
const PANIC_PATIENCE: Duration = Duration::from_secs(30);

struct Listener {
    outbox: Option<Outbox>,
    job: Option<JobId>,
    is_working: bool,
    /// Grows with every event of the work: one that comes after a panic shows that nobody waits for the dead.
    n_signs: u64,
    /// Compiled for this work so far.
    n_kernels: u32,
}

impl Listener {
    fn stands_still_since(&self, n_signs: u64) -> bool {
        self.is_working && self.n_signs == n_signs
    }
}

/// Logs to `engine.log` in the cache folder, or to standard error where there is none; notes panics.
pub(super) fn start(outbox: &Outbox) {
    lock(&LISTENER).outbox = Some(outbox.clone());
    heartbeat::listen(model_goes_on);
    let filter = EnvFilter::try_from_env("LIMN_LOG").unwrap_or_else(|_| DEFAULT_FILTER.into());
    let file = device::cache_dir()
        .map(|dir| dir.join("logs").join("engine.log"))
        .and_then(|path| BoundedLog::open(path).ok());
    let to_file = file.map(|file| {
        tracing_subscriber::fmt::layer()
            .with_ansi(false)
            // A full disk is no reason to end: it would be told by `eprintln!`, which panics.
            .log_internal_errors(false)
            .with_writer(LogWriter(Arc::new(Mutex::new(file))))
    });
    let to_stderr = to_file.is_none().then(|| {
        tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .log_internal_errors(false)
            .with_writer(io::stderr)
    });
    // Fails only when a subscriber is there already: then that one has the last word.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(to_file)
        .with(to_stderr)
        .with(KernelsMade)
        .try_init();
    std::panic::set_hook(Box::new(|info| {
        let mut message = info.payload_as_str().unwrap_or("no message").to_owned();
        if let Some(place) = info.location() {
            let _ = write!(message, ", at {}:{}", place.file(), place.line());
        }
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("?");
        tracing::error!("panic in thread {name}: {message}");
        let shown = foreign_text::message(&message);
        standard_error::line(format_args!("panic in thread {name}: {shown}"));
        *lock(&PANIC_MESSAGE) = message;
        if is_of_device(name) {
            end_if_work_stands_still();
        }
    }));
}

/// As cubecl names the threads that feed a device.
fn is_of_device(thread_name: &str) -> bool {
    thread_name.starts_with("DSU-") || thread_name.starts_with("DSD-")
}

/// The work gets such a panic as an error, unless the thread that it waits for is gone: then it waits for ever.
fn end_if_work_stands_still() {
    let n_signs = lock(&LISTENER).n_signs;
    let body = move || {
        std::thread::sleep(PANIC_PATIENCE);
        if lock(&LISTENER).stands_still_since(n_signs) {
            standard_error::line(
                "the work waits for the device's thread, which has panicked: ending",
            );
            std::process::exit(super::EXIT_DEVICE_LOST.into());
        }
    };
    let watchdog = std::thread::Builder::new().name("watchdog".to_owned());
    if let Err(error) = watchdog.spawn(body) {
        tracing::error!("no watchdog for the panic: {error}");
    }
}

/// From here on, kernels that are made are signs of life of this job.
pub(super) fn work_starts(job: Option<JobId>) {
    let mut listener = lock(&LISTENER);
    listener.job = job;
    listener.is_working = true;
    listener.n_signs += 1;
    listener.n_kernels = 0;
}

pub(super) fn work_goes_on() {
    lock(&LISTENER).n_signs += 1;
}

pub(super) fn work_ends() {
    lock(&LISTENER).is_working = false;
}

/// The last panic's words.
pub(super) fn take_panic_message() -> String {
    std::mem::take(&mut *lock(&PANIC_MESSAGE))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// In the middle of a forward pass.
fn model_goes_on() {
    sign_of_life(Phase::Step);
}

fn sign_of_life(phase: Phase) {
    let listener = lock(&LISTENER);
    if let (Some(outbox), true) = (&listener.outbox, listener.is_working) {
        outbox.send_if_clear(Event::Working {
            job: listener.job,
            phase,
            n_kernels: listener.n_kernels,
        });
    }
}

/// Compiling and tuning kernels is long work without a pipeline's events. cubecl logs a line for each kernel it
/// compiles and each choice it tunes: every line is a sign of life.
struct KernelsMade;

impl<S: tracing::Subscriber> Layer<S> for KernelsMade {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let metadata = event.normalized_metadata();
        let target = metadata
            .as_ref()
            .map_or(event.metadata().target(), tracing::Metadata::target);
        match target {
            "cubecl::compilation" => lock(&LISTENER).n_kernels += 1,
            "cubecl::autotune" => {}
            _ => return,
        }
        sign_of_life(Phase::Tune);
    }
}

/// A log file that never grows beyond [`MAX_LOG_BYTES`]: then it becomes `….old` and a new one begins.
#[derive(Debug)]
struct BoundedLog {
    path: PathBuf,
    file: File,
    n_bytes: u64,
}

impl BoundedLog {
    fn open(path: PathBuf) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = append_to(&path)?;
        let n_bytes = file.metadata()?.len();
        Ok(Self {
            path,
            file,
            n_bytes,
        })
    }
}

impl Write for BoundedLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.n_bytes + bytes.len() as u64 > MAX_LOG_BYTES {
            std::fs::rename(&self.path, self.path.with_extension("old.log"))?;
            self.file = append_to(&self.path)?;
            self.n_bytes = 0;
        }
        let n_written = self.file.write(bytes)?;
        self.n_bytes += n_written as u64;
        Ok(n_written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What has the log's name and is no file of its own, but a link, a pipe or another file's second name, loses it.
fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    match open_own(path, &options) {
        Ok(file) if !has_other_names(&file)? => return Ok(file),
        Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error),
        Ok(_) | Err(_) => {}
    }
    std::fs::remove_file(path)?;
    open_own(path, &options)
}

struct LogWriter(Arc<Mutex<BoundedLog>>);

/// One whole line at a time into the shared file.
struct LineWriter<'a>(MutexGuard<'a, BoundedLog>);

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter(lock(&self.0))
    }
}

impl Write for LineWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Other crates' lines come this way too, and what they quote is anyone's.
        let text = foreign_text::lines(String::from_utf8_lossy(bytes)).to_string();
        self.0.write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_work_that_waits_for_a_panicked_device_ends_the_process() {
        for (name, is_device) in [
            ("DSU-0-0", true),
            ("DSD-1-0", true),
            ("main", false),
            ("reader", false),
            ("?", false),
        ] {
            assert_eq!(is_of_device(name), is_device, "{name}");
        }
        for (is_working, n_signs_since, stands_still) in
            [(true, 0, true), (true, 1, false), (false, 0, false)]
        {
            let listener = Listener {
                outbox: None,
                job: None,
                is_working,
                n_signs: 7 + n_signs_since,
                n_kernels: 0,
            };
            assert_eq!(listener.stands_still_since(7), stands_still);
        }
    }

    #[test]
    fn the_log_stays_within_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs").join("engine.log");
        let mut log = BoundedLog::open(path.clone()).unwrap();
        let line = vec![b'x'; 1 << 16];
        for _ in 0..100 {
            log.write_all(&line).unwrap();
        }
        drop(log);
        let n_bytes = |name: &str| path.with_file_name(name).metadata().unwrap().len();
        assert!(n_bytes("engine.log") <= MAX_LOG_BYTES);
        assert_eq!(n_bytes("engine.old.log"), MAX_LOG_BYTES);
        assert_eq!(path.parent().unwrap().read_dir().unwrap().count(), 2);

        // What is there when the next engine starts counts.
        let before = n_bytes("engine.log");
        let log = BoundedLog::open(path.clone()).unwrap();
        assert_eq!(log.n_bytes, before);
    }

    /// Nothing of the log goes where a stranger wants it, and no pipe is waited for.
    #[cfg(unix)]
    #[test]
    fn the_log_is_a_file_of_its_own() {
        use std::{os::unix::fs::symlink, process::Command};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs").join("engine.log");
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        let victim = folder.path().join("victim");
        std::fs::write(&victim, b"before").unwrap();
        let pipe = |path: &Path| {
            let made = Command::new("mkfifo").arg(path).status().unwrap();
            assert!(made.success());
        };
        let put_there: [&dyn Fn(); 5] = [
            &|| symlink(&victim, &path).unwrap(),
            &|| symlink(folder.path().join("nothing"), &path).unwrap(),
            &|| symlink("/dev/full", &path).unwrap(),
            &|| std::fs::hard_link(&victim, &path).unwrap(),
            &|| pipe(&path),
        ];
        for put_there in put_there {
            put_there();
            let mut log = BoundedLog::open(path.clone()).unwrap();
            log.write_all(b"line").unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"line");
            std::fs::remove_file(&path).unwrap();
        }
        assert_eq!(std::fs::read(&victim).unwrap(), b"before");
        assert!(!folder.path().join("nothing").exists());
        // Where nothing can be put in its place there is no log, and the folder stays.
        std::fs::create_dir(&path).unwrap();
        assert!(BoundedLog::open(path.clone()).is_err());
        assert!(path.is_dir());
    }
}
