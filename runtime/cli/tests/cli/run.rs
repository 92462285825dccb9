//! Runs.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::*;

const SOON: Duration = Duration::from_secs(60);

#[test]
fn a_healthy_host_is_one_line_and_exit_code_0() {
    let place = Scene::new();
    place.policy("p", &sees("p"));
    let ran = place.ansai(&["run", "policies", "--once"]).code(0).says("p: nothing to check on this host");
    let ran = ran.says("audit head ").says("mode observe");
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    place.ansai(&["run", "policies/p/p.wasm", "--once"]).code(0);
}

#[test]
fn a_finding_is_exit_code_3_and_harmless_to_look_at() {
    let place = Scene::new();
    place.policy("p", &sick("p"));
    for arguments in [&["run", "policies", "--once"][..], &["run", "policies", "--once", "--format", "json"]] {
        let ran = place.ansai(arguments).code(3).says("critical");
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
        }
    }
    place.ansai(&["run", "policies", "--once"]).says("SEVERITY").says("\\u{1b}[31mred");
    for verb in [&["audit", "show"][..], &["audit", "export"], &["recordings", "list"]] {
        let ran = place.ansai(verb).code(0);
        assert!(!ran.stdout.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{:?}", ran.stdout);
    }
}

#[test]
fn no_answer_is_exit_code_5_and_the_others_run() {
    let place = Scene::new();
    place.policy("bad", &traps("bad"));
    place.policy("good", &quiet("good"));
    let ran = place.ansai(&["run", "policies", "--once"]).code(5);
    ran.says("unknown:").says("bad: trapped").says("good: nothing");
}

#[test]
fn the_document_fits_the_schema_that_is_checked_in() {
    let place = Scene::new();
    place.policy("bad", &traps("bad"));
    place.policy("sick", &sick("sick"));
    place.policy("garbage", b"garbage");
    place.policy("typo", &with_sections(component("", "", ""), "{}", None));
    let document = place.ansai(&["run", "policies", "--once", "--format", "json"]).code(2).json();
    let schema = include_str!("../../schemas/run.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let problems: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:#?}\n{document:#}");
    assert_eq!(document["summary"]["unhealthy"], 1);
    assert_eq!(document["instances"].as_array().unwrap().len(), 2);
    assert_eq!(document["not_loaded"][0]["exit_code"], 2);
    let head = document["audit_head"].as_str().unwrap().to_owned();
    place.ansai(&["audit", "verify", "--head", &head]).code(0);
    let text = place.ansai(&["audit", "head"]).code(0).stdout;
    assert!(text.split(':').next().unwrap() >= head.split(':').next().unwrap());
}

#[test]
fn colours_only_where_wanted() {
    let place = Scene::new();
    place.policy("p", &sick("p"));
    let plain = place.ansai(&["run", "policies", "--once"]).stdout;
    assert!(!plain.contains('\u{1b}'));
    let coloured = place.ansai(&["run", "policies", "--once", "--color", "always"]).stdout;
    assert!(coloured.contains("\u{1b}["), "{coloured}");
}

#[test]
fn the_daemon_tells_what_it_finds_and_ends_in_order() {
    let place = Scene::new();
    place.policy("p", &sick("p"));
    let mut daemon = place.command(&["run", "policies"]).spawn();
    daemon.wait_for_line("started: 1 instance, mode observe, ansai ", SOON);
    assert!(daemon.wait_for_line("p: incident ", SOON).contains(" opened (critical)"));
    // One at a time uses a state directory.
    place.ansai(&["run", "policies", "--once"]).code(1).complains("another ansai uses");
    place.ansai(&["undo", "20260101t000000-000-0000"]).code(2).complains("no plan 20260101t000000-000-0000");
    place.ansai(&["audit", "show"]).code(0).says("started");
    daemon.signal(Signal::TERM);
    daemon.wait_for_line("stopping: SIGTERM", SOON);
    daemon.wait(SOON).code(0);
    place.ansai(&["audit", "show"]).code(0).says("stopped");
    place.ansai(&["audit", "verify"]).code(0).says(": OK");
}

