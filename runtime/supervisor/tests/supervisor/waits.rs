//! What a crash left is not touched in observe mode, without a grant, or if the audit log does not vouch for it.

use std::path::{Path, PathBuf};

use ansai_audit::{Durability, Log};
use ansai_core::event::Record;
use ansai_core::{Event, InstanceName, Mode, OnFailure, Outcome, Refusal, Timestamp};
use ansai_supervisor::authority::Fixed;
use ansai_supervisor::undo::UndoError;
use serde_json::{Value, json};

use crate::killed;
use crate::scene::{ONE, Scene, eventually, fixed, grants_without_actions};
use crate::script::{Call, Script, Step};

const LONG_MS: u64 = 600_000;

#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_that_is_killed() {
    let Some(place) = killed::place() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { Scene::at(&place).open().run_once().await });
}

/// Runs a plan in a process of its own, and kills it when the history has this.
async fn killed_at(steps: impl FnOnce(&Scene) -> Vec<Step>, on_failure: OnFailure, history: &str) -> Scene {
    let scene = Scene::new();
    scene.script(&Script::sick(steps(&scene), on_failure));
    let killed = killed::start("waits::the_process_that_is_killed", &scene);
    eventually(|| (scene.text("history") == history).then_some(())).await;
    drop(killed);
    scene
}

/// One mark, interrupted before its outcome.
async fn marking() -> Scene {
    let steps = |scene: &Scene| vec![Step::new(Call::Mark, LONG_MS, 0, scene.path("a"))];
    killed_at(steps, OnFailure::Stop, "mark a\n").await
}

/// Two marks, the second one interrupted.
async fn marking_two() -> Scene {
    let steps = |scene: &Scene| vec![Step::mark(scene.path("a")), Step::new(Call::Mark, LONG_MS, 0, scene.path("b"))];
    killed_at(steps, OnFailure::Stop, "mark a\nmark b\n").await
}

fn reasons(scene: &Scene) -> Vec<String> {
    let reason = |event| match event {
        Event::Pending { reason, .. } => Some(reason.to_string()),
        _ => None,
    };
    scene.events().into_iter().filter_map(reason).collect()
}

fn plan_of(scene: &Scene) -> String {
    let plan = |event| match event {
        Event::Intent(intent) => Some(intent.plan),
        _ => None,
    };
    scene.events().into_iter().find_map(plan).unwrap()
}

/// Adds a record to the log, as if ansai had written it before the crash.
fn record(scene: &Scene, event: Event) {
    let (mut log, _) = Log::open(scene.state_dir().join("audit"), ansai_audit::Options::default()).unwrap();
    log.append(&serde_json::to_vec(&Record { at: Timestamp::EPOCH, event }).unwrap(), Durability::Synced).unwrap();
}

/// Would break: recovery that does not ask for the mode of now.
#[tokio::test]
async fn in_observe_mode_an_interrupted_step_waits_and_is_told_once() {
    let scene = marking().await;
    let supervisor = scene.open_with(fixed(Mode::Observe)).unwrap();
    supervisor.recover().await;
    supervisor.recover().await;
    assert_eq!(scene.outcomes(), []);
    assert_eq!(reasons(&scene), ["denied: one is no longer in enforce mode"]);
    // A pass is not held up by what waits.
    supervisor.run_once().await;
    let [pending] = &supervisor.pending()[..] else { panic!("{:?}", supervisor.pending()) };
    assert_eq!((pending.plan.as_str(), pending.step, pending.instance.as_str()), (&*plan_of(&scene), 0, ONE));
    assert_eq!(pending.reason, "denied: one is no longer in enforce mode");
    drop(supervisor);
    assert_eq!((scene.outcomes(), scene.text("history")), (vec![], "mark a\n".into()));
    let supervisor = scene.open();
    supervisor.recover().await;
    assert_eq!(supervisor.pending(), []);
    drop(supervisor);
    assert_eq!(scene.outcomes(), [(0, Outcome::Done)], "found marked");
    scene.finish().await;
}

