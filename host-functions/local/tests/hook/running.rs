//! `run`: what is previewed is what runs, once.

use ansai_core::hook::{Does, Linked};
use ansai_core::scope::{Count, TypedField};
use ansai_core::{Outcome, Refusal, Reversibility, Scope, Subject};
use ansai_kit::action::Fate;
use serde_json::json;

use crate::scene::{Scene, has_ended, process_in};

const MAX_RUNS: TypedField<Count> = TypedField::at_most("max_runs", 3, "");

fn blue() -> serde_json::Value {
    json!([{ "name": "pool", "value": "blue" }])
}

#[test]
fn a_preview_says_what_runs_and_changes_nothing() {
    let scene = Scene::new();
    scene.add_pool("flush", &["--pool={pool}", "a b"], "printf '%s\\n' \"$@\" >> HERE/ran; echo flushed $1");
    scene.undo("flush", "echo \"$1\" > HERE/undone", &["{pool}"]);
    let touched = Subject::new("unit", "app.service");
    scene.change("flush", |access| access.hook.touches.push(touched.clone()));
    let mut step = scene.run_step("flush", blue());
    let previewed = step.previewed().unwrap();
    let preview = &previewed.preview;
    assert!(!scene.open("ran").exists());
    let (flush, undo, user) = (scene.path("flush"), scene.path("flush-undo"), crate::scene::user());
    assert_eq!(
        preview.sample,
        [
            format!("run `{} --pool=blue 'a b'` as {user}, for at most 1 min", flush.display()),
            format!("undo with `{} blue` as {user}, for at most 1 min", undo.display()),
        ]
    );
    assert_eq!((preview.items, preview.reversible, preview.interrupts), (1, Reversibility::Fully, None));
    let subjects: Vec<&Subject> = previewed.touches.iter().map(|touch| &touch.subject).collect();
    assert_eq!(subjects, [&Subject::new("hook", "flush"), &touched]);
    let applied = step.finish().unwrap();
    assert_eq!((applied.outcome, applied.detail.as_str()), (Outcome::Done, "ran flush: flushed --pool=blue"));
    assert_eq!(std::fs::read_to_string(scene.open("ran")).unwrap(), "--pool=blue\na b\n");
    let undone = step.undo(&applied.items).unwrap();
    assert_eq!((undone.outcome, undone.detail.as_str()), (Outcome::Done, "undid flush"));
    assert_eq!(std::fs::read_to_string(scene.open("undone")).unwrap(), "blue\n");
}

/// Would break: a program or a configuration that is exchanged between preview and step.
#[test]
fn what_changed_since_the_preview_is_not_run() {
    let scene = Scene::new();
    let text = "touch HERE/ran";
    scene.add_pool("flush", &["{pool}"], text);
    let changed = |what: &str, change: &dyn Fn(&Scene)| {
        let mut step = scene.run_step("flush", blue());
        step.preview().unwrap();
        change(&scene);
        let refused = step.begin().unwrap_err();
        assert!(
            matches!(refused, Refusal::Changed(_) | Refusal::Denied(_) | Refusal::NotFound(_)),
            "{what}: {refused}"
        );
        assert!(!scene.open("ran").exists(), "{what}");
    };
    changed("written to", &|scene| drop(scene.script("flush", "touch HERE/ran # other")));
    changed("replaced by the same text", &|scene| {
        let other = scene.script("other", text);
        std::fs::rename(other, scene.path("flush")).unwrap();
    });
    changed("other arguments", &|scene| scene.add_pool("flush", &["{pool}", "--hard"], text));
    changed("another limit", &|scene| scene.limit("flush", 100));
    changed("something else that it changes", &|scene| {
        scene.change("flush", |access| access.hook.touches.push(Subject::new("unit", "db.service")));
    });
    changed("another undo", &|scene| scene.undo("flush", "exit 0", &[]));
    changed("no undo", &|scene| scene.change("flush", |access| access.hook.undo = None));
    changed("a value that is not listed any more", &|scene| {
        scene.change("flush", |access| drop(access.hook.parameters.insert("pool".into(), vec!["green".into()])));
    });
    scene.add_pool("flush", &["{pool}"], text);
    changed("it only reads", &|scene| scene.change("flush", |access| access.hook.does = Does::Reads));
    // Nothing has changed.
    scene.add_pool("flush", &["{pool}"], text);
    let mut step = scene.run_step("flush", blue());
    step.preview().unwrap();
    step.finish().unwrap();
    assert!(scene.open("ran").exists());
}

