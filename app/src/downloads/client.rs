use std::time::Duration;

use ureq::Agent;
use ureq::config::RedirectAuthHeaders;
use ureq::http::{Response, Uri};

use super::Error;

/// Set to anything but `0`, no connection is opened.
pub const OFFLINE_VARIABLE: &str = "LIMN_OFFLINE";
/// The hub's own variable, of the same meaning.
const HUB_OFFLINE_VARIABLE: &str = "HF_HUB_OFFLINE";

/// Whether Limn has to stay offline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offline(pub bool);

impl Offline {
    /// As the environment says.
    pub fn from_environment() -> Self {
        let is_set =
            |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        Self(is_set(OFFLINE_VARIABLE) || is_set(HUB_OFFLINE_VARIABLE))
    }
}

/// How long a server is waited for, and how often it is asked again.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub connect: Duration,
    /// For the next bytes.
    pub read: Duration,
    /// Tries in a row that bring nothing.
    pub n_vain_tries: u32,
    /// Tries in all: each brings something, or the former ends it.
    pub n_tries: u32,
    /// Before the second try, doubled from try to try.
    pub first_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(20),
            n_vain_tries: 5,
            n_tries: 200,
            first_pause: Duration::from_secs(1),
        }
    }
}

/// Opens connections, where that is allowed.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    pub(super) patience: Patience,
}

impl Client {
    /// # Errors
    /// [`Error::Offline`].
    pub fn new(offline: Offline, patience: Patience) -> Result<Self, Error> {
        if offline.0 {
            return Err(Error::Offline);
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("limn/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(patience.connect))
            .timeout_recv_response(Some(patience.read))
            .timeout_per_read(Some(patience.read))
            // A token is nobody's business but the host's that it is for.
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .build();
        Ok(Self {
            agent: Agent::new_with_config(config),
            patience,
        })
    }

    /// One request, without a second try.
    ///
    /// # Errors
    /// [`Error::NoLink`] for an address that is not of the web, or unprotected and not of this machine;
    /// [`Error::Unreachable`]. Any status is an answer.
    pub(super) fn get(
        &self,
        url: &str,
        headers: &[(&str, String)],
    ) -> Result<Response<ureq::Body>, Error> {
        check(url)?;
        let mut request = self.agent.get(url);
        // What is compressed on the way has another length and cannot be gone on with.
        request = request.header("accept-encoding", "identity");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request
            .call()
            .map_err(|error| Error::unreachable(host_of(url), error))
    }
}

/// Only the web, and unprotected only what cannot leave the machine.
fn check(url: &str) -> Result<(), Error> {
    let uri: Uri = url
        .parse()
        .map_err(|_| Error::NoLink("it is no address".to_owned()))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) | (Some("http"), Some("127.0.0.1" | "localhost" | "[::1]")) => {
            Ok(())
        }
        (Some("http"), Some(_)) => Err(Error::NoLink("http is not protected".to_owned())),
        _ => Err(Error::NoLink("it does not begin with https".to_owned())),
    }
}

/// With its port; empty where there is none.
pub(super) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}
