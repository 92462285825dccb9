//! Plans that wait for a person: what an approval permits, and everything that it does not.

mod authority;
mod decisions;
mod ended;
mod once;
mod stages;

use ansai_core::approval::{Approval, ApprovalState};
use ansai_core::control::NewDecision;
use ansai_core::event::{ApprovalDecision, ApprovalEnd, Verdict};
use ansai_core::incident::Permission;
use ansai_core::order::Person;
use ansai_core::{Event, Mode, OnFailure};
use ansai_supervisor::approvals::{ApprovalError, approvals};
use ansai_supervisor::authority::Authority;
use ansai_supervisor::{Instance, PlanReport, Supervisor};

use crate::scene::{Scene, fixed};
use crate::script::{Script, Step};

fn marking(scene: &Scene, name: &str) -> Script {
    Script::sick(vec![Step::mark(scene.path(name))], OnFailure::Stop)
}

fn request(plan: &str, decision: ApprovalDecision) -> NewDecision {
    NewDecision { plan: plan.to_owned(), decision, reason: Some("a test".into()) }
}

fn alice() -> Person {
    Person { uid: 4_711, name: Some("alice".into()) }
}

fn decide(scene: &Scene, plan: &str, decision: ApprovalDecision) -> Result<Approval, ApprovalError> {
    scene.open_with(fixed(Mode::Approve)).unwrap().decide(&request(plan, decision), &alice())
}

fn approve(scene: &Scene, plan: &str) {
    assert_eq!(decide(scene, plan, ApprovalDecision::Approved).unwrap().state, ApprovalState::Approved);
}

async fn plans_of(supervisor: Supervisor) -> Vec<PlanReport> {
    let reports = supervisor.run_once().await;
    reports.into_iter().flat_map(|report| report.findings).flat_map(|finding| finding.plans).collect()
}

/// One pass; the last plan of the finding.
async fn pass_of(supervisor: Supervisor) -> PlanReport {
    plans_of(supervisor).await.pop().expect("a plan")
}

async fn pass(scene: &Scene) -> PlanReport {
    pass_of(scene.open_with(fixed(Mode::Approve)).unwrap()).await
}

fn waits(plan: &PlanReport) -> bool {
    matches!(&plan.verdict, Some(Verdict::Held(Permission::AwaitsApproval { plan: id, .. })) if *id == plan.plan)
}

fn known(scene: &Scene) -> Vec<Approval> {
    approvals(&scene.state_dir().join("state.db")).unwrap()
}

/// Why approvals ended, oldest first.
fn ends(scene: &Scene) -> Vec<ApprovalEnd> {
    let end = |event| match event {
        Event::ApprovalEnded { why, .. } => Some(why),
        _ => None,
    };
    scene.events().into_iter().filter_map(end).collect()
}

fn change_state(scene: &Scene, statement: &str) {
    let database = rusqlite::Connection::open(scene.state_dir().join("state.db")).unwrap();
    assert_eq!(database.execute(statement, []).unwrap(), 1);
}

/// A plan waits, and the approval ends when the next pass looks again: nothing is applied, and another plan waits.
async fn ends_with(scene: Scene, why: ApprovalEnd, authority: impl Authority + 'static, instance: Instance) {
    let last = pass_of(scene.open_all(authority, vec![instance]).unwrap()).await;
    assert_eq!((ends(&scene), scene.intents()), (vec![why], vec![]));
    let plans = known(&scene);
    assert_eq!(plans.last().unwrap().state, ApprovalState::Ended);
    if plans.len() > 1 {
        assert!(waits(&last) && plans[0].state == ApprovalState::Open && plans[0].plan == last.plan, "{last:?}");
    }
    scene.finish().await;
}

/// A scene with an approved plan for `a`.
async fn approved() -> (Scene, String) {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    let plan = pass(&scene).await.plan;
    approve(&scene, &plan);
    (scene, plan)
}
