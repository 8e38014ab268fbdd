//! What a repository of Hugging Face holds, and a model of Civitai: names, sizes and hashes before anything is fetched.

use std::fmt::Write as _;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::http::header;

use super::client::host_of;
use super::remote_name::local_path;
use super::{Client, Error, Link, Wanted};

/// What tells that a file is the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    Sha256([u8; 32]),
    /// Git's own, of small files: SHA-1 over a header with the size and the content.
    Git([u8; 20]),
}

impl Checksum {
    /// By its length, as the hub's lists and etags have it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches("sha256:");
        match text.len() {
            64 => Some(Self::Sha256(bytes(text)?)),
            40 => Some(Self::Git(bytes(text)?)),
            _ => None,
        }
    }

    pub fn as_text(self) -> String {
        let bytes: &[u8] = match &self {
            Self::Sha256(bytes) => bytes,
            Self::Git(bytes) => bytes,
        };
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// A file that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its path in the repository, safe as one here.
    pub name: String,
    pub size: Option<u64>,
    pub checksum: Option<Checksum>,
    pub url: String,
}

/// What is there of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// What it is called there.
    pub title: String,
    /// What the files are of: they do not change while they are fetched.
    pub revision: String,
    pub licence: Option<String>,
    pub files: Vec<RemoteFile>,
}

/// Where models are looked for.
#[derive(Debug, Clone)]
pub struct Hub {
    client: Client,
    endpoint: String,
    civitai: String,
    token: Option<String>,
    civitai_token: Option<String>,
}

const ENDPOINT: &str = "https://huggingface.co";
const CIVITAI: &str = "https://civitai.com";
const MAX_ANSWER_BYTES: u64 = 16 << 20;
const MAX_PAGES: usize = 50;
const MAX_FILES: usize = 20_000;

impl Hub {
    /// The hub of the environment: `HF_ENDPOINT`; `HF_TOKEN`, or the file that the hub's own programs keep it in;
    /// `CIVITAI_TOKEN`.
    pub fn from_environment(client: Client) -> Self {
        let text = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
        Self {
            client,
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            civitai: text("CIVITAI_ENDPOINT").unwrap_or_else(|| CIVITAI.to_owned()),
            token: text("HF_TOKEN").or_else(kept_token),
            civitai_token: text("CIVITAI_TOKEN"),
        }
    }

