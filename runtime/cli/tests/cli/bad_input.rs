//! Bad input of each kind: its code, its place, its way out and the exit code; and nothing half-written is left.

use std::path::Path;
use std::process::Output;

use crate::support::*;

trait Told {
    fn told(self, code: i32, word: &str, says: &[&str]) -> Self;
}

impl Told for Ran {
    /// What a person needs: the code, and below it the way to more.
    #[track_caller]
    fn told(self, code: i32, word: &str, says: &[&str]) -> Ran {
        let mut ran = self.code(code).complains(&format!("[{word}]")).complains("hint:");
        for words in says {
            ran = ran.complains(words);
        }
        let last = ran.stderr.lines().last().unwrap_or_default();
        assert_eq!(last, format!("for more information, run `ansai explain {word}`"), "{}", ran.stderr);
        assert_eq!(ran.stderr.matches("for more information").count(), 1, "{}", ran.stderr);
        ran
    }
}

/// The bytes with one text in place of another of the same length.
fn changed(bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
    assert!(!at.is_empty(), "{from} is not there");
    at.into_iter().fold(bytes, |mut bytes, at| {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        bytes
    })
}

#[test]
fn components() {
    let probe = "ansai:disk/disk-probe@0.2.0";
    let bare = |text: &str| with_sections(wat::parse_str(text).unwrap(), &manifest("p", ""), None);
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        // The wrong version of the contract.
        (
            "unknown-interface",
            changed(sees("p"), probe, "ansai:disk/disk-probe@9.9.9"),
            &["it has `ansai:disk/disk-probe@0.2.0`"],
        ),
        // A function may be missing here.
        (
            "newer-interface",
            changed(sees("p"), probe, "ansai:disk/disk-probe@0.2.9"),
            &["needs `ansai:disk/disk-probe@0.2.9`", "this host has `ansai:disk/disk-probe@0.2.0`", "ansai:disk 0.2.9"],
        ),
        // An interface that no host has.
        ("unknown-interface", changed(sees_unasked("p"), probe, "ansai:disk/disk-probx@0.2.0"), &["disk-probx"]),
        (
            "foreign-import",
            bare(r#"(component (import "acme:tools/hammer@1.0.0" (instance)))"#),
            &["acme:tools/hammer"],
        ),
        (
            "imports-wasi",
            bare(r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#),
            &["wasi:cli/environment"],
        ),
        ("missing-export", bare("(component)"), &["does not export `detect`"]),
        ("core-module", wat::parse_str("(module)").unwrap(), &["ansai build DIR"]),
        ("not-asked", sees_unasked("p"), &["[capabilities.\"ansai:disk/disk-probe\"]"]),
        ("missing-section", component("", "", ""), &["ansai:manifest"]),
        ("not-wasm", b"<html>".to_vec(), &["not WebAssembly"]),
        ("damaged", quiet("p")[..300].to_vec(), &["at byte"]),
    ];
    for (word, bytes, says) in cases {
        let place = Scene::new();
        place.policy("p", &bytes);
        let place_and_words = [says, &["policies/p/p.wasm"]].concat();
        place.ansai(&["check", "policies"]).told(2, word, &place_and_words);
        let ran = place.ansai(&["run", "policies", "--once"]).told(2, word, &place_and_words);
        assert!(ran.stderr.contains(&format!("error[{word}]: ")), "{}", ran.stderr);
        let checked = place.ansai(&["check", "policies", "--format", "json"]).code(2).json();
        assert_eq!(checked["checked"][0]["problem"]["error_kind"], word);
    }
}

fn sees_unasked(name: &str) -> Vec<u8> {
    let import = r#"(import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))"#;
    with_sections(component(import, "(call $list (i32.const 4096))", ""), &manifest(name, ""), None)
}

#[test]
fn a_component_over_the_size_limit() {
    let place = Scene::new();
    let path = place.policy("p", b"");
    std::fs::File::options().write(true).open(&path).unwrap().set_len((64 << 20) + 1).unwrap();
    for verb in ["check", "inspect"] {
        place.ansai(&[verb, "policies/p"]).told(2, "too-large", &["policies/p/p.wasm", "67108865 bytes"]);
    }
}

#[test]
fn settings_that_fail_the_schema() {
    let schema = r#"{"type":"object","properties":{"level":{"type":"integer","minimum":1,"default":5}}}"#;
    let place = Scene::new();
    place.policy("p", &with_settings("p", schema));
    for (word, line, column, says) in [
        ("setting-value", "level = 0", 9, "less than 1"),
        ("setting-type", "level = \"high\"", 9, "must be a whole number"),
        ("unknown-setting", "levle = 2", 1, "did you mean `level`?"),
    ] {
        place.write("ansai.toml", format!("[policy.p.settings]\n{line}\n"));
        for verb in [&["check", "policies"][..], &["run", "policies", "--once"]] {
            let ran = place.ansai(&[verb, &["--config", "ansai.toml"]].concat()).code(2);
            let ran = ran.complains("error[invalid]").complains(&format!("[{word}]")).complains(says).complains(line);
            assert!(ran.stderr.contains(&format!("ansai.toml:2:{column}")), "{}", ran.stderr);
            assert!(ran.stderr.ends_with(&format!("run `ansai explain {word}`\n")), "{}", ran.stderr);
        }
        let json = ["check", "policies", "--config", "ansai.toml", "--format", "json"];
        let problem = place.ansai(&json).code(2).json()["checked"][2]["problem"]["problems"][0].clone();
        assert_eq!((problem["code"].as_str(), problem["line"].as_u64()), (Some(word), Some(2)), "{problem}");
    }
}

#[test]
fn a_configuration_with_a_typo() {
    let place = Scene::new();
    place.write("ansai.toml", "[policy.p]\nmod = \"observe\"\n");
    let ran = place.ansai(&["check", "--config", "ansai.toml"]).code(2).says("error  ansai.toml");
    let ran = ran.complains("error[invalid]: ansai.toml is invalid").complains("[unknown-key] unknown key `mod`");
    ran.complains("ansai.toml:2:1").complains("did you mean `mode`?").complains("run `ansai explain unknown-key`");
    let checked = place.ansai(&["check", "--config", "ansai.toml", "--format", "json"]).code(2).json();
    let problem = &checked["checked"][0]["problem"]["problems"][0];
    assert_eq!((problem["code"].as_str(), problem["line"].as_u64()), (Some("unknown-key"), Some(2)));
}

const LIST: &str = "[[reply]]\ncall = \"ansai:disk/disk-probe.list-filesystems\"\n";

#[test]
fn scenarios_are_found_wrong_without_running_them() {
    let place = Scene::new();
    place.policy("p", &sees("p"));
    let well =
        format!("description = \"d\"\n{LIST}ok = {{ entries = [], skipped = 0 }}\n[expect]\nobservations = []\n");
    place.write("policies/p/scenarios/well.toml", &well);
    place.ansai(&["check", "policies"]).code(0).says("ok     policies/p/scenarios (1 scenario)");
    for (word, from, to, at) in [
        ("unknown-key", "[expect]", "[expectt]", "bad.toml:5:2"),
        ("contract-type", "skipped = 0", "skipped = \"none\"", "bad.toml:4:32"),
        ("unknown-call", "list-filesystems", "list-filesystem", "bad.toml:3:8"),
    ] {
        let bad = place.write("policies/p/scenarios/bad.toml", well.replace(from, to));
        for verb in ["check", "test"] {
            let ran = place.ansai(&[verb, "policies"]);
            assert_ne!(ran.code, 0);
            let all = format!("{}{}", ran.stdout, ran.stderr);
            assert!(all.contains(&format!("[{word}]")) && all.contains(at) && all.contains("help: "), "{all}");
            assert!(ran.stderr.ends_with(&format!("run `ansai explain {word}`\n")), "{}", ran.stderr);
        }
        // Also where nothing was built.
        let alone = place.write("alone/policy.toml", manifest_toml());
        std::fs::create_dir_all(place.path("alone/scenarios")).unwrap();
        std::fs::copy(&bad, place.path("alone/scenarios/bad.toml")).unwrap();
        place.ansai(&["check", alone.parent().unwrap().to_str().unwrap()]).code(2).complains(&format!("[{word}]"));
        let tested = place.ansai(&["test", "policies", "--format", "json"]).code(1).json();
        assert_eq!(tested["scenarios"][0]["diagnostics"][0]["code"], word);
    }
}

/// Pages show scenarios that provoke their code.
#[test]
fn examples_of_scenarios_provoke_their_code() {
    const FINE: &str = "[expect]\nobservations = []\n";
    let place = Scene::new();
    place.policy("p", &sees("p"));
    let mut tried = 0;
    for page in ansai_codes::pages() {
        let Some(text) = page.example.text.strip_prefix("# scenarios/full.toml\n") else { continue };
        let (before, after) = match (text.contains("[expect]"), text.contains("[[expect.plan]]")) {
            (true, _) => ("", ""),
            (false, true) => (FINE, ""),
            (false, false) => ("", FINE),
        };
        place.write("policies/p/scenarios/a.toml", format!("description = \"d\"\n{before}{text}\n{after}"));
        place.ansai(&["check", "policies"]).code(2).complains(&format!("[{}]", page.word));
        tried += 1;
    }
    assert!(tried >= 7, "{tried}");
}

fn manifest_toml() -> &'static str {
    "name = \"p\"\nversion = \"0.1.0\"\ndescription = \"a test\"\n[schedule]\nevery = \"60s\"\n"
}

