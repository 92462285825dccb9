//! Comparing trees finds every kind of change, and nothing if there is none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ansai_harness::{Change, Tree};

/// The differences after `change` was applied to a small tree.
fn after(change: impl FnOnce(&Path)) -> Vec<Change> {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    fs::create_dir(root.join("sub")).unwrap();
    fs::write(root.join("sub/file"), "content").unwrap();
    symlink("file", root.join("sub/link")).unwrap();
    let before = Tree::snapshot(root);
    change(root);
    Tree::diff(&before, &Tree::snapshot(root))
}

fn properties(changes: &[Change], path: &str) -> Vec<&'static str> {
    let found = changes.iter().find_map(|change| match change {
        Change::Changed(at, differences) if at == Path::new(path) => Some(differences),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no {path} in {changes:?}")).iter().map(|difference| difference.property).collect()
}

#[test]
fn reading_is_not_a_change() {
    assert_eq!(after(|root| drop(fs::read(root.join("sub/file")).unwrap())), []);
}

#[test]
fn added_and_removed_files_are_seen() {
    let changes = after(|root| {
        fs::write(root.join("new"), "").unwrap();
        fs::remove_file(root.join("sub/link")).unwrap();
    });
    assert!(changes.contains(&Change::Added("new".into())), "{changes:?}");
    assert!(changes.contains(&Change::Removed("sub/link".into())), "{changes:?}");
    assert!(properties(&changes, ".").contains(&"mtime"));
}

#[test]
fn other_content_with_the_same_size_and_time_is_seen() {
    let changes = after(|root| {
        let file = root.join("sub/file");
        let modified = file.metadata().unwrap().modified().unwrap();
        fs::write(&file, "CONTENT").unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
    });
    assert_eq!(properties(&changes, "sub/file"), ["ctime", "sha256"]);
}

#[test]
fn size_mode_time_links_and_inode_are_seen() {
    let changes = after(|root| fs::write(root.join("sub/file"), "longer content").unwrap());
    assert!(properties(&changes, "sub/file").contains(&"size"));
    let changes = after(|root| fs::set_permissions(root.join("sub/file"), fs::Permissions::from_mode(0o4711)).unwrap());
    assert_eq!(properties(&changes, "sub/file"), ["mode", "ctime"]);
    let changes = after(|root| {
        let past = SystemTime::now() - Duration::from_secs(1000);
        fs::File::options().write(true).open(root.join("sub/file")).unwrap().set_modified(past).unwrap();
    });
    assert_eq!(properties(&changes, "sub/file"), ["mtime", "ctime"]);
    let changes = after(|root| fs::hard_link(root.join("sub/file"), root.join("twin")).unwrap());
    assert_eq!(properties(&changes, "sub/file"), ["ctime", "links"]);
    let changes = after(|root| {
        fs::copy(root.join("sub/file"), root.join("copy")).unwrap();
        fs::rename(root.join("copy"), root.join("sub/file")).unwrap();
    });
    assert!(properties(&changes, "sub/file").contains(&"inode"));
}

#[test]
fn type_and_target_are_seen() {
    let changes = after(|root| {
        fs::remove_file(root.join("sub/link")).unwrap();
        symlink("elsewhere", root.join("sub/link")).unwrap();
    });
    assert!(properties(&changes, "sub/link").contains(&"target"));
    let changes = after(|root| {
        fs::remove_file(root.join("sub/file")).unwrap();
        fs::create_dir(root.join("sub/file")).unwrap();
    });
    assert!(properties(&changes, "sub/file").contains(&"type"));
}

#[test]
fn an_owner_is_seen() {
    if !ansai_harness::requires_root() {
        return;
    }
    let changes = after(|root| std::os::unix::fs::chown(root.join("sub/file"), Some(1), Some(2)).unwrap());
    assert_eq!(properties(&changes, "sub/file"), ["uid", "gid", "ctime"]);
}

#[test]
fn names_are_bytes_and_special_files_are_not_opened() {
    let changes = after(|root| {
        fs::write(root.join(OsStr::from_bytes(b"\xff\n")), "").unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
            .unwrap();
    });
    assert!(changes.contains(&Change::Added(PathBuf::from(OsStr::from_bytes(b"\xff\n")))), "{changes:?}");
    assert!(changes.contains(&Change::Added("pipe".into())), "{changes:?}");
}

#[test]
fn a_change_reads_well() {
    let changes = after(|root| fs::set_permissions(root.join("sub/file"), fs::Permissions::from_mode(0o400)).unwrap());
    let shown = format!("{changes:?}");
    assert!(shown.starts_with("[~ sub/file; mode 0644 -> 0400; ctime "), "{shown}");
}