    /// With a mirror in the hub's place.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: Option<&str>) -> Self {
        if let Some(endpoint) = endpoint {
            endpoint
                .trim_end_matches('/')
                .clone_into(&mut self.endpoint);
        }
        self
    }

    /// One at another address, for both kinds of links.
    pub fn at(client: Client, endpoint: &str, token: Option<&str>) -> Self {
        Self {
            client,
            endpoint: endpoint.to_owned(),
            civitai: endpoint.to_owned(),
            token: token.map(str::to_owned),
            civitai_token: token.map(str::to_owned),
        }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Asks what is behind a link.
    ///
    /// # Errors
    /// What the server answers, or that it does not.
    pub fn list(&self, link: &Link) -> Result<Listing, Error> {
        match link {
            Link::Repository { name, revision, .. } => self.repository(name, revision.as_deref()),
            Link::Civitai { model, version } => self.version(*model, *version),
            Link::File { url, name } => Ok(Listing {
                title: name.clone(),
                revision: String::new(),
                licence: None,
                files: vec![RemoteFile {
                    name: name.clone(),
                    size: None,
                    checksum: None,
                    url: url.clone(),
                }],
            }),
        }
    }

    /// What it takes to fetch a file.
    pub fn wanted(&self, file: &RemoteFile) -> Wanted {
        let host = host_of(&file.url);
        let token = if host == host_of(&self.endpoint) {
            &self.token
        } else if host == host_of(&self.civitai) {
            &self.civitai_token
        } else {
            &None
        };
        Wanted {
            url: file.url.clone(),
            size: file.size,
            checksum: file.checksum,
            token: token.clone(),
        }
    }

    fn repository(&self, name: &str, revision: Option<&str>) -> Result<Listing, Error> {
        let revision = revision.unwrap_or("main").replace('/', "%2F");
        let api = format!("{}/api/models/{name}", self.endpoint);
        let (about, _) = self.ask::<About>(&format!("{api}/revision/{revision}"), name)?;
        let sha = about.sha.unwrap_or(revision);
        let mut files = Vec::new();
        let mut next = Some(format!("{api}/tree/{sha}?recursive=true"));
        for _ in 0..MAX_PAGES {
            let Some(url) = next.take() else { break };
            let (entries, link) = self.ask::<Vec<Entry>>(&url, name)?;
            files.extend(
                entries
                    .into_iter()
                    .filter_map(|entry| self.file(name, &sha, entry)),
            );
            // To the same host alone: the list is asked for with a token.
            next = link.filter(|url| host_of(url) == host_of(&self.endpoint));
            if files.len() > MAX_FILES {
                return Err(Error::bad_answer(
                    host_of(&self.endpoint),
                    "its list has no end",
                ));
            }
        }
        Ok(Listing {
            title: name.to_owned(),
            revision: sha,
            licence: about
                .card_data
                .and_then(|card| card.license)
                .and_then(OneOrMany::first),
            files,
        })
    }

    /// What has a name that is safe here.
    fn file(&self, name: &str, sha: &str, entry: Entry) -> Option<RemoteFile> {
        if entry.kind != "file" {
            return None;
        }
        local_path(&entry.path)?;
        let (size, hash) = match entry.lfs {
            Some(lfs) => (lfs.size.or(entry.size), Some(lfs.oid)),
            None => (entry.size, entry.oid),
        };
        Some(RemoteFile {
            url: format!(
                "{}/{name}/resolve/{sha}/{}",
                self.endpoint,
                quoted(&entry.path)
            ),
            checksum: hash.and_then(|hash| Checksum::parse(&hash)),
            name: entry.path,
            size,
        })
    }

    fn version(&self, model: Option<u64>, version: Option<u64>) -> Result<Listing, Error> {
        let api = format!("{}/api/v1", self.civitai);
        let version = match (model, version) {
            (_, Some(version)) => version,
            (Some(model), None) => {
                let (model, _) =
                    self.ask::<CivitaiModel>(&format!("{api}/models/{model}"), "such model")?;
                let newest = model.model_versions.first().map(|version| version.id);
                newest
                    .ok_or_else(|| Error::of_status(host_of(&self.civitai), "version of it", 404))?
            }
            (None, None) => return Err(Error::NoLink("it names no model".to_owned())),
        };
        let (version, _) =
            self.ask::<CivitaiVersion>(&format!("{api}/model-versions/{version}"), "such version")?;
        let files = version.files.into_iter().filter_map(|file| {
            local_path(&file.name)?;
            Some(RemoteFile {
                checksum: file.hashes.sha256.and_then(|hash| Checksum::parse(&hash)),
                name: file.name,
                // Told in fractions of a kilobyte: the file's own answer is exact.
                size: None,
                url: file.download_url?,
            })
        });
        Ok(Listing {
            title: version.model.map_or(version.name, |model| model.name),
            revision: version.id.to_string(),
            licence: None,
            files: files.collect(),
        })
    }

    /// Asks for JSON; with it where the next page is.
    fn ask<T: DeserializeOwned>(
        &self,
        url: &str,
        what: &str,
    ) -> Result<(T, Option<String>), Error> {
        let host = host_of(url);
        let token = if host == host_of(&self.endpoint) {
            &self.token
        } else {
            &self.civitai_token
        };
        let headers: Vec<_> = token
            .iter()
            .map(|token| ("authorization", format!("Bearer {token}")))
            .collect();
        let patience = self.client.patience;
        let mut pause = patience.first_pause;
        let mut n_tries = 0;
        let answer = loop {
            n_tries += 1;
            let is_last = n_tries >= patience.n_vain_tries;
            match self.client.get(url, &headers) {
                Ok(answer)
                    if matches!(answer.status().as_u16(), 408 | 429 | 500..=599) && !is_last => {}
                Err(Error::Unreachable { .. }) if !is_last => {}
                answer => break answer?,
            }
            std::thread::sleep(pause);
            pause *= 2;
        };
        let status = answer.status().as_u16();
        if status != 200 {
            let code = answer
                .headers()
                .get("x-error-code")
                .and_then(|code| code.to_str().ok());
            // Whoever is not known is told the same of what is private and of what is not there.
            let status = if code == Some("RepoNotFound") && token.is_some() {
                404
            } else {
                status
            };
            return Err(Error::of_status(host, what, status));
        }
        let link = answer
            .headers()
            .get(header::LINK)
            .and_then(|link| link.to_str().ok());
        let next = link.and_then(next_page);
        let mut body = answer.into_body();
        let bytes = body
            .with_config()
            .limit(MAX_ANSWER_BYTES)
            .read_to_vec()
            .map_err(|error| Error::unreachable(host, error))?;
        let parsed = serde_json::from_slice(&bytes);
        parsed
            .map(|parsed| (parsed, next))
            .map_err(|_| Error::bad_answer(host, "its list is not what was agreed on"))
    }
}