/// Would break: recovery by the grants of the plan, or by none.
#[tokio::test]
async fn without_its_grant_an_interrupted_step_waits() {
    let scene = marking().await;
    let withdrawn = || Fixed::new([(ONE.parse().unwrap(), grants_without_actions())]);
    scene.open_with(withdrawn()).unwrap().recover().await;
    scene.open_with(Fixed::new([])).unwrap().recover().await;
    let reasons = reasons(&scene);
    assert!(reasons[0].contains("[policy.one.grant]"), "{reasons:?}");
    assert_eq!(reasons[1..], ["denied: one is not configured"]);
    assert_eq!(scene.outcomes(), []);
    scene.open().run_once().await;
    assert_eq!(scene.outcomes()[0], (0, Outcome::Done));
    scene.finish().await;
}

/// Would break: an undo that was due after a crash and does not ask for the mode of now.
#[tokio::test]
async fn in_observe_mode_a_failed_plan_is_not_undone_after_a_crash() {
    let steps = |scene: &Scene| vec![Step::mark(scene.path("a")), Step::new(Call::Flaky, LONG_MS, 0, scene.path("b"))];
    let scene = killed_at(steps, OnFailure::UndoApplied, "mark a\nhalf b\n").await;
    let (detail, items_sha256, measures, evidence) = ("it did not work".to_owned(), None, vec![], vec![]);
    let (plan, instance, outcome) = (plan_of(&scene), InstanceName::from_static("one"), Outcome::Failed);
    let (step, reason, after_crash) = (1, None, false);
    record(
        &scene,
        Event::Outcome { plan, step, instance, outcome, reason, detail, measures, items_sha256, evidence, after_crash },
    );
    scene.open_with(fixed(Mode::Observe)).unwrap().run_once().await;
    assert_eq!(scene.text("history"), "mark a\nhalf b\n");
    assert_eq!(reasons(&scene), ["denied: one is no longer in enforce mode"]);
    assert!(!scene.events().iter().any(|event| matches!(event, Event::Undoing(_) | Event::Undone { .. })));
    scene.open().recover().await;
    assert_eq!(scene.text("history"), "mark a\nhalf b\nunmark a\n");
    scene.finish().await;
}

/// Would break: a step in the background that is cancelled in observe mode because its time is over.
#[tokio::test]
async fn in_observe_mode_a_step_in_the_background_is_looked_at_and_not_cancelled() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![Step::new(Call::Wait, LONG_MS, 6_000, scene.path("long"))], OnFailure::Stop));
    let killed = killed::start("waits::the_process_that_is_killed", &scene);
    let handle = scene.running().await;
    drop(killed);
    scene.open_with(fixed(Mode::Observe)).unwrap().recover().await;
    assert!(handle.runs(), "it was not cancelled");
    assert_eq!((scene.outcomes(), reasons(&scene).len()), (vec![], 1));
    scene.open().recover().await;
    assert!(!handle.runs());
    assert_eq!(scene.outcomes(), [(0, Outcome::Failed)]);
    scene.finish().await;
}

fn plan_file(scene: &Scene, plan: &str) -> PathBuf {
    scene.state_dir().join(format!("plans/{plan}.plan.zst"))
}

/// Changes the file of a plan as whoever can write the state directory could.
fn rewrite(file: &Path, change: impl FnOnce(&mut Value)) {
    let text = zstd::decode_all(std::fs::File::open(file).unwrap()).unwrap();
    let mut plan: Value = serde_json::from_slice(&text).unwrap();
    change(&mut plan);
    std::fs::write(file, zstd::encode_all(plan.to_string().as_bytes(), 3).unwrap()).unwrap();
}

/// How one could make recovery or undo act on something else.
type Alter = fn(&mut Value, &Path);

