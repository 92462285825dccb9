//! What a policy says in addition to its answer: steps that may fail, recommendations, another look soon. And what it is
//! told about earlier attempts.

use ansai_core::event::Phase;
use ansai_core::{Attempt, Event, OnFailure, Outcome, Status, Subject};
use ansai_engine::{RecordedCall, RecordedReply};

use crate::scene::{Scene, eventually};
use crate::script::{Call, KEY, Script, Step, observation};

/// Not enough space anywhere.
fn fails() -> Step {
    Step::new(Call::CheckAvailable, u64::MAX, 0, "/")
}

fn say(call: Call, number: u64, text: &str) -> Step {
    Step::new(call, number, 0, text)
}

/// Replies to a call in plans so far, oldest first.
pub(crate) fn replies(scene: &Scene, call: &str) -> Vec<RecordedReply> {
    let plans = scene.recorded(Phase::Plan, "schedule").into_iter();
    plans.flat_map(|plan| plan.calls).filter(|one: &RecordedCall| one.name() == call).map(|one| one.reply).collect()
}

/// What each plan so far was told of its history.
pub(crate) fn attempts(scene: &Scene) -> Vec<Vec<Attempt>> {
    let read = |reply| match reply {
        RecordedReply::Ok(reply) => serde_json::from_str(reply.get()).unwrap(),
        RecordedReply::Refused(refusal) => panic!("{refusal}"),
    };
    replies(scene, "ansai:policy/context.history").into_iter().map(read).collect()
}

#[tokio::test]
async fn a_step_that_may_fail_does_not_end_the_plan() {
    let scene = Scene::new();
    let mark = |name: &str| Step::mark(scene.path(name));
    let steps = vec![mark("a"), fails(), say(Call::MayFail, 1, ""), mark("b"), fails(), mark("c")];
    scene.script(&Script::sick(steps, OnFailure::Stop));
    let reports = scene.open().run_once().await;
    let plan = &reports[0].findings[0].plans[0];
    let outcomes: Vec<_> = plan.steps.iter().map(|step| (step.planned.may_fail, step.outcome.unwrap())).collect();
    let expected = [
        (false, Outcome::Done),
        (true, Outcome::Failed),
        (false, Outcome::Done),
        (false, Outcome::Failed),
        (false, Outcome::Skipped),
    ];
    assert_eq!(outcomes, expected);
    assert!(scene.path("b").exists() && !scene.path("c").exists());
    scene.finish().await;
}

#[tokio::test]
async fn only_a_proposed_step_may_be_let_fail() {
    let scene = Scene::new();
    let steps = vec![say(Call::MayFail, 0, ""), fails(), say(Call::MayFail, 1, ""), say(Call::MayFail, 0, "")];
    scene.script(&Script::sick(steps, OnFailure::Stop));
    scene.open().run_once().await;
    let refused: Vec<bool> = replies(&scene, "ansai:policy/advice.may-fail")
        .iter()
        .map(|reply| matches!(reply, RecordedReply::Refused(ansai_core::Refusal::NotFound(_))))
        .collect();
    assert_eq!(refused, [true, true, false]);
    scene.finish().await;
}

#[tokio::test]
async fn recommendations_go_with_the_plan_and_are_bounded() {
    let scene = Scene::new();
    let mut steps = vec![Step::mark(scene.path("a"))];
    steps.extend((0..17).map(|number| say(Call::Recommend, 0, &format!("advice {number}"))));
    scene.script(&Script::sick(steps, OnFailure::Stop));
    let reports = scene.open().run_once().await;
    let plan = &reports[0].findings[0].plans[0];
    let said: Vec<&str> = plan.recommendations.iter().map(|one| one.summary.as_str()).collect();
    assert_eq!((said.len(), said[0], said[15]), (16, "advice 0", "advice 15"));
    assert_eq!(plan.recommendations[0].about, Some(Subject::new("test", "advice 0")));
    assert_eq!(plan.steps[0].outcome, Some(Outcome::Done), "it acts and advises");
    let recorded = scene.events().into_iter().find_map(|event| match event {
        Event::Planned { recommendations, .. } => Some(recommendations.len()),
        _ => None,
    });
    assert_eq!(recorded, Some(16));
    let last = replies(&scene, "ansai:policy/advice.recommend").pop();
    assert!(matches!(last, Some(RecordedReply::Refused(ansai_core::Refusal::OverBudget(_)))), "{last:?}");
    scene.finish().await;
}

