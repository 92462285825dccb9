//! Names that would move the cursor, break a line, or reverse text: no output passes them to a terminal, a log or a
//! JSON reader.

use std::fs;
use std::path::PathBuf;

use ansai_harness::{Ran, binary, requires_root};

use crate::scene::{ansai, ansai_beside, write_old};

const EVIL: &str = "evil\u{1b}[2J\u{1b}]8;;http:x\u{7}\r\nroot\u{202e}\u{9b}31m\u{7f}\u{2028}";

/// A full tmpfs with such a name, and files with such names.
struct Evil {
    _dir: tempfile::TempDir,
    root: PathBuf,
}

impl Evil {
    fn new() -> Evil {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join(EVIL);
        fs::create_dir(&root).unwrap();
        let mount =
            std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "evil"]).arg(&root).status();
        assert!(mount.unwrap().success());
        let evil = Evil { _dir: dir, root };
        let log = evil.root.join("log");
        fs::create_dir(&log).unwrap();
        for index in 0..15 {
            write_old(&log.join(format!("{EVIL}.log.{index}")), 512 << 10, 100 + index);
        }
        evil
    }

    fn config(&self) -> String {
        let (root, log) = (self.root.to_str().unwrap().to_owned(), self.root.join("log"));
        let (root, log) = (text(&root), text(log.to_str().unwrap()));
        format!(
            "[policy.disk-space]\nsource = {}\nmode = \"enforce\"\n[policy.disk-space.settings]\npackage_cache = false\n\
             log_dirs = [{log}]\ntemp_dirs = []\n[policy.disk-space.grant]\n\"ansai:disk/disk-probe\" = {{}}\n\
             \"ansai:files/files-probe\" = {{ roots = [{root}] }}\n\
             \"ansai:files/files-actions\" = {{ roots = [{log}], min_age_hours = 24 }}\n",
            text(binary::repository().join("policies/disk-space").to_str().unwrap()),
        )
    }
}

impl Drop for Evil {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.root, rustix::mount::UnmountFlags::DETACH);
    }
}

/// A TOML string. TOML forbids more characters than JSON.
fn text(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        c if c.is_ascii_graphic() && !matches!(c, '"' | '\\') => c.to_string(),
        c => format!("\\u{:04x}", u32::from(c)),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[track_caller]
fn inert(ran: &Ran, what: &str) {
    for (stream, bytes) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        for c in bytes.chars() {
            let acts = (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}');
            assert!(!acts, "{what}: {stream} has {c:?}:\n{bytes:?}");
        }
        // A line that the name could inject would start like this. A sentence may be wrapped there, within its column.
        assert!(!bytes.lines().any(|line| line.starts_with("root")), "{what}: {stream}: a line was forged");
    }
}

#[test]
fn no_output_acts_on_names() {
    if !requires_root() {
        return;
    }
    let evil = Evil::new();
    let state = tempfile::tempdir().unwrap();
    let config = evil.config();
    let beside = |arguments: &[&str]| {
        ansai_beside(evil.root.parent().unwrap()).args(arguments).config(&config).state_dir(state.path()).run()
    };
    let said = beside(&["run", "--once", "-vv", "--mode", "observe"]);
    assert!(said.stdout.contains("evil"), "the name is shown:\n{}\n{}", said.stdout, said.stderr);
    inert(&said, "run, text");
    inert(&beside(&["run", "--once", "--mode", "observe", "--format", "json"]), "run, JSON");
    let healed = beside(&["run", "--once", "-vv"]);
    inert(&healed, "run, enforcing");
    assert!(
        fs::read_dir(evil.root.join("log")).unwrap().count() < 15,
        "it healed:\n{}\n{}",
        healed.stdout,
        healed.stderr
    );
    for format in ["text", "json"] {
        for command in [&["audit", "show"][..], &["audit", "verify"], &["recordings", "list"], &["check"]] {
            inert(&beside(&[command, &["--format", format]].concat()), &format!("{command:?}, {format}"));
        }
        let listed = ansai().args(["recordings", "list", "--format", "json"]).state_dir(state.path()).run().json();
        for recording in listed.as_array().unwrap() {
            let id = recording["id"].as_str().unwrap();
            inert(&beside(&["recordings", "show", id, "--format", format]), "a recording");
        }
        inert(&beside(&["replay", "--all", "--policies", policies(), "--format", format]), "replay");
    }
    inert(&beside(&["undo", EVIL]), "a mistake with such a name");
    inert(&beside(&["run", EVIL, "--once"]), "a path of such a name");
    inert(&beside(&[EVIL]), "a command of such a name");
}

fn policies() -> &'static str {
    Box::leak(binary::repository().join("policies").display().to_string().into_boxed_str())
}

/// A policy's own texts are shown before the operator trusts it.
#[test]
fn a_hostile_configuration_is_shown_escaped() {
    let state = tempfile::tempdir().unwrap();
    let policy = format!("[policy.{}]\nsource = 1\n", text(EVIL));
    for config in [policy, format!("[{EVIL}"), format!("x = {}\n", text(EVIL))] {
        for arguments in [&["check"][..], &["check", "--format", "json"], &["run", "--once"]] {
            let ran = ansai().args(arguments).config(&config).state_dir(state.path()).run();
            inert(&ran, &format!("{arguments:?}"));
            assert_ne!(ran.code, 0, "{config:?}");
        }
    }
}
