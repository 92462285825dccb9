//! The grants are read again just before each step.

use std::sync::atomic::{AtomicU32, Ordering};

use ansai_core::{Event, InstanceName, Mode, OnFailure, Outcome, exit};
use ansai_supervisor::authority::{Authority, EffectiveGrants};
use ansai_supervisor::report::exit_code;

use crate::scene::{Scene, all_grants, grants_without_actions};
use crate::script::{Script, Step};

/// Returns one answer first and another later. Called once on opening, once per pass, and once before each step.
pub(crate) struct Changes {
    first: EffectiveGrants,
    asked: AtomicU32,
    at_first: u32,
    then: Result<EffectiveGrants, String>,
}

impl Changes {
    fn after(at_first: u32, then: Result<EffectiveGrants, String>) -> Self {
        Changes::from(all_grants(Mode::Enforce), at_first, then)
    }

    pub(crate) fn from(first: EffectiveGrants, at_first: u32, then: Result<EffectiveGrants, String>) -> Self {
        Changes { first, asked: AtomicU32::new(0), at_first, then }
    }
}

impl Authority for Changes {
    fn effective_grants(&self, _instance: &InstanceName) -> Result<EffectiveGrants, String> {
        match self.asked.fetch_add(1, Ordering::SeqCst) < self.at_first {
            true => Ok(self.first.clone()),
            false => self.then.clone(),
        }
    }
}

/// Applies two marks under this authority; returns the refusal of the refused step.
async fn refused(scene: &Scene, authority: Changes, step: u32) -> String {
    scene.script(&Script::sick(vec![Step::mark(scene.path("a")), Step::mark(scene.path("b"))], OnFailure::Stop));
    let reports = scene.open_with(authority).unwrap().run_once().await;
    assert_eq!(exit_code(&reports), exit::REFUSED);
    let report = &reports[0].findings[0].plans[0].steps[step as usize];
    assert_eq!(report.outcome, Some(Outcome::Refused));
    assert!(scene.outcomes().contains(&(step, Outcome::Refused)), "the audit log says so");
    assert!(!scene.intents().contains(&step));
    report.detail.clone()
}

#[tokio::test]
async fn a_grant_withdrawn_after_the_plan() {
    let scene = Scene::new();
    let why = refused(&scene, Changes::after(2, Ok(grants_without_actions())), 0).await;
    assert!(why.contains("[policy.one.grant]"), "{why}");
    assert_eq!(scene.text("history"), "");
    scene.finish().await;
}

#[tokio::test]
async fn a_grant_withdrawn_between_two_steps() {
    let scene = Scene::new();
    refused(&scene, Changes::after(3, Ok(grants_without_actions())), 1).await;
    assert_eq!(scene.text("history"), "mark a\n");
    scene.finish().await;
}

#[tokio::test]
async fn the_mode_lowered_to_observe() {
    let scene = Scene::new();
    let why = refused(&scene, Changes::after(2, Ok(all_grants(Mode::Observe))), 0).await;
    assert!(why.contains("no longer in enforce mode"), "{why}");
    assert_eq!(scene.text("history"), "");
    scene.finish().await;
}

#[tokio::test]
async fn a_word_that_cannot_be_had() {
    let scene = Scene::new();
    let why = refused(&scene, Changes::after(2, Err("the configuration is not readable".into())), 0).await;
    assert!(why.contains("not readable"), "{why}");
    assert_eq!(scene.text("history"), "");
    scene.finish().await;
}

/// Undo needs no grant, because it restores the previous state.
#[tokio::test]
async fn what_was_done_is_undone_without_a_grant() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop));
    let supervisor = scene.open_with(Changes::after(3, Err("gone".into()))).unwrap();
    let reports = supervisor.run_once().await;
    let undone = supervisor.undo(&reports[0].findings[0].plans[0].plan, None, "a person").unwrap();
    assert_eq!(undone[0].outcome, Some(Outcome::Reverted), "{}", undone[0].detail);
    assert_eq!(scene.text("history"), "mark a\nunmark a\n");
    let by = |event: &Event| matches!(event, Event::Undone { by, .. } if by == "a person");
    assert!(scene.events().iter().any(by));
    drop(supervisor);
    scene.finish().await;
}
