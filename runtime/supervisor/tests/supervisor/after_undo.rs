//! What steps do after the undo of their plan. A reload in its own turn, newest step first, would read the new file.

use std::collections::BTreeMap;
use std::sync::Arc;

use ansai_core::{Event, Mode, NamePattern, Never, OnFailure, Outcome};
use ansai_supervisor::PlanReport;
use ansai_supervisor::authority::EffectiveGrants;

use crate::grants::Changes;
use crate::scene::{Scene, all_grants, eventually};
use crate::script::{Call, Script, Step};

/// A reload of a file whose act after undo goes like this.
fn reload(scene: &Scene, name: &str, after_undo: u64) -> Step {
    Step::new(Call::Reload, 0, after_undo, scene.path(name))
}

fn fails(scene: &Scene) -> Step {
    Step::new(Call::Flaky, 0, 0, scene.path("fails"))
}

async fn plan(scene: &Scene, steps: Vec<Step>) -> PlanReport {
    scene.script(&Script::sick(steps, OnFailure::UndoApplied));
    scene.open().run_once().await[0].findings[0].plans[0].clone()
}

/// Undo in the audit log: what was recorded, of which step.
pub(crate) fn undo_events(scene: &Scene) -> Vec<(&'static str, u32)> {
    let undo = |event: Event| match &event {
        Event::Undoing(intent) => Some((event.name(), intent.step)),
        Event::Undone { step, .. } | Event::AfterUndoIntent { step, .. } | Event::AfterUndo { step, .. } => {
            Some((event.name(), *step))
        }
        _ => None,
    };
    scene.events().into_iter().filter_map(undo).collect()
}

/// How acts after undo ended.
fn acted(scene: &Scene) -> Vec<(u32, Outcome, String)> {
    let acted = |event| match event {
        Event::AfterUndo { step, outcome, by, .. } => Some((step, outcome, by)),
        _ => None,
    };
    scene.events().into_iter().filter_map(acted).collect()
}

/// Would break: acts in the order of the undo, acts between two undos, acts without an intent.
#[tokio::test]
async fn all_is_undone_before_steps_act_on_it_oldest_first() {
    let scene = Scene::new();
    let mark = |name: &str| Step::mark(scene.path(name));
    let steps = vec![mark("a"), reload(&scene, "a", 0), mark("b"), reload(&scene, "b", 0), fails(&scene)];
    let plan = plan(&scene, steps).await;
    let done = "mark a\nreload present a\nmark b\nreload present b\n";
    assert_eq!(scene.text("history"), format!("{done}unmark b\nunmark a\nreload absent a\nreload absent b\n"));
    let undone = [("undoing", 2), ("undone", 2), ("undoing", 0), ("undone", 0)];
    let acts = [("after-undo-intent", 1), ("after-undo", 1), ("after-undo-intent", 3), ("after-undo", 3)];
    assert_eq!(undo_events(&scene), [undone, acts].concat());
    let details: Vec<&str> = plan.steps[..2].iter().map(|step| step.detail.as_str()).collect();
    assert_eq!(details, ["marked; undone: unmarked", "read again; after undo: read the old file"]);
    scene.finish().await;
}

#[tokio::test]
async fn a_failed_reload_acts_too() {
    let scene = Scene::new();
    let plan = plan(&scene, vec![Step::mark(scene.path("a")), Step::new(Call::Reload, 1, 0, scene.path("a"))]).await;
    assert_eq!(scene.text("history"), "mark a\nreload present a\nunmark a\nreload absent a\n");
    assert_eq!(plan.steps[1].outcome, Some(Outcome::Failed));
    scene.finish().await;
}

#[tokio::test]
async fn without_an_undo_and_without_having_run_no_step_acts() {
    let scene = Scene::new();
    plan(&scene, vec![reload(&scene, "a", 0), fails(&scene)]).await;
    assert_eq!(scene.text("history"), "reload absent a\n", "nothing was restored");
    plan(&scene, vec![Step::mark(scene.path("b")), fails(&scene), reload(&scene, "b", 0)]).await;
    assert_eq!(scene.text("history"), "reload absent a\nmark b\nunmark b\n", "the reload was skipped");
    assert_eq!(acted(&scene), []);
    scene.finish().await;
}

