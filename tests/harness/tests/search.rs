//! A search finds bytes wherever a program can leave them.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::os::unix::fs::symlink;

use ansai_harness::search::{files_with, holds};
use ansai_harness::secret::SECRET;
use ansai_harness::{Invocation, Scene};

#[test]
fn bytes_are_found_in_contents_names_links_and_frames() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let write = |name: &str, content: &[u8]| std::fs::write(root.join(name), content).unwrap();
    std::fs::create_dir(root.join("sub")).unwrap();
    write("none", b"hunter1");
    write("empty", b"");
    write("plain", b"\0\xffhunter2");
    write("sub/hex", b"68756e74657232");
    write("sub/list", b"[104,117,110,116,101,114,50]");
    write("sub/hunter2.name", b"");
    let frame = zstd::encode_all(&b"a text with hunter2 in it, and more"[..], 3).unwrap();
    write("packed", &[b"head", &frame[..], b"tail"].concat());
    write("two-packed", &[zstd::encode_all(&b"nothing"[..], 3).unwrap(), frame.clone()].concat());
    write("broken", &frame[..8]);
    symlink("/nowhere/hunter2", root.join("link")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let found = files_with(root, b"hunter2");
    let names: Vec<_> = found.iter().map(|path| path.strip_prefix(root).unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["link", "packed", "plain", "sub/hex", "sub/hunter2.name", "sub/list", "two-packed"]);
    assert!(files_with(root, b"hunter3").is_empty());
    assert!(!holds(b"", b"x") && holds(b"x", b"x"));
}

#[test]
#[should_panic(expected = "printed a secret")]
fn no_program_may_print_the_secret() {
    Invocation::of("echo").arg(SECRET).run();
}

#[test]
#[should_panic(expected = "state/audit")]
fn no_state_may_hold_the_secret() {
    let scene = Scene::new();
    scene.write("ansai.toml", SECRET);
    scene.write("state/audit", hex::encode(SECRET));
}
