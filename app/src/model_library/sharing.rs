//! Folders of other programs, whose models are read in place: `ComfyUI`, the web interface and its kin, the hub's cache.
//! Nothing is ever written there.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use limn_engine::catalogue::{SharedFolder, SharedFolders};
use yaml_rust2::{Yaml, YamlLoader};

use crate::files::{Existing, RealFs, create_dirs, read_named, write_atomically};

/// Why a folder cannot be shared.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    #[error(
        "choose another folder: it is no folder of models (of ComfyUI, of a web interface, of the hub's cache, or with .safetensors files)"
    )]
    NoModels,
    #[error("it is Limn's own library already")]
    Own,
    #[error("it is not shared")]
    NotShared,
    #[error("the list of shared folders cannot be written ({0})")]
    Disk(#[from] io::Error),
}

/// Shares a folder, or looks at it anew.
///
/// # Errors
/// [`ShareError`].
pub fn share(library: &Path, folder: &Path) -> Result<SharedFolder, ShareError> {
    let folder = folder.canonicalize()?;
    if library
        .canonicalize()
        .is_ok_and(|library| library == folder)
    {
        return Err(ShareError::Own);
    }
    let shared = recognised(&folder).ok_or(ShareError::NoModels)?;
    let mut all = SharedFolders::of(library);
    all.folders.retain(|other| other.path != folder);
    all.folders.push(shared.clone());
    write(library, &all)?;
    Ok(shared)
}

/// Shares it no longer; it stays where it is.
///
/// # Errors
/// [`ShareError::NotShared`]; of the disk.
pub fn unshare(library: &Path, folder: &Path) -> Result<(), ShareError> {
    let mut all = SharedFolders::of(library);
    let n_before = all.folders.len();
    let canonical = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    all.folders
        .retain(|other| other.path != folder && other.path != canonical);
    if all.folders.len() == n_before {
        return Err(ShareError::NotShared);
    }
    Ok(write(library, &all)?)
}

/// Looks again at what is shared: other programs move things. A folder that is away, as an unplugged drive is, stays in
/// the list as it was.
pub fn refresh_shared(library: &Path) -> SharedFolders {
    let before = SharedFolders::of(library);
    let mut now = before.clone();
    for folder in &mut now.folders {
        if let Some(again) = recognised(&folder.path) {
            *folder = again;
        }
    }
    // A list that cannot be written is as good as it was.
    if now != before
        && let Err(error) = write(library, &now)
    {
        tracing::warn!("the list of shared folders: {error}");
    }
    now
}

fn write(library: &Path, shared: &SharedFolders) -> io::Result<()> {
    create_dirs(&RealFs, library)?;
    let bytes = serde_json::to_vec_pretty(shared).map_err(io::Error::other)?;
    write_atomically(
        &RealFs,
        &SharedFolders::path(library),
        &bytes,
        Existing::Replace,
    )
}

/// Whose folder it is, and where its models lie.
fn recognised(folder: &Path) -> Option<SharedFolder> {
    comfy(folder)
        .or_else(|| web_interface(folder))
        .or_else(|| hub_cache(folder))
        .or_else(|| plain(folder))
}

fn existing(base: &Path, names: &[&str]) -> Vec<PathBuf> {
    let folders = names.iter().map(|name| base.join(name));
    folders.filter(|folder| folder.is_dir()).collect()
}

fn comfy(folder: &Path) -> Option<SharedFolder> {
    let base = [folder.join("models"), folder.to_owned()];
    let base = base
        .into_iter()
        .find(|base| base.join("checkpoints").is_dir())?;
    let mut shared = SharedFolder {
        path: folder.to_owned(),
        program: "ComfyUI".to_owned(),
        models: existing(&base, &["checkpoints", "diffusers"]),
        loras: existing(&base, &["loras"]),
        upscalers: existing(&base, &["upscale_models"]),
        ..SharedFolder::default()
    };
    add_extra_paths(folder, &mut shared);
    Some(shared)
}