#[test]
fn the_daemon_speaks_json_too() {
    let place = Scene::new();
    place.policy("p", &sick("p"));
    let mut daemon = place.command(&["run", "policies", "--format", "json"]).spawn();
    daemon.wait_for_line("\"event\"", SOON);
    daemon.signal(Signal::TERM);
    let ran = daemon.wait(SOON).code(0);
    let first: serde_json::Value = serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
    assert_eq!((first["event"].as_str(), first["instances"][0]["instance"].as_str()), (Some("started"), Some("p")));
    assert!(first["time"].is_string() && first["at"].is_u64() && first["sequence"].is_u64());
}

#[test]
fn quiet_prints_only_what_needs_attention() {
    let place = Scene::new();
    place.policy("p", &quiet("p"));
    place.policy("other", &quiet("other"));
    place.write("ansai.toml", "[policy.p]\nmode = \"observe\"\n");
    let config = ["run", "policies", "--once", "--quiet", "--config", "ansai.toml"];
    for arguments in [&config[..], &[&config[..], &["--format", "json"]].concat()] {
        let ran = place.ansai(arguments).code(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "not even that `other` is not configured");
    }
    place.policy("p", &sick("p"));
    place.ansai(&config).code(3).says("critical").says("(mode observe)");
    place.policy("p", &traps("p"));
    place.ansai(&config).code(5).says("unknown:");
    place.ansai(&["run", "policies", "--quiet"]).code(2).complains("--once");
}

#[test]
fn every_end_is_recorded() {
    let place = Scene::new();
    place.policy("p", &quiet("p"));
    place.ansai(&["run", "policies", "--once"]).code(0);
    place.ansai(&["audit", "show"]).code(0).says("stopped: every instance was evaluated once");
    place.ansai(&["undo", "20260101t000000-000-0000"]).code(2);
    place.ansai(&["audit", "show"]).code(0).says("stopped: the undoing ended");
    place.ansai(&["audit", "verify"]).code(0);
}

#[test]
fn a_run_without_a_configuration_says_where_it_looks() {
    let place = Scene::new();
    let files =
        r#","capabilities":{"ansai:files/files-probe":{"reason":"to see","suggest":{"roots":["/var/log","/tmp"]}}}"#;
    place.policy("p", &with_sections(component("", "", ""), &manifest("p", files), None));
    let says = "no configuration: p looks only under /var/log, /tmp\n";
    place.ansai(&["run", "policies", "--once"]).code(0).says(says);
    place.write("ansai.toml", "[policy.p]\n[policy.p.grant]\n\"ansai:files/files-probe\" = { roots = [\"/srv\"] }\n");
    let configured = place.ansai(&["run", "policies", "--once", "--config", "ansai.toml"]).code(0);
    assert!(!configured.stdout.contains("looks only"), "{}", configured.stdout);
}

#[test]
fn sighup_reads_everything_again_and_a_mistake_changes_nothing() {
    let place = Scene::new();
    place.policy("p", &sick("p"));
    place.policy("q", &quiet("q"));
    let stanza = |name: &str| format!("[policy.{name}]\nsource = \"policies/{name}\"\nevery = \"1h\"\n");
    place.write("ansai.toml", stanza("p"));
    let mut daemon = place.command(&["run", "--config", "ansai.toml"]).spawn();
    daemon.wait_for_line("started: 1 instance, ", SOON);
    let mistakes = [("[policy.p\n", "is invalid"), ("[policy.p]\nsource = \"policies/none\"\n", "policies/none")];
    for (nth, (mistake, told)) in (1..).zip(mistakes) {
        place.write("ansai.toml", mistake);
        daemon.signal(Signal::HUP);
        daemon.wait_for_line(told, SOON);
        // A pass that reads the file tells it too, and the next signal must not come before this one was treated.
        daemon.wait_for_nth_line(nth, "the configuration is not reloaded", SOON);
    }
    assert!(!daemon.has_ended() && !daemon.transcript().contains("stopping"));
    place.write("ansai.toml", format!("{}{}", stanza("p"), stanza("q")));
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("started: 2 instances, ", SOON);
    daemon.signal(Signal::TERM);
    daemon.wait(SOON).code(0);
    let audit = place.ansai(&["audit", "show"]).code(0).says("stopped: SIGHUP").says("stopped: SIGTERM");
    assert_eq!(audit.stdout.matches("  started: ").count(), 2, "{}", audit.stdout);
    place.ansai(&["audit", "verify"]).code(0);
}
