use std::path::PathBuf;

/// The longest that every file system takes, with room for what is appended while it is received.
const MAX_PART_BYTES: usize = 200;
const MAX_DEPTH: usize = 8;

/// A path in a repository as one within a folder here; `None` where it would leave the folder, or be hidden, or no name on
/// some system.
pub(super) fn local_path(name: &str) -> Option<PathBuf> {
    let parts: Vec<&str> = name.split('/').collect();
    let is_sound = parts.len() <= MAX_DEPTH && parts.iter().all(|part| is_file_name(part));
    is_sound.then(|| parts.iter().collect())
}

fn is_file_name(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default();
    !part.is_empty()
        && part.len() <= MAX_PART_BYTES
        && !part.starts_with(['.', ' ', '-'])
        && !part.ends_with(['.', ' '])
        && part.chars().all(|c| !c.is_control() && !is_forbidden(c))
        && !is_device(stem)
}

fn is_forbidden(c: char) -> bool {
    matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        // What is not seen, or turns the direction of what follows.
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Names that Windows gives to devices, with whatever ending.
fn is_device(stem: &str) -> bool {
    let stem = stem.trim_end().to_ascii_uppercase();
    let numbered = |prefix| {
        let number = stem.strip_prefix(prefix);
        number.is_some_and(|number| number.len() == 1 && number != "0")
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_within_the_folder() {
        for name in [
            "a.safetensors",
            "unet/diffusion_pytorch_model.fp16.safetensors",
            "a b/ü.json",
            "COM10/x",
            "console",
        ] {
            assert!(local_path(name).is_some(), "{name}");
        }
        let long = "x".repeat(201);
        let deep = "a/".repeat(8) + "a";
        for name in [
            "",
            "/etc/passwd",
            "..",
            "../a",
            "a/../b",
            "a//b",
            "a/",
            "./a",
            ".bashrc",
            "a/.git/config",
            "C:\\a",
            "a\\b",
            "c:a",
            "a\nb",
            "a\u{0}b",
            "a\u{202e}b",
            "nul",
            "NUL.txt",
            "con.json",
            "a/lpt1",
            "a.",
            "a ",
            "-rf",
            &long,
            &deep,
        ] {
            assert_eq!(local_path(name), None, "{name}");
        }
    }
}