#[test]
fn what_a_policy_does_otherwise_than_expected_has_a_code_too() {
    let place = Scene::new();
    place.policy("p", &quiet("p"));
    let text = "description = \"d\"\n[expect]\nobservations = [{ key = \"/\" }]\n[[expect.plan]]\nfinding = \"/\"\n\
                decision = \"declined\"\nsteps = []\n";
    place.write("policies/p/scenarios/a.toml", text.replace("decision = \"declined\"\nsteps = []", "failure = \"x\""));
    let ran = place.ansai(&["test", "policies"]).code(1).says("[unexpected]").says("[no-finding]");
    ran.complains("run `ansai explain unexpected`");
    let tested = place.ansai(&["test", "policies", "--format", "json"]).code(1).json();
    assert_eq!(tested["scenarios"][0]["problem_codes"], serde_json::json!(["unexpected", "no-finding"]));
}

/// A directory with a policy in Rust and programs in the place of its toolchain.
struct Project {
    place: Scene,
}

impl Project {
    fn new() -> Project {
        let place = Scene::new();
        for (name, text) in
            [("policy.toml", manifest_toml()), ("Cargo.toml", ""), ("Cargo.lock", ""), ("p.wasm", "of before")]
        {
            place.write(&format!("p/{name}"), text);
        }
        place.write("lib/libcore-0.rlib", "");
        Project { place }
    }

