//! Quarantine expiry in special cases: a kill in the middle, a withdrawn grant, observe mode.

use std::path::PathBuf;

use ansai_core::event::Verdict;
use ansai_core::{Event, Mode, Outcome, Status};
use ansai_supervisor::authority::Fixed;

use crate::grants::Changes;
use crate::killed;
use crate::quarantine::{self, Forged, Stops, expire, expire_as, expire_in, granted_each, held, held_in};
use crate::scene::{ONE, Scene, all_grants, eventually};
use crate::script::{Script, observation};

fn scene() -> Scene {
    let scene = Scene::new().with_files();
    healthy(&scene);
    expire(&scene, "earlier", &["a", "b"]);
    assert_eq!(held(&scene), 2);
    scene
}

/// The finding does not matter here.
fn healthy(scene: &Scene) {
    let script = Script::sick(vec![], ansai_core::OnFailure::Stop);
    scene.script(&script.saying(Ok(vec![observation(Status::Healthy)])));
}

fn is_killed(stops: Stops) {
    let Some(place) = killed::place() else { return };
    let mut scene = Scene::at(&place).with_files();
    scene.host = quarantine::stopping(stops);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let authority = quarantine::fixed(&scene, Mode::Enforce);
    runtime.block_on(async { scene.open_with(authority).unwrap().run_once().await });
}

#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_that_is_killed_before() {
    is_killed(Stops::Before);
}

#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_that_is_killed_after() {
    is_killed(Stops::After);
}

/// Runs one of these processes on the scene until it has stopped.
async fn killed_in(test: &str, scene: &Scene) {
    let killed = killed::start(&format!("expiry::{test}"), scene);
    eventually(|| quarantine::stopped(scene).exists().then_some(())).await;
    drop(killed);
    assert_eq!((scene.intents(), scene.outcomes()), (vec![0], vec![]));
}

/// Plans with an intent, in order.
fn plans(scene: &Scene) -> Vec<String> {
    let plan = |event| match event {
        Event::Intent(intent) => Some(intent.plan),
        _ => None,
    };
    scene.events().into_iter().filter_map(plan).collect()
}

