//! Incidents that wait, climb a ladder, come back, and are left to a person: over real files, with a restart before each run.

use ansai_core::control::{NewDecision, NextStep, Overall, Retry};
use ansai_core::event::{ApprovalDecision, Verdict};
use ansai_core::incident::{Change, FlapLimit, Ladder, Permission, Reason, Stage, Tried};
use ansai_core::order::Person;
use ansai_core::{Decision, Event, Millis, Mode, OnFailure, RetryPolicy, Status};
use ansai_supervisor::{Instance, OrderError};

use crate::scene::{ONE, Scene, eventually, fixed};
use crate::script::{Call, KEY, Script, Step, observation};

const HOUR: Millis = Millis::from_hours(1);

fn alice() -> Person {
    Person { uid: 1_000, name: Some("alice".into()) }
}

fn ladder() -> Ladder {
    let stage = |name: &str, attempts| Stage { name: name.into(), attempts, within: None };
    Ladder(vec![stage("gentle", 2), stage("hard", 1)])
}

fn scene_with(ladder: Ladder) -> Scene {
    let mut scene = Scene::new();
    scene.retry_policy = RetryPolicy { max_attempts: ladder.attempts(), ladder, ..scene.retry_policy };
    scene
}

/// Sick whatever is done, with a plan of its own.
fn sick(scene: &Scene, name: &str) {
    scene.script(&Script::sick(vec![Step::mark(scene.path(name))], OnFailure::Stop));
}

fn verdicts(scene: &Scene) -> Vec<Verdict> {
    let verdict = |event| if let Event::Decided { verdict, .. } = event { Some(verdict) } else { None };
    scene.events().into_iter().filter_map(verdict).collect()
}

fn stages(scene: &Scene) -> Vec<(String, String, Reason)> {
    let stage = |event| if let Event::Stage { from, to, reason, .. } = event { Some((from, to, reason)) } else { None };
    scene.events().into_iter().filter_map(stage).collect()
}

fn escalations(scene: &Scene) -> Vec<(Reason, u32, Vec<Tried>)> {
    let escalation = |event| match event {
        Event::Escalated { reason, attempts, tried, .. } => Some((reason, attempts, tried)),
        _ => None,
    };
    scene.events().into_iter().filter_map(escalation).collect()
}

fn changes(scene: &Scene) -> Vec<Change> {
    let change = |event| if let Event::Incident { change, .. } = event { Some(change) } else { None };
    scene.events().into_iter().filter_map(change).collect()
}

