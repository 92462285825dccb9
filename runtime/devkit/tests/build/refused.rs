//! Builds that are refused, and their messages.

use std::path::Path;

use ansai_devkit::build::{BuildError, BuildOptions, build};
use tempfile::TempDir;

use crate::fixture::{INTERFACES, policy, workspace};
use crate::target::has_target;

const PROBE: &str = "ansai:disk/disk-probe@0.2.0";

fn refused(dir: &Path) -> BuildError {
    build(dir, &BuildOptions { allow_root: true, interfaces: INTERFACES }).unwrap_err()
}

fn change(dir: &TempDir, path: &str, change: impl FnOnce(String) -> String) {
    let path = dir.path().join(path);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, change(text)).unwrap();
}

fn is_root(test: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{test} needs root");
        eprintln!("skipped {test}: not root");
    }
    root
}

#[test]
fn as_root_only_when_asked_to() {
    if is_root("as_root_only_when_asked_to") {
        let dir = policy("fixture-root", &[], &[], None);
        let error = build(dir.path(), &BuildOptions { allow_root: false, interfaces: INTERFACES }).unwrap_err();
        assert!(matches!(error, BuildError::Root));
        assert!(error.hint().unwrap().contains("--allow-root"));
    }
}

#[test]
fn not_in_a_directory_of_another_user() {
    if is_root("not_in_a_directory_of_another_user") {
        let dir = policy("fixture-foreign", &[], &[], None);
        std::os::unix::fs::chown(dir.path(), Some(12_345), None).unwrap();
        assert!(matches!(refused(dir.path()), BuildError::Foreign { owner: 12_345, .. }));
    }
}

#[test]
fn not_without_its_files() {
    type Expected = fn(&BuildError) -> bool;
    let cases: [(&str, Expected); 4] = [
        ("policy.toml", |error| matches!(error, BuildError::NoPolicy(_))),
        ("Cargo.toml", |error| matches!(error, BuildError::NoLanguage(_))),
        ("Cargo.lock", |error| matches!(error, BuildError::NoLockFile(_))),
        ("settings.schema.json", |error| matches!(error, BuildError::File { .. })),
    ];
    for (file, expected) in cases {
        let dir = policy("fixture-files", &[], &[], None);
        std::fs::remove_file(dir.path().join(file)).unwrap();
        let error = refused(dir.path());
        assert!(expected(&error), "{file}: {error:?}");
    }
    assert!(matches!(refused(Path::new("/nonexistent/policy")), BuildError::File { .. }));
}

/// A member uses the lock file of its workspace, which the user must own too.
#[test]
fn not_in_a_workspace_without_a_lock_file_or_of_another_user() {
    let place = workspace("fixture-member", None);
    let member = place.path().join("fixture-member");
    std::fs::rename(place.path().join("Cargo.lock"), place.path().join("kept")).unwrap();
    let error = refused(&member);
    assert!(matches!(&error, BuildError::NoLockFile(dir) if *dir == place.path().canonicalize().unwrap()), "{error:?}");
    std::fs::rename(place.path().join("kept"), place.path().join("Cargo.lock")).unwrap();
    if is_root("not_in_a_workspace_of_another_user") {
        std::os::unix::fs::chown(place.path(), Some(12_345), None).unwrap();
        let error = refused(&member);
        assert!(matches!(&error, BuildError::Foreign { owner: 12_345, .. }), "{error:?}");
    }
    // A package that the workspace does not list belongs to no workspace.
    std::fs::write(place.path().join("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
    assert!(matches!(refused(&member), BuildError::Cargo(_)));
}

#[test]
fn not_with_an_invalid_manifest_or_schema() {
    let dir = policy("fixture-manifest", &[], &[], None);
    change(&dir, "policy.toml", |text| text.replace("60s", "never"));
    let error = refused(dir.path());
    assert!(matches!(&error, BuildError::Manifest(_)) && error.diagnostics().is_some(), "{error:?}");
    let dir = policy("fixture-schema", &[], &[], None);
    change(&dir, "settings.schema.json", |text| text.replace("\"object\"", "\"text\""));
    assert!(matches!(refused(dir.path()), BuildError::Schema(_)));
}

#[test]
fn not_what_does_not_compile_to_one_module() {
    if !has_target("refused::not_what_does_not_compile_to_one_module") {
        return;
    }
    let dir = policy("fixture-broken", &[], &[], None);
    change(&dir, "src/lib.rs", |text| text + "fn broken(");
    assert!(matches!(refused(dir.path()), BuildError::Cargo(_)));
    let dir = policy("fixture-library", &[], &[], None);
    change(&dir, "Cargo.toml", |text| text.replace("cdylib", "rlib"));
    assert!(matches!(refused(dir.path()), BuildError::Modules { count: 0, .. }));
}

#[test]
fn not_a_component_that_is_not_a_policy() {
    if !has_target("refused::not_a_component_that_is_not_a_policy") {
        return;
    }
    let dir = policy("fixture-plain", &[], &[], None);
    change(&dir, "src/lib.rs", |_| "#[unsafe(no_mangle)]\npub extern \"C\" fn answer() -> i32 { 42 }\n".into());
    let error = refused(dir.path());
    assert!(matches!(error, BuildError::NoExport(_) | BuildError::Component(_)), "{error:?}");
    assert!(!dir.path().join("fixture-plain.wasm").exists());
}

#[test]
fn not_with_unrequested_imports() {
    if !has_target("refused::not_with_unrequested_imports") {
        return;
    }
    let call = Some((PROBE, "list-filesystems"));
    let dir = policy("fixture-unasked", &[PROBE], &[], call);
    let error = refused(dir.path());
    assert!(matches!(&error, BuildError::NotAskedFor(name) if name == PROBE), "{error:?}");
    assert!(error.hint().unwrap().contains("[capabilities.\"ansai:disk/disk-probe\"]"));

    let known: Vec<_> = INTERFACES.iter().filter(|one| one.name != "ansai:disk/disk-probe").cloned().collect();
    let error = build(dir.path(), &BuildOptions { allow_root: true, interfaces: &known }).unwrap_err();
    assert!(matches!(&error, BuildError::UnknownInterface { known: None, .. }), "{error:?}");
    let newer: Vec<_> =
        INTERFACES.iter().map(|one| ansai_core::Interface { version: "0.3.0", ..one.clone() }).collect();
    let error = build(dir.path(), &BuildOptions { allow_root: true, interfaces: &newer }).unwrap_err();
    let known = Some(ansai_core::InterfaceName::from_static("ansai:disk/disk-probe@0.3.0"));
    assert!(matches!(&error, BuildError::UnknownInterface { known: found, .. } if *found == known), "{error:?}");

    let clock = "other:things/clock@0.2.0";
    let dir = policy("fixture-clock", &[clock], &[], Some((clock, "list-filesystems")));
    let error = refused(dir.path());
    assert!(matches!(&error, BuildError::NotOurs(name) if name == clock), "{error:?}");
}
