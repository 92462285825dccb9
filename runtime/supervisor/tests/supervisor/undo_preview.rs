//! Undo by a person while ansai runs, and what a look beforehand says: the same as the undo, and it changes nothing.

use ansai_core::control::{UndoOutlook, UndoPreview, UndoTarget};
use ansai_core::order::Person;
use ansai_core::{Event, Mode, OnFailure, Outcome};
use ansai_supervisor::Supervisor;
use ansai_supervisor::undo::UndoError;

use crate::grants::Changes;
use crate::scene::{Scene, all_grants};
use crate::script::{Call, Script, Step};

fn alice() -> Person {
    Person { uid: 1_000, name: Some("alice".into()) }
}

fn whole(plan: &str) -> UndoTarget {
    UndoTarget { plan: plan.to_owned(), step: None }
}

/// Applies a plan: mark `a`, reload it, mark `b`. Returns the supervisor, which goes on, and the plan.
async fn applied(scene: &Scene) -> (Supervisor, String) {
    let mark = |name: &str| Step::mark(scene.path(name));
    let reload = Step::new(Call::Reload, 0, 0, scene.path("a"));
    scene.script(&Script::sick(vec![mark("a"), reload, mark("b")], OnFailure::Stop));
    let supervisor = scene.open();
    let plan = supervisor.run_once().await[0].findings[0].plans[0].plan.clone();
    (supervisor, plan)
}

/// The steps that something would be restored of, and those that would act after that.
fn restores(found: &UndoPreview) -> (Vec<u32>, Vec<u32>) {
    let restores = found.steps.iter().filter(|step| step.outlook.may_restore()).map(|step| step.number);
    (restores.collect(), found.after.iter().map(|step| step.number).collect())
}

/// Would break: another order than that of the undo, a look that is recorded, one that misses the act after undo.
#[tokio::test]
async fn a_look_says_what_the_undo_then_does_in_its_order() {
    let scene = Scene::new();
    let (supervisor, plan) = applied(&scene).await;
    let before = scene.events().len();
    let found = supervisor.undo_preview(&whole(&plan)).unwrap();
    let numbers: Vec<u32> = found.steps.iter().map(|step| step.number).collect();
    assert_eq!((numbers, restores(&found)), (vec![2, 1, 0], (vec![2, 0], vec![1])));
    assert_eq!((found.in_use, found.steps[0].items), (None, 1));
    let one = supervisor.undo_preview(&UndoTarget { plan: plan.clone(), step: Some(0) }).unwrap();
    assert_eq!(restores(&one), (vec![0], vec![1]));
    let missing = supervisor.undo_preview(&UndoTarget { plan: plan.clone(), step: Some(3) });
    assert!(matches!(missing, Err(UndoError::NoStep { steps: 3, step: 3, .. })));
    let unknown = supervisor.undo_preview(&whole("20260101t000000-000-0000"));
    assert!(matches!(unknown, Err(UndoError::Unknown(_))));
    assert_eq!((scene.events().len(), scene.path("a").exists()), (before, true), "nothing was changed");

    let undone = supervisor.undo_now(&whole(&plan), &alice()).unwrap();
    let outcomes: Vec<Option<Outcome>> = undone.iter().map(|step| step.outcome).collect();
    assert_eq!([outcomes[0], outcomes[2]], [Some(Outcome::Reverted); 2]);
    assert_eq!(undone[1].after_undo, Some(Outcome::Done));
    assert!(scene.text("history").ends_with("unmark b\nunmark a\nreload absent a\n"));
    let by = |event: &Event| matches!(event, Event::Undone { by, .. } if by == "alice (uid 1000)");
    assert_eq!(scene.events().iter().filter(|event| by(event)).count(), 2);
    let ended = |event: &Event| matches!(event, Event::Stopped { why, .. } if why.contains("undoing"));
    assert!(!scene.events().iter().any(ended), "the run goes on");

    let again = supervisor.undo_preview(&whole(&plan)).unwrap();
    assert_eq!(restores(&again), (vec![], vec![]));
    assert!(matches!(&again.steps[0].outlook, UndoOutlook::Nothing { why } if why.contains("already undone")));
    drop(supervisor);
    scene.finish().await;
}

/// Would break: records of the plan that are read before what it touches is reserved.
#[tokio::test(flavor = "multi_thread")]
async fn undos_of_one_plan_at_the_same_time_undo_it_once() {
    let scene = Scene::new();
    let (supervisor, plan) = applied(&scene).await;
    let undo = || {
        let (supervisor, target) = (supervisor.clone(), whole(&plan));
        tokio::task::spawn_blocking(move || supervisor.undo_now(&target, &alice()))
    };
    let undos: Vec<_> = (0..4).map(|_| undo()).collect();
    let mut reverted = 0;
    for undone in undos {
        match undone.await.unwrap() {
            Ok(steps) => reverted += steps.iter().filter(|step| step.outcome == Some(Outcome::Reverted)).count(),
            Err(error) => assert!(matches!(error, UndoError::InUse { .. }), "{error}"),
        }
    }
    assert_eq!((reverted, scene.text("history").matches("unmark a").count()), (2, 1));
    drop(supervisor);
    scene.finish().await;
}

/// Would break: a look that does not ask for the grants of now.
#[tokio::test]
async fn a_look_says_what_the_grants_of_now_refuse() {
    let scene = Scene::new();
    let (supervisor, plan) = applied(&scene).await;
    drop(supervisor);
    let nothing = Changes::from(all_grants(Mode::Enforce), 0, Err("it is not configured".into()));
    let supervisor = scene.open_with(nothing).unwrap();
    let found = supervisor.undo_preview(&whole(&plan)).unwrap();
    assert_eq!(restores(&found), (vec![], vec![]));
    let refused = |number: usize| match &found.steps[number].outlook {
        UndoOutlook::Refused { why } => why.contains("it is not configured"),
        _ => false,
    };
    assert!(refused(0) && refused(2), "{found:?}");
    supervisor.stop("a test");
    assert!(matches!(supervisor.undo_now(&whole(&plan), &alice()), Err(UndoError::Stopping)));
    assert!(scene.path("a").exists() && scene.path("b").exists());
}
