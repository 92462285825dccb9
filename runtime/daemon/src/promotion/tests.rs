#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use ansai_harness::requires_root;

use super::*;

const FILES: InterfaceName = InterfaceName::from_static("ansai:files/files-actions");
const X: InstanceName = InstanceName::from_static("x");
const TEXT: &str = "# mine\n[policy.x]\nsource = \"a\"\n[policy.x.grant]\n\"ansai:files/files-actions\" = {}\n";

fn interfaces() -> Vec<Interface> {
    ansai_host_functions::builtin().interfaces()
}

/// A directory that nobody else can write.
fn place_of(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ansai.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    (dir, path)
}

fn change(path: &Path, to: Mode) -> Result<Change, Error> {
    let configuration = Configuration::open(path, &interfaces())?;
    Change::of(&configuration, (&X, &FILES), to, &interfaces())
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|one| one.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_file_keeps_its_mode_and_a_link_stays() {
    let (dir, path) = place_of(TEXT);
    let link = dir.path().join("link.toml");
    symlink("ansai.toml", &link).unwrap();
    let change = change(&link, Mode::Approve).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), TEXT, "nothing is written before it is asked for");
    change.write().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, TEXT.replace("[policy.x]\n", "[policy.x]\nmode = \"approve\"\n"));
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(change.sha256(), hex::encode(Sha256::digest(text)));
    assert_eq!(names(dir.path()), ["ansai.toml", "link.toml"]);
}

#[test]
fn the_owner_stays() {
    if !requires_root() {
        return;
    }
    let (_dir, path) = place_of(TEXT);
    std::os::unix::fs::chown(&path, Some(0), Some(4_242)).unwrap();
    change(&path, Mode::Approve).unwrap().write().unwrap();
    let found = std::fs::metadata(&path).unwrap();
    assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), (0, 4_242, 0o640));
}

#[test]
fn a_file_that_changed_meanwhile_is_not_overwritten() {
    let (dir, path) = place_of(TEXT);
    let change = change(&path, Mode::Approve).unwrap();
    let other = format!("{TEXT}# another editor\n");
    std::fs::write(&path, &other).unwrap();
    let refused = change.write().unwrap_err();
    assert_eq!(refused.code(), codes::CANNOT_EDIT);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(change.write().unwrap_err().code(), codes::FILE_ACCESS);
    assert!(names(dir.path()).is_empty(), "nothing is left, and nothing is made");
}

#[test]
fn what_another_user_can_write_is_refused() {
    let (dir, path) = place_of(TEXT);
    let change = change(&path, Mode::Approve).unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let refused = change.write().unwrap_err();
    assert_eq!(refused.code(), codes::UNTRUSTED_CONFIGURATION, "{refused}");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let configuration = Configuration::open(&path, &interfaces()).unwrap();
    let refused = change.check_trust(&configuration).unwrap_err();
    assert_eq!(refused.code(), codes::UNTRUSTED_CONFIGURATION, "{refused}");
    assert!(refused.hint().is_some_and(|hint| hint.contains("chmod")));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), TEXT);
}

#[test]
fn what_a_kill_left_is_removed_and_the_file_is_whole() {
    let (dir, path) = place_of(TEXT);
    // As a process leaves it that was killed before it gave the file its name.
    std::fs::write(dir.path().join(".ansai-99999-0.tmp"), "[policy.x]\nmo").unwrap();
    change(&path, Mode::Enforce).unwrap().write().unwrap();
    assert_eq!(names(dir.path()), ["ansai.toml"]);
    assert!(Configuration::open(&path, &interfaces()).is_ok());
}

#[test]
fn each_refusal_has_its_code() {
    let (_dir, path) = place_of(TEXT);
    let configuration = Configuration::open(&path, &interfaces()).unwrap();
    let of = |instance: &'static str, action: &'static str| {
        let (instance, action) = (InstanceName::from_static(instance), InterfaceName::from_static(action));
        Change::of(&configuration, (&instance, &action), Mode::Approve, &interfaces()).unwrap_err().code()
    };
    assert_eq!(of("y", "ansai:files/files-actions"), codes::UNKNOWN_INSTANCE);
    assert_eq!(of("x", "ansai:service/service-actions"), codes::UNKNOWN_ACTION);
    std::fs::write(&path, "[policy.x\n").unwrap();
    assert_eq!(of("x", "ansai:files/files-actions"), codes::INVALID);
}
