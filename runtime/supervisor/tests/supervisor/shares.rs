//! Shares over time: an instance that floods is slowed down, then suspended, visibly, with the reason of its share; others
//! go on, and a restart is no way out.

use ansai_core::event::Phase;
use ansai_core::incident::Change;
use ansai_core::{
    Bytes, Decision, ErrorKind, Event, Millis, Mode, Observation, OnFailure, Outcome, Severity, Share, Shares, Status,
    Subject, exit,
};
use ansai_supervisor::report::exit_code;
use ansai_supervisor::{Instance, InstanceReport, Supervisor};

use crate::scene::{ONE, Scene, eventually, fixed};
use crate::script::{Call, Script, Step, observation};

/// So many findings, each with advice that is as long as a policy can make it here.
fn flood(findings: usize, text: &str) -> Script {
    let finding = |number: usize| Observation {
        key: format!("k{number}"),
        about: Subject::new("test", number.to_string()),
        summary: text.into(),
        ..observation(Status::Unhealthy(Severity::Critical))
    };
    let mut script = Script::sick(vec![], OnFailure::Stop).saying(Ok((0..findings).map(finding).collect()));
    script.decision = Decision::GiveUp(text.repeat(100));
    script
}

fn well() -> Script {
    Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![observation(Status::Healthy)]))
}

fn open(scene: &Scene, mode: Mode, shares: &Shares) -> Supervisor {
    let one = Instance { shares: shares.clone(), ..scene.instance(ONE) };
    scene.open_all(fixed(mode), vec![one, scene.instance("two")]).unwrap()
}

/// One run, as cron starts it: the flooding instance and its neighbour.
async fn run(scene: &Scene, shares: &Shares) -> (InstanceReport, InstanceReport) {
    let mut reports = open(scene, Mode::Enforce, shares).run_once().await;
    let two = reports.pop().unwrap();
    (reports.pop().unwrap(), two)
}

/// Sets what the one instance has used of its log lines, of 10,000 an hour, after a first run. For `held_ms` from the end of
/// that run, nothing drains.
pub(crate) async fn used_log_lines(scene: &Scene, lines: u64, held_ms: u64) {
    scene.open().run_once().await;
    let state = rusqlite::Connection::open(scene.state_dir().join("state.db")).unwrap();
    let set = "UPDATE share SET level = ?1, up = up + ?2, is_bound = 0 WHERE instance = ?3 AND share = 'log_lines'";
    let changed = state.execute(set, rusqlite::params![lines as f64, held_ms as i64, ONE]).unwrap();
    assert_eq!(changed, 1);
    let others = "UPDATE share SET up = up + ?1 WHERE instance = ?2 AND share <> 'log_lines'";
    state.execute(others, rusqlite::params![held_ms as i64, ONE]).unwrap();
}

fn suspensions(scene: &Scene) -> Vec<(String, Share)> {
    let suspended = |event| match event {
        Event::Suspended { instance, share, .. } => Some((instance.to_string(), share)),
        _ => None,
    };
    scene.events().into_iter().filter_map(suspended).collect()
}

/// Bytes of records of one instance.
fn recorded_bytes(scene: &Scene) -> usize {
    let of_one = scene.events().into_iter().filter(|event| event.instance() == Some(ONE));
    of_one.map(|event| serde_json::to_vec(&event).unwrap().len()).sum()
}

/// The shares with a very small one, and its reason.
fn small() -> [(Shares, Share, ErrorKind); 4] {
    let most = Shares::default;
    [
        (Shares { audit_bytes: Bytes::new(64 << 10), ..most() }, Share::AuditBytes, ErrorKind::AuditShare),
        (Shares { recording_bytes: Bytes::new(2 << 10), ..most() }, Share::RecordingBytes, ErrorKind::RecordingShare),
        (Shares { notices: 20, ..most() }, Share::Notices, ErrorKind::NoticeShare),
        (Shares { processor_percent: 0, ..most() }, Share::Processor, ErrorKind::ProcessorShare),
    ]
}

