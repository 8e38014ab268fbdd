//! Whatever the server and the network do: the right file, or none.

use std::time::Duration;

use limn::downloads::{Client, Error, Offline, fetch};

use super::server::{Answer, Asked, Server, file};
use super::{Bench, PATIENCE, client, content, names};

const ETAG: &str = "\"one\"";

#[test]
fn a_cut_at_any_byte_is_gone_on_with() {
    let whole = content(1);
    for n_bytes in [700, 4096, 33_333, 65_536, 99_999, 100_000] {
        let served = whole.clone();
        let server = Server::start(move |asked| file(asked, &served, ETAG).cut(n_bytes));
        let bench = Bench::new(&server, &whole);
        bench.fetch().unwrap();
        bench.check(Some(&whole));
        let asked = server.asked();
        assert_eq!(
            asked.len(),
            whole.len().div_ceil(n_bytes),
            "cut at {n_bytes}"
        );
        for (number, asked) in asked.iter().enumerate().skip(1) {
            assert_eq!(asked.start(), Some(number * n_bytes));
            assert_eq!(asked.header("if-range"), Some(ETAG));
        }
    }
}

#[test]
fn a_connection_that_brings_next_to_nothing_is_given_up_and_what_came_stays() {
    let whole = content(2);
    for n_bytes in [0, 1, 300] {
        let served = whole.clone();
        let server = Server::start(move |asked| file(asked, &served, ETAG).cut(n_bytes));
        let bench = Bench::new(&server, &whole);
        assert!(
            matches!(bench.fetch(), Err(Error::Unreachable { .. })),
            "{n_bytes}"
        );
        bench.check(None);
        let n_tries = if n_bytes == 0 {
            PATIENCE.n_vain_tries
        } else {
            PATIENCE.n_tries
        };
        assert_eq!(server.asked().len(), n_tries as usize);
        assert_eq!(
            bench.part().metadata().unwrap().len(),
            (n_tries as usize * n_bytes) as u64
        );
    }
}

#[test]
fn a_server_that_knows_no_parts_is_given_up_once_it_brings_no_more() {
    let whole = content(3);
    let served = whole.clone();
    let server = Server::start(move |_| Answer::of(200, &served).cut(50_000));
    let bench = Bench::new(&server, &whole);
    assert!(matches!(bench.fetch(), Err(Error::Unreachable { .. })));
    bench.check(None);
    let served = whole.clone();
    let server = Server::start(move |asked| {
        Answer::of(200, &served).cut(if asked.number == 0 { 50_000 } else { 100_000 })
    });
    let bench = Bench::new(&server, &whole);
    bench.fetch().unwrap();
    bench.check(Some(&whole));
}

/// Half of the old file came, then there is a new one.
#[test]
fn a_file_that_changes_meanwhile_is_fetched_anew() {
    let (old, new) = (content(4), content(5));
    // Whether the server looks at `If-Range`.
    for looks in [true, false] {
        for wants_new in [true, false] {
            let (before, after) = (old.clone(), new.clone());
            let server = Server::start(move |asked| {
                let mut asked = asked.clone();
                if !looks {
                    asked.headers.remove("if-range");
                }
                match asked.number {
                    0 => file(&asked, &before, ETAG).cut(50_000),
                    _ => file(&asked, &after, "\"two\""),
                }
            });
            let bench = Bench::new(&server, if wants_new { &new } else { &old });
            let result = bench.fetch();
            if wants_new {
                result.unwrap();
                bench.check(Some(&new));
            } else {
                assert!(matches!(result, Err(Error::Wrong { .. })), "{result:?}");
                bench.check(None);
                assert_eq!(
                    names(bench.folder.path()),
                    [""; 0],
                    "what is wrong does not stay"
                );
            }
        }
    }
}

/// Without etags only the hash tells that two halves are of two files.
#[test]
fn halves_of_two_files_are_not_taken_for_one() {
    let (old, new) = (content(6), content(7));
    let (before, after) = (old.clone(), new.clone());
    let server = Server::start(move |asked| match asked.number {
        0 => file(asked, &before, ETAG).without("ETag").cut(50_000),
        _ => file(asked, &after, ETAG).without("ETag"),
    });
    let bench = Bench::new(&server, &new);
    bench.fetch().unwrap();
    bench.check(Some(&new));
    let starts: Vec<_> = server.asked().iter().map(Asked::start).collect();
    assert_eq!(starts, [None, Some(50_000), None]);
}

#[test]
fn answers_that_do_not_fit_begin_anew() {
    let whole = content(8);
    let answers: [fn(&Asked, &[u8]) -> Answer; 4] = [
        |_, _| Answer::status(416),
        |asked, whole| file(asked, whole, ETAG).with("Content-Range", "bytes 1-99999/100000"),
        |asked, whole| file(asked, whole, ETAG).without("Content-Range"),
        |asked, whole| file(asked, whole, ETAG).with("Content-Range", "bytes 50000-99999/123456"),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        let served = whole.clone();
        let server = Server::start(move |asked| match (asked.number, asked.start()) {
            (0, _) => file(asked, &served, ETAG).cut(50_000),
            (_, Some(_)) => answer(asked, &served),
            (_, None) => file(asked, &served, ETAG),
        });
        let bench = Bench::new(&server, &whole);
        bench
            .fetch()
            .unwrap_or_else(|error| panic!("answer {number}: {error}"));
        bench.check(Some(&whole));
    }
}

