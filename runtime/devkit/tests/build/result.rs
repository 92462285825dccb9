//! The built component.

use std::os::unix::fs::PermissionsExt as _;

use ansai_config::Manifest;
use ansai_devkit::build::{BuildOptions, LICENCE_SECTION, MANIFEST_SECTION, README_SECTION, SCHEMA_SECTION, build};
use wasmparser::{Parser, Payload};

use crate::fixture::{INTERFACES, policy, workspace};
use crate::target::has_target;

const PROBE: &str = "ansai:disk/disk-probe";

pub(crate) fn section(component: &[u8], name: &str) -> Option<String> {
    Parser::new(0).parse_all(component).find_map(|payload| match payload.unwrap() {
        Payload::CustomSection(section) if section.name() == name => {
            Some(String::from_utf8(section.data().to_vec()).unwrap())
        }
        _ => None,
    })
}

#[test]
fn the_same_source_gives_the_same_bytes() {
    if !has_target("result::the_same_source_gives_the_same_bytes") {
        return;
    }
    let dir = policy(
        "fixture-same",
        &["ansai:disk/disk-probe@0.2.0", "ansai:disk/disk-check-actions@0.2.0"],
        &[PROBE],
        Some(("ansai:disk/disk-probe@0.2.0", "list-filesystems")),
    );
    let options = BuildOptions { allow_root: true, interfaces: INTERFACES };
    let first = build(dir.path(), &options).unwrap();
    let component = std::fs::read(&first.path).unwrap();
    // The import that nothing uses is dropped, so it needs no request.
    assert_eq!(first.imports, ["ansai:disk/disk-probe@0.2.0"]);
    assert_eq!(first.path, dir.path().canonicalize().unwrap().join("fixture-same.wasm"));
    assert_eq!(first.bytes, component.len().into());
    assert_eq!(std::fs::metadata(&first.path).unwrap().permissions().mode() & 0o777, 0o644);

    let again = build(dir.path(), &options).unwrap();
    assert_eq!(again, first);
    assert_eq!(std::fs::read(&first.path).unwrap(), component);
    let files = std::fs::read_dir(dir.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".building"));
    assert_eq!(files.count(), 0);

    let manifest = section(&component, MANIFEST_SECTION).unwrap();
    let read = Manifest::from_json("embedded", &manifest, INTERFACES).unwrap();
    assert_eq!((read.name.as_str(), read.every), ("fixture-same", ansai_core::Millis::new(60_000)));
    assert!(read.capabilities.contains_key(PROBE));
    assert!(manifest.starts_with("{\"capabilities\":"), "{manifest}");
    assert!(section(&component, SCHEMA_SECTION).unwrap().contains("percent"));
    assert_eq!(section(&component, LICENCE_SECTION).unwrap(), "first\n\nsecond\n");
    assert_eq!(section(&component, README_SECTION).unwrap(), "# A test\n");
    assert_eq!(section(&component, "version").unwrap(), "1.2.3");
    // The component contains no path of this machine.
    let place = dir.path().to_str().unwrap();
    assert!(!component.windows(place.len()).any(|window| window == place.as_bytes()));
}

/// The bytes do not depend on the workspace's place, and a build writes only to its build directory.
#[test]
fn a_member_of_a_workspace_gives_the_same_bytes_anywhere() {
    if !has_target("result::a_member_of_a_workspace_gives_the_same_bytes_anywhere") {
        return;
    }
    let options = BuildOptions { allow_root: true, interfaces: INTERFACES };
    let components = [1, 2].map(|_| {
        let place = workspace("fixture-member", Some(("ansai:disk/disk-probe@0.2.0", "list-filesystems")));
        let dir = place.path().join("fixture-member");
        let built = build(&dir, &options).unwrap();
        assert!(!dir.join("target").exists() && !dir.join("Cargo.lock").exists());
        let component = std::fs::read(&built.path).unwrap();
        let path = place.path().to_str().unwrap();
        assert!(!component.windows(path.len()).any(|window| window == path.as_bytes()));
        component
    });
    assert!(components[0] == components[1]);
}