#[tokio::test]
async fn a_follow_up_comes_before_the_schedule() {
    let scene = Scene::new();
    let steps =
        vec![say(Call::LookAgain, 999, ""), say(Call::LookAgain, 86_400_001, ""), say(Call::LookAgain, 1_000, "")];
    scene.script(&Script::sick(steps, OnFailure::Stop));
    // Its schedule is an hour.
    let supervisor = scene.open();
    let running = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { supervisor.run().await }
    });
    // It says the same again, so only subscribers see it.
    let mut followed = Vec::new();
    eventually(|| {
        followed.extend(scene.published().into_iter().filter_map(|published| match &published.event {
            Event::Evaluated { trigger, phase, .. } if trigger == "follow-up" => Some(*phase),
            _ => None,
        }));
        followed.contains(&Phase::Plan).then_some(())
    })
    .await;
    supervisor.stop("a test");
    running.await.unwrap();
    drop(supervisor);
    // `plan` has the trigger of the `detect` before it.
    assert!(!scene.recorded(Phase::Plan, "schedule").is_empty());
    assert_eq!(followed[..2], [Phase::Detect, Phase::Plan]);
    let refused: Vec<bool> = replies(&scene, "ansai:policy/advice.look-again")
        .iter()
        .take(3)
        .map(|reply| matches!(reply, RecordedReply::Refused(ansai_core::Refusal::Invalid(_))))
        .collect();
    assert_eq!(refused, [true, true, false]);
    scene.finish().await;
}

#[tokio::test]
async fn history_reaches_beyond_the_incident() {
    let scene = Scene::new();
    let healed = scene.path("healed");
    let steps = vec![Step::mark(&healed), fails(), Step::mark(scene.path("never"))];
    let sick = Script::sick(steps, OnFailure::Stop).healthy_once(healed.clone());
    scene.script(&sick);
    scene.open().run_once().await;
    std::fs::remove_file(&healed).unwrap();
    scene.open().run_once().await;
    let [first, second] = &attempts(&scene)[..] else { panic!("two plans") };
    assert!(first.is_empty());
    let [attempt] = &second[..] else { panic!("{second:?}") };
    assert_eq!((attempt.key.as_str(), &attempt.verified), (KEY, &Status::Healthy));
    let steps: Vec<_> = attempt.steps.iter().map(|step| (step.step, step.outcome)).collect();
    assert_eq!(steps, [(0, Outcome::Done), (1, Outcome::Failed), (2, Outcome::Skipped)]);
    let arguments: serde_json::Value = serde_json::from_str(&attempt.steps[1].arguments).unwrap();
    assert_eq!(arguments["mount"], "/");
    scene.finish().await;
}

#[tokio::test]
async fn what_is_gone_closes_its_incident_and_is_told_once() {
    let scene = Scene::new();
    let sick = Script::sick(vec![], OnFailure::Stop);
    scene.script(&sick);
    scene.open().run_once().await;
    let mut gone = observation(Status::Gone);
    gone.summary = "the thing was removed".into();
    scene.script(&sick.saying(Ok(vec![gone])));
    let reports = scene.open().run_once().await;
    assert_eq!(reports[0].findings[0].state(), ansai_supervisor::report::FindingState::Gone);
    assert_eq!((reports[0].findings[0].incident.clone(), reports[0].exit_code()), (None, ansai_core::exit::FINE));
    scene.open().run_once().await;
    let told: Vec<String> = scene
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Incident { change: ansai_core::incident::Change::Gone, summary, severity: None, .. } => {
                Some(summary)
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, ["the thing was removed"]);
    scene.finish().await;
}
