//! Models whose pictures go through their own upscaler: from outside they draw the larger ones.

use std::{fs, path::Path};

use limn_engine::{
    PixelRect,
    families::unclip::UnclipFolder,
    image::RgbPicture,
    model::ModelFiles,
    operations::{EditInput, FinishedPicture, LoadedModel, edit, generate},
    protocol::{GenerateRequest, ModelId, Phase, Steering},
    stitch::{EditPlan, EditSettings},
    weights::ModelFolder,
};
use tempfile::TempDir;

use crate::{
    harness::{copy_folder, fixture_path, load_options},
    parity::pipelines::{Asked, Told, open, read_cases},
};

/// The small model, which draws 16 × 16 best, with an upscaler that makes that twice as large.
const CARD: &str =
    r#"{"size": [16, 16], "cascade": {"scale": 2, "size": [32, 32], "on_request": [[64, 32]]}}"#;

fn folder(card: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    copy_folder(&fixture_path("pipeline"), dir.path());
    let upscaler = fixture_path("upscalers").join("esrgan_later_x2");
    copy_folder(&upscaler, &dir.path().join("upscaler"));
    fs::write(dir.path().join("limn.json"), card).unwrap();
    dir
}

fn request(size: Option<(u32, u32)>) -> GenerateRequest {
    let cases = read_cases::<Asked>("cases.json");
    let asked = cases.values().next().unwrap();
    GenerateRequest {
        size,
        ..asked.request()
    }
}

fn generated(model: &mut LoadedModel, request: &GenerateRequest) -> Told {
    let mut told = Told::default();
    let on_event = &mut |event| {
        told.note(event);
        Ok(())
    };
    generate::run(model, request, None, on_event).unwrap();
    told
}

/// Through the folder's upscaler, as `limn upscale` would send it.
fn enlarged(folder: &Path, picture: &FinishedPicture) -> Vec<u8> {
    use limn_engine::components::upscalers::{Upscaler, UpscalerConfig};

    let files = ModelFolder::Disk(folder.join("upscaler")).weights(false);
    let (config, files) = UpscalerConfig::detect(files.unwrap()).unwrap().unwrap();
    let (upscaler, _) = Upscaler::load(&files, config, &load_options()).unwrap();
    let picture = RgbPicture {
        width: picture.width,
        height: picture.height,
        rgb: picture.rgb.clone(),
    };
    let larger = upscaler.upscale(&picture, 1 << 30, &mut |_, _| Ok(()));
    larger.unwrap().rgb
}

#[test]
fn the_larger_picture_is_the_drawn_one_sent_through_the_upscaler() {
    let dir = folder(CARD);
    let mut model = open(dir.path(), 1 << 30, None);
    // What is no larger than the model draws best comes as it is drawn.
    let drawn = generated(&mut model, &request(Some((16, 16))));
    assert_eq!(drawn.plans[0].cascade, None);
    assert!(
        drawn
            .progress
            .iter()
            .all(|told| told.phase != Phase::Upscale)
    );

    let larger = generated(&mut model, &request(None));
    let (picture, plan) = (&larger.pictures[0], &larger.plans[0]);
    assert_eq!((picture.width, picture.height), (32, 32));
    assert_eq!((plan.width, plan.height), (32, 32));
    let cascade = plan.cascade.as_ref().unwrap();
    assert_eq!((cascade.drawn_width, cascade.drawn_height), (16, 16));
    assert_eq!(cascade.upscaler_hash.len(), 64);
    assert_eq!(picture.rgb, enlarged(dir.path(), &drawn.pictures[0]));
    // The drawn picture is seen before the larger one is there.
    let mut upscaling = larger.progress.iter();
    let first = upscaling.find(|told| told.phase == Phase::Upscale).unwrap();
    let preview = first.preview.as_ref().unwrap();
    assert_eq!((preview.width, preview.height), (16, 16));
    assert_eq!(preview.rgb, drawn.pictures[0].rgb);
}

#[test]
fn a_size_on_request_takes_another_pass() {
    let dir = folder(CARD);
    let mut model = open(dir.path(), 1 << 30, None);
    let drawn = generated(&mut model, &request(Some((16, 8))));
    let told = generated(&mut model, &request(Some((64, 32))));
    let cascade = told.plans[0].cascade.as_ref().unwrap();
    assert_eq!((cascade.drawn_width, cascade.drawn_height), (16, 8));
    let once = FinishedPicture {
        width: 32,
        height: 16,
        rgb: enlarged(dir.path(), &drawn.pictures[0]),
        ..drawn.pictures[0].clone()
    };
    assert_eq!(told.pictures[0].rgb, enlarged(dir.path(), &once));
}

#[test]
fn of_several_to_choose_from_only_the_best_is_made_larger() {
    let dir = folder(CARD);
    let mut model = open(dir.path(), 1 << 30, None);
    let request = GenerateRequest {
        best_of: 3,
        ..request(None)
    };
    let told = generated(&mut model, &request);
    let previews = told
        .progress
        .iter()
        .filter(|told| told.phase == Phase::Upscale);
    assert_eq!(previews.filter(|told| told.preview.is_some()).count(), 1);
    assert_eq!(told.pictures.len(), 1);
    let chosen = GenerateRequest {
        best_of: 1,
        seed: told.pictures[0].seed,
        ..request
    };
    let alone = generated(&mut model, &chosen);
    assert_eq!(alone.pictures[0].rgb, told.pictures[0].rgb);
}