    /// A program that runs this script.
    fn program(&self, name: &str, script: &str) {
        let path = self.place.write(name, format!("#!/bin/sh\n{script}\n"));
        permit(&path, 0o700);
    }

    fn build(&self) -> Ran {
        let dir = self.place.root();
        let mut build = command(dir, &["build", "p", "--allow-root"]);
        build.env("RUSTC", dir.join("rustc")).env("CARGO", dir.join("cargo")).env_remove("CARGO_TARGET_DIR");
        let Output { status, stdout, stderr } = build.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: status.code().unwrap(), peak_memory: 0, stdout: text(stdout), stderr: text(stderr) }
    }

    /// All of `p`, which is as it was before.
    #[track_caller]
    fn is_untouched(&self) {
        let mut names: Vec<String> = std::fs::read_dir(self.place.path("p"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["Cargo.lock", "Cargo.toml", "p.wasm", "policy.toml"]);
        assert_eq!(std::fs::read_to_string(self.place.path("p/p.wasm")).unwrap(), "of before");
    }
}

#[test]
fn a_toolchain_that_fails() {
    let project = Project::new();
    project.build().told(2, "no-program", &["cannot build p", "rustc"]);
    project.program("rustc", "echo 'rustc is broken' >&2; exit 1");
    project.build().told(2, "tool-failed", &["cannot build p", "rustc is broken"]);
    project.program("rustc", "echo nowhere");
    project.build().told(2, "no-wasm-target", &["rustup target add"]);
    project.program("rustc", &format!("echo {}", project.place.path("lib").display()));
    project.program("cargo", "echo 'error: expected `;`' >&2; exit 101");
    project.build().told(2, "build-failed", &["expected `;`", "cannot build p"]);
    project.program("cargo", "kill -9 $$");
    project.build().told(2, "build-failed", &["cannot build p"]);
    project.program("cargo", "exit 0");
    project.build().told(2, "module-count", &["0 WebAssembly modules", "cdylib"]);
    let made = project.place.path("made.wasm");
    let module = wat::parse_str("(module)").unwrap();
    std::fs::write(&made, &module).unwrap();
    let told = serde_json::json!({"reason": "compiler-artifact", "filenames": [made],
        "manifest_path": std::fs::canonicalize(project.place.path("p")).unwrap().join("Cargo.toml")});
    project.program("cargo", &format!("echo '{told}'"));
    project.build().told(2, "missing-export", &["does not export"]);
    project.is_untouched();
}

