//! JavaScript in StarlingMonkey, which imports about half of WASI.
//!
//! `package.json` pins componentize-js and also its undeclared dependencies, which npm would put elsewhere.

use std::path::{Path, PathBuf};
use std::process::Command;

use ansai_config::Manifest;
use ansai_devkit::build::world;

use crate::place::{Place, answers, observed, subject};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/virtualize/javascript").join(path)
}

/// Builds the component; `None`, with a message, if the tools are not installed.
fn component(test: &str) -> Option<Vec<u8>> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))).unwrap();
    let tool = cache.join("ansai/tools/starlingmonkey/node_modules/.bin/componentize-js");
    if !tool.is_file() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{test} needs the tools of scripts/setup test");
        eprintln!("skipped {test}: scripts/setup test has not installed componentize-js");
        return None;
    }
    let interfaces = ansai_host_functions::builtin().interfaces();
    let manifest = Manifest::load(&here("policy.toml"), &interfaces).unwrap();
    let place = tempfile::tempdir().unwrap();
    let (wit, made) = (place.path().join("wit"), place.path().join("made.wasm"));
    world::write(&wit, &manifest, &interfaces).unwrap();
    let output = Command::new(tool)
        .arg(here("policy.js"))
        .arg("--wit")
        .arg(&wit)
        .args(["--world-name", world::WORLD, "--out"])
        .arg(&made)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(std::fs::read(made).unwrap())
}

#[test]
fn starlingmonkey_knows_the_time_of_the_context_and_the_same_numbers_every_time() {
    let Some(component) = component("javascript::starlingmonkey…") else { return };
    let place = Place::new(&component);
    place.write("policy.toml", &std::fs::read(here("policy.toml")).unwrap());
    let made = place.virtualize();
    assert!(made.imports.iter().all(|import| import.package() == "ansai:policy"), "{:?}", made.imports);
    assert!(made.stand_ins.len() > 10, "{:?}", made.stand_ins);
    // The second evaluation logs the same numbers and uses the same fuel.
    let ran = answers(&subject(&made), &observed(&[("clock", "0"), ("random", "true"), ("elapsed", "true")]));
    assert_eq!(ran.log[..2], ["info: looking", "error: not well"]);
    assert!(ran.log[2].starts_with("info: random 0."), "{:?}", ran.log);
    eprintln!("fuel {:?}, {} added", ran.fuel, made.added_bytes);
}
