//! What no step may touch, whatever is granted: checked when a step is proposed, and again right before it begins.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ansai_core::event::Verdict;
use ansai_core::{Event, Mode, NamePattern, Never, OnFailure, Outcome};
use ansai_engine::recording::{RecordedCall, RecordedReply};
use ansai_supervisor::authority::{EffectiveGrants, Fixed};

use crate::grants::Changes;
use crate::quarantine::{self, expire, held};
use crate::scene::{ONE, Scene, all_grants};
use crate::script::{Script, Step};
use crate::slow_actions;

fn list(own: &[(&str, &str)], allowed: &[&str]) -> Arc<Never> {
    let mut patterns: BTreeMap<String, Vec<NamePattern>> = BTreeMap::new();
    for (kind, pattern) in own {
        patterns.entry((*kind).to_owned()).or_default().push(NamePattern::new(pattern).unwrap());
    }
    let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
    Arc::new(Never::new(patterns, BTreeMap::from([("unit".to_owned(), allowed)])))
}

/// Everything granted, with this list.
fn granted(never: Arc<Never>) -> EffectiveGrants {
    EffectiveGrants { never, ..all_grants(Mode::Enforce) }
}

fn fixed(never: Arc<Never>) -> Fixed {
    Fixed::new([(ONE.parse().unwrap(), granted(never))])
}

/// Proposes one mark, and tells whether it was made.
async fn marks(scene: &Scene, name: &str, never: Arc<Never>) -> bool {
    scene.script(&Script::sick(vec![Step::mark(scene.path(name))], OnFailure::Stop));
    scene.open_with(fixed(never)).unwrap().run_once().await;
    scene.path(name).exists()
}

/// Refusals that the policy got from actions.
fn refusals(scene: &Scene) -> Vec<String> {
    let calls = scene.recordings().into_iter().flat_map(|recording| recording.calls);
    let refused = |call: RecordedCall| match call.reply {
        RecordedReply::Refused(refusal) if call.interface == slow_actions::NAME => Some(refusal.to_string()),
        _ => None,
    };
    calls.filter_map(refused).collect()
}

#[tokio::test]
async fn a_step_that_relies_on_a_default_is_not_proposed() {
    let scene = Scene::new();
    assert!(!marks(&scene, "sshd-1", Arc::default()).await);
    assert_eq!((scene.intents(), scene.outcomes()), (vec![], vec![]));
    let why = refusals(&scene).pop().unwrap();
    for words in ["denied", "unit sshd.service", "`sshd.*`", "[never.allow]"] {
        assert!(why.contains(words), "{words}: {why}");
    }
    // There was nothing to approve.
    let verdicts = scene.events().into_iter().filter_map(|event| match event {
        Event::Decided { verdict, .. } => Some(verdict),
        _ => None,
    });
    assert_eq!(verdicts.collect::<Vec<_>>(), [Verdict::NothingToDo]);

    assert!(!marks(&scene, "sshd-2", list(&[], &["ssh.service"])).await, "another exception");
    assert!(marks(&scene, "sshd-3", list(&[], &["sshd.service"])).await);
    assert!(marks(&scene, "nginx-1", Arc::default()).await);
    scene.finish().await;
}

#[tokio::test]
async fn a_step_that_touches_what_the_operator_lists_is_not_proposed() {
    let scene = Scene::new();
    assert!(!marks(&scene, "nginx-1", list(&[("unit", "apache*"), ("unit", "nginx.*")], &[])).await);
    let why = refusals(&scene).pop().unwrap();
    assert!(why.contains("[never] `unit` has `nginx.*`, entry 2 of 2"), "{why}");
    let file = scene.path("a").to_str().unwrap().to_owned();
    assert!(!marks(&scene, "a", list(&[("file", &file)], &[])).await, "what the step is about");
    assert!(marks(&scene, "b", list(&[("file", &file), ("unit", "*")], &[])).await);
    scene.finish().await;
}

#[tokio::test]
async fn what_is_listed_after_the_plan_is_refused_before_the_intent() {
    let scene = Scene::new();
    let steps = vec![Step::mark(scene.path("a")), Step::mark(scene.path("nginx-1"))];
    scene.script(&Script::sick(steps, OnFailure::UndoApplied));
    // Called on opening, for the pass, and before the first step.
    let authority = Changes::after(3, Ok(granted(list(&[("unit", "nginx.service")], &[]))));
    let reports = scene.open_with(authority).unwrap().run_once().await;
    let steps = &reports[0].findings[0].plans[0].steps;
    assert_eq!(steps[1].outcome, Some(Outcome::Refused));
    assert!(steps[1].detail.contains("no step may touch unit nginx.service"), "{}", steps[1].detail);
    assert_eq!(scene.intents(), [0], "no intent for the second step");
    assert_eq!(steps[0].outcome, Some(Outcome::Reverted), "the first step may be undone: {}", steps[0].detail);
    assert_eq!(scene.text("history"), "mark a\nunmark a\n");
    scene.finish().await;
}

#[tokio::test]
async fn what_is_listed_after_the_step_is_not_undone() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![Step::mark(scene.path("nginx-1"))], OnFailure::Stop));
    let authority = Changes::after(3, Ok(granted(list(&[("unit", "nginx.service")], &[]))));
    let supervisor = scene.open_with(authority).unwrap();
    let reports = supervisor.run_once().await;
    let plan = &reports[0].findings[0].plans[0];
    assert_eq!(plan.steps[0].outcome, Some(Outcome::Done), "{}", plan.steps[0].detail);
    let undone = supervisor.undo(&plan.plan, None, "a person").unwrap();
    assert_eq!(undone[0].outcome, Some(Outcome::Refused));
    assert!(undone[0].detail.contains("entry 1 of 1"), "{}", undone[0].detail);
    assert_eq!(scene.text("history"), "mark nginx-1\n");
    assert!(!scene.events().iter().any(|event| matches!(event, Event::Undoing(_))));
    drop(supervisor);
    scene.finish().await;
}

/// The host's own action is checked the same way.
#[tokio::test]
async fn quarantined_files_on_a_listed_file_system_stay() {
    let scene = Scene::new().with_files();
    scene.script(&Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![])));
    expire(&scene, "earlier", &["a", "b"]);
    let granted = |never| EffectiveGrants { never, ..quarantine::granted(&scene, Mode::Enforce) };
    let fixed = |never| Fixed::new([(ONE.parse().unwrap(), granted(never))]);
    scene.open_with(fixed(list(&[("filesystem", "*")], &[]))).unwrap().run_once().await;
    assert_eq!((held(&scene), scene.intents(), scene.outcomes()), (2, vec![], vec![]));

    // Listed after the plan: called on opening, for the plan, and now before the step.
    let listed = Changes::from(granted(Arc::default()), 2, Ok(granted(list(&[("filesystem", "*")], &[]))));
    scene.open_with(listed).unwrap().run_once().await;
    assert_eq!((held(&scene), scene.intents(), scene.outcomes()), (2, vec![], vec![(0, Outcome::Refused)]));

    scene.open_with(fixed(Arc::default())).unwrap().run_once().await;
    assert_eq!((held(&scene), scene.intents()), (0, vec![0]));
    scene.finish().await;
}