#[test]
fn what_is_not_built_or_made_at_all() {
    let project = Project::new();
    let change = |name: &str, text: &str| project.place.write(&format!("p/{name}"), text);
    change("policy.toml", &manifest_toml().replace("60s", "sixty"));
    let ran = project.build().code(2).complains("[bad-quantity]").complains("policy.toml:5:9").complains("such as");
    assert!(ran.stderr.ends_with("run `ansai explain bad-quantity`\n"), "{}", ran.stderr);
    change("policy.toml", manifest_toml());
    change("README.md", "");
    std::fs::write(project.place.path("p/README.md"), [b'a', 0xff]).unwrap();
    project.build().told(2, "not-utf-8", &["p/README.md"]);
    std::fs::remove_file(project.place.path("p/README.md")).unwrap();
    std::fs::rename(project.place.path("p/Cargo.lock"), project.place.path("Cargo.lock")).unwrap();
    // The lock file may be that of a workspace, which cargo knows: the one of this project cannot be run.
    project.build().told(2, "no-program", &["cannot run", "RUSTC and CARGO"]);
    std::fs::rename(project.place.path("Cargo.lock"), project.place.path("p/Cargo.lock")).unwrap();
    project.is_untouched();

    let place = &project.place;
    let new = |name: &str, dir: &str| place.ansai(&["new", name, "--lang", "rust", "--dir", dir]);
    new("Not_A_Name", ".").told(2, "bad-name", &["`Not_A_Name`", "small letters"]);
    new("p", ".").told(2, "exists", &["p already exists", "--dir"]);
    new("p", "nowhere").told(2, "no-directory", &["nowhere"]);
    let left: Vec<_> = std::fs::read_dir(place.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with('.')), "{left:?}");
    project.is_untouched();
}

#[test]
fn the_line_that_says_more_is_faint_and_comes_once() {
    let place = Scene::new();
    place.policy("a", b"garbage");
    place.policy("b", &wat::parse_str("(module)").unwrap());
    let ran = place.ansai(&["check", "policies", "--color", "always"]).code(2);
    assert!(ran.stderr.contains("\u{1b}[1m\u{1b}[31merror[not-wasm]:"), "{:?}", ran.stderr);
    assert!(
        ran.stderr.ends_with("\u{1b}[2mfor more information, run `ansai explain not-wasm`\u{1b}[0m\n"),
        "{:?}",
        ran.stderr
    );
    let ran = place.ansai(&["check", "policies", "--color", "never"]).code(2).complains("error[core-module]:");
    assert!(
        !ran.stderr.contains('\u{1b}') && ran.stderr.matches("for more information").count() == 1,
        "{:?}",
        ran.stderr
    );
}

