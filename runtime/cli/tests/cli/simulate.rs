//! `ansai simulate` with the real program: what would happen is shown, the same twice, and nothing of this host is used.

use std::path::Path;

use crate::support::*;

/// Never called, because no policy runs in a simulation. The import is what it could do.
const REMOVE: &str = r#"(import "ansai:files/files-actions@0.2.0" "remove"
    (func (param i32 i32 i32 i32 i32 i32 i32 i64 i32 i64 i32 i32 i32 i32 i32 i32)))"#;
const ASKS: &str = r#","capabilities":{"ansai:files/files-actions":{"reason":"to free space","required":true,"scope":{"roots":["/var/log"]}}}"#;
const GRANT: &str = "[policy.p.grant]\n\
    \"ansai:files/files-actions\" = { roots = [\"/var/log\"], max_files = 3, max_bytes = \"1GiB\" }\n";

/// A configuration with one policy that can remove files.
fn configured(scene: &Scene, policy: &str) -> String {
    let component = component_of("", "import ansai:files/files-actions@0.2.0;", REMOVE, "", "");
    let file = scene.policy("p", &with_sections(component, &manifest("p", ASKS), None));
    let text = format!("[policy.p]\nsource = \"{}\"\nevery = \"10m\"\n{policy}\n{GRANT}", file.display());
    scene.configuration(&text).to_str().unwrap().to_owned()
}

fn faults(scene: &Scene, text: &str) -> String {
    scene.write("faults.toml", text.as_bytes()).to_str().unwrap().to_owned()
}

fn total(json: &serde_json::Value, name: &str) -> u64 {
    json["totals"][name].as_u64().unwrap_or_else(|| panic!("{name}: {json:#}"))
}

fn is_there(path: &Path) -> bool {
    path.exists()
}

#[test]
fn a_month_is_the_same_twice_and_leaves_nothing_behind() {
    let scene = Scene::new();
    let config = configured(&scene, "mode = \"enforce\"");
    let simulate = |seed| {
        scene.ansai(&["simulate", "--config", &config, "--seed", seed, "--state-dir", "/nowhere"]).code(0).stdout
    };
    let first = simulate("1");
    for says in ["30 days simulated with seed 1", "healed", "nothing on this host was read or changed", "2026-01"] {
        assert!(first.contains(says), "{says}: {first}");
    }
    assert_eq!(first, simulate("1"));
    assert_ne!(first, simulate("2"));
    assert!(!is_there(Path::new("/nowhere")) && !is_there(&scene.path("state")));
}

#[test]
fn what_nothing_helps_against_is_left_to_a_person() {
    let scene = Scene::new();
    let config = configured(&scene, "mode = \"enforce\"\nattempts = { max = 2, cooldown = \"1h\" }");
    let faults = faults(
        &scene,
        "[[fault]]\ninstance = \"p\"\nkey = \"disk\"\nat = [\"1d\"]\nhelps_percent = 0\nuses = { max_files = 1 }\n",
    );
    let arguments = ["simulate", "--config", &config, "--faults", &faults, "--days", "3", "--format", "json"];
    let json = scene.ansai(&arguments).code(0).json();
    assert_eq!(
        ["incidents", "plans", "steps", "left_to_person", "open", "healed"].map(|name| total(&json, name)),
        [1, 2, 2, 1, 1, 0]
    );
    assert_eq!(json["held"]["cooling"]["incidents"], 1, "{json:#}");
    assert!(json["held"]["exhausted"]["longest"].as_u64().unwrap() > 24 * 3_600_000, "{json:#}");
    let first = &json["events"][0];
    assert_eq!((&first["event"], &first["change"]), (&"incident".into(), &"opened".into()), "{json:#}");
}

/// The grant permits three files a day, and each step takes two.
#[test]
fn budgets_windows_and_approvals_hold_as_they_would() {
    let scene = Scene::new();
    let faults = faults(
        &scene,
        "[[fault]]\ninstance = \"p\"\nkey = \"disk\"\nevery = \"12h\"\nhelps_percent = 100\nuses = { max_files = 2 }\n",
    );
    let simulate = |policy: &str, more: &[&str]| {
        let config = configured(&scene, policy);
        let mut arguments = vec!["simulate", "--config", &config, "--faults", &faults, "--format", "json"];
        arguments.extend(more);
        scene.ansai(&arguments).code(0).json()
    };
    let json = simulate("mode = \"enforce\"", &[]);
    assert!(total(&json, "steps") <= 31 && total(&json, "steps") > 20, "{json:#}");
    assert!(json["held"]["over-budget"]["total"].as_u64().unwrap() > 0, "{json:#}");
    let json = simulate("mode = \"enforce\"\nwindows = [\"Sun 02:00-04:00 UTC\"]", &[]);
    assert!(json["held"]["outside-window"]["longest"].as_u64().unwrap() > 2 * 86_400_000, "{json:#}");
    assert!((1..=4).contains(&total(&json, "steps")), "one on each Sunday: {json:#}");
    let json = simulate("mode = \"approve\"", &[]);
    assert_eq!(["plans", "asked"].map(|name| total(&json, name)), [0, 1], "{json:#}");
    let json = simulate("mode = \"approve\"", &["--approve-after", "10m"]);
    assert!(total(&json, "healed") > 10, "{json:#}");
    let json = simulate("mode = \"observe\"", &[]);
    assert_eq!(["plans", "steps", "incidents"].map(|name| total(&json, name)), [0, 0, 1], "{json:#}");
}

#[test]
fn what_is_mistyped_is_told() {
    let scene = Scene::new();
    let config = configured(&scene, "mode = \"enforce\"");
    let twice = faults(&scene, "[[fault]]\ninstance = \"p\"\nkey = \"k\"\nevery = \"1d\"\nabout_every = \"2d\"\n");
    for (arguments, expected) in [
        (&["--faults", &twice][..], "[bad-fault]"),
        (&["--faults", "/nowhere/faults.toml"], "[file-access]"),
        (&["--days", "0"], "--days"),
        (&["--days", "4000"], "--days"),
        (&["--approve-after", "10"], "with a unit"),
    ] {
        let all: Vec<&str> = ["simulate", "--config", &config].into_iter().chain(arguments.iter().copied()).collect();
        scene.ansai(&all).code(2).complains(expected);
    }
    let other = faults(&scene, "[[fault]]\ninstance = \"q\"\nkey = \"k\"\nevery = \"1d\"\n");
    scene.ansai(&["simulate", "--config", &config, "--faults", &other]).code(2).complains("[unknown-instance]");
    let empty = scene.write("empty.toml", b"").to_str().unwrap().to_owned();
    scene.ansai(&["simulate", "--config", &empty]).code(2).complains("[not-configured]");
}
