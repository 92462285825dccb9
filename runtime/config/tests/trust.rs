//! Files on disk: who can write them, and what cannot be read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use ansai_config::{HostConfig, Manifest, Schema, Trust};
use tempfile::TempDir;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn trust(file_mode: u32, directory_mode: u32) -> (Trust, TempDir) {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("ansai.toml");
    fs::write(&file, "[daemon]\n").unwrap();
    set_mode(&file, file_mode);
    set_mode(directory.path(), directory_mode);
    let (_, trust) = HostConfig::load(&file, &[]).unwrap();
    (trust, directory)
}

#[test]
fn only_the_owner_writes() {
    for (file, directory) in [(0o644, 0o755), (0o600, 0o700), (0o400, 0o755)] {
        let (trust, kept) = trust(file, directory);
        assert_eq!(trust.problem(), None, "{file:o} {directory:o}");
        assert!(!trust.writable_by_others);
        assert_eq!(trust.owner_uid, fs::metadata(kept.path()).unwrap().uid());
    }
}

#[test]
fn others_may_write() {
    for (file, directory, named) in
        [(0o664, 0o755, "ansai.toml"), (0o646, 0o755, "ansai.toml"), (0o644, 0o775, ""), (0o644, 0o757, "")]
    {
        let (trust, kept) = trust(file, directory);
        assert!(trust.writable_by_others);
        let problem = trust.problem().unwrap();
        let path = kept.path().canonicalize().unwrap().join(named);
        let path = path.to_str().unwrap().trim_end_matches('/');
        assert!(problem.starts_with(&format!("{path} is writable by other users (mode 0")), "{problem}");
        assert!(problem.ends_with(&format!("hint: chmod go-w {path}")), "{problem}");
    }
}

#[test]
fn a_file_of_another_user() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "needs root");
        println!("skipped: only root can give a file away");
        return;
    }
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("ansai.toml");
    fs::write(&file, "").unwrap();
    std::os::unix::fs::chown(&file, Some(65_534), None).unwrap();
    let (_, trust) = HostConfig::load(&file, &[]).unwrap();
    assert_eq!(trust.owner_uid, 65_534);
    assert!(trust.problem().unwrap().contains("belongs to user 65534"));
    std::os::unix::fs::chown(&file, Some(0), None).unwrap();
    std::os::unix::fs::chown(directory.path(), Some(65_534), None).unwrap();
    let (_, trust) = HostConfig::load(&file, &[]).unwrap();
    assert!(trust.problem().unwrap().contains("belongs to user 65534"));
}

#[test]
fn a_link_is_judged_by_where_it_leads() {
    let open = TempDir::new().unwrap();
    let closed = TempDir::new().unwrap();
    set_mode(open.path(), 0o777);
    fs::write(open.path().join("real.toml"), "").unwrap();
    let link = closed.path().join("ansai.toml");
    symlink(open.path().join("real.toml"), &link).unwrap();
    let (_, trust) = HostConfig::load(&link, &[]).unwrap();
    assert!(trust.problem().is_some());
    // The directory of the link counts too: who can write there can make it point elsewhere.
    set_mode(open.path(), 0o755);
    assert_eq!(HostConfig::load(&link, &[]).unwrap().1.problem(), None);
    set_mode(closed.path(), 0o777);
    assert!(HostConfig::load(&link, &[]).unwrap().1.problem().is_some());
}

/// Would break: a check of the file and its directory only. Who can write a directory above can put another one there.
#[test]
fn every_directory_above_counts_and_a_sticky_one_is_safe() {
    let place = TempDir::new().unwrap();
    let root = place.path().canonicalize().unwrap();
    fs::create_dir_all(root.join("a/b/c")).unwrap();
    let file = root.join("a/b/c/ansai.toml");
    fs::write(&file, "").unwrap();
    for part in ["a", "a/b", "a/b/c"] {
        set_mode(&root.join(part), 0o755);
    }
    let problem = || HostConfig::load(&file, &[]).unwrap().1.problem();
    assert_eq!(problem(), None);
    for part in ["a", "a/b"] {
        set_mode(&root.join(part), 0o757);
        let (_, trust) = HostConfig::load(&file, &[]).unwrap();
        assert!(trust.writable_by_others);
        let (problem, path) = (trust.problem().unwrap(), root.join(part).display().to_string());
        assert!(problem.starts_with(&format!("{path} is writable by other users (mode 0757)")), "{problem}");
        assert!(problem.ends_with(&format!("hint: chmod go-w {path}")), "{problem}");
        set_mode(&root.join(part), 0o1777);
        assert_eq!(HostConfig::load(&file, &[]).unwrap().1.problem(), None);
        set_mode(&root.join(part), 0o755);
    }
    // A link in the middle of the path, below a directory where others can exchange it.
    fs::create_dir(root.join("open")).unwrap();
    symlink(root.join("a/b"), root.join("open/link")).unwrap();
    let linked = root.join("open/link/c/ansai.toml");
    assert_eq!(HostConfig::load(&linked, &[]).unwrap().1.problem(), None);
    set_mode(&root.join("open"), 0o777);
    assert!(HostConfig::load(&linked, &[]).unwrap().1.problem().unwrap().contains("/open is writable"));
}

#[test]
fn an_access_list_counts() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("ansai.toml");
    fs::write(&file, "").unwrap();
    set_mode(place.path(), 0o755);
    // As `setfacl -m u:4242:rw` does.
    let all = u32::MAX;
    let entries: [(u16, u16, u32); 5] = [(1, 6, all), (2, 6, 4_242), (4, 0, all), (0x10, 6, all), (0x20, 0, all)];
    let entry = |(tag, bits, id): (u16, u16, u32)| {
        [tag.to_le_bytes().as_slice(), &bits.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    let list = [vec![2, 0, 0, 0], entries.into_iter().flat_map(entry).collect()].concat();
    match rustix::fs::setxattr(&file, "system.posix_acl_access", &list, rustix::fs::XattrFlags::empty()) {
        Err(rustix::io::Errno::OPNOTSUPP) => return,
        set => set.unwrap(),
    }
    let problem = HostConfig::load(&file, &[]).unwrap().1.problem().unwrap();
    assert!(problem.contains("is writable by other users"), "{problem}");
}

/// Returns the message about a file that cannot be read, without the path of the test's directory.
fn refused(make: impl FnOnce(&Path)) -> String {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("ansai.toml");
    make(&file);
    let problems = HostConfig::load(&file, &[]).expect_err("must be refused");
    assert!(Manifest::load(&file, &[]).is_err());
    assert!(Schema::load(&file).is_err());
    problems.render(false, 100).replace(&format!("{}/", directory.path().display()), "")
}

#[test]
fn not_utf8() {
    let shown = refused(|file| fs::write(file, b"[daemon]\nlog = \"caf\xe9\"\n").unwrap());
    insta::assert_snapshot!("not_utf8", shown);
}

#[test]
fn file_too_large() {
    let shown = refused(|file| fs::write(file, vec![b'#'; ansai_config::MOST_HOST_BYTES + 1]).unwrap());
    insta::assert_snapshot!("file_too_large", shown);
}

#[test]
fn no_such_file() {
    insta::assert_snapshot!("no_such_file", refused(|_| ()));
}

#[test]
fn a_directory() {
    insta::assert_snapshot!("a_directory", refused(|file| fs::create_dir(file).unwrap()));
}

#[test]
fn a_fifo_does_not_block() {
    let shown = refused(|file| {
        let made = std::process::Command::new("mkfifo").arg(file).status().unwrap();
        assert!(made.success());
    });
    insta::assert_snapshot!("a_fifo", shown);
}