/// What the hub's own programs were logged in with.
fn kept_token() -> Option<String> {
    let path = std::env::var_os("HF_TOKEN_PATH")
        .map(std::path::PathBuf::from)
        .or_else(|| {
            let home = std::env::var_os("HF_HOME").map(std::path::PathBuf::from);
            let home = home.or_else(|| {
                Some(
                    directories::BaseDirs::new()?
                        .home_dir()
                        .join(".cache/huggingface"),
                )
            });
            Some(home?.join("token"))
        })?;
    let bytes = crate::files::read_named(&path, 4096).ok()?;
    let token = String::from_utf8(bytes).ok()?.trim().to_owned();
    (!token.is_empty() && token.chars().all(|c| c.is_ascii_graphic())).then_some(token)
}

/// `<url>; rel="next"`.
fn next_page(link: &str) -> Option<String> {
    link.split(',').find_map(|part| {
        let (url, rel) = part.split_once(';')?;
        let url = url.trim().strip_prefix('<')?.strip_suffix('>')?;
        rel.contains("rel=\"next\"").then(|| url.to_owned())
    })
}

/// A path as a part of an address.
fn quoted(path: &str) -> String {
    path.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(byte as char);
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[derive(Deserialize)]
struct About {
    sha: Option<String>,
    #[serde(rename = "cardData")]
    card_data: Option<CardData>,
}

#[derive(Deserialize)]
struct CardData {
    license: Option<OneOrMany>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn first(self) -> Option<String> {
        match self {
            Self::One(text) => Some(text),
            Self::Many(texts) => texts.into_iter().next(),
        }
    }
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    size: Option<u64>,
    oid: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    oid: String,
    size: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CivitaiModel {
    model_versions: Vec<CivitaiNumber>,
}

#[derive(Deserialize)]
struct CivitaiNumber {
    id: u64,
}

#[derive(Deserialize)]
struct CivitaiVersion {
    id: u64,
    name: String,
    model: Option<CivitaiName>,
    files: Vec<CivitaiFile>,
}

#[derive(Deserialize)]
struct CivitaiName {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CivitaiFile {
    name: String,
    download_url: Option<String>,
    #[serde(default)]
    hashes: CivitaiHashes,
}

#[derive(Deserialize, Default)]
struct CivitaiHashes {
    #[serde(rename = "SHA256")]
    sha256: Option<String>,
}
