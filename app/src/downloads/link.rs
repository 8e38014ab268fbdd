use super::Error;
use super::remote_name::local_path;

/// What a user pastes or types to say which model is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// On Hugging Face: `owner/name`, and which state and file of it.
    Repository {
        name: String,
        revision: Option<String>,
        file: Option<String>,
    },
    /// On Civitai, by the number of the model or of one of its versions.
    Civitai {
        model: Option<u64>,
        version: Option<u64>,
    },
    /// A file anywhere, by its address.
    File { url: String, name: String },
}

const HUB_HOSTS: [&str; 3] = ["huggingface.co", "www.huggingface.co", "hf.co"];
const CIVITAI_HOSTS: [&str; 3] = ["civitai.com", "www.civitai.com", "civitai.green"];
const ENDINGS: [&str; 2] = [".safetensors", ".sft"];
/// Between a repository's name and a revision, in the addresses of its pages.
const PAGES: [&str; 4] = ["tree", "blob", "resolve", "raw"];
const MAX_BYTES: usize = 2048;

impl Link {
    /// # Errors
    /// [`Error::NoLink`] with the reason.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let refused = |reason: &str| Err(Error::NoLink(reason.to_owned()));
        if text.is_empty() {
            return refused("it is empty");
        }
        if text.len() > MAX_BYTES || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return refused("it is more than one address");
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            let text = text.strip_prefix("hf:").unwrap_or(text);
            for host in HUB_HOSTS {
                if let Some(path) = text
                    .strip_prefix(host)
                    .and_then(|rest| rest.strip_prefix('/'))
                {
                    return Self::of_hub(path);
                }
            }
            return Self::of_hub(text);
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = host.to_ascii_lowercase();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = path.split('#').next().unwrap_or_default();
        if HUB_HOSTS.contains(&host.as_str()) {
            return Self::of_hub(path);
        }
        if CIVITAI_HOSTS.contains(&host.as_str()) {
            return Self::of_civitai(path, query);
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        if !matches!(scheme, "https" | "http") {
            return refused("it does not begin with https");
        }
        if !ENDINGS.iter().any(|ending| name.ends_with(ending)) || local_path(name).is_none() {
            return refused("it does not end with the name of a .safetensors file");
        }
        Ok(Self::File {
            url: text.to_owned(),
            name: name.to_owned(),
        })
    }

    /// `owner/name`, with `@revision` or the rest of a page's address behind it.
    fn of_hub(path: &str) -> Result<Self, Error> {
        let refused = |reason: &str| Err(Error::NoLink(reason.to_owned()));
        let path = path
            .strip_prefix("models/")
            .unwrap_or(path)
            .trim_end_matches('/');
        let mut parts = path.split('/');
        let (Some(owner), Some(name)) = (parts.next(), parts.next()) else {
            return refused("there is no `owner/name` in it");
        };
        let (name, at) = name
            .split_once('@')
            .map_or((name, None), |(name, at)| (name, Some(at)));
        if !is_hub_name(owner) || !is_hub_name(name) {
            return refused("it names no repository");
        }
        if matches!(
            owner,
            "datasets" | "spaces" | "docs" | "collections" | "api"
        ) {
            return refused("it is no model's page");
        }
        let rest: Vec<&str> = parts.collect();
        let (revision, file) = match rest.as_slice() {
            [page, revision, file @ ..] if PAGES.contains(page) => (Some(*revision), file),
            ["discussions" | "commits" | "commit", ..] => (None, &[][..]),
            file => (at, file),
        };
        let file = (!file.is_empty()).then(|| file.join("/"));
        if file
            .as_deref()
            .is_some_and(|file| local_path(file).is_none())
        {
            return refused("its file has a name that is not safe here");
        }
        // Of branches with a slash the page's address has it quoted.
        let revision = revision.map(|revision| revision.replace("%2F", "/"));
        if revision
            .as_deref()
            .is_some_and(|revision| !is_revision(revision))
        {
            return refused("it names no branch");
        }
        Ok(Self::Repository {
            name: format!("{owner}/{name}"),
            revision,
            file,
        })
    }

