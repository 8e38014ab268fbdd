//! On a GPU a model that was loaded ahead is warm: nothing is compiled, and nothing tuned, while its first picture is
//! waited for. A processor has no kernels to compile.

use std::path::Path;
use std::time::{Duration, Instant};

use limn::engine_link::{EngineEvent, EngineLink};
use limn_engine::protocol::{
    Compute, DeviceChoice, DtypeChoice, Event, GenerateRequest, JobId, ModelId, Request, Sampling,
};

use crate::engine::engine_command;
use crate::harness::{copy_folder, fixture_path, on_software_gpu};

/// Compiling for a GPU that a processor poses as takes minutes beside other work.
const PATIENCE: Duration = Duration::from_mins(10);

/// Lines of the engine's log that hold any of `words`.
fn n_logged(home: &Path, words: &[&str]) -> usize {
    let log = std::fs::read_to_string(home.join("cache/logs/engine.log")).unwrap_or_default();
    let lines = log.lines();
    lines
        .filter(|line| words.iter().any(|word| line.contains(word)))
        .count()
}

#[test]
fn the_first_picture_after_a_warm_up_compiles_nothing() {
    const MADE: [&str; 2] = ["[Compiling kernel]", "Fastest result"];
    let is_gpu = on_software_gpu();
    let home = tempfile::tempdir().unwrap();
    // Of its own size, which the warm-up draws too.
    let folder = home.path().join("small");
    copy_folder(&fixture_path("pipeline"), &folder);
    std::fs::write(
        folder.join("limn.json"),
        r#"{"name":"small","size":[64,64]}"#,
    )
    .unwrap();
    let command = engine_command(home.path()).with_model(&folder);
    let link = EngineLink::start(command, || {});
    let wait = |is_it: &dyn Fn(&EngineEvent) -> bool| {
        let deadline = Instant::now() + PATIENCE;
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            match link.recv_timeout(left) {
                Some(EngineEvent::Died { reason, .. }) => panic!("the engine died: {reason}"),
                Some(event) if is_it(&event) => return,
                _ => {}
            }
        }
        panic!("nothing came within {PATIENCE:?}");
    };
    let model = ModelId(folder.display().to_string());
    let compute = Compute {
        device: if is_gpu {
            DeviceChoice::Gpu
        } else {
            DeviceChoice::Cpu
        },
        dtype: DtypeChoice::F32,
    };
    link.send(Request::Load {
        model: model.clone(),
        compute: compute.clone(),
    });
    wait(&|event| matches!(event, EngineEvent::Event(Event::Loaded { .. })));
    let since = Instant::now();
    while is_gpu && n_logged(home.path(), &["is warm"]) == 0 {
        assert!(since.elapsed() < PATIENCE, "it does not get warm");
        std::thread::sleep(Duration::from_millis(100));
    }
    let before = n_logged(home.path(), &MADE);
    assert_eq!(before > 0, is_gpu);
    let job = JobId(1);
    let request = GenerateRequest {
        prompt: "a boat".to_owned(),
        sampling: Sampling {
            n_steps: Some(3),
            n_prior_steps: Some(2),
            ..Sampling::default()
        },
        ..GenerateRequest::blank(model, compute)
    };
    link.send(Request::Generate { job, request });
    wait(&|event| matches!(event, EngineEvent::Event(Event::Finished { .. })));
    assert_eq!(
        n_logged(home.path(), &MADE),
        before,
        "compiled or tuned while the picture was waited for"
    );
    assert_eq!(n_logged(home.path(), &["is warm"]) > 0, is_gpu);
}