#[test]
fn values_that_are_not_listed_never_reach_a_program() {
    let scene = Scene::new();
    scene.add_pool("flush", &["{pool}"], "touch HERE/ran");
    for lie in ["--help", "-rf", "$(touch /tmp/x)", "blue\ngreen", "blue\0", "{pool}", "*", "", "BLUE", "blue "] {
        let mut step = scene.run_step("flush", json!([{ "name": "pool", "value": lie }]));
        assert!(matches!(step.preview(), Err(Refusal::Denied(_))), "{lie:?}");
    }
    for lie in [json!([]), json!([{ "name": "pol", "value": "blue" }])] {
        assert!(matches!(scene.run_step("flush", lie).preview(), Err(Refusal::Invalid(_))));
    }
    assert!(!scene.open("ran").exists());
}

#[test]
fn what_a_value_says_is_one_argument() {
    let scene = Scene::new();
    scene.add_pool("echo", &["{pool}", "<{pool}>"], "for word in \"$@\"; do echo \"[$word]\" >> HERE/words; done");
    let value = "a b; $(touch HERE) `id` \"'{pool}' | & *";
    scene.change("echo", |access| drop(access.hook.parameters.insert("pool".into(), vec![value.into()])));
    let mut step = scene.run_step("echo", json!([{ "name": "pool", "value": value }]));
    step.preview().unwrap();
    assert_eq!(step.finish().unwrap().outcome, Outcome::Done);
    assert_eq!(std::fs::read_to_string(scene.open("words")).unwrap(), format!("[{value}]\n[<{value}>]\n"));
}

#[test]
fn a_failure_says_why_and_is_undone_if_there_is_an_undo() {
    let scene = Scene::new();
    scene.add_script("fails", Does::Acts, "echo starting; echo cannot connect >&2; exit 7");
    let applied = scene.run("fails");
    assert_eq!((applied.outcome, applied.detail.as_str()), (Outcome::Failed, "fails exited with 7: starting"));
    assert!(matches!(applied.items[0].fate, Fate::Failed(_)));
    // Nobody knows how far it came.
    scene.undo("fails", "touch HERE/undone", &[]);
    let applied = scene.run("fails");
    assert_eq!((applied.outcome, &applied.items[0].fate), (Outcome::Failed, &Fate::Done));
    scene.add_script(
        "object",
        Does::Acts,
        r#"echo '{"healthy": false, "message": "m", "freed": {"value": 9, "unit": "bytes"}}'"#,
    );
    let applied = scene.run("object");
    // It did what it was asked to; whether all is well is for the check to tell.
    assert_eq!((applied.outcome, applied.detail.as_str()), (Outcome::Done, "ran object: m"));
    assert_eq!(applied.measures[1].name, "freed");
}

#[test]
fn a_run_ends_at_its_limit_and_when_ansai_has_waited_long_enough() {
    let scene = Scene::new();
    scene.add_script("hangs", Does::Acts, "echo $$ > HERE/hangs; echo at work; exec sleep 1000");
    scene.limit("hangs", 300);
    let applied = scene.run("hangs");
    assert_eq!(applied.outcome, Outcome::Failed);
    assert_eq!(applied.detail, "hangs did not end within 300 ms: at work");
    assert!(has_ended(process_in(&scene.open("hangs"))));
    // A short command is not cut by a stop.
    scene.add_script("short", Does::Acts, "sleep 0.3; echo done");
    scene.stop();
    assert_eq!(scene.run("short").detail, "ran short: done");
}