#[tokio::test]
async fn stages_follow_each_other_over_restarts_and_end_with_a_person_who_is_told_once() {
    let scene = scene_with(ladder());
    for name in ["a", "b", "c", "d", "e"] {
        sick(&scene, name);
        scene.open().run_once().await;
    }
    let exhausted = Verdict::Held(Permission::Exhausted(3));
    let expected = [Verdict::Approved, Verdict::Approved, Verdict::Approved, exhausted.clone(), exhausted];
    assert_eq!(verdicts(&scene), expected, "a person who runs it sees what would be done");
    assert_eq!(scene.text("history"), "mark a\nmark b\nmark c\n");
    let left = |from: &str, to: &str, used| (from.to_owned(), to.to_owned(), Reason::Attempts { used });
    assert_eq!(stages(&scene), [left("gentle", "hard", 2), left("hard", "person", 1)]);
    let escalated = escalations(&scene);
    assert_eq!(escalated.len(), 1, "told once");
    let (reason, attempts, tried) = &escalated[0];
    assert_eq!((reason, *attempts), (&Reason::Attempts { used: 1 }, 3));
    let at: Vec<(u32, &str, usize)> =
        tried.iter().map(|one| (one.number, one.stage.as_str(), one.steps.len())).collect();
    assert_eq!(at, [(1, "gentle", 1), (2, "gentle", 1), (3, "hard", 1)]);

    let supervisor = scene.open();
    let next = supervisor.status().unwrap().incidents.remove(0).next;
    assert!(matches!(next, NextStep::Escalated { attempts: 3, .. }), "{next:?}");
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_person_lets_it_begin_again_with_its_first_stage() {
    let scene = scene_with(ladder());
    for name in ["a", "b", "c", "d"] {
        sick(&scene, name);
        scene.open().run_once().await;
    }
    let supervisor = scene.open();
    let retry = |name: &str| supervisor.retry(&Retry { name: name.into() }, &alice());
    assert!(matches!(retry("other"), Err(OrderError::NothingToRetry(_))));
    assert_eq!(retry(KEY).unwrap().len(), 1);
    assert!(matches!(retry(KEY), Err(OrderError::NothingToRetry(_))), "only once");
    assert!(matches!(retry(ONE), Err(OrderError::NothingToRetry(_))));
    drop(supervisor);
    assert!(scene.events().iter().any(|event| matches!(event, Event::Retried { by, .. } if *by == alice())));

    sick(&scene, "again");
    let supervisor = scene.open();
    supervisor.run_once().await;
    assert_eq!(verdicts(&scene).last(), Some(&Verdict::Approved));
    assert_eq!(supervisor.status().unwrap().incidents[0].stage, "gentle");
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_stage_at_which_nothing_is_proposed_is_left_at_once() {
    let scene = scene_with(ladder());
    scene.script(&Script::sick(vec![], OnFailure::Stop));
    scene.open().run_once().await;
    let left = |from: &str, to: &str| (from.to_owned(), to.to_owned(), Reason::NothingToDo);
    assert_eq!(stages(&scene), [left("gentle", "hard"), left("hard", "person")]);
    assert_eq!(escalations(&scene), [(Reason::NothingToDo, 0, vec![])]);
    scene.finish().await;
}

/// Would break: a person approves the second half of an attempt, and the policy is asked for the next stage instead.
#[tokio::test]
async fn the_second_half_of_an_attempt_waits_for_a_person_at_its_stage() {
    let stage = |name: &str| Stage { name: name.into(), attempts: 1, within: None };
    let scene = scene_with(Ladder(vec![stage("gentle"), stage("hard")]));
    let mut script = Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop);
    script.decision = Decision::ApplyThenReplan(OnFailure::Stop);
    scene.script(&script);
    let open = || scene.open_with(fixed(Mode::Approve)).unwrap();
    let approve = || {
        let waits = |verdict| match verdict {
            Verdict::Held(Permission::AwaitsApproval { plan, .. }) => Some(plan),
            _ => None,
        };
        let plan = verdicts(&scene).into_iter().rev().find_map(waits).unwrap();
        let decision = ApprovalDecision::Approved;
        open().decide(&NewDecision { plan, decision, reason: Some("go".into()) }, &alice()).unwrap();
    };
    open().run_once().await;
    approve();
    open().run_once().await;
    assert_eq!((scene.text("history"), stages(&scene)), ("mark a\n".into(), vec![]));
    // It waits.
    open().run_once().await;
    assert!(stages(&scene).is_empty());
    approve();
    // A mark is made once.
    std::fs::remove_file(scene.path("a")).unwrap();
    open().run_once().await;
    assert_eq!((scene.text("history"), stages(&scene)), ("mark a\nmark a\n".into(), vec![]));
    scene.finish().await;
}

/// A scene whose stages are over after this time, and whose first attempt was begun. The second one has to wait.
async fn waiting(within: Millis) -> Scene {
    let timed = ladder().0.into_iter().map(|one| Stage { within: Some(within), ..one });
    let mut scene = scene_with(Ladder(timed.collect()));
    scene.retry_policy.cooldown = HOUR;
    for name in ["a", "b"] {
        sick(&scene, name);
        scene.open().run_once().await;
    }
    assert!(matches!(verdicts(&scene)[..], [Verdict::Approved, Verdict::Held(Permission::Cooling(_))]));
    scene
}

/// Would break: a policy whose `plan` always fails, with an incident that nobody is ever told of.
#[tokio::test]
async fn a_plan_that_traps_uses_up_the_time_of_its_stage_and_ends_with_a_person() {
    let scene = waiting(Millis::ZERO).await;
    scene.script(&Script::sick(vec![Step::new(Call::Trap, 0, 0, "")], OnFailure::Stop));
    for _ in 0..3 {
        scene.open().run_once().await;
    }
    let over = |from: &str, to: &str| (from.to_owned(), to.to_owned(), Reason::TimeOut { within: Millis::ZERO });
    assert_eq!(stages(&scene), [over("gentle", "hard"), over("hard", "person")]);
    let escalated = escalations(&scene);
    assert_eq!(escalated.len(), 1, "told once");
    assert_eq!((&escalated[0].0, escalated[0].1), (&Reason::TimeOut { within: Millis::ZERO }, 1));
    scene.finish().await;
}

/// Would break: a stage whose time begins again at every pass, until the clock shows the wrong time once more.
#[tokio::test]
async fn after_a_clock_was_set_back_the_time_of_a_stage_begins_again_once() {
    let scene = waiting(HOUR).await;
    let open = || rusqlite::Connection::open(scene.state_dir().join("state.db")).unwrap();
    let since = || -> i64 {
        let read = "SELECT json_extract(value, '$.course.stage_since') FROM incident";
        open().query_row(read, [], |row| row.get(0)).unwrap()
    };
    let began = since();
    let set = "UPDATE incident SET value = json_set(value, '$.course.stage_since', 99999999999999)";
    assert_eq!(open().execute(set, []).unwrap(), 1);
    let mut found = Vec::new();
    for _ in 0..2 {
        scene.open().run_once().await;
        found.push(since());
    }
    assert!(found[0] >= began && found[0] < 99_999_999_999_999, "{found:?}");
    assert_eq!(found[0], found[1], "not at every pass");
    scene.finish().await;
}

#[tokio::test]
async fn observe_mode_climbs_no_ladder() {
    let scene = scene_with(ladder());
    scene.script(&Script::sick(vec![], OnFailure::Stop));
    for _ in 0..2 {
        scene.open_with(fixed(Mode::Observe)).unwrap().run_once().await;
    }
    assert_eq!((stages(&scene), escalations(&scene)), (vec![], vec![]));
    scene.finish().await;
}

/// Would break: a policy that is asked for ever, and a log that grows with it.
#[tokio::test]
async fn the_daemon_does_not_ask_again_for_what_is_left_to_a_person() {
    let mut scene = Scene::new();
    scene.retry_policy.max_attempts = 1;
    sick(&scene, "a");
    let eager = Instance { every: Millis::new(50), ..scene.instance(ONE) };
    let supervisor = scene.open_all(fixed(Mode::Enforce), vec![eager]).unwrap();
    let running = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { supervisor.run().await }
    });
    eventually(|| (!escalations(&scene).is_empty()).then_some(())).await;
    // What was under way then.
    let mut since = Vec::new();
    let observed = |event: &Event| matches!(event, Event::Observed { .. });
    scene.published();
    eventually(|| {
        since.extend(scene.published());
        (since.iter().filter(|one| observed(&one.event)).count() >= 4).then_some(())
    })
    .await;
    let asked = |event: &Event| matches!(event, Event::Planned { .. } | Event::Decided { .. } | Event::Intent(_));
    let asked = since.iter().filter(|one| asked(&one.event)).count();
    supervisor.stop("a test");
    running.await.unwrap();
    assert_eq!((asked, escalations(&scene).len()), (0, 1));
    assert_eq!(scene.text("history"), "mark a\n");
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn what_comes_back_after_each_repair_is_left_to_a_person() {
    let scene = Scene::new();
    let marked = scene.path("marked");
    scene.script(&Script::sick(vec![Step::mark(&marked)], OnFailure::Stop).healthy_once(marked.clone()));
    for round in 0..5 {
        scene.open().run_once().await;
        let is_healed = marked.exists();
        assert_eq!(is_healed, round < 3, "round {round}");
        let _ = std::fs::remove_file(&marked);
    }
    let FlapLimit { most: times, within } = FlapLimit::default();
    let escalated = escalations(&scene);
    assert_eq!(escalated.len(), 1);
    assert_eq!((&escalated[0].0, escalated[0].1), (&Reason::Flapping { times, within }, 0));
    assert_eq!(verdicts(&scene).last(), Some(&Verdict::Held(Permission::Flapping { times, within })));

    // A person wants it: what was counted is forgotten.
    let supervisor = scene.open();
    assert_eq!(supervisor.status().unwrap().incidents[0].flaps, times);
    supervisor.retry(&Retry { name: KEY.into() }, &alice()).unwrap();
    supervisor.run_once().await;
    assert!(marked.exists());
    assert_eq!(supervisor.status().unwrap().overall, Overall::Healthy);
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn before_its_minimum_time_it_is_neither_told_nor_healed() {
    let mut scene = Scene::new();
    scene.retry_policy.hold_for = HOUR;
    let marked = scene.path("marked");
    scene.script(&Script::sick(vec![Step::mark(&marked)], OnFailure::Stop).healthy_once(marked.clone()));
    for _ in 0..2 {
        let supervisor = scene.open();
        supervisor.run_once().await;
        let status = supervisor.status().unwrap();
        assert!(matches!(status.incidents[0].next, NextStep::Pending { .. }));
        assert_eq!(status.overall, Overall::Healthy);
    }
    assert_eq!((changes(&scene), scene.intents(), marked.exists()), (vec![], vec![], false));

    // The operator takes the time back.
    scene.retry_policy.hold_for = Millis::ZERO;
    scene.open().run_once().await;
    assert_eq!((changes(&scene), marked.exists()), (vec![Change::Opened, Change::Closed], true));
    scene.finish().await;
}

#[tokio::test]
async fn what_is_healthy_again_stays_open_until_it_was_so_for_long_enough() {
    let mut scene = Scene::new();
    scene.retry_policy.clear_for = HOUR;
    let marked = scene.path("marked");
    let script = Script::sick(vec![Step::mark(&marked)], OnFailure::Stop);
    scene.script(&script.clone().healthy_once(marked.clone()));
    for _ in 0..2 {
        let supervisor = scene.open();
        supervisor.run_once().await;
        let next = supervisor.status().unwrap().incidents.remove(0).next;
        assert!(matches!(next, NextStep::Clearing { .. }), "{next:?}");
    }
    assert_eq!((changes(&scene), scene.intents()), (vec![Change::Opened], vec![0]), "healed once");

    // It comes back within the same incident, and that counts.
    std::fs::remove_file(&marked).unwrap();
    let supervisor = scene.open();
    supervisor.run_once().await;
    assert_eq!(supervisor.status().unwrap().incidents[0].flaps, 1);
    drop(supervisor);
    assert_eq!(changes(&scene), [Change::Opened, Change::Changed]);

    scene.script(&script.saying(Ok(vec![observation(Status::Healthy)])));
    scene.retry_policy.clear_for = Millis::ZERO;
    scene.open().run_once().await;
    assert_eq!(changes(&scene).last(), Some(&Change::Closed));
    scene.finish().await;
}
