//! Files on their way into the library of models: what they are, under which name they go, and what comes along.

use std::io;
use std::path::{Path, PathBuf};

use limn_engine::catalogue::{Belongings, Catalogue, ip_adapter_folder, lora_folder};

/// What came of putting a model or a LoRA into the library, or why it was refused.
pub type Added = Result<AddedFile, String>;

/// What is in the library now.
pub struct AddedFile {
    /// Of its folder or file.
    pub file_name: String,
    /// The LoRA that it is; `None` for a model or an upscaler.
    pub lora: Option<String>,
    pub is_ip_adapter: bool,
    /// Where it lies now.
    pub path: PathBuf,
}

/// How a model comes into the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transfer {
    /// It stays where it is and is linked; copied where the system lets nobody make links.
    Link,
    /// It leaves where it is, and a folder gets this name.
    Move { name: String },
}

/// Puts a model into the library, after a look at whether it is one.
///
/// # Errors
/// Why it is none, or why the library cannot be written, in words for the user.
pub fn add(library: &Path, source: &Path, transfer: &Transfer) -> Added {
    let is_lora = Catalogue::is_lora(source);
    let is_ip_adapter = !is_lora && Catalogue::is_ip_adapter(source);
    let folder = if is_lora {
        lora_folder(library)
    } else if is_ip_adapter {
        ip_adapter_folder(library)
    } else {
        Catalogue::check(source).map_err(|error| format!("Not added: {error}"))?;
        library.to_owned()
    };
    // A card beside an adapter names files that lie where it lies.
    let is_model = !is_lora && !is_ip_adapter;
    let file_name = place(&folder, source, is_model, transfer).map_err(|error| {
        format!(
            "Not added, the folder of models cannot be written ({error}): {}",
            folder.display()
        )
    })?;
    let stem = Path::new(&file_name).file_stem().unwrap_or_default();
    let lora = is_lora.then(|| stem.to_string_lossy().into_owned());
    Ok(AddedFile {
        path: folder.join(&file_name),
        file_name,
        lora,
        is_ip_adapter,
    })
}

/// Under a name that is free, with all that belongs to a model of files. That of its folder or first file.
fn place(library: &Path, source: &Path, is_model: bool, transfer: &Transfer) -> io::Result<String> {
    std::fs::create_dir_all(library)?;
    let source = source.canonicalize()?;
    if source.parent() == Some(&*library.canonicalize()?) {
        return Ok(name_of(&source));
    }
    let Belongings { stem, paths } =
        if let (Transfer::Move { name }, true) = (transfer, source.is_dir()) {
            let named = source.with_file_name(name);
            if named != source {
                std::fs::rename(&source, &named)?;
            }
            Belongings {
                stem: name.clone(),
                paths: vec![named],
            }
        } else if is_model && source.is_file() {
            Catalogue::belongings(&source)
        } else {
            let stem = source.file_stem().unwrap_or_default();
            Belongings {
                stem: stem.to_string_lossy().into_owned(),
                paths: vec![source],
            }
        };
    let names: Vec<String> = paths.iter().map(|path| name_of(path)).collect();
    let mut free = names.clone();
    let mut number = 1;
    while free
        .iter()
        .any(|name| library.join(name).symlink_metadata().is_ok())
    {
        number += 1;
        let numbered = names.iter().map(|name| {
            format!(
                "{stem}-{number}{}",
                name.strip_prefix(&stem).unwrap_or(name)
            )
        });
        free = numbered.collect();
    }
    for (path, name) in paths.iter().zip(&free) {
        match transfer {
            Transfer::Link => link_or_copy(path, library, name)?,
            Transfer::Move { .. } => std::fs::rename(path, library.join(name))?,
        }
    }
    Ok(free.swap_remove(0))
}

/// A model of many gigabytes stays where it is if the system lets anyone make links; else it is copied, under a hidden
/// name until all of it is there.
fn link_or_copy(source: &Path, library: &Path, name: &str) -> io::Result<()> {
    let target = library.join(name);
    if link(source, &target).is_ok() {
        return Ok(());
    }
    let unfinished = library.join(format!(".{name}.part"));
    let copied = copy(source, &unfinished).and_then(|()| std::fs::rename(&unfinished, &target));
    if copied.is_err() {
        let _ = std::fs::remove_dir_all(&unfinished);
        let _ = std::fs::remove_file(&unfinished);
    }
    copied
}

#[cfg(unix)]
fn link(source: &Path, target: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(source, target)
}

#[cfg(windows)]
fn link(source: &Path, target: &Path) -> io::Result<()> {
    if source.is_dir() {
        std::os::windows::fs::symlink_dir(source, target)
    } else {
        std::os::windows::fs::symlink_file(source, target)
    }
}

