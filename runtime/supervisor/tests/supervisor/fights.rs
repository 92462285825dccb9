//! Two policies that act on the same real file by turns: both are held, over a restart, until a person or a change of the
//! configuration ends it.

use std::path::PathBuf;

use ansai_core::control::{Overall, Resume};
use ansai_core::event::Verdict;
use ansai_core::fight::FightEnd;
use ansai_core::incident::Permission;
use ansai_core::order::Person;
use ansai_core::{Event, InstanceName, Mode, OnFailure, Status};
use ansai_supervisor::Supervisor;
use ansai_supervisor::authority::{Authority, Fixed};

use crate::scene::{ONE, Scene, all_grants, fixed, grants_of_marks};
use crate::script::{Script, Step, observation};

const TWO: &str = "two";

fn open_with(scene: &Scene, authority: impl Authority + 'static) -> Supervisor {
    scene.open_all(authority, vec![scene.instance(ONE), scene.instance(TWO)]).unwrap()
}

fn open(scene: &Scene) -> Supervisor {
    open_with(scene, fixed(Mode::Enforce))
}

fn file(scene: &Scene) -> PathBuf {
    scene.path("file")
}

/// One of the two finds something that this step heals, and the other one nothing.
async fn act(scene: &Scene, supervisor: &Supervisor, instance: &str, step: Step) {
    let nothing = Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![observation(Status::Healthy)]));
    for other in [ONE, TWO] {
        scene.script_of(other, &nothing);
    }
    scene.script_of(instance, &Script::sick(vec![step], OnFailure::Stop));
    supervisor.run_once().await;
}

/// `one` makes the file, which must not be there; `two` reads it again. What `two` stands for removes it.
async fn turn(scene: &Scene, supervisor: &Supervisor) {
    act(scene, supervisor, ONE, Step::mark(file(scene))).await;
    act(scene, supervisor, TWO, Step::reload(file(scene))).await;
    let _ = std::fs::remove_file(file(scene));
}

/// A scene after so many turns of both.
async fn after(turns: usize) -> Scene {
    let mut scene = Scene::new();
    // Else each incident is left to a person at its third return.
    scene.retry_policy.flaps.most = 100;
    let supervisor = open(&scene);
    for _ in 0..turns {
        turn(&scene, &supervisor).await;
    }
    drop(supervisor);
    scene
}

fn fights(scene: &Scene) -> usize {
    scene.events().into_iter().filter(|event| matches!(event, Event::Fight(_))).count()
}

fn held(scene: &Scene) -> usize {
    let is_held = |event: &Event| matches!(event, Event::Decided { verdict: Verdict::Held(Permission::Fight(_)), .. });
    scene.events().into_iter().filter(is_held).count()
}

fn ends(scene: &Scene) -> Vec<FightEnd> {
    let end = |event| match event {
        Event::FightEnded { why, .. } => Some(why),
        _ => None,
    };
    scene.events().into_iter().filter_map(end).collect()
}

#[tokio::test]
async fn two_that_act_by_turns_are_both_held_and_named_also_after_a_restart() {
    let scene = after(2).await;
    assert_eq!((fights(&scene), scene.intents().len()), (0, 4));
    let supervisor = open(&scene);
    turn(&scene, &supervisor).await;
    assert_eq!((fights(&scene), scene.intents().len()), (1, 6));
    let fight = supervisor.orders().fights.remove(0);
    assert_eq!((fight.instances.0.as_str(), fight.instances.1.as_str()), (ONE, TWO));
    assert_eq!((fight.about.kind.as_str(), PathBuf::from(&fight.about.name)), ("file", file(&scene)));
    drop(supervisor);

    let supervisor = open(&scene);
    turn(&scene, &supervisor).await;
    assert_eq!((fights(&scene), scene.intents().len(), held(&scene)), (1, 6, 2), "both wait, and it is told once");
    assert!(!file(&scene).exists());
    act(&scene, &supervisor, ONE, Step::mark(scene.path("other"))).await;
    assert!(scene.path("other").exists(), "another thing is not held");
    let status = supervisor.status().unwrap();
    assert_eq!((status.overall, status.orders.fights.len()), (Overall::Unhealthy, 1));
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_person_ends_a_fight_and_it_counts_from_zero() {
    let scene = after(3).await;
    let supervisor = open(&scene);
    let by = Person { uid: 1_000, name: Some("alice".into()) };
    let resume = |name: &str| supervisor.resume(&Resume::Named { name: name.into() }, &by);
    assert!(resume("three").is_err());
    assert_eq!(resume(TWO).unwrap().fights.len(), 1);
    assert!(resume(TWO).is_err());
    assert_eq!(ends(&scene), [FightEnd::Resumed(by.clone())]);
    turn(&scene, &supervisor).await;
    turn(&scene, &supervisor).await;
    assert_eq!((fights(&scene), scene.intents().len()), (1, 10));
    turn(&scene, &supervisor).await;
    assert_eq!(fights(&scene), 2);
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn another_configuration_of_one_of_them_ends_it() {
    for changed in [grants_of_marks(Mode::Enforce, 1_000), all_grants(Mode::Observe)] {
        let scene = after(3).await;
        let all: [(InstanceName, _); 2] =
            [(ONE.parse().unwrap(), all_grants(Mode::Enforce)), (TWO.parse().unwrap(), changed)];
        let supervisor = open_with(&scene, Fixed::new(all));
        act(&scene, &supervisor, ONE, Step::mark(file(&scene))).await;
        assert_eq!(ends(&scene), [FightEnd::Configuration(TWO.parse().unwrap())]);
        assert!(file(&scene).exists() && supervisor.orders().fights.is_empty());
        drop(supervisor);
        scene.finish().await;
    }
}

/// One that repeats itself is bounded by its attempts and budgets, and fights nobody.
#[tokio::test]
async fn one_alone_is_no_fight() {
    let scene = Scene::new();
    let supervisor = open(&scene);
    for _ in 0..8 {
        act(&scene, &supervisor, TWO, Step::reload(file(&scene))).await;
    }
    assert_eq!((fights(&scene), scene.intents().len()), (0, 8));
    drop(supervisor);
    scene.finish().await;
}
