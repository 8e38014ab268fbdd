//! The window with the real engine process, drawing by a tiny model.

use egui_kittest::kittest::Queryable;
use limn::engine_link::EngineCommand;
use limn::paths::Folders;
use limn::session::RunState;
use limn::settings::{PromptBar, Settings};
use limn_engine::protocol::Sampling;
use tempfile::TempDir;

use super::Window;
use crate::engine::engine_command;

/// A home whose settings suit the fixture's tiny model, and the real engine that serves it.
pub(super) fn real_engine(n_steps: u32) -> (TempDir, EngineCommand) {
    let home = tempfile::tempdir().unwrap();
    let brush = limn::tools::Brush {
        diameter_points: 120.0,
        ..Settings::default().tools.brush
    };
    let settings = Settings {
        model: Some("pipeline".to_owned()),
        tools: limn::tools::ToolSettings {
            brush,
            ..Settings::default().tools
        },
        prompt_bar: PromptBar {
            size: Some((16, 16)),
            sampling: Sampling {
                n_steps: Some(n_steps),
                n_prior_steps: Some(2),
                ..Sampling::default()
            },
            ..PromptBar::default()
        },
        ..Settings::default()
    };
    settings.save(&Folders::under(home.path())).unwrap();
    // Edits work at the model's own size: as small as that of the pictures.
    let model = home.path().join("pipeline");
    std::fs::create_dir(&model).unwrap();
    crate::parity::pipelines::copy_with(&model, &[]);
    std::fs::write(model.join("limn.json"), br#"{ "size": [16, 16] }"#).unwrap();
    let engine = engine_command(home.path()).with_model(&model);
    (home, engine)
}

/// The window outlives its engine: the job says why it ended, one click runs it again, nothing is lost.
#[cfg(unix)]
#[test]
fn the_engine_can_be_killed_at_any_moment() {
    const N_KILLS: usize = 3;
    let (home, engine) = real_engine(100);
    let mut window = Window::open_with(home, Some(engine));
    window.wait_for("the engine's models", |window| {
        !window.app().session.models.is_empty()
    });
    window.generate("a red house");
    for kill in 0..N_KILLS {
        window.wait_for("a preview", |window| {
            let run = &window.app().session.runs[0];
            run.state == RunState::Running && run.slots.iter().any(|slot| slot.preview.is_some())
        });
        let id = window.app().engine_process_id().unwrap().to_string();
        let killed = std::process::Command::new("kill")
            .args(["-9", &id])
            .status();
        assert!(killed.unwrap().success());
        window.wait_for("the failure", |window| {
            matches!(window.app().session.runs[0].state, RunState::Failed(_))
        });
        let saved = window.n_saved();
        window.steps(3);
        window.click_first("Run again");
        assert!(window.n_saved() >= saved, "kill {kill}");
    }
    window.wait_for("all four pictures", |window| window.n_saved() == 4);
    assert_eq!(window.app().session.runs.len(), 1);
}

/// Prompt, real engine process, candidate, restart, gallery.
#[test]
fn the_whole_way_with_the_real_engine() {
    let (home, engine) = real_engine(3);
    let mut window = Window::open_with(home, Some(engine.clone()));
    window.wait_for("the engine's models", |window| {
        !window.app().session.models.is_empty()
    });
    window.generate("a red house");
    window.wait_for("the run's end", |window| {
        let run = &window.app().session.runs[0];
        assert!(!matches!(run.state, RunState::Failed(_)), "{:?}", run.state);
        run.state == RunState::Finished && window.n_saved() == 4
    });
    window.click("Result 2: finished");
    let picked = window.app().session.shown_id().unwrap();
    let Window { harness, home, .. } = window;
    drop(harness);
    let mut window = Window::open_with(home, Some(engine));
    window.wait_for("the gallery", |window| {
        window.app().gallery_view.entries().len() == 4
    });
    assert!(window.app().gallery_view.position(picked).is_some());
    window.wait_for("the captions", |window| {
        window
            .harness
            .query_all_by_label("Picture: a red house")
            .count()
            == 4
    });
}