#[test]
fn what_is_not_what_was_announced_is_no_file() {
    type Answering = fn(&[u8]) -> Answer;
    let (whole, other) = (content(9), content(10));
    let answers: [(&str, Answering); 4] = [
        ("another file", |other| Answer::of(200, other)),
        ("a longer one", |other| {
            Answer::of(200, &[other, &[0; 10]].concat())
        }),
        ("a shorter one", |other| Answer::of(200, &other[..90_000])),
        ("more than it says", |other| {
            Answer::of(200, &[other, &[0; 10]].concat()).without("Content-Length")
        }),
    ];
    for (what, answer) in answers {
        let served = other.clone();
        let server = Server::start(move |_| answer(&served));
        let bench = Bench::new(&server, &whole);
        let result = bench.fetch();
        assert!(
            matches!(result, Err(Error::Wrong { .. })),
            "{what}: {result:?}"
        );
        bench.check(None);
    }
}

#[test]
fn statuses_are_told_for_what_they_mean() {
    let whole = content(11);
    for status in [401, 403, 404, 410, 400, 451] {
        let server = Server::start(move |_| Answer::status(status));
        let error = Bench::new(&server, &whole).fetch().unwrap_err();
        let is_right = match status {
            401 | 403 => matches!(error, Error::Forbidden { .. }),
            404 | 410 => matches!(error, Error::NotFound { .. }),
            _ => matches!(error, Error::Refused { status: told, .. } if told == status),
        };
        assert!(is_right, "{status}: {error}");
        assert_eq!(server.asked().len(), 1, "asking again is no use");
    }
}

#[test]
fn a_server_with_too_much_to_do_is_asked_again() {
    let whole = content(12);
    for status in [408, 429, 500, 502, 503] {
        let served = whole.clone();
        let server = Server::start(move |asked| match asked.number {
            0 | 1 => Answer::status(status).with("Retry-After", "0"),
            _ => file(asked, &served, ETAG),
        });
        let bench = Bench::new(&server, &whole);
        bench.fetch().unwrap();
        bench.check(Some(&whole));
        let server = Server::start(move |_| Answer::status(status));
        let bench = Bench::new(&server, &whole);
        let error = bench.fetch().unwrap_err();
        assert!(
            matches!(error, Error::Refused { status: told, .. } if told == status),
            "{error}"
        );
        bench.check(None);
    }
}

#[test]
fn a_connection_that_says_nothing_more_is_left_for_another() {
    let whole = content(13);
    let served = whole.clone();
    let server = Server::start(move |asked| {
        let mut answer = file(asked, &served, ETAG);
        if asked.number == 0 {
            answer = answer.cut(40_000);
            answer.stalls = Duration::from_secs(5);
        }
        answer
    });
    let bench = Bench::new(&server, &whole);
    bench.fetch().unwrap();
    bench.check(Some(&whole));
    assert_eq!(server.asked()[1].start(), Some(40_000));
}

#[test]
fn a_token_is_told_to_its_host_alone() {
    let whole = content(14);
    let elsewhere = {
        let served = whole.clone();
        Server::start(move |asked| file(asked, &served, ETAG))
    };
    let to = elsewhere.url_elsewhere("/signed");
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/again" => Answer::status(302).with("Location", to.clone()),
        _ => Answer::status(302).with("Location", "/again"),
    });
    let mut bench = Bench::new(&server, &whole);
    bench.wanted.token = Some("secret".to_owned());
    bench.fetch().unwrap();
    bench.check(Some(&whole));
    let authorization = |server: &Server| -> Vec<_> {
        server
            .asked()
            .iter()
            .map(|asked| asked.header("authorization").map(str::to_owned))
            .collect()
    };
    assert_eq!(
        authorization(&server),
        vec![Some("Bearer secret".to_owned()); 2]
    );
    assert_eq!(authorization(&elsewhere), [None]);
}

#[test]
fn redirects_without_end_are_given_up() {
    let server = Server::start(|_| Answer::status(302).with("Location", "/again"));
    let bench = Bench::new(&server, &content(15));
    assert!(matches!(bench.fetch(), Err(Error::Unreachable { .. })));
    bench.check(None);
}

