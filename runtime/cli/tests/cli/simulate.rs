//! `ansai simulate` with the real program: what would happen is shown, the same twice, and nothing of this host is used.

use std::path::Path;

use serde_json::json;

use crate::orders::{LIMIT, configured as with_component, daemon};
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

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

/// Adds closed incidents to the state: instance, key, when it opened, for how long, and its end.
fn close(scene: &Scene, incidents: &[(&str, &str, u64, u64, &str)]) {
    let database = rusqlite::Connection::open(scene.state_dir().join("state.db")).unwrap();
    for (instance, key, opened, lasted, end) in incidents {
        let (id, closed) = (format!("{instance}/{key}/{opened}"), opened + lasted);
        let value = json!({
            "incident": id, "instance": instance, "key": key, "about": { "kind": "test", "name": key },
            "worst": "critical", "summary": "sick", "healthy_before": null, "opened": opened, "closed": closed,
            "attempts": 1, "end": end,
        });
        let (opened, closed) = (i64::try_from(*opened).unwrap(), i64::try_from(closed).unwrap());
        let added = database.execute(
            "INSERT INTO closed_incident (id, instance, key, opened, closed, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            rusqlite::params![id, instance, key, opened, closed, value.to_string()],
        );
        assert_eq!(added, Ok(1));
    }
}

/// Would break: a recorded incident that ends otherwise than it did, or at another time of day.
#[test]
fn what_this_host_had_is_simulated() {
    let scene = Scene::new();
    scene.ansai(&["run", "--once", "--config", &with_component(&scene, "", &sick("p"))]).code(3);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_millis()).unwrap();
    let first = now - 3 * DAY;
    close(
        &scene,
        &[
            ("p", "healed", first, HOUR, "healed"),
            ("p", "passed", now - 2 * DAY, 5 * HOUR, "recovered"),
            ("p", "old", now - 20 * DAY, DAY, "recovered"),
            ("removed", "other", now - DAY, HOUR, "gone"),
        ],
    );
    let state = || std::fs::read(scene.state_dir().join("state.db")).unwrap();
    let before = state();
    let config = configured(&scene, "mode = \"enforce\"\nattempts = { max = 1, cooldown = \"1h\" }");
    let arguments = ["simulate", "--config", &config, "--recorded", "--days", "7"];
    let json = scene.ansai(&[&arguments[..], &["--format", "json"]].concat()).code(0).json();
    assert_eq!((&json["recorded"], &json["faults"]), (&3.into(), &3.into()), "{json:#}");
    assert_eq!(json["left_out"], json!({ "other_instances": 1, "older": 0 }));
    let totals = ["incidents", "healed", "passed", "open"].map(|name| total(&json, name));
    assert_eq!(totals, [3, 1, 1, 1], "{json:#}");
    assert_eq!(json["begins"], first - first % DAY, "midnight of the first day");
    let shown = scene.ansai(&arguments).code(0).says("3 incidents are recorded in the last 7 days");
    let shown = shown.says("1 incident of instances that this configuration does not have is left out");
    assert!(!shown.says("only its recorded incidents were read").stdout.contains('\u{1b}'));
    assert!(before == state(), "the state was changed");
}

#[test]
fn a_host_without_incidents_has_none_to_simulate() {
    let scene = Scene::new();
    let config = with_component(&scene, "", &quiet("p"));
    let simulate = || scene.ansai(&["simulate", "--config", &config, "--recorded"]);
    simulate().code(1).complains("[not-running]").complains("--state-dir");
    assert!(!is_there(&scene.state_dir()), "it made a state directory");
    scene.ansai(&["run", "--once", "--config", &config]).code(0);
    simulate().code(0).says("no incident of these instances is recorded in the last 30 days").says("0 faults");
}

/// Would break: a simulation that needs the lock of the state.
#[test]
fn the_incidents_of_a_running_daemon_are_simulated() {
    let scene = Scene::new();
    let config = with_component(&scene, "", &sick("p"));
    let running = daemon(&scene, &config);
    running.wait_for_line("opened", LIMIT);
    let simulated = scene.ansai(&["simulate", "--config", &config, "--recorded", "--days", "1"]);
    simulated.code(0).says("1 incident is recorded today").says("1 open");
    drop(running);
}

#[test]
fn what_is_mistyped_is_told() {
    let scene = Scene::new();
    let config = configured(&scene, "mode = \"enforce\"");
    let twice = faults(&scene, "[[fault]]\ninstance = \"p\"\nkey = \"k\"\nevery = \"1d\"\nabout_every = \"2d\"\n");
    for (arguments, expected) in [
        (&["--faults", &twice][..], "[bad-fault]"),
        (&["--faults", "/nowhere/faults.toml"], "[file-access]"),
        (&["--faults", &twice, "--recorded"], "cannot be used with"),
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
