//! Whole models from a hub on this machine.

use limn::downloads::{
    Checksum, Choice, Error, Hub, Link, ModelDownload, ModelProgress, Receipt, Verdict, choose,
    verify,
};
use sha1::Digest as _;

use super::server::{Answer, Asked, Server, file};
use super::{client, content, names, sha256};

const NAME: &str = "sea/boats";

fn git(bytes: &[u8]) -> Checksum {
    let mut hash = sha1::Sha1::new();
    hash.update(format!("blob {}\0", bytes.len()));
    hash.update(bytes);
    Checksum::Git(hash.finalize().into())
}

/// Two pages of a list, the second with names that are not safe.
fn answer(asked: &Asked, weights: &[u8], port_url: &str) -> Answer {
    let config = b"{}";
    match asked.path.as_str() {
        "/api/models/sea/boats/revision/main" => {
            Answer::json(r#"{"sha": "c0ffee", "cardData": {"license": "apache-2.0"}}"#)
        }
        "/api/models/sea/boats/tree/c0ffee?recursive=true" => Answer::json(&format!(
            r#"[{{"type": "directory", "path": "unet"}},
                {{"type": "file", "path": "model_index.json", "size": 2, "oid": "{}"}},
                {{"type": "file", "path": "unet/config.json", "size": 2, "oid": "{}"}}]"#,
            git(config).as_text(),
            git(config).as_text()
        ))
        .with("Link", format!("<{port_url}/page2>; rel=\"next\"")),
        "/page2" => Answer::json(&format!(
            r#"[{{"type": "file", "path": "unet/diffusion_pytorch_model.safetensors", "size": 135, "oid": "pointer",
                  "lfs": {{"oid": "{}", "size": {}}}}},
                {{"type": "file", "path": "../../.bashrc", "size": 2, "oid": "x"}},
                {{"type": "file", "path": "unet/C:\\evil.json", "size": 2}}]"#,
            sha256(weights).as_text(),
            weights.len()
        )),
        path if path.contains("safetensors") => file(asked, weights, "\"weights\""),
        path if path.contains("json") => file(asked, config, "\"config\""),
        _ => Answer::status(404),
    }
}

fn hub_with(weights: Vec<u8>) -> Server {
    // Known once it is bound: whoever asks says it.
    Server::start(move |asked| {
        let url = format!("http://{}", asked.header("host").unwrap_or_default());
        answer(asked, &weights, &url)
    })
}

fn download(hub: &Hub) -> ModelDownload {
    let listing = hub.list(&Link::parse(NAME).unwrap()).unwrap();
    assert_eq!(
        (listing.revision.as_str(), listing.licence.as_deref()),
        ("c0ffee", Some("apache-2.0"))
    );
    let Choice::Folder(files) = choose(&listing, None) else {
        panic!("{listing:?}");
    };
    assert_eq!(files.len(), 3, "what is not safe is not offered: {files:?}");
    ModelDownload::of_folder(listing, files)
}

#[test]
fn a_model_is_fetched_file_by_file_and_can_be_verified() {
    let weights = content(30);
    let server = hub_with(weights.clone());
    let hub = Hub::at(client(), &server.url(""), Some("secret"));
    let library = tempfile::tempdir().unwrap();
    let download = download(&hub);
    // Stopped in the middle, once.
    let mut stop = |progress: ModelProgress| progress.n_files_done < 2;
    assert!(matches!(
        download.run(&hub, library.path(), &mut stop),
        Err(Error::Stopped)
    ));
    assert_eq!(
        names(library.path()),
        [".downloads"],
        "nothing that looks like a model"
    );
    let mut seen = Vec::new();
    let model = download.run(&hub, library.path(), &mut |progress| {
        seen.push(progress);
        true
    });
    let model = model.unwrap();
    let last = seen.last().unwrap();
    assert_eq!(
        (last.n_bytes, last.total_bytes, last.n_files),
        (100_004, 100_004, 3)
    );
    assert!(seen.is_sorted_by_key(|progress| progress.n_bytes));
    assert_eq!(
        names(&model),
        [".limn-download.json", "model_index.json", "unet"]
    );
    assert!(
        std::fs::read(model.join("unet/diffusion_pytorch_model.safetensors")).unwrap() == weights
    );
    assert!(
        server
            .asked()
            .iter()
            .all(|asked| asked.header("authorization") == Some("Bearer secret"))
    );

    let receipt = Receipt::of(&model).unwrap();
    let verdicts = || {
        let mut verdicts = Vec::new();
        verify(&model, &receipt, |_, verdict| verdicts.push(verdict)).unwrap();
        verdicts
    };
    assert_eq!(verdicts(), [Verdict::Right; 3]);
    std::fs::write(model.join("unet/config.json"), "{ }").unwrap();
    std::fs::remove_file(model.join("model_index.json")).unwrap();
    assert_eq!(
        verdicts(),
        [Verdict::Missing, Verdict::Changed, Verdict::Right]
    );
}

