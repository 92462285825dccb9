//! Versions compared, updated, taken back, and tried, with a real registry.

use ansai_harness::until;
use rustix::process::Signal;

use crate::orders::{LIMIT, daemon};
use crate::registry::{KEY, with_registry};
use crate::support::*;

const DISK: &str = r#"(import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))"#;

/// A version that looks at nothing.
fn version(version: &str, detect: &str) -> Vec<u8> {
    with_sections(component("", detect, ""), &manifest("web", "").replace("0.1.0", version), None)
}

/// A version that sees file systems, for this reason.
fn wider(version: &str, reason: &str) -> Vec<u8> {
    let more = SEES.replace("to see", reason).replace("\"required\":true", "\"required\":false");
    let code = component(DISK, "(call $list (i32.const 4096))", "");
    with_sections(code, &manifest("web", &more).replace("0.1.0", version), None)
}

fn push(place: &Scene, name: &str, component: &[u8]) {
    place.policy("web", component);
    place.ansai(&["push", "policies/web", name, "--ca", "ca.pem"]).code(0);
}

#[test]
fn two_files_are_compared() {
    let place = Scene::new();
    let evil = r"\u001b[2Jto see\u202e";
    place.write("old.wasm", version("1.0.0", ""));
    place.write("new.wasm", wider("1.1.0", evil));
    let same = place.ansai(&["diff", "old.wasm", "old.wasm"]).code(0);
    same.says("nothing: it can do no more than before");
    let compared = place.ansai(&["diff", "old.wasm", "new.wasm"]).code(7);
    let compared =
        compared.says("web 1.0.0 → 1.1.0").says("+ can see").says("functions: list-filesystems").says("author says: ");
    assert!(!compared.stdout.contains(['\u{1b}', '\u{202e}']), "{}", compared.stdout);
    place.ansai(&["diff", "new.wasm", "old.wasm"]).code(0).says("No longer possible");
    let json = place.ansai(&["diff", "old.wasm", "new.wasm", "--format", "json"]).code(7).json();
    assert_eq!((&json["wider"], &json["changes"][0]["effect"]), (&true.into(), &"wider".into()), "{json}");
    assert_eq!(json["changes"][0]["name"], "ansai:disk/disk-probe");
    place.ansai(&["diff", "old.wasm", "nowhere.wasm"]).code(2).complains("[file-access]");
    place.ansai(&["diff", "old.wasm", "registry.example/web:"]).code(2).complains("[bad-reference]");
}