/// Without the question before each plan, one pass would record them all.
#[tokio::test]
async fn a_flood_is_suspended_in_its_first_pass_and_stays_so() {
    for (shares, share, kind) in small() {
        let scene = Scene::new();
        scene.script(&flood(300, "a disk is full"));
        scene.script_of("two", &well());
        let (one, two) = run(&scene, &shares).await;
        let refused =
            one.findings.iter().flat_map(|finding| &finding.plans).filter(|plan| plan.error_kind == Some(kind));
        assert!(refused.count() > 100, "{share:?}: most have no plan, and say why");
        assert_eq!((two.exit_code(), two.findings.len()), (exit::FINE, 1), "{share:?}: the neighbour");
        // Records of the findings themselves, and less than a plan for each.
        let bytes = recorded_bytes(&scene);
        assert!(bytes < 300 * 1_000, "{share:?}: {bytes}");
        // The next run, and so another process, begins nothing.
        let evaluations = scene.recordings().len();
        let (one, two) = run(&scene, &shares).await;
        assert_eq!(one.error_kind, Some(kind), "{share:?}");
        let error = one.error.clone().unwrap();
        assert!(error.starts_with("suspended for ") && error.contains("it has used its share of"), "{error}");
        assert_eq!(exit_code(&[one]), exit::UNKNOWN, "{share:?}");
        assert_eq!(exit_code(&[two]), exit::FINE, "{share:?}");
        assert!(scene.recordings().len() <= evaluations + 1, "only the neighbour's");
        assert_eq!(suspensions(&scene), [(ONE.to_owned(), share)], "recorded once");
        scene.finish().await;
    }
}

/// What nobody looks at is unknown, never as it was.
#[tokio::test]
async fn incidents_of_a_suspended_instance_are_unknown() {
    let scene = Scene::new();
    let shares = Shares { processor_percent: 0, ..Shares::default() };
    scene.script(&flood(1, "a disk is full"));
    scene.script_of("two", &well());
    run(&scene, &shares).await;
    run(&scene, &shares).await;
    run(&scene, &shares).await;
    let changes: Vec<Change> = scene
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Incident { change, .. } => Some(change),
            _ => None,
        })
        .collect();
    assert_eq!(changes, [Change::Opened, Change::BecameUnknown]);
    scene.finish().await;
}

/// Each applied plan has files.
#[tokio::test]
async fn applied_plans_have_a_share() {
    let scene = Scene::new();
    let shares = Shares { plans: 3, ..Shares::default() };
    scene.script(&Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop));
    scene.script_of("two", &well());
    for _ in 0..6 {
        run(&scene, &shares).await;
        let _ = std::fs::remove_file(scene.path("a"));
    }
    assert_eq!(scene.outcomes(), [(0, Outcome::Done); 4], "the fourth one exceeds the share");
    assert_eq!(suspensions(&scene), [(ONE.to_owned(), Share::Plans)]);
    scene.finish().await;
}

#[tokio::test]
async fn log_lines_have_a_share() {
    let scene = Scene::new();
    let shares = Shares { log_lines: 50, ..Shares::default() };
    let decision = Decision::GiveUp("nothing helps".into());
    let steps = vec![Step::new(Call::Log, 30, 0, "a line")];
    scene.script(&Script { decision, ..Script::sick(steps, OnFailure::Stop) });
    scene.script_of("two", &well());
    for _ in 0..2 {
        assert_eq!(run(&scene, &shares).await.0.error_kind, None);
    }
    let (one, two) = run(&scene, &shares).await;
    assert_eq!((one.error_kind, two.error_kind), (Some(ErrorKind::LogShare), None), "60 of 50 lines");
    assert_eq!(suspensions(&scene), [(ONE.to_owned(), Share::LogLines)]);
    scene.finish().await;
}

/// A finding that comes and goes is never the same, and each of its records is news.
#[tokio::test]
async fn what_flaps_is_slowed_by_its_share_and_not_by_counting() {
    let scene = Scene::new();
    let shares = Shares { notices: 12, ..Shares::default() };
    scene.script_of("two", &well());
    for _ in 0..10 {
        scene.script(&flood(1, "a disk is full"));
        run(&scene, &shares).await;
        scene.script(&well());
        run(&scene, &shares).await;
    }
    let told = scene.events().iter().filter(|event| event.instance() == Some(ONE) && !event.is_routine()).count();
    assert!(told < 24, "{told}");
    assert_eq!(suspensions(&scene), [(ONE.to_owned(), Share::Notices)]);
    assert!(scene.events().iter().any(|event| matches!(event, Event::Slowed { share: Share::Notices, .. })));
    scene.finish().await;
}

