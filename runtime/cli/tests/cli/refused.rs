//! What is not run, and what is said then.

use crate::support::*;

#[test]
fn a_place_without_policies() {
    let place = Scene::new();
    std::fs::create_dir(place.path("empty")).unwrap();
    place.ansai(&["run", "empty", "--once"]).code(2).complains("empty has no policies").complains("hint:");
    place.ansai(&["run", "nowhere", "--once"]).code(2).complains("nowhere");
    assert!(!place.path("state").exists());
}

#[test]
fn sources_are_not_built_by_running() {
    let place = Scene::new();
    place.write("policies/web/policy.toml", "");
    for path in ["policies", "policies/web"] {
        let ran = place.ansai(&["run", path, "--once"]).code(2);
        ran.complains("policies/web has only sources").complains("hint: run `ansai build policies/web`");
    }
}

#[test]
fn each_kind_of_wrong_bytes_has_its_own_words() {
    let module = wat::parse_str("(module)").unwrap();
    let wasi = wat::parse_str(r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#).unwrap();
    let foreign = wat::parse_str(r#"(component (import "acme:tools/hammer@1.0.0" (instance)))"#).unwrap();
    let cases: [(&str, &[u8], &str); 7] = [
        ("garbage", b"hello", "not WebAssembly"),
        ("empty", b"", "not WebAssembly"),
        ("module", &module, "core module"),
        ("wasi", &wasi, "imports WASI"),
        ("foreign", &foreign, "not an ansai interface"),
        ("bare", &component("", "", ""), "no section `ansai:manifest`"),
        ("cut", &quiet("cut")[..200], "truncated or damaged"),
    ];
    for (name, bytes, words) in cases {
        let place = Scene::new();
        place.policy(name, bytes);
        place.ansai(&["run", "policies", "--once"]).code(2).complains(words).complains("hint:").complains(name);
        place.ansai(&["check", "policies"]).code(2).complains(words);
        place.ansai(&["inspect", &format!("policies/{name}")]).code(2).complains(words);
    }
}

#[test]
fn an_import_that_the_manifest_does_not_ask_for() {
    let place = Scene::new();
    let import = r#"(import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))"#;
    let bytes = component(import, "(call $list (i32.const 4096))", "");
    place.policy("sly", &with_sections(bytes, &manifest("sly", ""), None));
    place.ansai(&["run", "policies", "--once"]).code(2).complains("does not request").complains("[capabilities.");
}

#[test]
fn a_bad_configuration_is_shown_with_its_place() {
    let place = Scene::new();
    place.policy("p", &quiet("p"));
    place.write("ansai.toml", "[policy.p]\nmod = \"observe\"\n");
    let ran = place.ansai(&["run", "policies", "--once", "--config", "ansai.toml"]).code(2);
    let ran = ran.complains("unknown key `mod`").complains("ansai.toml:2:1").complains("did you mean `mode`?");
    assert!(ran.stderr.contains("mod = \"observe\""), "{}", ran.stderr);
}

#[test]
fn bad_settings_are_shown_with_their_place() {
    let schema = r#"{"type":"object","properties":{"level":{"type":"integer","minimum":1,"default":5}}}"#;
    let place = Scene::new();
    place.policy("p", &with_settings("p", schema));
    place.write("ansai.toml", "[policy.p.settings]\nlevel = 0\n");
    let ran = place.ansai(&["run", "policies", "--once", "--config", "ansai.toml"]).code(2);
    ran.complains("ansai.toml:2:9").complains("level = 0");
    place.write("ansai.toml", "[policy.p.settings]\nlevel = 7\n");
    place.ansai(&["run", "policies", "--once", "--config", "ansai.toml"]).code(0);
}

#[test]
fn enforcing_needs_a_configuration_that_only_the_operator_can_write() {
    let place = Scene::new();
    place.policy("p", &quiet("p"));
    let ran = place.ansai(&["run", "policies", "--once", "--mode", "enforce"]).code(2);
    ran.complains("needs a configuration").complains("--config FILE");
    let config = place.write("ansai.toml", "[policy.p]\nmode = \"enforce\"\n");
    permit(&config, 0o666);
    let enforcing = ["run", "policies", "--once", "--config", "ansai.toml"];
    place.ansai(&enforcing).code(4).complains("is writable by other users").complains("chmod go-w");
    let observing = [&enforcing[..], &["--mode", "observe"]].concat();
    place
        .ansai(&observing)
        .code(0)
        .complains("warning[untrusted-configuration]:")
        .complains("is writable by other users");
    permit(&config, 0o600);
    place.ansai(&enforcing).code(0).says("mode enforce");
}

#[test]
fn without_a_configuration_only_ones_own_policies_run() {
    let place = Scene::new();
    let policy = place.policy("p", &quiet("p"));
    permit(policy.parent().unwrap(), 0o777);
    place.ansai(&["run", "policies", "--once"]).code(4).complains("is writable by other users").complains("chmod go-w");
    permit(policy.parent().unwrap(), 0o755);
    place.ansai(&["run", "policies", "--once"]).code(0);
}

#[test]
fn what_is_required_and_not_granted_is_named_with_the_lines_to_add() {
    let place = Scene::new();
    place.policy("p", &sees("p"));
    place.policy("q", &quiet("q"));
    place.write("ansai.toml", "[policy.p]\n[policy.q]\n");
    let run = ["run", "policies", "--once", "--config", "ansai.toml"];
    let ran = place.ansai(&run).code(4);
    // The other one runs.
    ran.complains("required capability \"ansai:disk/disk-probe\"").complains("[policy.p.grant]").says("q: nothing");
    place.write("ansai.toml", "[policy.p.grant]\n\"ansai:disk/disk-probe\" = {}\n[policy.q]\n");
    place.ansai(&run).code(0).says("p: nothing").says("q: nothing");
}

#[test]
fn names_must_lead_to_one_component() {
    let place = Scene::new();
    place.write("policies/a/p.wasm", quiet("p"));
    place.write("policies/b/p.wasm", quiet("p"));
    place.ansai(&["run", "policies", "--once"]).code(2).complains("two policies are named p");
    place.write("ansai.toml", "[policy.p]\n[policy.other]\n");
    let run = ["run", "policies", "--once", "--config", "ansai.toml"];
    place.ansai(&run).code(2).complains("policies/b/p.wasm").complains("no policy is named other (available: p, p)");
    place.write("ansai.toml", "[policy.mine]\nsource = \"policies/a\"\n");
    place.ansai(&run).code(0).says("mine: nothing").complains("is not in the configuration; it does not run");
}
