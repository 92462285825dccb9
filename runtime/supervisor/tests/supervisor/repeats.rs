//! Unchanged trouble is told and recorded once, and then counted: over restarts, for each kind of trouble, until it
//! changes or ends.

use ansai_core::event::{Phase, Verdict};
use ansai_core::incident::Permission;
use ansai_core::{Decision, Event, Millis, Mode, OnFailure, Outcome, Severity, Status};
use ansai_supervisor::InstanceReport;
use ansai_supervisor::report::Repeated;

use crate::scene::{ONE, Scene, eventually, fixed};
use crate::script::{How, Script, Step, observation};

/// Nothing can be done about a disk that is so full.
fn full(percent: u32, severity: Severity) -> Script {
    let mut finding = observation(Status::Unhealthy(severity));
    finding.summary = format!("/ is {percent} % full");
    let mut script = Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![finding]));
    script.decision = Decision::GiveUp(format!("nothing eligible to clean at {percent} %"));
    script
}

/// One run, as cron starts it.
async fn run(scene: &Scene, script: &Script) -> InstanceReport {
    scene.script(script);
    scene.open().run_once().await.remove(0)
}

fn names(scene: &Scene) -> Vec<&'static str> {
    // What becomes of faults is another question: see `faulty`.
    let of_runs = ["audit-key", "started", "stopped", "backed-off", "released"];
    scene.events().iter().map(Event::name).filter(|name| !of_runs.contains(name)).collect()
}

/// What was the same, in the audit log: whether it is an incident, and how often.
fn counted(scene: &Scene) -> Vec<(bool, u32)> {
    let counted = |event| match event {
        Event::Repeated { incident, times, .. } => Some((incident.is_some(), times)),
        _ => None,
    };
    scene.events().into_iter().filter_map(counted).collect()
}

fn times(repeated: Option<Repeated>) -> Option<u32> {
    repeated.map(|repeated| repeated.times)
}

/// Without the count in the state, each run would record the same advice again.
#[tokio::test]
async fn unchanged_advice_is_recorded_once_over_restarts_and_shown_each_time() {
    let scene = Scene::new();
    let first = run(&scene, &full(91, Severity::Critical)).await;
    let once = names(&scene);
    assert_eq!(once, ["evaluated", "incident", "evaluated", "planned", "decided"]);
    assert_eq!(first.findings[0].repeated, None);
    for (percent, expected) in [(91, 1), (92, 2), (91, 3)] {
        let again = run(&scene, &full(percent, Severity::Critical)).await;
        let (plan, finding) = (&again.findings[0].plans[0], &again.findings[0]);
        assert_eq!(times(finding.repeated), Some(expected));
        assert_eq!(plan.plan, first.findings[0].plans[0].plan, "the id that the audit log has");
        assert_eq!(plan.verdict, Some(Verdict::NothingToDo));
        let why = format!("nothing eligible to clean at {percent} %");
        assert_eq!(plan.decision, Some(Decision::GiveUp(why)), "as it is today");
    }
    assert_eq!(names(&scene), once, "nothing more is recorded");
    scene.finish().await;
}

#[tokio::test]
async fn a_change_is_told_with_the_count_of_what_was_before() {
    let scene = Scene::new();
    for _ in 0..3 {
        run(&scene, &full(91, Severity::Critical)).await;
    }
    let mut other = full(91, Severity::Critical);
    other.decision = Decision::GiveUp("all files are in use".into());
    assert_eq!(run(&scene, &other).await.findings[0].repeated, None);
    assert_eq!(counted(&scene), [(true, 2)]);
    run(&scene, &other).await;
    other = Script { says: full(91, Severity::Emergency).says, ..other };
    assert_eq!(run(&scene, &other).await.findings[0].repeated, None, "the severity changed");
    assert_eq!(counted(&scene), [(true, 2), (true, 1)]);
    run(&scene, &other).await;
    run(&scene, &Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![observation(Status::Healthy)]))).await;
    assert_eq!(counted(&scene), [(true, 2), (true, 1), (true, 1)], "it ended");
    let planned = names(&scene).into_iter().filter(|name| *name == "planned").count();
    assert_eq!(planned, 3);
    // The next record says how many evaluations have none.
    let unrecorded: Vec<(Phase, u64)> = scene
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Evaluated { phase, unrecorded: count @ 1.., .. } => Some((phase, count)),
            _ => None,
        })
        .collect();
    let (detect, plan) = (Phase::Detect, Phase::Plan);
    assert_eq!(unrecorded, [(plan, 2), (detect, 4), (plan, 1), (detect, 1)]);
    scene.finish().await;
}

