use std::path::{Path, PathBuf};

use anyhow::bail;
use image::DynamicImage;

use super::rescue::{self, Saved};
use crate::files::{Existing, RealFs, create_dirs, remedy, sweep, write_atomically};
use crate::gallery::layout::is_among_pictures;
use crate::gallery::{picture_file, recipe::Recipe};

/// A picture would take the place of one that it is made from.
#[derive(Debug, thiserror::Error)]
#[error("--out would replace a file that is read: give it another name, or add --force: {}", path.display())]
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
    /// Checked before anything is computed. What a killed Limn left half written there goes.
    ///
    /// # Errors
    /// For a name that is not a PNG's, and for a folder that cannot be written to.
    pub fn new(out: &Path, count: u32) -> anyhow::Result<Self> {
        let ends_as_folder = out.to_string_lossy().ends_with(std::path::is_separator);
        let Some(extension) = out.extension().filter(|_| !ends_as_folder && !out.is_dir()) else {
            refuse_gallery(&out.join("any"))?;
            create_dirs(&RealFs, out).map_err(|error| {
                let remedy = remedy(&error);
                anyhow::anyhow!(
                    "the folder cannot be made ({error}): {remedy}: {}",
                    out.display()
                )
            })?;
            sweep(&RealFs, out);
            return Ok(Self::Folder(out.to_owned()));
        };
        if !extension.eq_ignore_ascii_case("png") {
            bail!("pictures are PNG files: name it .png: {}", out.display());
        }
        let folder = folder_of(out);
        if !folder.is_dir() {
            bail!("there is no such folder: {}", folder.display());
        }
        refuse_gallery(out)?;
        sweep(&RealFs, folder);
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
        match write_atomically(&RealFs, &path, &png, Existing::Replace) {
            Ok(()) => Ok(Saved {
                path,
                trouble: None,
            }),
            Err(error) => rescue::keep(&png, &path, &error),
        }
    }
}

/// With or without leave to replace: a picture of a gallery would be lost.
fn refuse_gallery(out: &Path) -> anyhow::Result<()> {
    if is_among_pictures(out) {
        bail!(
            "a gallery keeps its pictures there: name another folder with --out: {}",
            out.display()
        );
    }
    Ok(())
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
}