#[test]
fn too_little_memory_for_all_at_once_makes_the_same_picture() {
    let dir = folder(CARD);
    let roomy = generated(&mut open(dir.path(), 1 << 30, None), &request(None));
    // The largest part and its activations, and nothing beside them.
    let tight = generated(&mut open(dir.path(), 4 << 20, None), &request(None));
    assert_eq!(tight.pictures[0].rgb, roomy.pictures[0].rgb);
}

#[test]
fn a_patch_is_as_fine_as_the_larger_pictures_and_keeps_to_its_mask() {
    const SIDE: u32 = 32;
    let dir = folder(CARD);
    let mut model = open(dir.path(), 1 << 30, None);
    let is_masked = |index: usize| index as u32 % SIDE >= SIDE / 2;
    let n_pixels = (SIDE * SIDE) as usize;
    let input = EditInput {
        settings: EditSettings {
            match_colours: false,
            ..EditSettings::for_strength(1.0)
        },
        plan: EditPlan {
            context: PixelRect::from_size(SIDE, SIDE),
            work_size: (SIDE, SIDE),
            grow_px: 0.0,
            feather_px: 0.0,
            blend_px: 0.0,
            extension: None,
        },
        steering: Some(Steering::Prompt),
        image: (0..n_pixels)
            .flat_map(|index| [index as u8, 90, 160, 255])
            .collect(),
        mask: Some(
            (0..n_pixels)
                .map(|index| 255 * u8::from(is_masked(index)))
                .collect(),
        ),
    };
    let mut told = Told::default();
    let on_event = &mut |event| {
        told.note(event);
        Ok(())
    };
    edit::run(&mut model, &request(None), &input, None, on_event).unwrap();
    let patch = &told.pictures[0];
    assert_eq!((patch.width, patch.height), (SIDE, SIDE));
    assert!(
        told.progress
            .iter()
            .any(|told| told.phase == Phase::Upscale)
    );
    for (index, covers) in patch.patch_mask.as_ref().unwrap().iter().enumerate() {
        assert_eq!(*covers > 0, is_masked(index), "{index}");
    }
    // Larger than drawn: not every two pixels are one.
    let rows = patch.rgb.chunks_exact(3 * SIDE as usize);
    assert!(
        rows.flat_map(|row| row.chunks_exact(6))
            .any(|two| two[..3] != two[3..])
    );
}

#[test]
fn a_list_shows_the_sizes_that_come() {
    let dir = folder(CARD);
    let files = UnclipFolder::open(ModelFolder::Disk(dir.path().to_owned()), None).unwrap();
    let info = files.info(ModelId("x".to_owned())).unwrap();
    assert_eq!(info.default_size, (32, 32));
    assert_eq!(info.native_sizes, [(32, 32), (64, 32)]);
    assert_eq!(info.stride, 8);
    let error = files.drawn_size((36, 32)).unwrap_err().to_string();
    assert!(error.contains("40") && error.contains("32"), "{error}");
}

#[test]
fn cascades_that_cannot_be_are_refused_where_the_model_is_opened() {
    for (cascade, why) in [
        (r#"{"scale": 1, "size": [32, 32]}"#, "2 to 8"),
        (r#"{"scale": 9, "size": [32, 32]}"#, "2 to 8"),
        (r#"{"scale": 4294967295, "size": [32, 32]}"#, "2 to 8"),
        (r#"{"scale": 2, "size": [33, 32]}"#, "33"),
        (r#"{"scale": 2, "size": [0, 32]}"#, "0"),
        (
            r#"{"scale": 8, "size": [4294967295, 4294967295]}"#,
            "steps by more",
        ),
        (
            r#"{"scale": 2, "size": [32, 32], "on_request": [[32, 30]]}"#,
            "30",
        ),
        (r#"{"size": [32, 32]}"#, "scale"),
    ] {
        let dir = folder(&format!(r#"{{"size": [16, 16], "cascade": {cascade}}}"#));
        let error = UnclipFolder::open(ModelFolder::Disk(dir.path().to_owned()), None);
        let message = error.unwrap_err().to_string();
        assert!(message.contains(why), "{cascade}: {message}");
    }
    let dir = folder(r#"{"cascade": {"scale": 2, "size": [32, 32]}}"#);
    let open = || UnclipFolder::open(ModelFolder::Disk(dir.path().to_owned()), None);
    assert!(open().unwrap_err().to_string().contains("needs the `size`"));
    fs::write(dir.path().join("limn.json"), CARD).unwrap();
    fs::remove_file(dir.path().join("upscaler/model.safetensors")).unwrap();
    assert!(
        open()
            .unwrap_err()
            .to_string()
            .contains("there is no upscaler")
    );
}

#[test]
fn an_upscaler_of_another_scale_is_named() {
    let dir = folder(r#"{"size": [16, 16], "cascade": {"scale": 4, "size": [64, 64]}}"#);
    let mut model = open(dir.path(), 1 << 30, None);
    let error = generate::run(&mut model, &request(None), None, &mut |_| Ok(())).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("2 times larger"), "{message}");
}