/// However the end of the answer is told.
#[test]
fn lengths_may_be_told_in_any_way() {
    let whole = content(16);
    let served = whole.clone();
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/chunked" => {
            let mut body = Vec::new();
            for piece in served.chunks(30_000) {
                body.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                body.extend_from_slice(piece);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"0\r\n\r\n");
            Answer::of(200, &body)
                .without("Content-Length")
                .with("Transfer-Encoding", "chunked")
        }
        _ => file(asked, &served, ETAG).without("Content-Length"),
    });
    for path in ["/chunked", "/until-it-ends"] {
        for knows_size in [true, false] {
            let mut bench = Bench::new(&server, &whole);
            bench.wanted.url = server.url(path);
            bench.wanted.size = knows_size.then_some(whole.len() as u64);
            bench
                .fetch()
                .unwrap_or_else(|error| panic!("{path}, {knows_size}: {error}"));
            bench.check(Some(&whole));
        }
    }
}

#[test]
fn what_is_no_file_is_none() {
    type Expected = fn(&Error) -> bool;
    let whole = content(17);
    let page = Answer::of(200, b"<html>log in").with("Content-Type", "text/html; charset=utf-8");
    let gzip = Answer::of(200, &whole).with("Content-Encoding", "gzip");
    let noise = Answer {
        raw: Some(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()),
        ..Answer::default()
    };
    let silence = Answer {
        raw: Some(Vec::new()),
        stalls: Duration::from_secs(1),
        ..Answer::default()
    };
    let is_right: [(Answer, Expected); 4] = [
        (page, |error| matches!(error, Error::Forbidden { .. })),
        (gzip, |error| matches!(error, Error::BadAnswer { .. })),
        (noise, |error| matches!(error, Error::Unreachable { .. })),
        (silence, |error| matches!(error, Error::Unreachable { .. })),
    ];
    for (answer, is_right) in is_right {
        let shown = format!("{:?}", answer.headers);
        let server = Server::start(move |_| answer.clone());
        let mut bench = Bench::new(&server, &whole);
        bench.wanted.size = None;
        let error = bench.fetch().unwrap_err();
        assert!(is_right(&error), "{shown}: {error}");
        bench.check(None);
    }
}

#[test]
fn a_stop_keeps_what_came_and_the_next_one_goes_on() {
    let whole = content(18);
    let served = whole.clone();
    let server = Server::start(move |asked| file(asked, &served, ETAG));
    let bench = Bench::new(&server, &whole);
    assert!(matches!(bench.fetch_until(1), Err(Error::Stopped)));
    bench.check(None);
    let n_bytes = bench.part().metadata().unwrap().len();
    assert!(n_bytes > 0);
    bench.fetch().unwrap();
    bench.check(Some(&whole));
    if n_bytes < whole.len() as u64 {
        assert_eq!(server.asked()[1].start(), Some(n_bytes as usize));
    }
}

/// What a kill or another program left in the place of the part.
#[test]
fn a_part_that_is_wrong_is_begun_anew() {
    let whole = content(19);
    for part in [
        vec![1; 50_000],
        vec![1; 200_000],
        vec![1; 100_000],
        whole[..70_000].to_vec(),
    ] {
        let served = whole.clone();
        let server = Server::start(move |asked| file(asked, &served, ETAG));
        let bench = Bench::new(&server, &whole);
        std::fs::write(bench.part(), &part).unwrap();
        bench
            .fetch()
            .unwrap_or_else(|error| panic!("{} bytes: {error}", part.len()));
        bench.check(Some(&whole));
    }
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    let whole = content(20);
    let served = whole.clone();
    let server = Server::start(move |asked| file(asked, &served, ETAG));
    let bench = Bench::new(&server, &whole);
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::os::unix::fs::symlink(outside.path(), bench.part()).unwrap();
    assert!(matches!(bench.fetch(), Err(Error::Disk { .. })));
    assert_eq!(outside.as_file().metadata().unwrap().len(), 0);
    bench.check(None);
}

#[test]
fn two_do_not_fetch_the_same_file() {
    let whole = content(21);
    let served = whole.clone();
    let server = Server::start(move |asked| file(asked, &served, ETAG));
    let bench = Bench::new(&server, &whole);
    let mut second = None;
    let mut go_on = |_| {
        second.get_or_insert_with(|| bench.fetch());
        true
    };
    fetch(&client(), &bench.wanted, &bench.target(), &mut go_on).unwrap();
    assert!(matches!(second, Some(Err(Error::Busy))));
    bench.check(Some(&whole));
}

#[test]
fn nothing_is_asked_offline_or_without_protection() {
    assert!(matches!(
        Client::new(Offline(true), PATIENCE),
        Err(Error::Offline)
    ));
    let whole = content(22);
    let server = Server::start(|_| Answer::status(200));
    let mut bench = Bench::new(&server, &whole);
    for url in [
        "http://example.org/a.safetensors",
        "ftp://127.0.0.1/a",
        "file:///etc/passwd",
        "a",
    ] {
        bench.wanted.url = url.to_owned();
        assert!(matches!(bench.fetch(), Err(Error::NoLink(_))), "{url}");
    }
    // Nobody listens there.
    bench.wanted.url = "http://127.0.0.1:9/a.safetensors".to_owned();
    assert!(matches!(bench.fetch(), Err(Error::Unreachable { .. })));
    assert_eq!(server.asked().len(), 0);
}