fn alterations() -> [(&'static str, Alter); 8] {
    [
        ("other targets", |plan, victim| plan["steps"][0]["targets"] = json!(victim)),
        ("another content", |plan, victim| plan["steps"][0]["arguments"]["text"] = json!(victim)),
        ("another content", |plan, _| plan["on_failure"] = json!("undo-applied")),
        ("another content", |plan, _| plan["steps"][0]["touches"] = json!([])),
        ("another action", |plan, _| plan["steps"][0]["action"] = json!("ansai:test/slow-actions.reload")),
        ("another instance", |plan, _| plan["instance"] = json!("two")),
        ("another plan", |plan, _| plan["plan"] = json!("20261101t000000-000-0000")),
        ("no such step", |plan, _| plan["steps"] = json!([])),
    ]
}

/// Would break: recovery by a plan file that is not compared with the intent.
#[tokio::test]
async fn an_interrupted_step_whose_plan_was_altered_is_unknown() {
    for (what, alter) in alterations() {
        let scene = marking().await;
        let victim = scene.path("victim");
        std::fs::write(&victim, "").unwrap();
        rewrite(&plan_file(&scene, &plan_of(&scene)), |plan| alter(plan, &victim));
        scene.open().recover().await;
        let outcome = scene.events().into_iter().find_map(|event| match event {
            Event::Outcome { outcome, reason, detail, .. } => Some((outcome, reason, detail)),
            _ => None,
        });
        let (outcome, reason, detail) = outcome.unwrap();
        assert_eq!(outcome, Outcome::Unknown, "{what}");
        assert!(matches!(&reason, Some(Refusal::Changed(why)) if why.contains(what)), "{what}: {reason:?}");
        assert!(detail.contains("is not as the audit log has it"), "{detail}");
        assert_eq!((victim.exists(), scene.text("history")), (true, "mark a\n".into()));
    }
}

/// Would break: an undo by a plan file that is not compared with the intent.
#[tokio::test]
async fn a_plan_that_was_altered_is_not_undone() {
    for (what, alter) in alterations().into_iter().filter(|(what, _)| *what != "no such step") {
        let scene = Scene::new();
        scene.script(&Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop));
        let plan = scene.open().run_once().await[0].findings[0].plans[0].plan.clone();
        rewrite(&plan_file(&scene, &plan), |plan| alter(plan, &scene.path("victim")));
        let refused = scene.open().undo(&plan, None, "a person").unwrap_err();
        assert!(matches!(&refused, UndoError::AlteredPlan(why) if why.to_string().contains(what)), "{what}: {refused}");
        assert!(scene.path("a").exists() && !scene.text("history").contains("unmark"));
        let told = |event: &Event| matches!(event, Event::Undone { outcome: Outcome::Refused, .. });
        assert!(scene.events().iter().any(told), "{what}: audited");
    }
}

/// A file of one plan under the name of another; and the record of what another plan did.
#[tokio::test]
async fn files_of_another_plan_are_not_taken() {
    let scene = Scene::new();
    let mut plans = Vec::new();
    for name in ["a", "b"] {
        scene.script(&Script::sick(vec![Step::mark(scene.path(name))], OnFailure::Stop));
        plans.push(scene.open().run_once().await[0].findings[0].plans[0].plan.clone());
    }
    let items = |plan: &str| scene.state_dir().join(format!("plans/{plan}.0.items.zst"));
    let kept = std::fs::read(plan_file(&scene, &plans[0])).unwrap();
    std::fs::copy(plan_file(&scene, &plans[1]), plan_file(&scene, &plans[0])).unwrap();
    let refused = scene.open().undo(&plans[0], None, "a person").unwrap_err();
    assert!(refused.to_string().contains("the plan file is of another plan"), "{refused}");

    std::fs::write(plan_file(&scene, &plans[0]), kept).unwrap();
    std::fs::copy(items(&plans[1]), items(&plans[0])).unwrap();
    let undone = scene.open().undo(&plans[0], None, "a person").unwrap();
    assert_eq!(undone[0].outcome, Some(Outcome::Refused));
    assert!(undone[0].detail.contains("does not match the audit log"), "{}", undone[0].detail);
    assert_eq!(scene.text("history"), "mark a\nmark b\n");
    scene.finish().await;
}