#[test]
fn what_can_do_more_is_held_until_a_person_accepts_it() {
    let place = Scene::new();
    let Some(registry) = with_registry(&place) else { return };
    let name = format!("{}/acme/web", registry.host);
    push(&place, &name, &version("1.0.0", ""));
    let config = "[policy.mine]\nsource = \"oci:NAME@^1\"\n".replace("NAME", &name);
    place.configuration(&config);
    place.ansai(&["pull", "--config", "ansai.toml", "--ca", "ca.pem"]).code(0);
    let lock = || std::fs::read_to_string(place.path("ansai.lock")).unwrap();
    let update = |more: &[&str]| place.ansai(&[&["update", "--config", "ansai.toml", "--ca", "ca.pem"], more].concat());
    update(&[]).code(0).says("mine: stays at 1.0.0: no newer version");
    update(&["unknown"]).code(2).complains("[unknown-instance]");

    push(&place, &name, &version("1.1.0", ""));
    let before = lock();
    update(&["--dry-run"]).code(0).says("mine: would pin 1.1.0");
    assert_eq!(lock(), before);
    let updated = update(&["mine"]).code(0);
    updated.says("mine: pinned 1.1.0; 1.0.0 is kept").says("nothing: it can do no more than before");
    assert!(lock().contains("[[earlier]]") && lock().contains("version = \"1.1.0\""), "{}", lock());

    push(&place, &name, &wider("1.2.0", "to see"));
    let before = lock();
    update(&["--dry-run"]).code(7).says("mine: would be held: 1.2.0 can do more");
    update(&[]).code(7).says("+ can see").says("`ansai update --accept-wider mine@1.2.0` pins it");
    let json = update(&["--format", "json"]).code(7).json();
    let policy = &json["policies"][0];
    assert_eq!((&policy["outcome"], &policy["new"]["version"]), (&"held".into(), &"1.2.0".into()), "{json}");
    assert_eq!(lock(), before);
    let asked = |command: &[&str]| place.ansai(&[command, &["--config", "ansai.toml", "--ca", "ca.pem"]].concat());
    asked(&["diff", "mine", &format!("{name}@^1")]).code(7).says("web 1.1.0 → 1.2.0");
    asked(&["inspect", "mine"]).code(0).says("web 1.1.0");
    asked(&["inspect", &format!("{name}:1.2.0")]).code(0).says("web 1.2.0").says("list-filesystems");
    // The version is named: another one is another decision.
    update(&["--accept-wider", "mine"]).code(2).complains("NAME@VERSION");
    update(&["--accept-wider", "mine@1.1.9"]).code(7);
    update(&["--accept-wider", &format!("mine@sha256:{}", "0".repeat(64))]).code(7);
    update(&["--accept-wider", "yours@1.2.0"]).code(2).complains("[unknown-instance]");
    assert_eq!(lock(), before);
    update(&["--accept-wider", "mine@1.2.0"]).code(0).says("mine: pinned 1.2.0; 1.0.0 is kept");
    assert!(lock().contains("version = \"1.0.0\""), "1.1.0 never ran, so it is no last good one: {}", lock());
    place.ansai(&["run", "--once", "--locked", "--config", "ansai.toml"]).code(0);

    // A registry that offers only older versions than the pinned one.
    push(&place, &name, &version("1.3.0", ""));
    std::fs::rename(place.path("ansai.lock"), place.path("kept.lock")).unwrap();
    std::fs::write(place.path("ansai.lock"), lock_of(&place, "kept.lock", "1.2.0", "1.9.0")).unwrap();
    update(&[]).code(0).says("stays at 1.9.0: no newer version");

    // A registry that is away keeps nothing from being found in others, and decides the exit code.
    let kept = std::fs::read_to_string(place.path("kept.lock")).unwrap();
    let table = kept.split_once("[[policy]]").unwrap().1.split("[[earlier]]").next().unwrap();
    let dead = format!("[[policy]]{}", table.replace(&registry.host, "localhost:1"));
    place.write("ansai.lock", kept.replacen("[[policy]]", &format!("{dead}[[policy]]"), 1));
    place.configuration(&format!("{config}[policy.dead]\nsource = \"oci:localhost:1/acme/web@^1\"\n"));
    let updated = update(&["--dry-run"]).code(1).says("mine: would pin 1.3.0").says("dead: stays at 1.2.0: whether");
    updated.complains("[registry-unreachable]");
    let json = update(&["--dry-run", "--format", "json"]).code(1).json();
    let outcomes: Vec<&str> =
        json["policies"].as_array().unwrap().iter().filter_map(|one| one["outcome"].as_str()).collect();
    assert!(outcomes.contains(&"failed") && outcomes.contains(&"would-pin"), "{json}");

    // One that offered 1.4.0 once, and hides it now.
    let seen = serde_json::json!({ &name: ["1.2.0", "1.4.0"] });
    place.write("state/registry/versions.json", seen.to_string());
    update(&["--dry-run", "mine"]).code(4).complains("[rolled-back]").complains("1.4.0");
}

/// A lock file with another version.
fn lock_of(place: &Scene, file: &str, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(place.path(file)).unwrap();
    text.replacen(&format!("version = \"{from}\""), &format!("version = \"{to}\""), 1)
}

