//! Lists the built-in model's files for the binary: `assets/doodle/` without its recipe.
//!
//! Where the folder has no model yet the list is empty, and the program has no built-in model.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let assets = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../assets");
    let model = assets.join("doodle");
    let watched = if model.is_dir() { &model } else { &assets };
    println!("cargo::rerun-if-changed={}", watched.display());

    let is_wanted = env::var_os("CARGO_FEATURE_EMBED_DOODLE").is_some();
    let mut files = Vec::new();
    if is_wanted && model.join("model_index.json").is_file() {
        collect(&model, "", &mut files)?;
        files.sort();
    }
    let list: String = files.iter().map(File::to_string).collect();
    let code = format!("const DOODLE_FILES: &[EmbeddedFile] = &[\n{list}];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("doodle.rs"), code)?;
    Ok(())
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct File {
    /// Within the model's folder, with `/`.
    name: String,
    path: PathBuf,
}

impl fmt::Display for File {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            formatter,
            "    ({:?}, include_bytes!({:?})),",
            self.name,
            self.path.to_string_lossy()
        )
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<File>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(file_name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let name = format!("{prefix}{file_name}");
        if path.is_dir() {
            if name != "recipe" {
                collect(&path, &format!("{name}/"), files)?;
            }
        } else {
            files.push(File { name, path });
        }
    }
    Ok(())
}
