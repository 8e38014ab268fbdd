use std::path::Path;

use super::{Listing, RemoteFile};

/// Which files of a listing a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// A folder of parts, as diffusers writes it.
    Folder(Vec<RemoteFile>),
    /// All in one.
    File(RemoteFile),
    /// One of these has to be named.
    OneOf(Vec<RemoteFile>),
    /// None that Limn can read.
    Nothing,
}

const INDEX: &str = "model_index.json";
/// Parts that no picture needs.
const UNREAD_FOLDERS: [&str; 1] = ["safety_checker"];

/// Chooses what is needed: the file that is named, or else the whole folder in half precision where there is that, or else
/// the only file.
pub fn choose(listing: &Listing, named: Option<&str>) -> Choice {
    let files = &listing.files;
    if let Some(named) = named {
        let found = files
            .iter()
            .find(|file| file.name == named && is_weights(&file.name));
        return found.map_or(Choice::Nothing, |file| Choice::File(file.clone()));
    }
    if files.iter().any(|file| file.name == INDEX) {
        return Choice::Folder(folder(files));
    }
    let weights: Vec<_> = files
        .iter()
        .filter(|file| is_weights(&file.name))
        .cloned()
        .collect();
    match weights.as_slice() {
        [] => Choice::Nothing,
        [only] => Choice::File(only.clone()),
        _ => Choice::OneOf(weights),
    }
}

fn is_weights(name: &str) -> bool {
    ends_with_any(name, &["safetensors", "sft"])
}

fn ends_with_any(name: &str, endings: &[&str]) -> bool {
    let ending = Path::new(name).extension();
    ending.is_some_and(|ending| {
        endings
            .iter()
            .any(|other| ending.eq_ignore_ascii_case(other))
    })
}

fn folder(files: &[RemoteFile]) -> Vec<RemoteFile> {
    let in_part = |file: &&RemoteFile| match file.name.split_once('/') {
        // Single files lie beside the folders, and are the same model once more.
        None => file.name == INDEX || file.name == "limn.json",
        Some((part, rest)) => !UNREAD_FOLDERS.contains(&part) && !rest.contains('/'),
    };
    let files: Vec<_> = files.iter().filter(in_part).collect();
    let is_half = |name: &str| name.contains(".fp16.") || name.contains(".fp16-");
    let has_half = |part: &str| {
        let mut names = files.iter().map(|file| file.name.as_str());
        names.any(|name| name.starts_with(part) && is_weights(name) && is_half(name))
    };
    let chosen = files.iter().filter(|file| {
        let name = file.name.as_str();
        let Some((part, rest)) = name.split_once('/') else {
            return true;
        };
        let prefix = format!("{part}/");
        if rest.ends_with(".safetensors.index.json")
            || rest.ends_with(".safetensors.index.fp16.json")
        {
            return has_half(&prefix) == rest.contains("fp16");
        }
        if is_weights(rest) {
            let is_other = [".non_ema.", ".bf16.", "openvino", "flax"]
                .iter()
                .any(|mark| rest.contains(mark));
            return !is_other && is_half(rest) == has_half(&prefix);
        }
        ends_with_any(rest, &["json", "txt", "model"])
    });
    chosen.map(|file| (*file).clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(names: &[&str]) -> Listing {
        let file = |name: &&str| RemoteFile {
            name: (*name).to_owned(),
            size: Some(1),
            checksum: None,
            url: String::new(),
        };
        Listing {
            title: "a/b".to_owned(),
            revision: "main".to_owned(),
            licence: None,
            files: names.iter().map(file).collect(),
        }
    }

    fn names(choice: &Choice) -> Vec<&str> {
        match choice {
            Choice::Folder(files) | Choice::OneOf(files) => {
                files.iter().map(|file| file.name.as_str()).collect()
            }
            Choice::File(file) => vec![&file.name],
            Choice::Nothing => Vec::new(),
        }
    }

    #[test]
    fn a_folder_is_taken_in_half_precision_and_without_what_is_not_read() {
        let all = [
            "README.md",
            "model_index.json",
            "sd_xl_base_1.0.safetensors",
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "text_encoder/model.safetensors",
            "text_encoder/model.fp16.safetensors",
            "text_encoder/pytorch_model.bin",
            "text_encoder/flax_model.msgpack",
            "text_encoder/openvino_model.bin",
            "tokenizer/merges.txt",
            "tokenizer/vocab.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.non_ema.safetensors",
            "unet/diffusion_pytorch_model.safetensors",
            "safety_checker/model.safetensors",
            "vae/config.json",
            "vae/diffusion_pytorch_model.safetensors",
        ];
        let choice = choose(&listing(&all), None);
        assert!(matches!(choice, Choice::Folder(_)));
        let expected = [
            "model_index.json",
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "text_encoder/model.fp16.safetensors",
            "tokenizer/merges.txt",
            "tokenizer/vocab.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.safetensors",
            "vae/config.json",
            "vae/diffusion_pytorch_model.safetensors",
        ];
        assert_eq!(names(&choice), expected);
        let choice = choose(&listing(&all), Some("sd_xl_base_1.0.safetensors"));
        assert_eq!(names(&choice), ["sd_xl_base_1.0.safetensors"]);
        assert_eq!(choose(&listing(&all), Some("README.md")), Choice::Nothing);
    }

    #[test]
    fn shards_come_with_their_index() {
        let half = [
            "unet/model.fp16-00001-of-00002.safetensors",
            "unet/model.fp16-00002-of-00002.safetensors",
        ];
        let all = [
            INDEX,
            "unet/config.json",
            "unet/model-00001-of-00003.safetensors",
            half[0],
            half[1],
            "unet/model.safetensors.index.json",
            "unet/model.safetensors.index.fp16.json",
        ];
        let expected = [
            INDEX,
            "unet/config.json",
            half[0],
            half[1],
            "unet/model.safetensors.index.fp16.json",
        ];
        assert_eq!(names(&choose(&listing(&all), None)), expected);
    }

    #[test]
    fn of_single_files_the_only_one_is_meant() {
        let one = listing(&["README.md", "sea.safetensors", "sea.ckpt"]);
        assert_eq!(names(&choose(&one, None)), ["sea.safetensors"]);
        let two = listing(&["a.safetensors", "b/c.sft"]);
        assert!(matches!(choose(&two, None), Choice::OneOf(_)));
        assert_eq!(names(&choose(&two, None)), ["a.safetensors", "b/c.sft"]);
        assert_eq!(choose(&listing(&["model.ckpt"]), None), Choice::Nothing);
    }
}
