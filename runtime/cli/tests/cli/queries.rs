//! `incidents`, `history` and `report` of the real program: with a daemon, without one, with one that starts, with one that is
//! stopped, for other users, and with 100,000 incidents.

use ansai_harness::requires_root;
use rustix::process::Signal;
use serde_json::Value;

use crate::orders::{LIMIT, as_nobody, configured, controlled, daemon, group_of_nobody};
use crate::support::*;

/// Each kind of question.
const QUESTIONS: [&[&str]; 4] =
    [&["incidents", "--all"], &["history"], &["history", "--changes", "--since", "30d"], &["report"]];

/// The document that a question answers, which fits its schema.
fn document(scene: &Scene, arguments: &[&str], schema: &str) -> Value {
    let json = scene.ansai(&[arguments, &["--format", "json"]].concat()).code(0).json();
    let schema = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let problems: Vec<_> = validator.iter_errors(&json).map(|problem| problem.to_string()).collect();
    assert!(problems.is_empty(), "{arguments:?}: {problems:?}\n{json:#}");
    json
}

/// All documents of a host with one incident of `p`.
fn documents(scene: &Scene, is_running: bool) -> [Value; 4] {
    let list = document(scene, &["incidents", "--all"], include_str!("../../schemas/incidents.schema.json"));
    let id = list["open"][0]["incident"].as_str().unwrap();
    let all = [
        document(scene, &["incidents", id], include_str!("../../schemas/incident.schema.json")),
        document(scene, &["history"], include_str!("../../schemas/history.schema.json")),
        document(scene, &["report"], include_str!("../../schemas/report.schema.json")),
        list,
    ];
    for one in &all {
        assert_eq!(one["is_running"], is_running, "{one:#}");
    }
    all
}

#[test]
fn without_a_state_there_is_nothing_to_ask() {
    let scene = Scene::new();
    for question in QUESTIONS {
        scene.ansai(question).code(1).complains("[not-running]");
    }
}

#[test]
fn what_is_mistyped_is_told() {
    let scene = Scene::new();
    for (arguments, expected) in [
        (&["incidents", "--since", "yesterday"][..], "expected an age"),
        (&["history", "--since", "1200"], "expected an age"),
        (&["report", "--since", ""], "expected an age"),
        (&["incidents", "--instance", "P!"], "not a valid name"),
        (&["incidents", "p/k", "--all"], "cannot be used with"),
        (&["report", "--changes"], "--changes"),
    ] {
        scene.ansai(arguments).code(2).complains(expected);
    }
}

#[test]
fn a_healthy_host_says_so() {
    let scene = Scene::new();
    let config = configured(&scene, "", &quiet("p"));
    scene.ansai(&["run", "--once", "--config", &config]).code(0);
    scene.ansai(&["incidents", "--all"]).code(0).says("no open incidents").says("no closed incidents");
    scene.ansai(&["report"]).code(0).says("ansai found no new problems").says("found: no figures");
    scene.ansai(&["history"]).code(0).says("started: 1 instance").says("the audit log begins at");
    scene.ansai(&["history", "--changes"]).code(0).says("no changes since");
    let unknown = scene.ansai(&["incidents", "p/\u{1b}[31mk"]).code(2).complains("[unknown-incident]");
    assert!(!unknown.stderr.contains('\u{1b}') && !unknown.stderr.contains("did you mean"), "{unknown}");
}

#[test]
fn an_incident_is_shown_by_a_daemon_and_without_it() {
    let scene = Scene::new();
    let config = configured(&scene, "", &sick("p"));
    let mut running = daemon(&scene, &config);
    running.wait_for_line("opened", LIMIT);
    // Records are written within a second.
    let is_recorded = |one: &Value| one["record"]["event"] == "incident";
    let end = std::time::Instant::now() + LIMIT;
    while !documents(&scene, true)[1]["records"].as_array().unwrap().iter().any(is_recorded) {
        assert!(std::time::Instant::now() < end, "{}", running.transcript());
    }
    let [details, _, report, list] = documents(&scene, true);
    assert_eq!((&report["incidents"]["opened"], &report["incidents"]["open"]), (&1.into(), &1.into()));
    assert_eq!(details["next"]["what"], "observe");
    let id = list["open"][0]["incident"].as_str().unwrap();
    for question in [&["incidents"][..], &["incidents", id], &["history"], &["report"]] {
        let shown = scene.command(question).env("COLUMNS", "80").run().code(0);
        assert!(!shown.stdout.contains(['\u{1b}', '\u{202e}']), "{shown}");
        let widest = shown.stdout.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{shown}");
    }
    scene.ansai(&["incidents"]).code(0).says("1 open incident").says("next: nothing: observe mode");
    scene.ansai(&["incidents", id]).code(0).says("Timeline").says("still unhealthy");
    let wrong = format!("{}x", &id[..id.len() - 1]);
    scene.ansai(&["incidents", &wrong]).code(2).complains("[unknown-incident]").complains("did you mean");
    running.signal(Signal::TERM);
    running.wait(LIMIT);
    let left = documents(&scene, false);
    assert_eq!(left[3]["open"][0]["incident"], list["open"][0]["incident"]);
    for question in [&["incidents"][..], &["incidents", id], &["history"], &["report"]] {
        scene.ansai(question).code(0).says("no ansai runs: this is what it left");
    }
}

