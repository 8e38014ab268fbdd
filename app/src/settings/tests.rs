//! Settings on disk, damaged, older and newer.

#![allow(clippy::unwrap_used)]
use limn_engine::protocol::DeviceChoice;

use super::*;

fn folders() -> (tempfile::TempDir, Folders) {
    let home = tempfile::tempdir().unwrap();
    let folders = Folders::under(home.path());
    (home, folders)
}

#[test]
fn settings_come_back_with_what_a_newer_version_wrote() {
    let (_home, folders) = folders();
    assert_eq!(Settings::load(&folders), (Settings::default(), None));
    let mut settings = Settings {
        theme: Theme::Light,
        mask_colour: MaskColour([1, 200, 3]),
        ui_scale: Some(1.25),
        gallery_folder: Some("/somewhere".into()),
        ..Settings::default()
    };
    settings.compute.device = DeviceChoice::Named("Some GPU".into());
    settings.prompt_bar.seed = Some(u64::MAX);
    settings
        .other
        .insert("rebound_keys".into(), serde_json::json!(["Ctrl+G"]));
    settings.save(&folders).unwrap();
    settings.save(&folders).unwrap();
    assert_eq!(Settings::load(&folders), (settings, None));
    let names: Vec<_> = std::fs::read_dir(&folders.config).unwrap().collect();
    assert_eq!(names.len(), 1, "no temporary file stays");
}

#[test]
fn a_damaged_file_is_set_aside() {
    let (_home, folders) = folders();
    for broken in [&b"{\"theme\": \"da"[..], b"", b"\xff\x00", b"[1]"] {
        std::fs::create_dir_all(&folders.config).unwrap();
        std::fs::write(folders.settings_file(), broken).unwrap();
        let (settings, notice) = Settings::load(&folders);
        assert_eq!(settings, Settings::default());
        assert!(notice.unwrap().ends_with("settings.json.broken"));
        assert_eq!(
            std::fs::read(folders.config.join("settings.json.broken")).unwrap(),
            broken
        );
        assert_eq!(Settings::load(&folders), (Settings::default(), None));
    }
}

#[test]
fn an_older_file_gets_the_usual_values() {
    let (_home, folders) = folders();
    std::fs::create_dir_all(&folders.config).unwrap();
    std::fs::write(folders.settings_file(), b"{\"theme\": \"dark\"}").unwrap();
    let (settings, notice) = Settings::load(&folders);
    assert_eq!(
        (settings.theme, settings.prompt_bar.n_pictures, notice),
        (Theme::Dark, 4, None)
    );
}

/// Every field with a value that is not the usual one.
fn all_changed() -> Settings {
    use limn_engine::samplers::Sampler;
    let mut settings = Settings {
        gallery_folder: Some("/elsewhere/pictures".into()),
        theme: Theme::Light,
        mask_colour: MaskColour([1, 2, 3]),
        ui_scale: Some(1.25),
        shows_scores: true,
        model: Some("a model".into()),
        index_model: Some("another".into()),
        current_document: Some(DocumentId::new()),
        ..Settings::default()
    };
    settings.compute.device = DeviceChoice::Named("Some GPU".into());
    settings.prompt_bar = PromptBar {
        history: vec!["a boat".into(), "a pier".into()],
        negative_prompt: Some("fog".into()),
        n_pictures: 3,
        size: Some((512, 768)),
        best_of: 2,
        sampling: Sampling {
            sampler: Some(Sampler::Ddim),
            n_steps: Some(30),
            guidance_scale: Some(6.5),
            n_prior_steps: Some(7),
            prior_guidance_scale: Some(2.5),
            clip_skip: Some(2),
            spacing: None,
            guidance_rescale: None,
        },
        seed: Some(u64::MAX),
    };
    settings.tools.edge_px = 3.0;
    settings.tools.brush.diameter_points = 11.0;
    settings.tools.wand.tolerance = 9;
    settings.gallery = Gallery {
        tile_side: 90.0,
        grouping: Grouping::Day,
        sort: Sort::Name,
        shows_details: false,
    };
    let tab = Tab {
        prompt: "a castle".into(),
        tray: Some(Deed::Mix),
        is_blank: true,
        source: Some(PictureId::new()),
        pinned: vec![PictureId::new()],
        settings: Some(DraftSettings {
            negative_prompt: "rain".into(),
            n_pictures: 7,
            ..DraftSettings::default()
        }),
        ..Tab::default()
    };
    settings.tabs = [(DocumentId::new(), tab.clone()), (DocumentId::new(), tab)].into();
    settings
}

