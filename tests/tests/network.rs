//! T10: no command needs or tries a network. Each runs in a network namespace of its own, in which there is not even a
//! loopback: it must do what it does elsewhere, and the namespace's own counters must say that nothing was tried.
#![cfg(target_os = "linux")]

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use limn::gallery::picture_file;
use tempfile::TempDir;

use super::command_line::{SIZE, limn, words};
use super::gallery::{open, pixels, recipe};
use crate::harness::fixture_path;

/// Counters of `/proc/net/snmp` and `snmp6` that grow with any attempt: one without a way counts as a packet without
/// a route.
const COUNTERS: [&str; 7] = [
    "Ip OutRequests",
    "Ip OutNoRoutes",
    "Tcp ActiveOpens",
    "Udp OutDatagrams",
    "Ip6OutRequests",
    "Ip6OutNoRoutes",
    "Udp6OutDatagrams",
];

/// A shell in a namespace without a network. `$0` is a file for the counters, the rest a command.
fn without_network(counters: &Path) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--net", "--", "sh", "-c"])
        .arg("\"$@\"; code=$?; cat /proc/net/snmp /proc/net/snmp6 > \"$0\" 2>&-; exit $code")
        .arg(counters)
        .stdin(Stdio::null());
    command
}

/// The counters that are not zero, with their values.
fn tried(counters: &Path) -> Vec<(String, u64)> {
    let text = std::fs::read_to_string(counters).unwrap();
    assert!(text.contains("ActiveOpens"), "no counters: {text}");
    let mut values: Vec<(String, u64)> = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for pair in lines.windows(2) {
        let (names, numbers) = (pair[0].split_once(": "), pair[1].split_once(": "));
        if let (Some((kind, names)), Some((same, numbers))) = (names, numbers)
            && kind == same
        {
            let both = names.split_whitespace().zip(numbers.split_whitespace());
            values.extend(
                both.filter_map(|(name, n)| Some((format!("{kind} {name}"), n.parse().ok()?))),
            );
        }
    }
    for line in &lines {
        if let Some((name, n)) = line.split_once(char::is_whitespace)
            && let Ok(n) = n.trim().parse()
        {
            values.push((name.to_owned(), n));
        }
    }
    values.retain(|(name, n)| *n > 0 && COUNTERS.contains(&name.as_str()));
    values
}

struct Desk {
    home: TempDir,
    model: PathBuf,
}

impl Desk {
    fn run(&self, arguments: &[&str]) -> Output {
        let plain = limn(self.home.path());
        let counters = self.home.path().join("counters");
        let _ = std::fs::remove_file(&counters);
        let output = without_network(&counters)
            .arg(plain.get_program())
            .args(arguments)
            .current_dir(self.home.path())
            .env("LIMN_HOME", self.home.path())
            .env_remove("LIMN_ENGINE")
            .output()
            .unwrap();
        let said = words(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert_eq!(tried(&counters), [], "{arguments:?} tried a network");
        output
    }

    /// A command that makes a picture from the small model.
    fn make(&self, arguments: &[&str]) {
        let model = self.model.to_str().unwrap();
        let rest = [
            "--model",
            model,
            "--device",
            "cpu",
            "--steps",
            "2",
            "--prior-steps",
            "2",
            "--seed",
            "5",
        ];
        self.run(&[arguments, &rest, &SIZE].concat());
    }
}

impl Desk {
    /// Everything that draws.
    fn draw_everything(&self) {
        for (arguments, out) in [
            (&["generate", "--prompt", "boats"][..], "made.png"),
            (
                &["edit", "--image", "made.png", "--prompt", "boats"],
                "edited.png",
            ),
            (
                &[
                    "outpaint", "--image", "made.png", "--right", "16", "--prompt", "boats",
                ],
                "wider.png",
            ),
            (&["variations", "--image", "made.png"], "varied.png"),
            (
                &[
                    "blend", "--image", "made.png", "--weight", "1", "--text", "sea", "--weight",
                    "1",
                ],
                "mixed.png",
            ),
            (
                &[
                    "shift", "--image", "made.png", "--from", "day", "--to", "night",
                ],
                "turned.png",
            ),
        ] {
            self.make(&[arguments, &["--out", out]].concat());
        }
        self.run(&[
            "upscale",
            "--image",
            "made.png",
            "--scale",
            "2",
            "--resample",
            "--out",
            "larger.png",
        ]);
    }

    fn ask_everything(&self) {
        let model = self.model.to_str().unwrap();
        self.run(&[
            "bench",
            "--model",
            model,
            "--device",
            "cpu",
            "--steps",
            "2",
            "--prior-steps",
            "2",
            SIZE[0],
            SIZE[1],
        ]);
        self.run(&["inspect", model]);
        self.run(&["devices", "--no-test"]);
        self.run(&["--help"]);
    }

    fn keep_everything(&self) {
        let mut gallery = open(self.home.path());
        let [a, b] = [1, 2].map(|seed| {
            let saved = gallery.save(&pixels(seed), &recipe(seed));
            saved.unwrap().id.to_string()
        });
        drop(gallery);
        pixels(9).save(self.home.path().join("camera.png")).unwrap();
        for arguments in [
            &["import", "camera.png", "made.png"][..],
            &["list"],
            &["overview"],
            &["search", "sailboat"],
            &["similar", &a],
            &["mark", &a, "--star", "--tag", "sea", "--board", "Posters"],
            &["board", "make", "Drafts"],
            &["family", &a],
            &["export", &a, "--out", "copy.jpg"],
            &["trash", &b],
            &["restore", &b],
            &["trash", &b],
            &["empty", "--yes"],
            &["verify"],
            &["rebuild"],
        ] {
            self.run(&[&["gallery"], arguments].concat());
        }
    }
}

/// Whether namespaces without a network can be made here, and their counters tell of an attempt: or that there is none
/// would say nothing.
fn is_permitted(home: &Path) -> bool {
    let counters = home.join("probe");
    let attempt = without_network(&counters)
        .args([
            "bash",
            "-c",
            "echo > /dev/udp/192.0.2.1/9; echo > /dev/tcp/192.0.2.1/9; true",
        ])
        .output();
    if !attempt.is_ok_and(|output| output.status.success()) {
        return false;
    }
    assert!(!tried(&counters).is_empty(), "the counters see no attempt");
    true
}

#[test]
fn no_command_needs_or_tries_a_network() {
    let desk = Desk {
        home: TempDir::new().unwrap(),
        model: fixture_path("pipeline"),
    };
    if !is_permitted(desk.home.path()) {
        let note =
            "skipped: this system gives no network namespace (unshare --map-root-user --net)\n";
        let _ = std::io::stderr().write_all(note.as_bytes());
        return;
    }
    desk.draw_everything();
    desk.ask_everything();
    desk.keep_everything();

    // With the network that there is, the same picture.
    let home = desk.home.path();
    let outside = limn(home)
        .current_dir(home)
        .args([
            "generate",
            "--prompt",
            "boats",
            "--out",
            "outside.png",
            "--model",
        ])
        .arg(&desk.model)
        .args([
            "--device",
            "cpu",
            "--steps",
            "2",
            "--prior-steps",
            "2",
            "--seed",
            "5",
        ])
        .args(SIZE)
        .status()
        .unwrap();
    assert!(outside.success());
    let read = |name: &str| picture_file::decode(&std::fs::read(home.join(name)).unwrap()).unwrap();
    assert!(read("made.png") == read("outside.png"));
}