/// Would break: an act that stops the next ones, or that turns the undone step into a failed one.
#[tokio::test]
async fn a_failure_is_told_and_does_not_hide_the_undo() {
    let scene = Scene::new();
    let steps = vec![
        Step::mark(scene.path("a")),
        reload(&scene, "a", 1),
        reload(&scene, "a", 2),
        reload(&scene, "a", 0),
        fails(&scene),
    ];
    let plan = plan(&scene, steps).await;
    assert_eq!(plan.steps[0].outcome, Some(Outcome::Reverted));
    let details: Vec<&str> = plan.steps[1..4].iter().map(|step| step.detail.as_str()).collect();
    let expected = [
        "read again; failed after undo: the file is invalid",
        "read again; refused after undo: busy: somebody else reads it",
        "read again; after undo: read the old file",
    ];
    assert_eq!(details, expected);
    let outcomes: Vec<Outcome> = acted(&scene).into_iter().map(|(_, outcome, _)| outcome).collect();
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Refused, Outcome::Done]);
    scene.finish().await;
}

/// ansai is stopped while it undoes a failed plan. Would break: a stop that ends the undo, or that leaves a service with what
/// it read from the new file.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_during_the_undo_ends_neither_the_undo_nor_the_acts() {
    let scene = Scene::new();
    let mark = |name: &str| Step::mark(scene.path(name));
    let steps = vec![mark("a"), reload(&scene, "a", 0), mark("b"), fails(&scene)];
    scene.script(&Script::sick(steps, OnFailure::UndoApplied));
    std::fs::write(scene.path("slow-undo"), "").unwrap();
    let supervisor = scene.open();
    let stops = async {
        eventually(|| scene.text("history").ends_with("unmark b\n").then_some(())).await;
        supervisor.stop("a test");
        std::fs::remove_file(scene.path("slow-undo")).unwrap();
    };
    let (reports, ()) = tokio::join!(supervisor.run_once(), stops);
    let all = "mark a\nreload present a\nmark b\nunmark b\nunmark a\nreload absent a\n";
    assert_eq!(scene.text("history"), all);
    assert_eq!(acted(&scene), [(1, Outcome::Done, "the host".to_owned())]);
    let plan = &reports[0].findings[0].plans[0];
    assert_eq!(plan.steps[1].detail, "read again; after undo: read the old file");
    drop(supervisor);
    scene.open().recover().await;
    assert_eq!(scene.text("history"), all, "nothing is left to do");
    scene.finish().await;
}

#[tokio::test]
async fn steps_act_after_the_undo_by_a_person_once() {
    let scene = Scene::new();
    let plan = plan(&scene, vec![Step::mark(scene.path("a")), reload(&scene, "a", 0), reload(&scene, "a", 1)]).await;
    let supervisor = scene.open();
    // Of the first step only: the others act on it nevertheless.
    let undone = supervisor.undo(&plan.plan, Some(0), "a person").unwrap();
    let told: Vec<_> = undone.iter().map(|step| (step.outcome.unwrap(), step.after_undo)).collect();
    let (done, failed) = (Outcome::Done, Outcome::Failed);
    assert_eq!(told, [(Outcome::Reverted, None), (done, Some(done)), (failed, Some(failed))]);
    let by = "a person".to_owned();
    assert_eq!(acted(&scene), [(1, done, by.clone()), (2, failed, by.clone())]);
    // What failed is tried again, what worked is not.
    let undone = supervisor.undo(&plan.plan, None, "a person").unwrap();
    assert_eq!(acted(&scene)[2..], [(2, failed, by)]);
    let told: Vec<_> = undone.iter().map(|step| (step.outcome, step.detail.as_str())).collect();
    let expected = [
        (Some(failed), "step 2 changed nothing; failed after undo: the file is invalid"),
        (None, "step 1 changed nothing"),
        (None, "step 0 is already undone"),
    ];
    assert_eq!(told, expected);
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn no_step_acts_on_what_no_step_may_touch() {
    let scene = Scene::new();
    let steps = vec![Step::mark(scene.path("a")), reload(&scene, "nginx-1", 0), fails(&scene)];
    let nginx = BTreeMap::from([("unit".to_owned(), vec![NamePattern::new("nginx.service").unwrap()])]);
    let never = Arc::new(Never::new(nginx, BTreeMap::new()));
    // Called on opening, for the pass, and before each step.
    let listed = Changes::after(5, Ok(EffectiveGrants { never, ..all_grants(Mode::Enforce) }));
    scene.script(&Script::sick(steps, OnFailure::UndoApplied));
    let reports = scene.open_with(listed).unwrap().run_once().await;
    let steps = &reports[0].findings[0].plans[0].steps;
    assert_eq!(steps[0].outcome, Some(Outcome::Reverted), "{}", steps[0].detail);
    assert!(steps[1].detail.contains("no step may touch unit nginx.service"), "{}", steps[1].detail);
    assert_eq!(scene.text("history"), "mark a\nreload absent nginx-1\nunmark a\n");
    assert_eq!(undo_events(&scene), [("undoing", 0), ("undone", 0), ("after-undo", 1)], "no intent");
    scene.finish().await;
}