/// What `extra_model_paths.yaml` names: sections with a `base_path`, and under each kind one path or several lines of them.
fn add_extra_paths(folder: &Path, shared: &mut SharedFolder) {
    const MAX_BYTES: u64 = 1 << 20;
    let Ok(bytes) = read_named(&folder.join("extra_model_paths.yaml"), MAX_BYTES) else {
        return;
    };
    let text = String::from_utf8_lossy(&bytes);
    // References to references can make a page fill the memory, and nobody needs them for paths.
    if text.split_whitespace().any(|word| word.starts_with('*')) {
        return;
    }
    let documents = YamlLoader::load_from_str(&text).unwrap_or_default();
    let sections = documents
        .iter()
        .filter_map(Yaml::as_hash)
        .flat_map(|hash| hash.values());
    for section in sections.filter(|section| section.as_hash().is_some()) {
        let base = section["base_path"]
            .as_str()
            .map_or_else(|| folder.to_owned(), |base| folder.join(expanded(base)));
        let named = |key: &str| {
            let text = section[key].as_str().unwrap_or_default();
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let paths = lines.map(|line| base.join(expanded(line)));
            paths.filter(|path| path.is_dir()).collect::<Vec<_>>()
        };
        shared.models.extend(named("checkpoints"));
        shared.models.extend(named("diffusers"));
        shared.loras.extend(named("loras"));
        shared.upscalers.extend(named("upscale_models"));
    }
}

/// With the home folder in the place of `~`.
fn expanded(path: &str) -> PathBuf {
    let home = || Some(directories::BaseDirs::new()?.home_dir().to_owned());
    match path
        .strip_prefix("~/")
        .and_then(|rest| Some(home()?.join(rest)))
    {
        Some(path) => path,
        None => PathBuf::from(path),
    }
}

fn web_interface(folder: &Path) -> Option<SharedFolder> {
    let base = [folder.join("models"), folder.to_owned()];
    let base = base
        .into_iter()
        .find(|base| base.join("Stable-diffusion").is_dir())?;
    Some(SharedFolder {
        path: folder.to_owned(),
        program: "Stable Diffusion web UI".to_owned(),
        models: existing(&base, &["Stable-diffusion", "diffusers"]),
        loras: existing(&base, &["Lora", "LyCORIS"]),
        upscalers: existing(&base, &["ESRGAN", "RealESRGAN"]),
        ..SharedFolder::default()
    })
}

/// `models--owner--name/snapshots/COMMIT`, the newest of each by `refs/main`.
fn hub_cache(folder: &Path) -> Option<SharedFolder> {
    let bases = [folder.to_owned(), folder.join("hub")];
    let mut named = BTreeMap::new();
    let mut is_cache = false;
    for base in bases {
        let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(name) = name.strip_prefix("models--") else {
                continue;
            };
            is_cache = true;
            let name = name.replacen("--", "/", 1);
            let name = name.rsplit('/').next().unwrap_or(&name).to_owned();
            if let Some(snapshot) = snapshot(&entry.path())
                && snapshot.join("model_index.json").is_file()
            {
                named.insert(name, snapshot);
            }
        }
    }
    is_cache.then(|| SharedFolder {
        path: folder.to_owned(),
        program: "Hugging Face cache".to_owned(),
        named,
        ..SharedFolder::default()
    })
}

fn snapshot(repository: &Path) -> Option<PathBuf> {
    const MAX_BYTES: u64 = 256;
    let snapshots = repository.join("snapshots");
    let main = read_named(&repository.join("refs/main"), MAX_BYTES).ok();
    let main = main.and_then(|commit| String::from_utf8(commit).ok());
    let is_commit = |commit: &&str| commit.chars().all(|c| c.is_ascii_alphanumeric());
    let main = main
        .as_deref()
        .map(str::trim)
        .filter(is_commit)
        .map(|commit| snapshots.join(commit));
    let any = || {
        let entries = std::fs::read_dir(&snapshots)
            .into_iter()
            .flatten()
            .flatten();
        entries.map(|entry| entry.path()).max()
    };
    main.filter(|path| path.is_dir()).or_else(any)
}

