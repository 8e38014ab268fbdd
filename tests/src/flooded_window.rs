//! A window without a screen, connected to an engine that lies, in a process of its own: what it takes in memory is
//! then its own too. It tells on standard output what became of it, in JSON.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use egui::vec2;
use egui_kittest::Harness;
use limn::app::App;
use limn::command::Command;
use limn::engine_link::EngineCommand;
use limn::paths::Folders;
use limn::session::EngineState;
use limn_engine::device::memory;

/// That are drawn after the engine is gone.
const FRAMES_AFTER: usize = 10;

/// Draws frames for so many seconds, or until the engine has died of its lie and a few more.
pub fn run(lie: &str, secs: &str) -> ExitCode {
    let (Ok(home), Ok(program), Ok(secs)) =
        (tempfile::tempdir(), std::env::current_exe(), secs.parse())
    else {
        return ExitCode::FAILURE;
    };
    let engine = EngineCommand {
        program: program.into(),
        args: vec!["false-engine".into(), lie.into()],
    };
    let folders = Folders::under(home.path());
    let mut harness: Harness<App> = Harness::builder()
        .with_size(vec2(1440.0, 900.0))
        .with_max_steps(64)
        .build_eframe(move |creation| App::new(&creation.egui_ctx, folders, Some(engine)));
    let report = watch(&mut harness, Duration::from_secs(secs));
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{report}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn watch(harness: &mut Harness<App>, time: Duration) -> serde_json::Value {
    let start = Instant::now();
    let (mut longest, mut n_frames) = (Duration::ZERO, 0);
    let (mut reason, mut n_deaths, mut was_dead) = (None, 0, false);
    let mut is_asked = false;
    let mut frames_left = FRAMES_AFTER;
    while start.elapsed() < time && frames_left > 0 {
        let frame = Instant::now();
        harness.run_steps(1);
        longest = longest.max(frame.elapsed());
        n_frames += 1;
        let app = harness.state_mut();
        if !is_asked && !app.session.models.is_empty() {
            is_asked = true;
            app.send(Command::SetPrompt("a boat".to_owned()));
            app.send(Command::Generate);
        }
        let is_dead = matches!(app.session.engine, EngineState::Restarting(_));
        if let EngineState::Restarting(why) = &app.session.engine {
            n_deaths += usize::from(!was_dead);
            reason.get_or_insert_with(|| why.clone());
        }
        was_dead = is_dead;
        frames_left -= usize::from(reason.is_some());
        std::thread::sleep(Duration::from_millis(5));
    }
    let session = &harness.state().session;
    serde_json::json!({
        "reason": reason,
        "n_deaths": n_deaths,
        "n_frames": n_frames,
        "longest_frame_ms": longest.as_millis(),
        "peak_mib": memory::peak_resident_bytes().map(|bytes| bytes >> 20),
        "models": session.models.iter().map(|model| &model.id.0).collect::<Vec<_>>(),
        "runs": session.runs.iter().map(|run| format!("{:?}", run.state)).collect::<Vec<_>>(),
    })
}