/// Paths to every value that has none below it, as JSON pointers.
fn leaves(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                leaves(value, &format!("{path}/{key}"), found);
            }
        }
        serde_json::Value::Array(items) if !items.is_empty() => {
            for (i, value) in items.iter().enumerate() {
                leaves(value, &format!("{path}/{i}"), found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

fn objects(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    if let serde_json::Value::Object(entries) = value {
        found.push(path.to_owned());
        for (key, value) in entries {
            objects(value, &format!("{path}/{key}"), found);
        }
    }
}

fn write(folders: &Folders, json: &serde_json::Value) {
    std::fs::create_dir_all(&folders.config).unwrap();
    std::fs::write(folders.settings_file(), json.to_string()).unwrap();
}

fn stored(folders: &Folders) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folders.settings_file()).unwrap()).unwrap()
}

/// Whichever value a newer version wrote in another way, only that one falls back, and the file keeps it until the
/// user chooses another.
#[test]
fn a_value_that_is_not_understood_falls_back_alone() {
    let (_home, folders) = folders();
    let whole = serde_json::to_value(all_changed()).unwrap();
    let mut paths = Vec::new();
    leaves(&whole, "", &mut paths);
    assert!(paths.len() >= 60, "{} fields", paths.len());
    let newer = serde_json::json!({"of a newer version": [[1.5]]});
    for path in &paths {
        let mut json = whole.clone();
        *json.pointer_mut(path).unwrap() = newer.clone();
        write(&folders, &json);
        let (settings, notice) = Settings::load(&folders);
        assert!(
            notice.is_some_and(|notice| notice.contains("not understood")),
            "{path}"
        );
        let now = serde_json::to_value(&settings).unwrap();
        // What has no usual value of its own falls back with what it is part of: two steps down, in a tab three.
        let n_steps = if path.starts_with("/tabs") { 3 } else { 2 };
        let steps = path.split('/').skip(1).take(n_steps);
        // A list falls back as a whole.
        let steps = steps.take_while(|step| step.parse::<usize>().is_err());
        let part: String = steps.flat_map(|step| ["/", step]).collect();
        let mut before = Vec::new();
        leaves(&whole, "", &mut before);
        for other in before.iter().filter(|other| !other.starts_with(&part)) {
            assert_eq!(
                now.pointer(other),
                whole.pointer(other),
                "{path} changed {other}"
            );
        }
        // The file keeps it.
        settings.save(&folders).unwrap();
        assert_eq!(stored(&folders), json, "{path}");
        let (again, _) = Settings::load(&folders);
        assert_eq!(again, settings, "{path}");
    }
}

#[test]
fn what_the_user_chooses_takes_the_place_of_what_was_not_understood() {
    let (_home, folders) = folders();
    write(
        &folders,
        &serde_json::json!({"theme": "solarised", "ui_scale": 1.5}),
    );
    let (mut settings, _) = Settings::load(&folders);
    assert_eq!(
        (settings.theme, settings.ui_scale),
        (Theme::System, Some(1.5))
    );
    settings.theme = Theme::Dark;
    settings.save(&folders).unwrap();
    assert_eq!(stored(&folders)["theme"], "dark");
}

/// In every object, whichever it is.
#[test]
fn keys_of_a_newer_version_stay() {
    let (_home, folders) = folders();
    let whole = serde_json::to_value(all_changed()).unwrap();
    let mut paths = Vec::new();
    objects(&whole, "", &mut paths);
    // A name stands for a device, and a document's id for its tab: what else is there is none.
    paths.retain(|path| !["/tabs", "/compute/device"].contains(&path.as_str()));
    assert!(paths.len() >= 12, "{paths:?}");
    let mut json = whole.clone();
    for path in &paths {
        let object = json.pointer_mut(path).unwrap().as_object_mut().unwrap();
        object.insert("newer".into(), serde_json::json!({"at": path}));
    }
    write(&folders, &json);
    let (mut settings, notice) = Settings::load(&folders);
    assert_eq!(notice, None);
    settings.ui_scale = Some(2.0);
    settings.save(&folders).unwrap();
    json["ui_scale"] = 2.0.into();
    assert_eq!(stored(&folders), json);
}

