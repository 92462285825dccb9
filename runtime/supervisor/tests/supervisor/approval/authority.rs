//! Approvals beside the mode and the grants of the operator.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ansai_core::approval::ApprovalState;
use ansai_core::event::{ApprovalDecision, ApprovalEnd, Verdict};
use ansai_core::{InstanceName, Mode, Outcome};
use ansai_supervisor::authority::{Authority, EffectiveGrants};

use super::{alice, approved, ends, known, marking, pass, pass_of, request, waits};
use crate::scene::{ONE, Scene, all_grants, fixed, grants_without_actions};
use crate::slow_actions;

/// Grants that do not change.
struct Granted(EffectiveGrants);

impl Authority for Granted {
    fn effective_grants(&self, _: &InstanceName) -> Result<EffectiveGrants, String> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn a_grant_that_is_withdrawn_ends_an_approval() {
    let (scene, _) = approved().await;
    let one = scene.instance(ONE);
    let grants = EffectiveGrants { mode: Mode::Approve, ..grants_without_actions() };
    let supervisor = scene.open_all(Granted(grants), vec![one]).unwrap();
    supervisor.run_once().await;
    drop(supervisor);
    assert_eq!((ends(&scene), scene.intents()), (vec![ApprovalEnd::Grants], vec![]));
    scene.finish().await;
}

#[tokio::test]
async fn observe_mode_never_applies_an_approved_plan() {
    let (scene, plan) = approved().await;
    for _ in 0..2 {
        let observed = pass_of(scene.open_with(fixed(Mode::Observe)).unwrap()).await;
        assert_eq!(observed.verdict, Some(Verdict::Observed));
    }
    assert_eq!((scene.intents(), known(&scene)[0].state), (vec![], ApprovalState::Approved));
    assert_eq!(pass(&scene).await.plan, plan, "it counts again with the mode");
    assert_eq!(scene.outcomes(), [(0, Outcome::Done)]);
    scene.finish().await;
}

#[tokio::test]
async fn in_enforce_mode_a_marked_table_needs_approval() {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    let marked = || {
        let tables = BTreeMap::from([(slow_actions::NAME, BTreeSet::from([1]))]);
        Granted(EffectiveGrants { approve: Arc::new(tables), ..all_grants(Mode::Enforce) })
    };
    let open = || scene.open_with(marked()).unwrap();
    let plan = pass_of(open()).await;
    assert!(waits(&plan), "{:?}", plan.verdict);
    open().decide(&request(&plan.plan, ApprovalDecision::Approved), &alice()).unwrap();
    assert_eq!(pass_of(open()).await.plan, plan.plan);
    assert_eq!(scene.outcomes(), [(0, Outcome::Done)]);

    // The operator needs no approval any more, while a plan waits.
    assert!(waits(&pass_of(open()).await));
    let enforced = pass_of(scene.open()).await;
    assert_eq!(enforced.verdict, Some(Verdict::Approved));
    assert_eq!(ends(&scene), [ApprovalEnd::Grants]);
    scene.finish().await;
}

/// Enforce mode until the executor asks.
struct AsksLater(AtomicU32);

impl Authority for AsksLater {
    fn effective_grants(&self, _: &InstanceName) -> Result<EffectiveGrants, String> {
        // On opening, at the start of the pass, and then before the first step.
        let mode = if self.0.fetch_add(1, Ordering::SeqCst) < 2 { Mode::Enforce } else { Mode::Approve };
        Ok(all_grants(mode))
    }
}

#[tokio::test]
async fn what_the_host_approved_is_refused_once_a_person_is_needed() {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    let plan = pass_of(scene.open_with(AsksLater(AtomicU32::new(0))).unwrap()).await;
    assert_eq!(plan.steps[0].outcome, Some(Outcome::Refused));
    assert!(plan.steps[0].detail.contains("needs the approval of a person"), "{}", plan.steps[0].detail);
    assert_eq!((scene.intents(), scene.text("history")), (vec![], String::new()));
    scene.finish().await;
}