#[test]
fn an_undo_fails_aloud_and_needs_to_be_there() {
    let scene = Scene::new();
    scene.add_pool("flush", &["{pool}"], "exit 0");
    scene.undo("flush", "echo no >&2; exit 1", &["{pool}"]);
    let mut step = scene.run_step("flush", blue());
    step.preview().unwrap();
    let applied = step.finish().unwrap();
    let undone = step.undo(&applied.items).unwrap();
    assert_eq!((undone.outcome, undone.detail.as_str()), (Outcome::Failed, "flush exited with 1: no"));
    // The configuration of now counts: what an operator took away is not run.
    scene.change("flush", |access| access.hook.undo = None);
    assert!(matches!(step.undo(&applied.items), Err(Refusal::Unsupported(_))));
    scene.add_script("restore", Does::Acts, "touch HERE/restored");
    scene.change("flush", |access| access.hook.undo = Some(Linked::Hook("restore".into())));
    assert_eq!(step.undo(&applied.items).unwrap().outcome, Outcome::Done);
    assert!(scene.open("restored").exists());
    std::fs::remove_file(scene.path("restore")).unwrap();
    assert!(matches!(step.undo(&applied.items), Err(Refusal::Unavailable(_))));
}

/// Would break: an undo that changes what no step may touch, because it is another hook.
#[test]
fn a_step_touches_what_its_undo_touches() {
    let scene = Scene::new();
    let unit = |name: &str| Subject::new("unit", name);
    scene.add_script("stop", Does::Acts, "touch HERE/ran");
    scene.add_script("start", Does::Acts, "exit 0");
    scene.change("stop", |access| {
        access.hook.undo = Some(Linked::Hook("start".into()));
        access.hook.touches.push(unit("app.service"));
    });
    scene.change("start", |access| access.hook.touches.extend([unit("app.service"), unit("db.service")]));
    let mut step = scene.run_step("stop", json!([]));
    let previewed = step.previewed().unwrap();
    let mut subjects: Vec<Subject> = previewed.touches.iter().map(|touch| touch.subject.clone()).collect();
    subjects.sort();
    let hook = |name: &str| Subject::new("hook", name);
    assert_eq!(subjects, [hook("start"), hook("stop"), unit("app.service"), unit("db.service")]);
    scene.change("start", |access| access.hook.touches.push(unit("web.service")));
    assert!(matches!(step.begin(), Err(Refusal::Changed(_))));
    assert!(!scene.open("ran").exists());
}

#[test]
fn a_grant_of_no_runs_permits_none_and_a_hook_that_reads_is_not_run() {
    let scene = Scene::new();
    scene.add_script("acts", Does::Acts, "exit 0");
    let mut step = scene.run_step("acts", json!([]));
    let none = Scope::default().with_number(&MAX_RUNS, 0);
    assert!(matches!(step.preview_with(&none), Err(Refusal::OverBudget(_))));
    let previewed = step.previewed().unwrap();
    let amounts = step.doing(|action, _| action.amounts(&previewed.targets, None)).unwrap();
    assert_eq!((amounts.len(), amounts[0].bound.name, amounts[0].number), (1, "max_runs", 1));
    scene.add_script("reads", Does::Reads, "exit 0");
    assert!(matches!(scene.run_step("reads", json!([])).preview(), Err(Refusal::Denied(_))));
}

#[test]
fn a_plan_file_that_says_something_else_is_not_run() {
    let scene = Scene::new();
    scene.add_script("acts", Does::Acts, "touch HERE/ran");
    let mut step = scene.run_step("acts", json!([]));
    step.preview().unwrap();
    let targets = step.targets.get().replace("acts", "nope");
    step.targets = serde_json::value::RawValue::from_string(targets).unwrap();
    assert!(step.begin().is_err());
    step.targets = crate::scene::raw(json!({ "call": 1 }));
    assert!(step.begin().is_err());
    assert!(!scene.open("ran").exists());
}