fn copy(source: &Path, target: &Path) -> io::Result<()> {
    if !source.is_dir() {
        return std::fs::copy(source, target).map(drop);
    }
    std::fs::create_dir_all(target)?;
    for entry in std::fs::read_dir(source)? {
        let entry = entry?;
        copy(&entry.path(), &target.join(entry.file_name()))?;
    }
    Ok(())
}

/// The name of a file or folder, as far as it is text.
pub fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_model_is_linked_under_a_free_name_and_one_that_is_there_stays() {
        let home = tempfile::tempdir().unwrap();
        let (library, source) = (home.path().join("models"), home.path().join("fine.v2"));
        std::fs::create_dir_all(source.join("unet")).unwrap();
        std::fs::write(source.join("unet/config.json"), "{}").unwrap();
        assert_eq!(
            place(&library, &source, true, &Transfer::Link).unwrap(),
            "fine.v2"
        );
        assert_eq!(
            place(&library, &source, true, &Transfer::Link).unwrap(),
            "fine-2.v2"
        );
        assert!(library.join("fine-2.v2/unet/config.json").is_file());
        let inside = library.join("own");
        std::fs::create_dir_all(&inside).unwrap();
        assert_eq!(
            place(&library, &inside, true, &Transfer::Link).unwrap(),
            "own"
        );
        assert_eq!(std::fs::read_dir(&library).unwrap().count(), 3);
    }

    #[test]
    fn shards_and_a_card_come_along_under_one_free_name() {
        let home = tempfile::tempdir().unwrap();
        let (library, elsewhere) = (home.path().join("models"), home.path().join("downloads"));
        std::fs::create_dir_all(&elsewhere).unwrap();
        for name in [
            "sea.safetensors",
            "sea.limn.json",
            "big-00001-of-00002.safetensors",
            "big-00002-of-00002.safetensors",
        ] {
            std::fs::write(elsewhere.join(name), name).unwrap();
        }
        let placed =
            |name: &str| place(&library, &elsewhere.join(name), true, &Transfer::Link).unwrap();
        assert_eq!(placed("sea.safetensors"), "sea.safetensors");
        assert_eq!(placed("sea.safetensors"), "sea-2.safetensors");
        // Whichever of them was dropped.
        let second = "big-00002-of-00002.safetensors";
        assert_eq!(placed(second), "big-00001-of-00002.safetensors");
        assert_eq!(placed(second), "big-2-00001-of-00002.safetensors");
        let read = |name: &str| std::fs::read_to_string(library.join(name)).unwrap();
        assert_eq!(read("sea-2.limn.json"), "sea.limn.json");
        assert_eq!(read("big-2-00002-of-00002.safetensors"), second);
        assert_eq!(std::fs::read_dir(&library).unwrap().count(), 8);
        // What it goes with lies where it lay.
        let loras = home.path().join("loras");
        place(
            &loras,
            &elsewhere.join("sea.safetensors"),
            false,
            &Transfer::Link,
        )
        .unwrap();
        assert_eq!(std::fs::read_dir(&loras).unwrap().count(), 1);
    }

    #[test]
    fn what_was_fetched_leaves_its_hidden_folder_and_takes_a_free_name() {
        let home = tempfile::tempdir().unwrap();
        let library = home.path().join("models");
        let name = Transfer::Move {
            name: "boats".to_owned(),
        };
        for expected in ["boats", "boats-2"] {
            let staged = library.join(".downloads/m-sea--boats-c0ffee-folder");
            std::fs::create_dir_all(&staged).unwrap();
            std::fs::write(staged.join("model_index.json"), "{}").unwrap();
            assert_eq!(place(&library, &staged, true, &name).unwrap(), expected);
            assert!(library.join(expected).join("model_index.json").is_file());
            assert!(!staged.exists() && !library.join(".downloads/boats").exists());
        }
        let staged = library.join(".downloads/sea.safetensors");
        std::fs::write(&staged, "").unwrap();
        assert_eq!(
            place(&library, &staged, false, &name).unwrap(),
            "sea.safetensors"
        );
        assert!(!staged.exists());
    }

    #[test]
    fn a_copy_has_all_folders_and_files() {
        let home = tempfile::tempdir().unwrap();
        let source = home.path().join("source");
        std::fs::create_dir_all(source.join("a/b")).unwrap();
        std::fs::write(source.join("a/b/c"), "1").unwrap();
        let target = home.path().join("target");
        copy(&source, &target).unwrap();
        assert_eq!(std::fs::read_to_string(target.join("a/b/c")).unwrap(), "1");
    }

    #[test]
    fn what_is_no_model_is_refused_with_the_reason_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let (library, source) = (home.path().join("models"), home.path().join("holiday"));
        std::fs::create_dir_all(&source).unwrap();
        let refused = add(&library, &source, &Transfer::Link).err().unwrap();
        assert!(refused.starts_with("Not added: "), "{refused}");
        assert!(!library.exists());
    }
}
