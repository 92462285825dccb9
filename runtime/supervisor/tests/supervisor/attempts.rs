//! What a policy is told about earlier attempts: their numbers, their ends, their distances, and why steps were refused.

use ansai_core::{Attempt, Decision, Event, Millis, OnFailure, Outcome, Refusal, Severity, Status};
use ansai_engine::RecordedReply;

use crate::advice::{attempts, replies};
use crate::scene::Scene;
use crate::script::{Call, Script, Step, observation};

/// Sick, and this far from healthy.
fn distant(steps: Vec<Step>, distance: f64) -> Script {
    let mut far = observation(Status::Unhealthy(Severity::Critical));
    far.distance = Some(distance);
    Script::sick(steps, OnFailure::Stop).saying(Ok(vec![far]))
}

fn numbers(attempts: &[Attempt]) -> Vec<u32> {
    attempts.iter().map(|attempt| attempt.number).collect()
}

#[tokio::test]
async fn plans_of_one_attempt_have_the_same_number() {
    let mut scene = Scene::new();
    // The history has one attempt for each millisecond.
    scene.retry_policy.settle = Millis::new(2);
    let mut script = distant(vec![Step::mark(scene.path("a"))], 3.0);
    script.decision = Decision::ApplyThenReplan(OnFailure::Stop);
    scene.script(&script);
    scene.open().run_once().await;
    scene.open().run_once().await;
    let told = attempts(&scene);
    assert_eq!(told.len(), 16, "twice 8 plans");
    assert_eq!((numbers(&told[1]), numbers(&told[8])), (vec![1], vec![1; 8]));
    assert_eq!(numbers(&told[10]), [[1; 8].as_slice(), &[2; 2]].concat());
    let decided: Vec<Option<u32>> = scene
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Decided { attempt, .. } => Some(attempt),
            _ => None,
        })
        .collect();
    assert_eq!(decided, [[Some(1); 8], [Some(2); 8]].concat());
    for attempt in &told[15] {
        assert!(attempt.ended.is_some_and(|ended| ended >= attempt.at), "{attempt:?}");
        assert_eq!((attempt.distance_before, attempt.distance_after), (Some(3.0), Some(3.0)));
    }
    scene.finish().await;
}

#[tokio::test]
async fn a_new_incident_counts_from_one_and_distances_show_what_helped() {
    let scene = Scene::new();
    let healed = scene.path("healed");
    scene.script(&distant(vec![Step::mark(&healed)], 3.0).healthy_once(healed.clone()));
    for _ in 0..3 {
        scene.open().run_once().await;
        std::fs::remove_file(&healed).unwrap();
    }
    let told = attempts(&scene);
    assert_eq!(numbers(&told[2]), [1, 1]);
    let distances = |attempt: &Attempt| (attempt.distance_before, attempt.distance_after);
    assert!(told[2].iter().all(|attempt| distances(attempt) == (Some(3.0), Some(0.0))), "{told:?}");
    scene.finish().await;
}

#[tokio::test]
async fn a_verification_without_an_answer_has_no_distance() {
    let scene = Scene::new();
    let marked = scene.path("marked");
    // Once it is marked, the thing is looked for in vain.
    let script = distant(vec![Step::new(Call::Mark, 2_000, 0, &marked)], 3.0);
    scene.script(&script);
    let supervisor = scene.open();
    let pass = tokio::spawn(async move { supervisor.run_once().await });
    crate::scene::eventually(|| marked.exists().then_some(())).await;
    scene.script(&script.clone().saying(Ok(vec![])));
    pass.await.unwrap();
    scene.script(&script);
    scene.open().run_once().await;
    let told = attempts(&scene);
    let [attempt] = told.last().unwrap().as_slice() else { panic!("{told:?}") };
    assert_eq!((attempt.distance_before, attempt.distance_after), (Some(3.0), None));
    assert!(matches!(attempt.verified, Status::Unknown(_)));
    scene.finish().await;
}

#[tokio::test]
async fn a_refused_step_has_a_typed_reason() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![Step::new(Call::Flaky, 1, 0, scene.path("a"))], OnFailure::Stop));
    scene.open().run_once().await;
    scene.script(&Script::sick(vec![Step::new(Call::Flaky, 0, 0, scene.path("a"))], OnFailure::Stop));
    scene.open().run_once().await;
    scene.open().run_once().await;
    let told = attempts(&scene);
    let steps: Vec<_> =
        told[2].iter().map(|attempt| (attempt.steps[0].outcome, attempt.steps[0].reason.clone())).collect();
    let busy = Some(Refusal::Busy("somebody else has it".into()));
    assert_eq!(steps, [(Outcome::Refused, busy.clone()), (Outcome::Failed, None)]);
    let recorded = scene.events().into_iter().find_map(|event| match event {
        Event::Outcome { outcome: Outcome::Refused, reason, .. } => Some(reason),
        _ => None,
    });
    assert_eq!(recorded, Some(busy));
    scene.finish().await;
}

#[tokio::test]
async fn a_history_that_cannot_be_read_does_not_end_the_plan() {
    let scene = Scene::new();
    let healed = scene.path("healed");
    scene.script(&Script::sick(vec![Step::mark(&healed)], OnFailure::Stop).healthy_once(healed.clone()));
    scene.open().run_once().await;
    std::fs::remove_file(&healed).unwrap();
    let database = rusqlite::Connection::open(scene.state_dir().join("state.db")).unwrap();
    assert_eq!(database.execute("UPDATE attempt SET value = '{'", []).unwrap(), 1);
    drop(database);
    let reports = scene.open().run_once().await;
    assert_eq!(reports[0].findings[0].plans[0].steps[0].outcome, Some(Outcome::Done));
    let last = replies(&scene, "ansai:policy/context.history").pop();
    assert!(matches!(last, Some(RecordedReply::Refused(Refusal::Unavailable(_)))), "{last:?}");
    scene.finish().await;
}
