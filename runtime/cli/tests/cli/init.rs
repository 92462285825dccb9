//! `ansai init`: a configuration that runs, observes, and never takes the place of another file by accident.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::*;

/// A share directory with a policy that finds something, and one that has nothing to check here.
fn place() -> Scene {
    let place = Scene::new();
    for (name, component) in [("busy", sick("busy")), ("idle", quiet("idle"))] {
        place.write(&format!("share/policies/{name}/{name}.wasm"), component);
    }
    permit(&place.path("share/policies"), 0o700);
    permit(&place.path("share"), 0o700);
    place
}

const INIT: [&str; 5] = ["init", "-o", "etc/ansai.toml", "--share-dir", "share"];

#[test]
fn the_configuration_only_observes_and_runs_what_makes_sense_here() {
    let place = place();
    let ran = place.ansai(&INIT).code(0).says("created etc/ansai.toml; it only observes");
    ran.says("  busy\n")
        .says("idle: left out: nothing to check on this host")
        .says("ansai check --config etc/ansai.toml");
    let file = place.path("etc/ansai.toml");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("\nsource = \"builtin:busy\"\n") && text.contains("# idle: left out"), "{text}");
    assert!(!text.contains("\nmode = \"enforce\""), "{text}");
    assert!(!place.path("state").exists(), "the state directory of the host is left alone");
    let config = ["--config", "etc/ansai.toml", "--share-dir", "share"];
    place.ansai(&[&["check"][..], &config].concat()).code(0).says("ok     [policy.busy], mode observe");
    place.ansai(&[&["run", "--once"][..], &config].concat()).code(3).says("(mode observe)");
}

#[test]
fn an_existing_file_stays_and_a_link_is_never_followed() {
    let place = place();
    let file = place.write("etc/ansai.toml", "mine");
    place.ansai(&INIT).code(2).complains("etc/ansai.toml already exists").complains("--force");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    place.ansai(&[&INIT[..], &["--force"]].concat()).code(0);
    assert!(std::fs::read_to_string(&file).unwrap().contains("[policy.busy]"));
    let victim = place.write("victim", "untouched");
    std::fs::remove_file(&file).unwrap();
    symlink(&victim, &file).unwrap();
    place.ansai(&INIT).code(2).complains("already exists");
    place.ansai(&[&INIT[..], &["--force"]].concat()).code(0);
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "untouched");
    assert!(std::fs::symlink_metadata(&file).unwrap().is_file());
}

#[test]
fn a_directory_that_another_user_can_change_is_refused() {
    let place = place();
    place.write("etc/other", "");
    permit(&place.path("etc"), 0o777);
    place.ansai(&INIT).code(4).complains("could change etc/ansai.toml");
    assert!(!place.path("etc/ansai.toml").exists());
}