/// Numbers that the type holds and the window could not show.
#[test]
fn numbers_out_of_bounds_are_brought_back() {
    let (_home, folders) = folders();
    for number in ["0", "-5", "1e30", "1e300"] {
        let text = format!(
            "{{\"gallery\": {{\"tile_side\": {number}}}, \"ui_scale\": {number}, \"tools\": {{\"edge_px\": {number}}}}}"
        );
        std::fs::create_dir_all(&folders.config).unwrap();
        std::fs::write(folders.settings_file(), text).unwrap();
        let (settings, _) = Settings::load(&folders);
        assert!(Gallery::TILE_SIDES.contains(&settings.gallery.tile_side));
        assert!(
            settings
                .ui_scale
                .is_none_or(|scale| (0.5..=3.0).contains(&scale))
        );
        assert!(settings.tools.edge_px.is_finite() && settings.tools.edge_px >= 0.0);
    }
}

#[cfg(unix)]
#[test]
fn settings_are_read_from_no_link_and_no_pipe() {
    let (home, folders) = folders();
    std::fs::create_dir_all(&folders.config).unwrap();
    let elsewhere = home.path().join("elsewhere");
    std::fs::write(&elsewhere, b"{\"theme\": \"dark\"}").unwrap();
    std::os::unix::fs::symlink(&elsewhere, folders.settings_file()).unwrap();
    let (settings, notice) = Settings::load(&folders);
    assert_eq!(settings, Settings::default());
    assert!(notice.unwrap().contains("a link"));
    settings.save(&folders).unwrap();
    assert_eq!(std::fs::read(&elsewhere).unwrap(), b"{\"theme\": \"dark\"}");
    std::fs::remove_file(folders.settings_file()).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(folders.settings_file())
        .status();
    assert!(made.unwrap().success());
    assert!(Settings::load(&folders).1.is_some());
}

/// T2: whichever file operation fails, the settings are the old ones or the new ones, and what was acknowledged is new.
#[test]
fn whichever_operation_fails_settings_are_old_or_new() {
    use crate::files::faulty::FaultyFs;
    let [old, new] = [Theme::Light, Theme::Dark].map(|theme| Settings {
        theme,
        ..Settings::default()
    });
    for for_ever in [false, true] {
        for fail_at in 0.. {
            let (_home, folders) = folders();
            old.save(&folders).unwrap();
            let fs = FaultyFs::failing_at(fail_at, for_ever);
            let is_saved = new.save_with(&fs, &folders).is_ok();
            let (now, notice) = Settings::load(&folders);
            assert_eq!(notice, None);
            assert!(now == new || now == old && !is_saved, "operation {fail_at}");
            if !fs.has_failed() {
                assert!(is_saved && fail_at >= 5, "{fail_at} operations");
                break;
            }
            new.save(&folders).unwrap();
            assert_eq!(Settings::load(&folders).0, new);
        }
    }
}

/// What the prompt bar cannot be set to falls back by itself, and the rest of it stays.
#[test]
fn odd_values_of_the_prompt_bar_fall_back_one_by_one() {
    let (_home, folders) = folders();
    std::fs::create_dir_all(&folders.config).unwrap();
    let usual = PromptBar::default();
    for (json, changed) in [
        ("\"size\": [0, 0]", None),
        ("\"size\": [512, 0]", None),
        ("\"size\": [16385, 64]", None),
        ("\"size\": [-512, 512]", None),
        ("\"size\": [1e30, 512]", None),
        ("\"size\": \"512\"", None),
        ("\"size\": [512]", None),
        ("\"size\": [512, 768]", Some((512, 768))),
        ("\"n_pictures\": 0", None),
        ("\"n_pictures\": 4000000000", None),
        ("\"n_pictures\": -1", None),
        ("\"best_of\": 0", None),
        ("\"best_of\": 99", None),
        ("\"sampling\": {\"n_steps\": 0}", None),
        ("\"sampling\": {\"n_steps\": 4294967295}", None),
        ("\"sampling\": {\"guidance_scale\": -1e30}", None),
        ("\"sampling\": {\"guidance_scale\": 1e39}", None),
        ("\"sampling\": {\"clip_skip\": 4294967295}", None),
        ("\"sampling\": {\"guidance_rescale\": 7}", None),
    ] {
        let file = format!("{{\"prompt_bar\": {{{json}, \"negative_prompt\": \"fog\"}}}}");
        std::fs::write(folders.settings_file(), file).unwrap();
        let (settings, _) = Settings::load(&folders);
        let expected = PromptBar {
            negative_prompt: Some("fog".to_owned()),
            size: changed,
            ..usual.clone()
        };
        assert_eq!(settings.prompt_bar, expected, "{json}");
    }
}
