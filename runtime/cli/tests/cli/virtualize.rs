//! `ansai virtualize`, from a component that is refused to one that runs.

use crate::support::*;

/// A component that sees file systems, and asks for the time and a random number of WASI.
fn wasi() -> Vec<u8> {
    component_of(
        "package wasi:random@0.2.3 { interface random { get-random-u64: func() -> u64; } }
         package wasi:clocks@0.2.3 { interface monotonic-clock { now: func() -> u64; } }",
        "import wasi:random/random@0.2.3; import wasi:clocks/monotonic-clock@0.2.3;",
        r#"(import "wasi:random/random@0.2.3" "get-random-u64" (func $random (result i64)))
           (import "wasi:clocks/monotonic-clock@0.2.3" "now" (func $now (result i64)))
           (import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))"#,
        "(drop (call $random)) (drop (call $now)) (call $list (i32.const 4096))",
        "",
    )
}

const MANIFEST: &str = "name = \"p\"\nversion = \"0.1.0\"\ndescription = \"a test\"\n[schedule]\nevery = \"60s\"\n\
                        [capabilities.\"ansai:disk/disk-probe\"]\nreason = \"to see\"\n";

#[test]
fn what_is_refused_for_wasi_runs_when_it_was_virtualized() {
    let place = Scene::new();
    place.write("build/guest.wasm", wasi());
    place.write("policies/policy.toml", MANIFEST);
    let refused = place.ansai(&["run", "build/guest.wasm", "--once"]).code(2);
    refused.complains("imports WASI (wasi:clocks/monotonic-clock@0.2.3)").complains("ansai virtualize FILE");
    let made = place.ansai(&["virtualize", "build/guest.wasm", "--policy", "policies"]).code(0);
    made.says("wrote policies/p.wasm")
        .says("can see")
        .says("ansai:disk/disk-probe (optional); author says: to see")
        .says("cannot propose any change")
        .says("wasi:random/random@0.2.3           the same numbers in every evaluation")
        .says("wasi:clocks/monotonic-clock@0.2.3  moves when it is read or waited for");
    place.ansai(&["inspect", "policies"]).code(0).says("cannot propose any change");
    place.ansai(&["run", "policies", "--once"]).code(0).says("p: nothing");
    place.ansai(&["replay", "--all", "--policies", "policies"]).code(0).says("1 recording: 1 identical");
}

#[test]
fn in_the_directory_of_a_policy_its_name_is_enough() {
    let place = Scene::new();
    place.write("policy.toml", MANIFEST);
    place.write("guest.wasm", wasi());
    place.ansai(&["virtualize", "guest.wasm"]).code(0).says("wrote p.wasm");
    place.ansai(&["run", "p.wasm", "--once"]).code(0).says("p: nothing");
}

#[test]
fn without_a_manifest_the_way_to_one_is_named() {
    let place = Scene::new();
    place.write("guest.wasm", wasi());
    let made = place.ansai(&["virtualize", "guest.wasm"]).code(0).says("wrote guest.virtual.wasm").says("can see");
    made.says("not runnable yet").says("--policy DIR");
    place.ansai(&["run", "guest.virtual.wasm", "--once"]).code(2).complains("no section `ansai:manifest`");
    let json = place.ansai(&["virtualize", "guest.wasm", "-o", "out.wasm", "--format", "json"]).code(0).json();
    assert_eq!(json["path"], "out.wasm");
    assert_eq!(json["runnable"], false);
    let interfaces = json["stood_in_for"].as_array().unwrap().iter().map(|one| one["interface"].as_str().unwrap());
    let interfaces: Vec<&str> = interfaces.collect();
    assert!(interfaces.contains(&"wasi:random/random@0.2.3") && interfaces.len() == 2, "{interfaces:?}");
    assert_eq!(json["imports"][1], "ansai:policy/context@0.2.0");
}

#[test]
fn what_cannot_be_virtualized_is_exit_code_2_with_a_hint() {
    let place = Scene::new();
    place.write("policy.toml", MANIFEST);
    place.write("module.wasm", wat::parse_str("(module)").unwrap());
    place.write("plain.wasm", quiet("plain"));
    place.write("p.wasm", wasi());
    let cases = [
        ("module.wasm", "core module", "wasm-tools component new"),
        ("plain.wasm", "does not import WASI", "ansai inspect"),
        ("nowhere.wasm", "nowhere.wasm", ""),
        ("p.wasm", "refusing to overwrite it", "-o OUT.wasm"),
    ];
    for (file, words, hint) in cases {
        let ran = place.ansai(&["virtualize", file]).code(2).complains("cannot virtualize").complains(words);
        ran.complains(hint);
    }
}
