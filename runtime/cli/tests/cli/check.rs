//! Looking without running.

use crate::support::*;

#[test]
fn check_finds_what_running_would() {
    let place = Place::new();
    place.policy("p", &sees("p"));
    place.write("policies/src/policy.toml", "name = \"src\"\n");
    let ran =
        place.ansai(&["check", "policies"]).code(2).says("ok     p (policies/p/p.wasm)").says("wrong  policies/src");
    ran.complains("lacks");
    place.write("ansai.toml", "[policy.p]\nmode = \"enforce\"\n");
    let ran = place.ansai(&["check", "policies/p", "--config", "ansai.toml"]).code(4);
    ran.complains("required capability").complains("[policy.p.grant]");
    assert!(!place.path("state").exists());
}

#[test]
fn suggested_grants_are_a_configuration() {
    let place = Place::new();
    place.policy("p", &sees("p"));
    let grants = place.ansai(&["check", "policies", "--suggest-grants"]).code(0).says("[policy.p.grant]").stdout;
    place.write("ansai.toml", grants);
    place.ansai(&["check", "policies", "--config", "ansai.toml"]).code(0).says("ok     [policy.p], mode observe");
    place.ansai(&["run", "policies", "--once", "--config", "ansai.toml"]).code(0);
}

#[test]
fn inspect_says_what_a_policy_can_do() {
    let place = Place::new();
    let schema = r#"{"type":"object","properties":{"level":{"type":"integer","default":5,"description":"how full"}}}"#;
    place.policy("p", &sees("p"));
    place.policy("s", &with_settings("s", schema));
    let ran = place.ansai(&["inspect", "policies/p"]).code(0).says("can see how full file systems are");
    ran.says("required").says("cannot propose any change");
    place.ansai(&["inspect", "policies/s/s.wasm"]).code(0).says("level (whole number, default 5)").says("how full");
    let described = place.ansai(&["inspect", "policies/p", "--format", "json"]).code(0).json();
    assert_eq!(described[0]["manifest"]["name"], "p");
    assert_eq!(described[0]["sha256"].as_str().unwrap().len(), 64);
}
