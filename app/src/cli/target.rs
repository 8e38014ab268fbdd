use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use image::DynamicImage;

use super::rescue::{self, Saved};
use crate::gallery::{picture_file, recipe::Recipe};

/// A picture would take the place of one that it is made from.
#[derive(Debug, thiserror::Error)]
#[error("--out would replace a picture that is read: give it another name, or add --force: {}", path.display())]
pub struct OverInput {
    pub path: PathBuf,
}

/// Where pictures go.
#[derive(Debug)]
pub enum Target {
    /// One file, or with several pictures its numbered siblings.
    File {
        path: PathBuf,
        count: u32,
    },
    Folder(PathBuf),
}

impl Target {
    /// Checked before anything is computed.
    ///
    /// # Errors
    /// For a name that is not a PNG's, and for a folder that cannot be written to.
    pub fn new(out: &Path, count: u32) -> anyhow::Result<Self> {
        let ends_as_folder = out.to_string_lossy().ends_with(std::path::is_separator);
        let Some(extension) = out.extension().filter(|_| !ends_as_folder && !out.is_dir()) else {
            std::fs::create_dir_all(out)
                .with_context(|| format!("the folder cannot be made: {}", out.display()))?;
            return Ok(Self::Folder(out.to_owned()));
        };
        if !extension.eq_ignore_ascii_case("png") {
            bail!("pictures are PNG files: name it .png: {}", out.display());
        }
        let folder = folder_of(out);
        if !folder.is_dir() {
            bail!("there is no such folder: {}", folder.display());
        }
        Ok(Self::File {
            path: out.to_owned(),
            count,
        })
    }

    /// Makes sure that no file is written over that the pictures are made from, by whatever name.
    ///
    /// # Errors
    /// [`OverInput`] for the first that would be.
    pub fn spare(&self, inputs: &[&Path]) -> Result<(), OverInput> {
        let Self::File { path, count } = self else {
            // Names by new ids are those of no file.
            return Ok(());
        };
        let outputs = (0..*count).map(|index| numbered(path, index, *count));
        // Through links, and in whatever case the file system takes for the same.
        let is_read = |output: &PathBuf| {
            let is_it = |input: &&Path| same_file::is_same_file(input, output).unwrap_or(false);
            inputs.iter().any(is_it)
        };
        match outputs.into_iter().find(is_read) {
            Some(path) => Err(OverInput { path }),
            None => Ok(()),
        }
    }

    /// Writes a job's picture with its recipe and the mark, whole or not at all. Where that fails, the picture is kept
    /// elsewhere.
    ///
    /// # Errors
    /// If it cannot be encoded, or be saved anywhere.
    pub fn save(
        &self,
        index: u32,
        pixels: &DynamicImage,
        recipe: &Recipe,
    ) -> anyhow::Result<Saved> {
        let path = match self {
            Self::File { path, count } => numbered(path, index, *count),
            Self::Folder(folder) => folder.join(format!("{}.png", recipe.id)),
        };
        let png = match pixels {
            DynamicImage::ImageRgb8(rgb) => picture_file::encode_png(rgb, recipe),
            other => picture_file::encode_png_with_alpha(&other.to_rgba8(), recipe),
        };
        let png =
            png.map_err(|reason| anyhow::anyhow!("the picture cannot be encoded: {reason}"))?;
        match write_whole(&path, &png) {
            Ok(()) => Ok(Saved {
                path,
                trouble: None,
            }),
            Err(error) => rescue::keep(&png, &path, &error),
        }
    }
}

/// `boat.png` → `boat-1.png`, where there are several.
fn numbered(path: &Path, index: u32, count: u32) -> PathBuf {
    if count == 1 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{}.png", index + 1))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder_of(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    make_readable(&file)?;
    file.persist(path)?;
    Ok(())
}

/// Temporary files are private; a picture is as readable as any file that the user makes.
#[cfg(unix)]
fn make_readable(file: &tempfile::NamedTempFile) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file()
        .set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &tempfile::NamedTempFile) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn several_pictures_are_numbered_siblings() {
        let path = Path::new("out/my.boat.png");
        assert_eq!(numbered(path, 0, 1), path);
        assert_eq!(numbered(path, 0, 4), Path::new("out/my.boat-1.png"));
        assert_eq!(numbered(path, 3, 4), Path::new("out/my.boat-4.png"));
    }

    #[test]
    fn targets_are_checked_before_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(matches!(
            Target::new(&at("new/"), 1).unwrap(),
            Target::Folder(_)
        ));
        assert!(at("new").is_dir());
        assert!(matches!(
            Target::new(&at("other"), 1).unwrap(),
            Target::Folder(_)
        ));
        assert!(matches!(
            Target::new(&at("a.PNG"), 1).unwrap(),
            Target::File { .. }
        ));
        for (name, why) in [
            ("a.jpg", "name it .png"),
            ("no/such/a.png", "no such folder"),
        ] {
            let message = Target::new(&at(name), 1).unwrap_err().to_string();
            assert!(message.contains(why), "{message}");
        }
    }

    #[test]
    fn inputs_are_not_written_over_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("sub")).unwrap();
        for name in ["boat.png", "other.png", "boats-2.png"] {
            std::fs::write(at(name), name).unwrap();
        }
        std::fs::hard_link(at("boat.png"), at("hard.png")).unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("boat.png"), at("soft.png")).unwrap();
            std::os::unix::fs::symlink(folder.path(), at("sub/up")).unwrap();
        }
        let inputs = [at("boat.png"), at("boats-2.png"), at("gone.png")];
        let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
        let mut cases = vec![
            ("boat.png", 1, false),
            ("sub/../boat.png", 1, false),
            ("hard.png", 1, false),
            ("other.png", 1, true),
            ("new.png", 1, true),
            ("gone.png", 1, true),
            // Of several pictures it is the numbered names that count.
            ("boats.png", 1, true),
            ("boats.png", 2, false),
            ("boat.png", 2, true),
        ];
        if cfg!(unix) {
            cases.extend([("soft.png", 1, false), ("sub/up/boat.png", 1, false)]);
        }
        for (name, count, is_free) in cases {
            let target = Target::new(&at(name), count).unwrap();
            let found = target.spare(&inputs);
            assert_eq!(found.is_ok(), is_free, "{name} {count}");
            if let Err(error) = found {
                let message = error.to_string();
                assert!(message.contains("--force"), "{message}");
            }
        }
        let folder = Target::new(folder.path(), 1).unwrap();
        assert!(folder.spare(&inputs).is_ok());
    }

    #[test]
    fn a_given_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        write_whole(&path, b"first").unwrap();
        write_whole(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }
}
