//! The grants are read again just before each step.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ansai_core::{Event, InstanceName, Mode, OnFailure, Outcome, Scope, ScopeInForce, ScopeTables, exit};
use ansai_engine::recording::RecordedReply;
use ansai_supervisor::authority::{Authority, EffectiveGrants, Fixed};
use ansai_supervisor::report::exit_code;

use crate::scene::{ONE, Scene, all_grants, grants_without_actions};
use crate::script::{Call, Script, Step};
use crate::slow_actions::{self, MOST_MARKS, MOST_NUMBER, PLACES, SLOW_ACTIONS};

/// Returns one answer first and another later. Called once on opening, once per pass, and once before each step.
pub(crate) struct Changes {
    first: EffectiveGrants,
    asked: AtomicU32,
    at_first: u32,
    then: Result<EffectiveGrants, String>,
}

impl Changes {
    pub(crate) fn after(at_first: u32, then: Result<EffectiveGrants, String>) -> Self {
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

/// The tables granted for marks, each with a place and the most milliseconds.
fn marks(tables: &[(&Path, u64)]) -> EffectiveGrants {
    marks_below(&tables.iter().map(|(place, most)| (vec![*place], *most)).collect::<Vec<_>>())
}

/// The same, each with several places.
fn marks_below(tables: &[(Vec<&Path>, u64)]) -> EffectiveGrants {
    let table = |(places, most): &(Vec<&Path>, u64)| {
        let places = places.iter().map(|place| place.to_str().unwrap());
        Scope::default().with_set(&PLACES, places).with_number(&MOST_NUMBER, *most).with_number(&MOST_MARKS, 9)
    };
    let tables = ScopeTables::try_from(tables.iter().map(table).collect::<Vec<_>>()).unwrap();
    let fields = SLOW_ACTIONS.interface.fields;
    let mut grants = all_grants(Mode::Enforce);
    let marks = ScopeInForce::of(fields, &ScopeTables::default(), &tables).unwrap();
    Arc::make_mut(&mut grants.scopes).insert(slow_actions::NAME, marks);
    grants
}

/// Proposes one mark at a place that takes some milliseconds.
fn mark(scene: &Scene, place: &str, milliseconds: u64) {
    std::fs::create_dir_all(scene.path("a")).unwrap();
    std::fs::create_dir_all(scene.path("b")).unwrap();
    let step = Step::new(Call::Mark, milliseconds, 0, scene.path(place));
    scene.script(&Script::sick(vec![step], OnFailure::Stop));
}

#[tokio::test]
async fn one_wide_table_became_two_narrow_ones_after_the_plan() {
    let scene = Scene::new();
    let (a, b) = (scene.path("a"), scene.path("b"));
    let wide = marks(&[(&scene.path(""), 9)]);
    let narrow = marks(&[(&a, 9), (&b, 1)]);
    // The place of the second table with the number of the first.
    mark(&scene, "b/x", 9);
    let authority = Changes::from(wide, 2, Ok(narrow.clone()));
    let reports = scene.open_with(authority).unwrap().run_once().await;
    let step = &reports[0].findings[0].plans[0].steps[0];
    assert_eq!(step.outcome, Some(Outcome::Refused));
    for words in ["`text`", "table 1 of 2", "[policy.one.grant]"] {
        assert!(step.detail.contains(words), "{words}: {}", step.detail);
    }
    assert_eq!((scene.intents(), b.join("x").exists()), (vec![], false));

    // What one of the tables covers is done, under that table.
    mark(&scene, "b/y", 1);
    scene.open_with(Changes::from(narrow.clone(), 2, Ok(narrow))).unwrap().run_once().await;
    assert!(b.join("y").exists());
    scene.finish().await;
}

/// Of an action without checked arguments, the targets show the table.
#[tokio::test]
async fn targets_that_no_table_covers_any_more_are_refused_before_the_intent() {
    let scene = Scene::new();
    let narrow = |places: [&str; 2]| {
        marks(&places.map(|place| (scene.path(place), 9)).each_ref().map(|(place, most)| (place.as_path(), *most)))
    };
    for (places, is_granted) in [(["a", "b"], false), (["a", "c"], true)] {
        let step = Step::new(Call::Flaky, 0, 0, scene.path("c/x"));
        scene.script(&Script::sick(vec![step], OnFailure::Stop));
        let authority = Changes::from(marks(&[(&scene.path(""), 9)]), 2, Ok(narrow(places)));
        let before = scene.intents().len();
        let reports = scene.open_with(authority).unwrap().run_once().await;
        let step = &reports[0].findings[0].plans[0].steps[0];
        assert_eq!(scene.intents().len() - before, usize::from(is_granted));
        match is_granted {
            true => assert_eq!(step.outcome, Some(Outcome::Failed)),
            false => assert!(step.detail.contains("no table of [policy.one.grant]"), "{}", step.detail),
        }
    }
    scene.finish().await;
}

#[tokio::test]
async fn a_call_that_mixes_two_tables_is_not_proposed() {
    let scene = Scene::new();
    let narrow = marks(&[(&scene.path("a"), 9), (&scene.path("b"), 1)]);
    mark(&scene, "b/x", 9);
    let reports = scene.open_with(Fixed::new([(ONE.parse().unwrap(), narrow)])).unwrap().run_once().await;
    assert!(reports[0].findings[0].plans.iter().all(|plan| plan.steps.is_empty()), "{reports:?}");
    assert_eq!((scene.intents(), scene.path("b/x").exists()), (vec![], false));
    scene.finish().await;
}

/// A step in `a/link/x`, which is `b/x`.
fn mark_behind_a_link(scene: &Scene) {
    mark(scene, "a/link/x", 0);
    std::os::unix::fs::symlink(scene.path("b"), scene.path("a/link")).unwrap();
}

#[tokio::test]
async fn a_link_that_leads_outside_the_grant_is_not_followed() {
    let scene = Scene::new();
    let (a, b) = (scene.path("a"), scene.path("b"));
    mark_behind_a_link(&scene);
    // Neither of two tables covers both the link and what it leads to.
    for granted in [marks(&[(&a, 9)]), marks(&[(&a, 9), (&b, 9)])] {
        let reports = scene.open_with(Fixed::new([(ONE.parse().unwrap(), granted)])).unwrap().run_once().await;
        assert!(reports[0].findings[0].plans.iter().all(|plan| plan.steps.is_empty()), "{reports:?}");
        assert_eq!((scene.intents(), b.join("x").exists()), (vec![], false));
    }
    let why = scene.recordings().into_iter().flat_map(|recording| recording.calls).rev().find_map(|call| {
        match (call.interface == slow_actions::NAME, call.reply) {
            (true, RecordedReply::Refused(refusal)) => Some(refusal.to_string()),
            _ => None,
        }
    });
    let why = why.unwrap();
    for words in ["denied", "leads to", "/b/x", "table 1 of 2", "[policy.one.grant]"] {
        assert!(why.contains(words), "{words}: {why}");
    }
    let granted = marks_below(&[(vec![&a, &b], 9)]);
    scene.open_with(Fixed::new([(ONE.parse().unwrap(), granted)])).unwrap().run_once().await;
    assert!(b.join("x").exists());
    scene.finish().await;
}

#[tokio::test]
async fn what_a_link_leads_to_is_authorized_again_before_the_intent() {
    let scene = Scene::new();
    let (a, b) = (scene.path("a"), scene.path("b"));
    mark_behind_a_link(&scene);
    let wide = marks(&[(&scene.path(""), 9)]);
    // The link is granted still.
    let authority = Changes::from(wide, 2, Ok(marks(&[(&a, 9), (&b, 9)])));
    let reports = scene.open_with(authority).unwrap().run_once().await;
    let step = &reports[0].findings[0].plans[0].steps[0];
    assert_eq!(step.outcome, Some(Outcome::Refused));
    assert!(step.detail.contains("leads to") && step.detail.contains("table 1 of 2"), "{}", step.detail);
    assert_eq!((scene.intents(), b.join("x").exists()), (vec![], false));
    scene.finish().await;
}

/// Everything is granted; the link leads elsewhere as soon as the last grant was read.
struct Relinks {
    link: std::path::PathBuf,
    to: std::path::PathBuf,
    asked: AtomicU32,
}

impl Authority for Relinks {
    fn effective_grants(&self, _instance: &InstanceName) -> Result<EffectiveGrants, String> {
        if self.asked.fetch_add(1, Ordering::SeqCst) == 2 {
            std::fs::remove_file(&self.link).unwrap();
            std::os::unix::fs::symlink(&self.to, &self.link).unwrap();
        }
        Ok(all_grants(Mode::Enforce))
    }
}

/// The list of the plan says where the link led. The action checks that it still does.
#[tokio::test]
async fn a_link_that_leads_elsewhere_after_the_plan_is_not_followed() {
    let scene = Scene::new();
    mark_behind_a_link(&scene);
    let to = scene.path("c");
    std::fs::create_dir(&to).unwrap();
    let authority = Relinks { link: scene.path("a/link"), to: to.clone(), asked: AtomicU32::new(0) };
    let reports = scene.open_with(authority).unwrap().run_once().await;
    let step = &reports[0].findings[0].plans[0].steps[0];
    assert_eq!(step.outcome, Some(Outcome::Refused));
    assert!(step.detail.contains("leads elsewhere now"), "{}", step.detail);
    assert!(!to.join("x").exists() && !scene.path("b/x").exists());
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

/// Undo changes the host as any step does, so it needs the grants of now. A person needs no enforce mode.
#[tokio::test]
async fn what_was_done_is_undone_by_the_grants_of_now() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop));
    let plan = scene.open().run_once().await[0].findings[0].plans[0].plan.clone();
    let elsewhere = marks(&[(&scene.path("b"), u64::MAX)]);
    for (authority, why) in [
        (Fixed::new([]), "one is not configured"),
        (Fixed::new([(ONE.parse().unwrap(), grants_without_actions())]), "[policy.one.grant]"),
        (Fixed::new([(ONE.parse().unwrap(), elsewhere)]), "[policy.one.grant]"),
    ] {
        let undone = scene.open_with(authority).unwrap().undo(&plan, None, "a person").unwrap();
        assert_eq!(undone[0].outcome, Some(Outcome::Refused));
        assert!(undone[0].detail.contains(why), "{why}: {}", undone[0].detail);
        let last = scene.events().into_iter().rev().find(|event| matches!(event, Event::Undone { .. })).unwrap();
        assert!(matches!(last, Event::Undone { outcome: Outcome::Refused, by, .. } if by == "a person"), "audited");
    }
    assert_eq!(scene.text("history"), "mark a\n");
    let observing = crate::scene::fixed(Mode::Observe);
    let undone = scene.open_with(observing).unwrap().undo(&plan, None, "a person").unwrap();
    assert_eq!(undone[0].outcome, Some(Outcome::Reverted), "{}", undone[0].detail);
    assert_eq!(scene.text("history"), "mark a\nunmark a\n");
    scene.finish().await;
}

/// A plan that failed is undone by the host, which needs enforce mode for that, too.
#[tokio::test]
async fn the_host_undoes_nothing_in_observe_mode() {
    let scene = Scene::new();
    let steps = vec![Step::mark(scene.path("a")), Step::new(Call::Flaky, 3, 0, scene.path("b"))];
    scene.script(&Script::sick(steps, OnFailure::UndoApplied));
    // Called on opening, for the pass, and before each of two steps.
    let lowered = Changes::after(4, Ok(all_grants(Mode::Observe)));
    let reports = scene.open_with(lowered).unwrap().run_once().await;
    let steps = &reports[0].findings[0].plans[0].steps;
    assert!(steps[0].detail.contains("not undone: denied: one is no longer in enforce mode"), "{}", steps[0].detail);
    assert_eq!(scene.text("history"), "mark a\nhalf b\n");
    scene.finish().await;
}
