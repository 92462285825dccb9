//! What may not be installed.

use std::fs;

use ansai_certificates::Roots;
use ansai_core::Refusal;
use ansai_harness::pki::{Authority, LONG};

use super::scene::{DAY, NAME, NEW, NOW, Scene, now};
use crate::certificate::staged;

const NAMES: &[&str] = &[NAME, "www.a.example"];

fn check(scene: &Scene, roots: Option<&str>) -> Result<(), String> {
    let installed = fs::read(scene.live("fullchain")).unwrap();
    let roots = roots.map(|pem| Roots::read(pem.as_bytes()));
    staged::check(&scene.site, NAME, &installed, roots.as_ref(), now()).map(drop).map_err(|why| why.to_string())
}

#[track_caller]
fn refused(scene: &Scene, expected: &str) {
    for roots in [None, Some(scene.root.pem.as_str())] {
        let why = check(scene, roots).unwrap_err();
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn what_is_good_passes_with_a_known_and_an_unknown_authority() {
    let scene = Scene::new();
    let installed = fs::read(scene.live("fullchain")).unwrap();
    let nothing = staged::check(&scene.site, NAME, &installed, None, now()).map(drop);
    assert!(matches!(nothing, Err(Refusal::NotFound(_))));
    for names in [NAMES, &["a.example", "www.a.example", "more.example"], &["a.example", "*.a.example"]] {
        scene.stage(&scene.authority.issue(names, NEW));
        let other = Authority::root("Elsewhere", LONG);
        assert_eq!(check(&scene, Some(&scene.root.pem)), Ok(()), "{names:?}");
        assert_eq!(check(&scene, Some(&other.pem)), Ok(()), "an authority that only the operator knows");
        assert_eq!(check(&scene, None), Ok(()), "no list of authorities");
    }
}

/// An authority that wants an early renewal may give shorter lives now.
#[test]
fn a_newer_one_with_a_shorter_life_passes() {
    let scene = Scene::new();
    scene.stage(&scene.authority.issue(NAMES, (NOW - DAY, NOW + 5 * DAY)));
    assert_eq!(check(&scene, Some(&scene.root.pem)), Ok(()));
}

#[test]
fn each_fault_is_refused() {
    let scene = Scene::new();
    scene.stage(&scene.authority.issue(&[NAME], NEW));
    refused(&scene, "it is not for www.a.example");
    scene.stage(&scene.authority.issue(&["*.a.example"], NEW));
    refused(&scene, "it is not for a.example");
    for shorter in [(NOW - 9 * DAY, NOW + 5 * DAY), (NOW - 81 * DAY, NOW + 9 * DAY)] {
        scene.stage(&scene.authority.issue(NAMES, shorter));
        refused(&scene, "not valid for longer");
    }
    scene.stage(&scene.authority.issue(NAMES, (NOW + DAY, NOW + 90 * DAY)));
    refused(&scene, "valid from");
    let mut wrong = scene.authority.issue(NAMES, NEW);
    wrong.key = scene.installed.key.clone();
    scene.stage(&wrong);
    refused(&scene, "its key does not belong to it");
    wrong.key = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n".into();
    scene.stage(&wrong);
    refused(&scene, "is unknown");
    scene.stage_chain(&scene.authority.issue_publicly(NAMES, NEW), "");
    refused(&scene, "is not installed");
    scene.stage(&scene.installed);
    refused(&scene, "installed already");
    let old = scene.root.intermediate("Old", (NOW - 900 * DAY, NOW - DAY));
    scene.stage_chain(&old.issue(NAMES, NEW), &old.pem);
    refused(&scene, "Old expired");
}

#[test]
fn an_unknown_authority_must_be_the_one_of_before_and_its_chain_whole() {
    let scene = Scene::new();
    let elsewhere = Authority::root("Elsewhere", LONG);
    let check = || check(&scene, Some(&elsewhere.pem));
    scene.stage_chain(&scene.authority.issue(NAMES, NEW), "");
    assert!(check().unwrap_err().contains("its chain ends at"), "a certificate is missing");
    let forged = Authority::root("Root", LONG).intermediate("Middle", LONG);
    scene.stage_chain(&scene.authority.issue(NAMES, NEW), &forged.pem);
    assert!(check().unwrap_err().contains("not signed by the next"), "another key under the same name");
    let stranger = Authority::root("Stranger", LONG);
    let middle = stranger.intermediate("Middle", LONG);
    scene.stage_chain(&middle.issue(NAMES, NEW), &middle.pem);
    assert!(check().unwrap_err().contains("its chain ends at"), "another authority");
    // Installed is one that this host knows; staged is one that it does not know.
    let installed = fs::read(scene.live("fullchain")).unwrap();
    let roots = Roots::read(scene.root.pem.as_bytes());
    let why = staged::check(&scene.site, NAME, &installed, Some(&roots), now()).map(drop).unwrap_err();
    assert!(why.to_string().contains("not installed"), "{why}");
}