/// Any other folder with models in it.
fn plain(folder: &Path) -> Option<SharedFolder> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let mut paths = entries.map(|entry| entry.path());
    let has_models = paths.any(|path| {
        let is_file = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
        is_file || path.join("model_index.json").is_file()
    });
    has_models.then(|| SharedFolder {
        path: folder.to_owned(),
        program: "folder".to_owned(),
        models: vec![folder.to_owned()],
        ..SharedFolder::default()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }

    #[test]
    fn layouts_of_other_programs_are_known() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let comfy = home.join("ComfyUI");
        for name in [
            "models/checkpoints/a.safetensors",
            "models/loras/b.safetensors",
            "models/upscale_models/c.safetensors",
        ] {
            touch(&comfy.join(name));
        }
        touch(&home.join("drive/sd/d.safetensors"));
        touch(&home.join("drive/other loras/e.safetensors"));
        let yaml = format!(
            "a111:\n  base_path: {}\n  checkpoints: sd\n  loras: |\n    other loras\n    missing\n  is_default: true\nempty:\n",
            home.join("drive").display()
        );
        std::fs::write(comfy.join("extra_model_paths.yaml"), yaml).unwrap();
        for folder in [comfy.clone(), comfy.join("models")] {
            let shared = recognised(&folder).unwrap();
            assert_eq!(shared.program, "ComfyUI");
            assert_eq!(shared.models[0], comfy.join("models/checkpoints"));
            assert_eq!(shared.upscalers, [comfy.join("models/upscale_models")]);
        }
        let shared = recognised(&comfy).unwrap();
        assert_eq!(shared.models[1..], [home.join("drive/sd")]);
        assert_eq!(
            shared.loras,
            [comfy.join("models/loras"), home.join("drive/other loras")]
        );

        let forge = home.join("forge");
        touch(&forge.join("models/Stable-diffusion/a.safetensors"));
        touch(&forge.join("models/Lora/b.safetensors"));
        let shared = recognised(&forge).unwrap();
        assert_eq!(shared.program, "Stable Diffusion web UI");
        assert_eq!(shared.loras, [forge.join("models/Lora")]);

        let cache = home.join("cache/huggingface");
        let repository = cache.join("hub/models--sea--boats");
        touch(&repository.join("snapshots/1111/model_index.json"));
        touch(&repository.join("snapshots/2222/model_index.json"));
        std::fs::create_dir_all(repository.join("refs")).unwrap();
        std::fs::write(repository.join("refs/main"), "1111").unwrap();
        touch(&cache.join("hub/models--sea--words/snapshots/3333/config.json"));
        let shared = recognised(&cache).unwrap();
        assert_eq!(shared.program, "Hugging Face cache");
        let expected = BTreeMap::from([("boats".to_owned(), repository.join("snapshots/1111"))]);
        assert_eq!(shared.named, expected);
        assert_eq!(recognised(&cache.join("hub")).unwrap().named, expected);

        assert_eq!(
            recognised(&home.join("drive/sd")).unwrap().program,
            "folder"
        );
        assert_eq!(recognised(&home.join("drive")), None);
        assert_eq!(recognised(&home.join("nothing")), None);
    }

    #[test]
    fn a_page_of_references_is_not_read() {
        let home = tempfile::tempdir().unwrap();
        touch(&home.path().join("models/checkpoints/a.safetensors"));
        let mut yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for k in 1..12 {
            let row = vec![format!("*a{}", k - 1); 10].join(", ");
            yaml.push_str(&format!("a{k}: &a{k} [{row}]\n"));
        }
        std::fs::write(home.path().join("extra_model_paths.yaml"), yaml).unwrap();
        assert_eq!(recognised(home.path()).unwrap().models.len(), 1);
    }

    #[test]
    fn a_folder_is_shared_once_and_one_that_is_away_stays_in_the_list() {
        let home = tempfile::tempdir().unwrap();
        let (library, folder) = (home.path().join("models"), home.path().join("drive"));
        touch(&folder.join("a.safetensors"));
        share(&library, &folder).unwrap();
        share(&library, &folder).unwrap();
        assert_eq!(SharedFolders::of(&library).folders.len(), 1);
        let away = home.path().join("away");
        std::fs::rename(&folder, &away).unwrap();
        assert_eq!(refresh_shared(&library).folders.len(), 1);
        std::fs::rename(&away, &folder).unwrap();
        touch(&folder.join("checkpoints/b.safetensors"));
        assert_eq!(
            refresh_shared(&library).folders[0].program,
            "ComfyUI",
            "it has changed"
        );
        assert!(matches!(share(&library, &library), Err(ShareError::Own)));
        assert!(matches!(
            share(&library, home.path()),
            Err(ShareError::NoModels)
        ));
        assert!(matches!(
            share(&library, &home.path().join("none")),
            Err(ShareError::Disk(_))
        ));
        unshare(&library, &folder).unwrap();
        assert!(matches!(
            unshare(&library, &folder),
            Err(ShareError::NotShared)
        ));
        assert!(folder.join("a.safetensors").is_file());
    }
}