/// A daemon that starts has the lock of the state, and does not listen yet: here it listens elsewhere.
#[test]
fn while_a_daemon_starts_the_state_answers() {
    let scene = Scene::new();
    let control = format!("[control]\nsocket = \"{}/run/control.sock\"\n", scene.root().display());
    let config = configured(&scene, &control, &sick("p"));
    let running = daemon(&scene, &config);
    running.wait_for_line("opened", LIMIT);
    documents(&scene, false);
    drop(running);
}

#[test]
fn a_daemon_that_is_stopped_does_not_answer() {
    let scene = Scene::new();
    let config = configured(&scene, "", &quiet("p"));
    let mut running = daemon(&scene, &config);
    running.signal(Signal::STOP);
    scene.ansai(&["incidents"]).code(1).complains("[not-answering]").complains("restart it");
    scene.ansai(&["report"]).code(1).complains("[not-answering]");
    running.signal(Signal::CONT);
    scene.ansai(&["incidents"]).code(0);
    running.signal(Signal::TERM);
    running.wait(LIMIT);
}

#[test]
fn other_users_may_ask_if_their_group_may() {
    if !requires_root() {
        return;
    }
    let Some(group) = group_of_nobody() else { return };
    for (key, may_read) in [("group", true), ("", false)] {
        let scene = Scene::new();
        let config = controlled(&scene, key, &group, &sick("p"));
        let _running = daemon(&scene, &config);
        for question in QUESTIONS {
            let ran = as_nobody(&scene, question).arg("--config").arg(&config).limit(LIMIT).run();
            match may_read {
                true => drop(ran.code(0)),
                false => drop(ran.code(4).complains("[control-refused]")),
            }
        }
    }
}

#[test]
fn a_hundred_thousand_incidents_have_short_lists() {
    let scene = Scene::new();
    let config = configured(&scene, "", &sick("p"));
    scene.ansai(&["run", "--once", "--config", &config]).code(3);
    let database = rusqlite::Connection::open(scene.state_dir().join("state.db")).unwrap();
    // Of an instance that was removed from the configuration: nothing evaluates them.
    let added = database.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
            INSERT INTO incident SELECT 'q', 'k' || i,
                json_set(value, '$.id', 'q/k' || i || '/1', '$.instance', 'q', '$.finding.key', 'k' || i, '$.opened', i)
            FROM (SELECT value FROM incident LIMIT 1), n",
        [],
    );
    assert_eq!(added, Ok(99_999));
    drop(database);
    let running = daemon(&scene, &config);
    for is_running in [true, false] {
        if !is_running {
            running.signal(Signal::KILL);
            while scene.ansai(&["incidents"]).code(0).stdout.lines().all(|line| !line.starts_with("no ansai runs")) {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
        let list = scene.ansai(&["incidents"]).code(0).says("100000 open incidents").says("and 99980 more");
        assert!(list.stdout.lines().count() < 200, "{list}");
        let all = document(&scene, &["incidents"], include_str!("../../schemas/incidents.schema.json"));
        assert_eq!((all["open"].as_array().unwrap().len(), &all["more_open"]), (1_000, &99_000.into()));
        let status = scene.ansai(&["status"]).code(3).says("unhealthy: 100000 open incidents");
        assert!(status.stdout.lines().count() < 200, "{status}");
        scene.ansai(&["incidents", "q/k77777/1"]).code(0).says("k77777");
        scene.ansai(&["incidents", "--key", "k77777"]).code(0).says("1 open incident");
        scene.ansai(&["incidents", "q/k777777"]).code(2).complains("[unknown-incident]");
        scene.ansai(&["report", "--since", "1d"]).code(0).says("open now: 100000");
    }
}
