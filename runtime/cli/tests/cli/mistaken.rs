//! A daemon whose configuration is not valid any more: what a person sees, and can still do.

use serde_json::Value;

use crate::orders::{LIMIT, configured, daemon};
use crate::support::*;

/// The document of `ansai status`, which fits its schema.
fn status(scene: &Scene, config: &str) -> Value {
    let ran = scene.ansai(&["status", "--config", config, "--format", "json"]);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr));
    let schema = serde_json::from_str(include_str!("../../schemas/status.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let problems: Vec<_> = validator.iter_errors(&json).map(|problem| problem.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}\n{json:#}");
    json
}

/// The daemon looks at the file once a second.
fn wait_for(what: &str, seen: impl Fn() -> bool) {
    let end = std::time::Instant::now() + LIMIT;
    while !seen() {
        assert!(std::time::Instant::now() < end, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// Would break: nothing is healed because of a mistake in the file, and nobody sees it; or a daemon that cannot be paused.
#[test]
fn a_running_daemon_is_asked_and_paused_while_its_configuration_is_not_valid() {
    let scene = Scene::new();
    let config = configured(&scene, "", &quiet("p"));
    let valid = std::fs::read_to_string(&config).unwrap();
    let running = daemon(&scene, &config);
    assert_eq!(status(&scene, &config)["configuration"], Value::Null);
    for (number, mistake) in ["[policy.q\n", "[policy.p.settings]\nmode = enforce\n", "[polizy]\n"].iter().enumerate() {
        std::fs::write(&config, format!("{valid}{mistake}")).unwrap();
        wait_for("the mistake is seen", || status(&scene, &config)["configuration"].is_string());
        let seen = status(&scene, &config);
        assert_eq!(seen["overall"], "unhealthy", "{seen:#}");
        let why = seen["configuration"].as_str().unwrap();
        assert!(why.contains("is not valid") && why.contains("`ansai check`"), "{why}");
        let shown =
            scene.ansai(&["status", "--config", &config]).code(3).says("no plan is applied until this is mended");
        assert!(shown.stderr.contains("is not valid") && shown.stderr.contains("asked the ansai that runs"));
        scene.ansai(&["pause", &format!("{}h", number + 1), "--reason", "night", "--config", &config]).code(0);
        scene.ansai(&["pauses", "--config", &config]).code(0).says("night");
        scene.ansai(&["resume", "--config", &config]).code(0);
        std::fs::write(&config, &valid).unwrap();
        wait_for("it is valid again", || status(&scene, &config)["configuration"].is_null());
    }
    drop(running);
    std::fs::write(&config, format!("{valid}[policy.q\n")).unwrap();
    // Without a daemon there is nobody to ask.
    scene.ansai(&["status", "--config", &config]).code(2).complains("[syntax]");
}