#[test]
fn a_component_is_compared_with_what_lies_beside_it() {
    let place = Scene::new();
    let schema = r#"{"type":"object","properties":{"level":{"type":"integer","default":5}}}"#;
    let beside = format!("{}[settings]\nschema = \"s.json\"\n", manifest_toml());
    let embedded = manifest("p", r#","settings":{"schema":"s.json"}"#);
    place.policy("p", &with_sections(component("", "", ""), &embedded, Some(schema)));
    place.write("policies/p/policy.toml", &beside);
    place.write("policies/p/s.json", schema);
    let check = |format: &str| place.ansai(&["check", "policies", "--format", format]);
    assert!(!check("text").code(0).stdout.contains("warning"));
    place.write("policies/p/s.json", schema.replace('5', "6"));
    check("text").code(0).says("warning[stale-build]: policy.toml or the schema has changed");
    place.write("policies/p/s.json", "{");
    check("text").code(2).complains("[syntax]").complains("s.json:1:");
    place.write("policies/p/s.json", schema);
    place.write("policies/p/policy.toml", beside.replace("60s", "61s"));
    let wit = |text: &str| place.write("policies/p/wit/deps/disk/disk.wit", text);
    wit("package ansai:disk@0.0.9;\n");
    check("text").says("warning[stale-build]:").says("warning[other-contract]:").says("older than 0.2.0 of this ansai");
    let checked = check("json").code(0).json();
    assert_eq!(checked["checked"][0]["warning_codes"], serde_json::json!(["stale-build", "other-contract"]));
    assert_eq!(checked["checked"][0]["warnings"].as_array().unwrap().len(), 2);
    wit(&std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/disk/disk.wit")).unwrap());
    assert!(!check("text").stdout.contains("other-contract"));
}

/// A test of a component that was built from other sources says nothing about those beside it.
#[test]
fn a_component_of_other_sources_is_not_tested() {
    use wasm_encoder::ComponentSection as _;
    let place = Scene::new();
    let mut bytes = quiet("p");
    let fingerprint = wasm_encoder::CustomSection { name: "ansai:sources".into(), data: b"0".into() };
    fingerprint.append_to_component(&mut bytes);
    place.policy("p", &bytes);
    place.write("policies/p/scenarios/a.toml", "description = \"a\"\n[expect]\nobservations = []\n");
    place.ansai(&["test", "policies/p"]).code(0).says("1 passed");
    // A manifest alone is not what a component is built from.
    place.write("policies/p/policy.toml", manifest_toml());
    place.ansai(&["test", "policies/p"]).code(0);
    place.write("policies/p/policy.c", "");
    let ran = place.ansai(&["test", "policies/p"]).code(2).complains("error[stale-build]:");
    ran.complains("was built from other sources").complains("hint: run `ansai build policies/p`");
    place.ansai(&["check", "policies"]).code(0).says("warning[stale-build]: the sources have changed");
}

/// `ansai check` reads only the schema: what the policy's code would refuse must be there.
#[test]
fn a_threshold_above_the_next_one_is_found_by_a_check() {
    let schema = r#"{"type":"object","properties":{"warning":{"type":"number","default":80,"ansai-at-most":"critical"},
        "critical":{"type":"number","default":90}}}"#;
    let place = Scene::new();
    place.policy("p", &with_settings("p", schema));
    let check = |settings: &str| {
        place.write(
            "ansai.toml",
            format!("[policy.p]\nsource = \"policies/p/p.wasm\"\n[policy.p.settings]\n{settings}\n"),
        );
        place.ansai(&["check", "policies", "--config", "ansai.toml"])
    };
    check("warning = 90").code(0);
    check("warning = 95").code(2).complains("`warning` is 95, above `critical` (90)").complains("ansai.toml:4:");
    check("critical = 70").code(2).complains("`warning` is 80, above `critical` (70)").complains("raise `critical`");
}

#[test]
fn nobody_is_woken_without_a_daemon() {
    let place = Scene::new();
    place.ansai(&["wake", "p"]).told(1, "not-running", &["ansai run --once"]);
    place.ansai(&["wake", "../p"]).code(2).complains("[bad-name]");
    // The directory of requests outlives the daemon. No request is made there: this one could not be.
    place.policy("p", &quiet("p"));
    place.ansai(&["run", "policies", "--once"]).code(0);
    std::fs::create_dir(place.state_dir().join("wake/p")).unwrap();
    place.ansai(&["wake", "p"]).told(1, "not-running", &["no ansai runs"]);
}
