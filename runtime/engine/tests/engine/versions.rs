//! A component keeps running on a host that only adds to the contract, and says which version it needs elsewhere.

use ansai_core::event::Phase;
use ansai_engine::{Answer, LoadError};

use crate::support::*;

/// A component that was built for version 0.2.0 and lists file systems. It is never built again.
const FROZEN: &[u8] = include_bytes!("../../../../tests/frozen/disk-0.2.0.wasm");

/// The packages of this host, where `ansai:disk` has another version and may have another text.
fn packages(version: &str, change: impl Fn(&str) -> String) -> Vec<(&'static str, String)> {
    let packages = ansai_kit::wit::PACKAGES.iter();
    packages
        .map(|(name, text)| match *name {
            "disk.wit" => (
                *name,
                change(&text.replacen("package ansai:disk@0.2.0;", &format!("package ansai:disk@{version};"), 1)),
            ),
            _ => (*name, (*text).to_owned()),
        })
        .collect()
}

fn load(packages: &[(&str, String)]) -> Result<ansai_engine::Policy, LoadError> {
    let packages: Vec<(&str, &str)> = packages.iter().map(|(name, text)| (*name, text.as_str())).collect();
    engine().offering(&packages).unwrap().load(FROZEN)
}

#[tokio::test]
async fn a_frozen_component_runs_on_a_host_that_adds_a_function() {
    let added = "interface disk-probe {\n  spin-down: func(device: string) -> u32;";
    let later = packages("0.2.1", |text| text.replacen("interface disk-probe {", added, 1));
    assert!(later.iter().any(|(_, text)| text.contains("spin-down")));
    for packages in [packages("0.2.0", str::to_owned), later] {
        let policy = load(&packages).unwrap();
        let answer = policy.detect(live(Phase::Detect, &["ansai:disk/disk-probe"]), &limits()).await.answer;
        let Ok(Answer::Observed(observations)) = answer else { panic!("{answer:?}") };
        assert_eq!(observations[0].key, "answered");
    }
}

#[test]
fn a_newer_patch_than_the_host_has_is_refused_by_name() {
    let Err(error) = newer() else { panic!("it loads") };
    assert_eq!(
        error.to_string(),
        "the component needs `ansai:disk/disk-probe@0.2.7`, and this host has `ansai:disk/disk-probe@0.2.0`"
    );
    assert!(error.hint().contains("install an ansai that has ansai:disk 0.2.7 or later"), "{}", error.hint());
    assert_eq!(error.code().to_string(), "newer-interface");
}

/// The frozen component, as if it had been built for a later patch.
fn newer() -> Result<(), LoadError> {
    let mut bytes = FROZEN.to_vec();
    let (from, to) = (b"ansai:disk/disk-probe@0.2.0", b"ansai:disk/disk-probe@0.2.7");
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    engine().load(&bytes).map(|_| ())
}

#[test]
fn a_later_host_with_one_type_changed_is_refused() {
    let changed = packages("0.2.1", |text| text.replacen("inodes { total: u64", "inodes { total: u32", 1));
    let Err(error) = load(&changed).map(|_| ()) else { panic!("it loads") };
    assert!(matches!(error, LoadError::Signature { .. }), "{error}");
    assert!(error.to_string().contains("`list-filesystems` of `ansai:disk/disk-probe@0.2.0`"), "{error}");
}

#[test]
fn another_minor_version_is_another_interface() {
    for version in ["0.3.0", "1.0.0", "0.1.0"] {
        let Err(error) = load(&packages(version, str::to_owned)).map(|_| ()) else { panic!("it loads") };
        assert!(matches!(error, LoadError::UnknownInterface { nearest: Some(_), .. }), "{error}");
    }
}
