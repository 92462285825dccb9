//! Rust's standard library on WASI: compiled for wasm32-wasip1, and turned into a component by the adapter that most
//! published components contain.

use std::path::{Path, PathBuf};
use std::process::Command;

use ansai_devkit::virtualize::Virtualized;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::ComponentEncoder;

use crate::place::{NOW, Place, answers, observed, subject};

const TARGET: &str = "wasm32-wasip1";

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Builds the component; `None`, with a message, if this machine has no Rust for WASI.
pub(crate) fn component(test: &str) -> Option<Vec<u8>> {
    // Compiled once for all tests; cargo's own lock serializes concurrent builds.
    let target = here("../../target").canonicalize().unwrap_or_else(|_| std::env::temp_dir());
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(target, PathBuf::from).join("wasi-guests");
    let output = Command::new("bash")
        .args(["-c", "environment=$(\"$0\" \"$1\") || exit 200; eval \"$environment\"; shift; exec \"$@\""])
        .arg(here("../../scripts/wasm-env"))
        .arg(TARGET)
        .args(["cargo", "build", "--quiet", "--release", "--locked", "--target", TARGET, "--manifest-path"])
        .arg(here("tests/virtualize/rust/Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(200) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{test}: no compiler for {TARGET}: {said}");
        eprintln!("skipped {test}: no compiler for {TARGET}, which scripts/setup test brings");
        return None;
    }
    assert!(output.status.success(), "{said}");
    let module = std::fs::read(target.join(TARGET).join("release/policy_wasi_rust.wasm")).unwrap();
    let encoder = ComponentEncoder::default().validate(true).module(&module).unwrap();
    let adapter = (WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER);
    Some(encoder.adapter(adapter.0, adapter.1).unwrap().encode().unwrap())
}

fn made(place: &Place) -> Virtualized {
    place.write("policy.toml", &std::fs::read(here("tests/virtualize/rust/policy.toml")).unwrap());
    place.virtualize()
}

#[test]
fn the_standard_library_finds_a_quiet_place_and_the_time_of_the_context() {
    let Some(component) = component("rust::the_standard_library…") else { return };
    let place = Place::new(&component);
    let made = made(&place);
    assert_eq!(made.imports, ["ansai:policy/context@0.2.0", "ansai:policy/log@0.2.0"]);
    let stood_in_for: Vec<_> = made.stand_ins.iter().map(|one| one.interface.without_version()).collect();
    for interface in ["wasi:clocks/wall-clock", "wasi:random/random", "wasi:filesystem/preopens", "wasi:cli/exit"] {
        assert!(stood_in_for.iter().any(|one| *one == interface), "{stood_in_for:?}");
    }
    let now = NOW.to_string();
    let expected = observed(&[
        ("clock", &now),
        ("hash", "7"),
        ("file", "an error"),
        ("directory", "an error"),
        ("written", "an error"),
        ("environment", "0"),
        ("arguments", "0"),
        ("sleep", "3600"),
        ("input", "0"),
    ]);
    let ran = answers(&subject(&made), &expected);
    let (order, log) = ran.log.split_first().unwrap();
    // The order that Rust's hash table gives with these random numbers; the second evaluation logs the same.
    assert!(order.starts_with("info: in the order ") && order != "info: in the order abcdefg", "{order}");
    let (long, rest) = (format!("info: {}", "ä".repeat(512)), format!("info: {}", "ä".repeat(88)));
    let said = ["info: a line in pieces", "error: an error of 1 and 2", &long, &rest, "info: not ? UTF-8"];
    assert_eq!(log, said, "a line without an end is not logged");
    eprintln!("fuel {:?}, {} added", ran.fuel, made.added_bytes);
}

#[test]
fn the_same_component_gives_the_same_bytes() {
    let Some(component) = component("rust::the_same_component…") else { return };
    let (place, other) = (Place::new(&component), Place::new(&component));
    let (first, again) = (made(&place), made(&other));
    assert_eq!(first.sha256, again.sha256);
    assert_eq!(place.read("wasi-rust.wasm"), other.read("wasi-rust.wasm"));
}

#[test]
fn exit_ends_the_evaluation_and_what_was_printed_is_logged() {
    let Some(component) = component("rust::exit_ends…") else { return };
    let finding = "{ key = \"disk\", about = { kind = \"wasi\", name = \"x\" }, status = { unhealthy = \"warning\" }, summary = \"s\", \
                   evidence = [], related = [] }";
    let place = Place::new(&component);
    let ran =
        answers(&subject(&made(&place)), &format!("[[expect.plan]]\nfinding = {finding}\nfailure = \"trapped\"\n"));
    let said = ["info: the last words on disk", "error: the policy called exit, which ends its evaluation"];
    assert_eq!(ran.log, said);
}