/// In a daemon, half of a share stretches the schedule: the passes that the neighbour has show that time passed.
#[tokio::test]
async fn a_daemon_stretches_the_schedule_of_one_instance() {
    let scene = Scene::new();
    let shares = Shares { recording_bytes: Bytes::new(1 << 40), processor_percent: 1, ..Shares::default() };
    scene.script(&flood(1, "a disk is full"));
    scene.script_of("two", &well());
    // Half of this share is used by the records of the first pass.
    let slow = Shares { notices: 5, ..shares.clone() };
    let every = Millis::new(1);
    let instances = vec![
        Instance { shares: slow, every, ..scene.instance(ONE) },
        Instance { shares, every, ..scene.instance("two") },
    ];
    let supervisor = scene.open_all(fixed(Mode::Observe), instances).unwrap();
    let running = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { supervisor.run().await }
    });
    let (mut one, mut two) = (0, 0);
    eventually(|| {
        for published in scene.published() {
            if let Event::Observed { instance, .. } = &published.event {
                *(if instance.as_str() == ONE { &mut one } else { &mut two }) += 1;
            }
        }
        (two >= 50).then_some(())
    })
    .await;
    supervisor.stop("a test");
    running.await.unwrap();
    assert!(one < 10, "{one} passes of the one that is slowed down");
    let slowed = scene.events().into_iter().filter(|event| matches!(event, Event::Slowed { .. })).count();
    assert_eq!((slowed, suspensions(&scene)), (1, vec![]));
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn open_incidents_have_a_share() {
    let scene = Scene::new();
    let shares = Shares { open_incidents: Some(2), ..Shares::default() };
    scene.script(&flood(5, "a disk is full"));
    scene.script_of("two", &well());
    let (one, _) = run(&scene, &shares).await;
    assert_eq!(one.error_kind, Some(ErrorKind::Incidents));
    assert_eq!(one.findings.iter().filter(|finding| finding.incident.is_some()).count(), 2);
    assert_eq!(scene.recorded(Phase::Plan, "schedule").len(), 2);
    scene.finish().await;
}

/// Would break: a share that is asked again between the stages, and leaves half a repair behind.
#[tokio::test]
async fn a_repair_that_began_has_all_its_stages() {
    let scene = Scene::new();
    let shares = Shares { plans: 1, ..Shares::default() };
    let mut script = Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop);
    script.decision = Decision::ApplyThenReplan(OnFailure::Stop);
    scene.script(&script);
    scene.script_of("two", &well());
    let (one, _) = run(&scene, &shares).await;
    assert_eq!(one.findings[0].plans.len(), 8, "as many stages as there may be");
    assert!(one.findings[0].plans.iter().all(|plan| plan.error_kind.is_none()));
    let (one, _) = run(&scene, &shares).await;
    assert_eq!(one.error_kind, Some(ErrorKind::PlanShare), "the next repair does not begin");
    scene.finish().await;
}

/// Would break: an evaluation that is refused and forgotten, of a policy that is due once a day.
#[tokio::test]
async fn what_a_share_refuses_comes_back_when_there_is_room() {
    let scene = Scene::new();
    scene.script(&well());
    // A second until half of it is free.
    used_log_lines(&scene, 5_003, 3_000).await;
    scene.published();
    let supervisor = scene.open();
    let running = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { supervisor.run().await }
    });
    let is_observed = |event: &Event| matches!(event, Event::Observed { .. });
    eventually(|| scene.published().iter().any(|published| is_observed(&published.event)).then_some(())).await;
    supervisor.stop("a test");
    running.await.unwrap();
    drop(supervisor);
    scene.finish().await;
}

/// Would break: an incident that is unchanged, and was told without its plan because the share refused that.
#[tokio::test]
async fn in_observe_mode_a_refused_plan_is_told_later() {
    let scene = Scene::new();
    scene.script(&flood(1, "a disk is full"));
    scene.script_of("two", &well());
    let none = Shares { processor_percent: 0, ..Shares::default() };
    let report = open(&scene, Mode::Observe, &none).run_once().await.remove(0);
    assert_eq!(report.findings[0].plans[0].error_kind, Some(ErrorKind::ProcessorShare));
    scene.published();
    let mut planned = Vec::new();
    for _ in 0..2 {
        let one = Instance { every: Millis::new(50), ..scene.instance(ONE) };
        let supervisor = scene.open_all(fixed(Mode::Observe), vec![one]).unwrap();
        let running = tokio::spawn({
            let supervisor = supervisor.clone();
            async move { supervisor.run().await }
        });
        let mut passes = 0;
        eventually(|| {
            for published in scene.published() {
                match &published.event {
                    Event::Observed { .. } => passes += 1,
                    Event::Planned { incident, .. } => planned.push(incident.clone()),
                    _ => {}
                }
            }
            (passes >= 3 && !planned.is_empty()).then_some(())
        })
        .await;
        supervisor.stop("a test");
        running.await.unwrap();
    }
    assert_eq!(planned.len(), 1, "once, also after a restart: {planned:?}");
    scene.finish().await;
}