fn database(scene: &Scene) -> rusqlite::Connection {
    rusqlite::Connection::open(scene.state_dir().join("state.db")).unwrap()
}

/// Would break: a row of the state that is not compared with the intent.
#[tokio::test]
async fn a_row_of_the_state_that_the_log_does_not_have_is_not_acted_on() {
    for (what, value) in [
        ("another instance", json!({"instance": "two", "action": "ansai:test/slow-actions.mark"})),
        ("another action", json!({"instance": "one", "action": "ansai:test/slow-actions.reload"})),
        (
            "a handle",
            json!({"instance": "one", "action": "ansai:test/slow-actions.mark", "handle": {"pid": 1}, "until": 1}),
        ),
    ] {
        let scene = marking().await;
        database(&scene).execute("UPDATE step SET value = ?1", [value.to_string()]).unwrap();
        scene.open().recover().await;
        let told = |event: &Event| {
            matches!(event, Event::Outcome { outcome: Outcome::Unknown, reason: Some(Refusal::Changed(why)), .. }
                if why.contains(what))
        };
        assert!(scene.events().iter().any(told), "{what}: {:?}", scene.events());
    }
}

/// The row of one step under the number of another, and a row of a plan that the log does not have.
#[tokio::test]
async fn a_row_of_another_step_resolves_nothing() {
    let scene = marking_two().await;
    let plan = plan_of(&scene);
    database(&scene).execute("UPDATE step SET step = 0", []).unwrap();
    let forged = json!({"instance": "one", "action": "ansai:test/slow-actions.mark", "handle": null, "until": null});
    database(&scene).execute("INSERT INTO step VALUES ('forged', 0, ?1)", [forged.to_string()]).unwrap();
    let real = plan_file(&scene, &plan);
    std::fs::copy(&real, plan_file(&scene, "forged")).unwrap();
    scene.open().recover().await;
    // The first step has its outcome, the second one has no row, and the forged plan has no intent.
    assert_eq!(scene.outcomes(), [(0, Outcome::Done)]);
    assert_eq!(scene.text("history"), "mark a\nmark b\n");
}

/// A log that ends before the intent: nothing is known of the step, so nothing is done about it.
#[tokio::test]
async fn without_its_intent_in_the_log_a_step_is_not_resolved() {
    let scene = marking().await;
    let segment = scene.state_dir().join("audit/00000000000000000001.log");
    let entries = ansai_audit::Reader::open(scene.state_dir().join("audit")).unwrap().map(Result::unwrap);
    let is_intent = |payload: &[u8]| {
        let record: Record = serde_json::from_slice(payload).unwrap();
        matches!(record.event, Event::Intent(_))
    };
    let at = entries.into_iter().find(|entry| is_intent(&entry.payload)).unwrap().offset;
    std::fs::OpenOptions::new().write(true).open(&segment).unwrap().set_len(at).unwrap();
    let _ = std::fs::remove_file(scene.state_dir().join("audit.head"));
    scene.open().recover().await;
    assert_eq!((scene.intents(), scene.outcomes()), (vec![], vec![]));
    assert_eq!(scene.text("history"), "mark a\n");
}

/// The state has what was done on this host, and is of nobody's business but ansai's.
#[tokio::test]
async fn all_files_of_the_state_are_private_and_a_database_that_is_not_becomes_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new();
    scene.script(&Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop));
    let database = scene.state_dir().join("state.db");
    for _ in 0..2 {
        let supervisor = scene.open();
        supervisor.run_once().await;
        let mut places = vec![scene.state_dir()];
        while let Some(place) = places.pop() {
            let mode = std::fs::symlink_metadata(&place).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", place.display());
            if place.is_dir() {
                places.extend(std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        assert!(scene.state_dir().join("state.db-wal").exists());
        drop(supervisor);
        std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    scene.finish().await;
}