#[test]
fn a_new_version_that_fails_at_once_is_taken_back_and_stays_away() {
    let place = Scene::new();
    let Some(registry) = with_registry(&place) else { return };
    let name = format!("{}/acme/web", registry.host);
    push(&place, &name, &version("1.0.0", ""));
    place.configuration(&"[policy.mine]\nevery = \"1s\"\nsource = \"oci:NAME@^1\"\n".replace("NAME", &name));
    let config = place.path("ansai.toml");
    let config = config.to_str().unwrap();
    place.ansai(&["pull", "--config", config, "--ca", "ca.pem"]).code(0);
    push(&place, &name, &version("1.1.0", "unreachable"));
    place.ansai(&["update", "--config", config, "--ca", "ca.pem"]).code(0).says("mine: pinned 1.1.0");
    // A host without the registry.
    drop(registry);

    let told = "version 1.1.0 kept failing on this host";
    let running = daemon(&place, config);
    running.wait_for_line("a new version failed", LIMIT);
    let status = || place.ansai(&["status", "--config", config]).stdout;
    until("the last good version runs", LIMIT, || status().contains(told).then_some(()));
    let audit = || place.ansai(&["audit", "show"]).code(0).stdout;
    assert!(audit().contains("mine: not loaded (went-back)"), "{}", audit());
    drop(running);

    let faults = || audit().matches("backed off").count();
    let before = faults();
    let again = place.ansai(&["run", "--once", "--config", config]);
    assert!(again.stderr.contains("error[went-back]") && again.stderr.contains("1.0.0 runs"), "{}", again.stderr);
    // The first evaluation of a start is always recorded.
    let evaluations = || audit().matches("mine: detect: 0 healthy").count();
    let evaluated = evaluations();
    let mut running = daemon(&place, config);
    until("the last good version looks again", LIMIT, || (evaluations() > evaluated).then_some(()));
    assert!(!running.has_ended());
    // It runs, so a mistake in its table is refused as that of any other.
    let text = std::fs::read_to_string(config).unwrap();
    place.configuration(&format!("{text}sha256 = \"{}\"\n", "0".repeat(64)));
    running.signal(Signal::HUP);
    running.wait_for_line("error[other-component]", LIMIT);
    running.wait_for_line("the configuration is not reloaded", LIMIT);
    place.configuration(&text);
    drop(running);
    assert_eq!(faults(), before, "the version that failed runs again");

    // The last good version does not load any more: the pinned one is better than none.
    let lock = std::fs::read_to_string(place.path("ansai.lock")).unwrap();
    let pinned = lock.split_once("[[policy]]").unwrap().1.split_once("component = \"sha256:").unwrap().1;
    place.configuration(&format!("{text}sha256 = \"{}\"\n", pinned.get(..64).unwrap()));
    let again = place.ansai(&["run", "--once", "--config", config]);
    let again = again.complains("mine runs version 1.1.0").complains("the last good version 1.0.0 does not load");
    assert!(!again.stderr.contains("went-back"), "{}", again.stderr);
    place.configuration(&text);

    place.ansai(&["update", "--config", config, "--retry", "mine"]).code(0).says("may run again");
    let again = place.ansai(&["run", "--once", "--config", config]);
    assert!(!again.stderr.contains("went-back"), "{}", again.stderr);

    // Where no daemon listened it was quarantined: the next daemon takes it back at once.
    for _ in 0..10 {
        place.ansai(&["run", "--once", "--config", config]);
    }
    let running = daemon(&place, config);
    running.wait_for_line("a new version failed", LIMIT);
    until("the last good version runs again", LIMIT, || status().contains(told).then_some(()));
}

#[test]
fn a_policy_of_a_stranger_is_tried_without_acting() {
    let place = Scene::new();
    place.write("web.wasm", wider("1.0.0", "to see"));
    let tried = place.ansai(&["try", "web.wasm"]).code(0);
    let tried = tried
        .says("can see")
        .says("imports list-filesystems")
        .says("a file has no signatures")
        .says("none: a component");
    tried.says("in observe mode (nothing acts)").says("[policy.web]").says("source = ");
    let json = place.ansai(&["try", "web.wasm", "--format", "json"]).code(0).json();
    assert_eq!(json["dry_run"]["exit_code"], 0, "{json}");
    // What cannot run without a person's settings is told, and hides nothing else.
    let schema = r#"{"type":"object","required":["a"],"properties":{"a":{"type":"string"}}}"#;
    place.write("web.wasm", with_settings("web", schema));
    let tried = place.ansai(&["try", "web.wasm"]).code(0);
    tried.complains("error[").says("[policy.web]");
    // Of a policy that traps, the fault is what it would do here.
    place.write("web.wasm", traps("web"));
    place.ansai(&["try", "web.wasm"]).code(0).says("[policy.web]");
    assert!(!place.state_dir().exists(), "a try leaves nothing behind");

    let Some(registry) = with_registry(&place) else { return };
    let name = format!("{}/acme/web", registry.host);
    push(&place, &name, &version("1.0.0", ""));
    for (file, text) in [("key.pem", KEY.0), ("key.pub", KEY.1)] {
        place.write(file, text);
    }
    permit(&place.path("key.pem"), 0o600);
    let at = format!("{name}:1.0.0");
    let ask = |more: &[&str]| place.ansai(&[&["try", &at, "--ca", "ca.pem"], more].concat()).code(0);
    ask(&[]).says("not verified: pass --key").says(&format!("source = \"oci:{at}\""));
    ask(&["--key", "key.pub"]).says("none of the given keys has signed it");
    place.ansai(&["sign", &at, "--key", "key.pem", "--ca", "ca.pem"]).code(0);
    ask(&["--key", "key.pub"]).says("signed by key.pub");
    place.ansai(&["list"]).code(0).says("no policies stored");
}