/// The brothers of advice: what is held, what is only observed, and a policy without an answer.
#[tokio::test]
async fn a_plan_that_waits_is_recorded_once() {
    let mut scene = Scene::new();
    scene.retry_policy.cooldown = Millis::from_hours(1);
    let acts = Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop);
    for _ in 0..4 {
        run(&scene, &acts).await;
    }
    let verdicts: Vec<Verdict> = scene
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Decided { verdict, .. } => Some(verdict),
            _ => None,
        })
        .collect();
    assert!(matches!(&verdicts[..], [Verdict::Approved, Verdict::Held(Permission::Cooling(_))]), "{verdicts:?}");
    assert_eq!(scene.recorded(Phase::Plan, "schedule").len(), 2, "the one that acted, and the one that waited");
    scene.finish().await;
}

/// What acts has its recording, also if it says the same as the time before.
#[tokio::test]
async fn what_acts_is_always_recorded() {
    let scene = Scene::new();
    let acts = Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop);
    for _ in 0..3 {
        run(&scene, &acts).await;
        std::fs::remove_file(scene.path("a")).unwrap();
    }
    assert_eq!(scene.outcomes(), [(0, Outcome::Done); 3]);
    assert_eq!(scene.recorded(Phase::Plan, "schedule").len(), 3);
    assert_eq!(scene.recorded(Phase::Detect, "verification").len(), 3);
    assert_eq!(scene.recorded(Phase::Detect, "schedule").len(), 1);
    scene.finish().await;
}

#[tokio::test]
async fn a_policy_without_an_answer_is_recorded_once() {
    for broken in [
        Script::sick(vec![], OnFailure::Stop).behaving(How::Traps),
        Script::sick(vec![], OnFailure::Stop).saying(Err("no route to host".into())),
    ] {
        let scene = Scene::new();
        for expected in [None, Some(1), Some(2)] {
            let report = run(&scene, &broken).await;
            assert!(report.error.is_some() && report.error_kind.is_some(), "a person sees it each time");
            assert_eq!(times(report.repeated), expected);
        }
        assert_eq!(names(&scene), ["evaluated"]);
        run(&scene, &Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![]))).await;
        assert_eq!(counted(&scene), [(false, 2)]);
        scene.finish().await;
    }
}

/// A daemon tells its subscribers, and so its terminal, no more than the audit log.
#[tokio::test]
async fn a_daemon_tells_the_same_once() {
    const PASSES: usize = 20;
    let scene = Scene::new();
    scene.script(&full(91, Severity::Critical));
    let mut instance = scene.instance(ONE);
    instance.every = Millis::new(1);
    let supervisor = scene.open_all(fixed(Mode::Enforce), vec![instance]).unwrap();
    let running = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { supervisor.run().await }
    });
    let (mut passes, mut told) = (0, Vec::new());
    eventually(|| {
        for published in scene.published() {
            match &published.event {
                Event::Observed { .. } => passes += 1,
                event if !event.is_routine() => told.push(event.name()),
                _ => {}
            }
        }
        (passes >= PASSES).then_some(())
    })
    .await;
    supervisor.stop("a test");
    running.await.unwrap();
    assert_eq!(told, ["started", "incident", "planned", "decided"]);
    drop(supervisor);
    // What the daemon counted is not lost. Passes during the healing of an incident do not plan it.
    let report = run(&scene, &full(91, Severity::Critical)).await;
    assert!(times(report.findings[0].repeated).is_some_and(|times| times > 1), "{report:?}");
    scene.finish().await;
}