#[test]
fn a_hash_that_is_wrong_leaves_no_model() {
    let announced = content(31);
    let server = Server::start(move |asked| {
        let url = format!("http://{}", asked.header("host").unwrap_or_default());
        if asked.path.ends_with(".safetensors") {
            return file(asked, &content(32), "\"other\"");
        }
        answer(asked, &announced, &url)
    });
    let hub = Hub::at(client(), &server.url(""), None);
    let library = tempfile::tempdir().unwrap();
    let result = download(&hub).run(&hub, library.path(), &mut |_| true);
    assert!(matches!(result, Err(Error::Wrong { .. })), "{result:?}");
    assert_eq!(names(library.path()), [".downloads"]);
}

#[test]
fn more_than_the_disk_has_is_refused_before_anything_is_fetched() {
    let server = hub_with(content(33));
    let hub = Hub::at(client(), &server.url(""), None);
    let listing = hub.list(&Link::parse(NAME).unwrap()).unwrap();
    let Choice::Folder(mut files) = choose(&listing, None) else {
        panic!("{listing:?}");
    };
    files[0].size = Some(1 << 60);
    let n_asked = server.asked().len();
    let library = tempfile::tempdir().unwrap();
    let result = ModelDownload::of_folder(listing, files).run(&hub, library.path(), &mut |_| true);
    assert!(matches!(result, Err(Error::NoRoom { .. })), "{result:?}");
    assert_eq!(server.asked().len(), n_asked);
}

#[test]
fn lists_that_are_none_are_told() {
    for (answer, is_right) in [
        (
            Answer::json("[1, 2"),
            (|error| matches!(error, Error::BadAnswer { .. })) as fn(&Error) -> bool,
        ),
        (Answer::of(200, b"<html>"), |error| {
            matches!(error, Error::BadAnswer { .. })
        }),
        (Answer::status(401), |error| {
            matches!(error, Error::Forbidden { .. })
        }),
        (Answer::status(404), |error| {
            matches!(error, Error::NotFound { .. })
        }),
        (Answer::status(503), |error| {
            matches!(error, Error::Refused { status: 503, .. })
        }),
    ] {
        let server = Server::start(move |_| answer.clone());
        let hub = Hub::at(client(), &server.url(""), None);
        let error = hub.list(&Link::parse(NAME).unwrap()).unwrap_err();
        assert!(is_right(&error), "{error}");
    }
}

/// A list of pages without end, and a next page at another host.
#[test]
fn pages_lead_to_the_same_host_and_end() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/api/models/sea/boats/revision/main" => Answer::json("{}"),
        _ => {
            let url = format!("http://{}/more", asked.header("host").unwrap_or_default());
            Answer::json("[]").with("Link", format!("<{url}>; rel=\"next\""))
        }
    });
    let hub = Hub::at(client(), &server.url(""), Some("secret"));
    assert_eq!(hub.list(&Link::parse(NAME).unwrap()).unwrap().files, []);
    assert_eq!(server.asked().len(), 51);
    let other = Server::start(|_| Answer::json("[]"));
    let to = other.url_elsewhere("/more");
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/api/models/sea/boats/revision/main" => Answer::json("{}"),
        _ => Answer::json("[]").with("Link", format!("<{to}>; rel=\"next\"")),
    });
    let hub = Hub::at(client(), &server.url(""), Some("secret"));
    hub.list(&Link::parse(NAME).unwrap()).unwrap();
    assert_eq!(other.asked().len(), 0);
}

#[test]
fn a_model_of_civitai_is_its_newest_version() {
    let weights = content(34);
    let hash = sha256(&weights).as_text().to_uppercase();
    let server = Server::start(move |asked| {
        let host = asked.header("host").unwrap_or_default();
        match asked.path.as_str() {
            "/api/v1/models/7" => Answer::json(r#"{"modelVersions": [{"id": 12}, {"id": 11}]}"#),
            "/api/v1/model-versions/12" => Answer::json(&format!(
                r#"{{"id": 12, "name": "v2", "model": {{"name": "Boats / by sea"}}, "files": [
                    {{"name": "boats.safetensors", "sizeKB": 97.65, "downloadUrl": "http://{host}/download/12", "hashes": {{"SHA256": "{hash}"}}}},
                    {{"name": "../boats.pt", "downloadUrl": "http://{host}/download/13"}}]}}"#
            )),
            "/download/12" => file(asked, &weights, "\"boats\""),
            _ => Answer::status(404),
        }
    });
    let hub = Hub::at(client(), &server.url(""), None);
    let link = Link::Civitai {
        model: Some(7),
        version: None,
    };
    let listing = hub.list(&link).unwrap();
    let Choice::File(file) = choose(&listing, None) else {
        panic!("{listing:?}");
    };
    let library = tempfile::tempdir().unwrap();
    let model = ModelDownload::of_file(listing, file)
        .run(&hub, library.path(), &mut |_| true)
        .unwrap();
    assert_eq!(model.file_name().unwrap(), "boats.safetensors");
    let receipt = Receipt::of(&model).unwrap();
    assert_eq!(
        (receipt.title.as_str(), receipt.files.len()),
        ("Boats / by sea", 1)
    );
    verify(&model, &receipt, |_, verdict| {
        assert_eq!(verdict, Verdict::Right);
    })
    .unwrap();
}