#[tokio::test]
async fn killed_before_it_removed_anything() {
    let scene = scene();
    killed_in("the_process_that_is_killed_before", &scene).await;
    let supervisor = scene.open_with(quarantine::fixed(&scene, Mode::Enforce)).unwrap();
    supervisor.recover().await;
    supervisor.recover().await;
    assert_eq!((scene.intents(), scene.outcomes()), (vec![0], vec![(0, Outcome::Unknown)]));
    assert_eq!(held(&scene), 2, "the interrupted step is not tried again");
    let told = scene.published().into_iter().any(|one| {
        matches!(&one.event, Event::Outcome { outcome: Outcome::Unknown, after_crash: true, detail, .. }
            if detail.contains("the quarantine of 2 files was being removed"))
    });
    assert!(told, "{:?}", scene.events());

    // Expired files that remain get a separate plan, with a new preview and intent.
    supervisor.run_once().await;
    assert_eq!((scene.outcomes(), held(&scene)), (vec![(0, Outcome::Unknown), (0, Outcome::Done)], 0));
    let plans = plans(&scene);
    assert!(plans.len() == 2 && plans[0] != plans[1], "{plans:?}");
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn killed_when_all_was_removed() {
    let scene = scene();
    killed_in("the_process_that_is_killed_after", &scene).await;
    assert_eq!(held(&scene), 0);
    let supervisor = scene.open_with(quarantine::fixed(&scene, Mode::Enforce)).unwrap();
    for _ in 0..2 {
        supervisor.run_once().await;
        assert_eq!((scene.intents(), scene.outcomes()), (vec![0], vec![(0, Outcome::Unknown)]));
    }
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_grant_withdrawn_after_the_plan() {
    let scene = scene();
    // Called on opening, for the plan, and now before the step.
    let withdrawn = Changes::from(quarantine::granted(&scene, Mode::Enforce), 2, Ok(all_grants(Mode::Enforce)));
    let supervisor = scene.open_with(withdrawn).unwrap();
    supervisor.run_once().await;
    assert_eq!((scene.intents(), scene.outcomes(), held(&scene)), (vec![], vec![(0, Outcome::Refused)], 2));
    let told = scene.published().into_iter().any(|one| {
        matches!(&one.event, Event::Outcome { outcome: Outcome::Refused, detail, .. }
            if detail.contains("[policy.one.grant]"))
    });
    assert!(told, "{:?}", scene.events());

    supervisor.run_once().await;
    assert_eq!(scene.outcomes().len(), 1, "without the grant there is no plan");
    drop(supervisor);
    scene.finish().await;
}

/// Expired files below a directory and, in a quarantine of its own, below a directory in it.
fn nested(scene: &Scene) -> (PathBuf, PathBuf) {
    healthy(scene);
    let outer = scene.path("data");
    let inner = outer.join("inner");
    expire_in(scene, &outer, "outer", &["a", "b"]);
    expire_in(scene, &inner, "inner", &["c"]);
    assert_eq!((held_in(&outer), held_in(&inner)), (2, 1));
    (outer, inner)
}

#[tokio::test]
async fn the_roots_of_all_tables_are_looked_at() {
    let scene = Scene::new().with_files();
    let (outer, inner) = nested(&scene);
    let authority = Fixed::new([(ONE.parse().unwrap(), granted_each(&[&outer, &inner], Mode::Enforce))]);
    scene.open_with(authority).unwrap().run_once().await;
    assert_eq!((held_in(&outer), held_in(&inner)), (0, 0));
    assert_eq!(scene.outcomes(), [(0, Outcome::Done), (1, Outcome::Done)]);
    scene.finish().await;
}

#[tokio::test]
async fn a_root_below_the_root_of_another_instance_is_looked_at() {
    let scene = Scene::new().with_files();
    let (outer, inner) = nested(&scene);
    scene.script_of("two", &Script::sick(vec![], ansai_core::OnFailure::Stop).saying(Ok(vec![])));
    let grants = [(ONE, &outer), ("two", &inner)];
    let grants = grants.map(|(name, root)| (name.parse().unwrap(), granted_each(&[root.as_path()], Mode::Enforce)));
    let instances = vec![scene.instance(ONE), scene.instance("two")];
    scene.open_all(Fixed::new(grants), instances).unwrap().run_once().await;
    assert_eq!((held_in(&outer), held_in(&inner)), (0, 0));
    scene.finish().await;
}

/// Verdicts on plans without an incident, each with the number of files that the plan would remove.
fn pending(scene: &Scene) -> Vec<(u64, Verdict)> {
    let mut items = 0;
    let mut pending = Vec::new();
    for event in scene.events() {
        match event {
            Event::Planned { incident: None, steps, .. } => {
                items = steps.iter().map(|step| step.preview.items).sum();
            }
            Event::Decided { verdict, .. } => pending.push((items, verdict)),
            _ => {}
        }
    }
    pending
}

#[tokio::test]
async fn in_observe_mode_it_says_what_is_pending_once() {
    let scene = scene();
    let supervisor = scene.open_with(quarantine::fixed(&scene, Mode::Observe)).unwrap();
    for _ in 0..2 {
        supervisor.run_once().await;
        assert_eq!(pending(&scene), [(2, Verdict::Observed)]);
    }
    drop(supervisor);
    expire(&scene, "later", &["c"]);
    let supervisor = scene.open_with(quarantine::fixed(&scene, Mode::Observe)).unwrap();
    supervisor.run_once().await;
    assert_eq!(pending(&scene), [(2, Verdict::Observed), (3, Verdict::Observed)]);
    assert_eq!((held(&scene), scene.intents(), scene.outcomes()), (3, vec![], vec![]));
    drop(supervisor);

    // The same files in enforce mode.
    scene.open_with(quarantine::fixed(&scene, Mode::Enforce)).unwrap().run_once().await;
    assert_eq!((held(&scene), scene.outcomes()), (0, vec![(0, Outcome::Done)]));
    scene.finish().await;
}

/// Would break: an expiry that believes the index of a quarantine.
#[tokio::test]
async fn what_the_log_does_not_vouch_for_does_not_expire() {
    for forged in [Forged::Plan, Forged::End, Forged::Path, Forged::Items] {
        let scene = Scene::new().with_files();
        healthy(&scene);
        expire(&scene, "true", &["a"]);
        let root = quarantine::root(&scene);
        expire_as(&scene, &root, "forged", &["b"], forged);
        let supervisor = scene.open_with(quarantine::fixed(&scene, Mode::Enforce)).unwrap();
        for _ in 0..2 {
            supervisor.run_once().await;
            assert_eq!((held(&scene), scene.outcomes()), (1, vec![(0, Outcome::Done)]), "{forged:?}");
        }
        assert!(root.join(".ansai-quarantine/earlier-forged-0/0").exists(), "{forged:?}");
        drop(supervisor);
        scene.finish().await;
    }
}

/// Would break: a second look that nobody compares with the first, which is the one that the log vouches for.
#[tokio::test]
async fn what_changes_between_two_looks_does_not_expire() {
    let mut scene = Scene::new().with_files();
    scene.host = quarantine::racing;
    healthy(&scene);
    expire(&scene, "true", &["a"]);
    let root = quarantine::root(&scene);
    // Something has to stay, or there is no second look.
    expire_as(&scene, &root, "forged", &["b"], Forged::Plan);
    let changing = root.clone();
    let meanwhile: Box<dyn FnOnce() + Send> = Box::new(move || quarantine::rename_in_index(&changing, "true"));
    *quarantine::MEANWHILE.lock().unwrap() = Some(meanwhile);
    let supervisor = scene.open_with(quarantine::fixed(&scene, Mode::Enforce)).unwrap();
    for _ in 0..2 {
        supervisor.run_once().await;
        assert_eq!((held(&scene), scene.outcomes()), (2, vec![]));
    }
    assert!(quarantine::MEANWHILE.lock().unwrap().is_none(), "it has happened");
    drop(supervisor);
    scene.finish().await;
}
