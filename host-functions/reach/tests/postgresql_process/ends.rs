//! The process that calls servers is killed while it works for a PostgreSQL server.

use std::time::Duration;

use ansai_core::{Outcome, Refusal, Scope};
use ansai_harness::{Invocation, until};
use ansai_kit::action::Begun;
use ansai_reach::database::MIN_MINUTES;
use serde_json::json;

use crate::carrier;
use crate::scene::{DATABASE, SESSIONS, Scene};

const LIMIT: Duration = Duration::from_secs(30);

fn signal(signal: &str, pid: &str) {
    Invocation::of("kill").args([signal, pid]).run().code(0);
}

fn kill_process() -> i32 {
    let process = carrier::process().id().unwrap();
    signal("-KILL", &process.to_string());
    process
}

/// The backends of the sessions of an application.
fn backend(scene: &Scene, application: &str) -> String {
    scene.server.sql("app", &format!("select pid from pg_stat_activity where application_name = '{application}'"))
}

#[test]
fn in_a_query() {
    let Some(scene) = Scene::new() else { return };
    assert!(scene.look().is_ok());
    // Its session hangs, so that the query is on its way when the process is killed.
    let own = backend(&scene, "ansai");
    signal("-STOP", &own);
    std::thread::scope(|threads| {
        let looks = threads.spawn(|| scene.look());
        until("the process is called", LIMIT, || (carrier::process().calls() == 1).then_some(()));
        let first = kill_process();
        let lost = looks.join().unwrap();
        assert!(matches!(&lost, Err(Refusal::Unavailable(why)) if why.contains("process")), "{lost:?}");
        signal("-CONT", &own);
        assert!(scene.look().is_ok(), "a new process");
        assert_ne!(carrier::process().id(), Some(first));
    });
}

/// The outcome is found again, as after a crash of ansai.
#[test]
fn in_an_apply() {
    let Some(scene) = Scene::new() else { return };
    let _client = scene.idle_in_transaction("app", "shop", "begin; select 1");
    let session = scene.find(DATABASE, "list-sessions", "application", "shop");
    let any_age = Scope::default().with_number(&MIN_MINUTES, 0);
    let step = scene.step(SESSIONS, "terminate", any_age, json!({"session": session["identity"]}));
    let previewed = step.preview().unwrap();
    let pid = backend(&scene, "shop");
    // It does not end while it hangs, so the step waits for it.
    signal("-STOP", &pid);
    std::thread::scope(|threads| {
        let begins = threads.spawn(|| match step.begin(&previewed.targets).unwrap() {
            Begun::Finished(applied) => applied,
            Begun::Running { .. } => panic!("it runs"),
        });
        let is_told = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap();
            // SIGTERM, number 15, waits for it.
            u64::from_str_radix(pending.trim(), 16).unwrap() & (1 << 14) != 0
        };
        until("the session is told to end", LIMIT, || is_told().then_some(()));
        kill_process();
        let applied = begins.join().unwrap();
        signal("-CONT", &pid);
        assert_eq!(applied.outcome, Outcome::Failed, "{applied:?}");
        assert!(applied.detail.contains("was not ended"), "{}", applied.detail);
    });
    scene.server.wait_for("app", "select count(*) from pg_stat_activity where application_name = 'shop'", "0");
    let resolved = step.doing(&previewed.targets, |action, doing| action.resolve(doing)).unwrap();
    assert_eq!(resolved.outcome, Outcome::Done, "{resolved:?}");
}

/// `ratio of a probe through the process to one in this process`: prints, and does not judge.
#[test]
#[ignore = "run by name: it measures"]
fn how_long_calls_take_through_the_process() {
    let Some(scene) = Scene::new() else { return };
    crate::database::reads::measure(&scene, &[(DATABASE, "look"), (DATABASE, "list-sessions")]);
    let process = carrier::process().id().unwrap();
    let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap();
    let pss = rollup.lines().find(|line| line.starts_with("Pss:"));
    eprintln!("memory of the process: {}", pss.unwrap_or_default());
}