    fn of_civitai(path: &str, query: &str) -> Result<Self, Error> {
        let number = |text: &str| text.parse::<u64>().ok();
        let version = query.split('&').find_map(|pair| {
            let value = pair.strip_prefix("modelVersionId=")?;
            number(value)
        });
        let parts: Vec<&str> = path.split('/').collect();
        let (model, version) = match parts.as_slice() {
            ["models", model, ..] => (number(model), version),
            ["api", "download", "models", version, ..] => (None, number(version)),
            _ => (None, version),
        };
        if model.is_none() && version.is_none() {
            return Err(Error::NoLink("it is no model's page".to_owned()));
        }
        Ok(Self::Civitai { model, version })
    }
}

fn is_hub_name(name: &str) -> bool {
    const MAX_BYTES: usize = 96;
    let is_sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty()
        && name.len() <= MAX_BYTES
        && name.chars().all(is_sound)
        && !name.starts_with(['.', '-'])
        && !name.contains("..")
}

fn is_revision(revision: &str) -> bool {
    !revision.is_empty() && revision.split('/').all(is_hub_name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn repository(name: &str, revision: Option<&str>, file: Option<&str>) -> Link {
        Link::Repository {
            name: name.to_owned(),
            revision: revision.map(str::to_owned),
            file: file.map(str::to_owned),
        }
    }

    #[test]
    fn what_people_paste_is_understood() {
        let sd = "stable-diffusion-v1-5/stable-diffusion-v1-5";
        let file = "v1-5-pruned-emaonly.safetensors";
        for (text, expected) in [
            (sd.to_owned(), repository(sd, None, None)),
            (format!("  {sd}\n"), repository(sd, None, None)),
            (format!("hf:{sd}@fp16"), repository(sd, Some("fp16"), None)),
            (format!("huggingface.co/{sd}/"), repository(sd, None, None)),
            (
                format!("https://huggingface.co/{sd}"),
                repository(sd, None, None),
            ),
            (
                format!("https://huggingface.co/{sd}/tree/main"),
                repository(sd, Some("main"), None),
            ),
            (
                format!("https://hf.co/{sd}/tree/refs%2Fpr%2F3"),
                repository(sd, Some("refs/pr/3"), None),
            ),
            (
                format!("https://huggingface.co/{sd}/blob/main/{file}"),
                repository(sd, Some("main"), Some(file)),
            ),
            (
                format!("https://huggingface.co/{sd}/resolve/main/{file}?download=true"),
                repository(sd, Some("main"), Some(file)),
            ),
            (format!("{sd}/{file}"), repository(sd, None, Some(file))),
            (
                format!("https://huggingface.co/{sd}/discussions/7"),
                repository(sd, None, None),
            ),
            (
                "https://civitai.com/models/4201/realistic-vision?modelVersionId=130072".to_owned(),
                Link::Civitai {
                    model: Some(4201),
                    version: Some(130_072),
                },
            ),
            (
                "https://civitai.com/models/4201".to_owned(),
                Link::Civitai {
                    model: Some(4201),
                    version: None,
                },
            ),
            (
                "https://civitai.com/api/download/models/130072?type=Model&format=SafeTensor"
                    .to_owned(),
                Link::Civitai {
                    model: None,
                    version: Some(130_072),
                },
            ),
            (
                "https://example.org/files/sea.safetensors?token=1".to_owned(),
                Link::File {
                    url: "https://example.org/files/sea.safetensors?token=1".to_owned(),
                    name: "sea.safetensors".to_owned(),
                },
            ),
        ] {
            assert_eq!(Link::parse(&text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_model_is_refused() {
        for text in [
            "",
            "sdxl",
            "two words/here",
            "https://example.org/",
            "https://example.org/model.ckpt",
            "ftp://example.org/a.safetensors",
            "https://huggingface.co/datasets/a/b",
            "https://huggingface.co/spaces/a/b",
            "a/../b",
            "../a",
            "a/b/../../c",
            "https://huggingface.co/a/b/blob/main/../../x.safetensors",
            "https://civitai.com/user/x",
            "a/b@../x",
            "a\n/b",
            "file:///etc/passwd",
            "https://example.org/..%2f/.safetensors",
        ] {
            assert!(matches!(Link::parse(text), Err(Error::NoLink(_))), "{text}");
        }
    }
}
