//! What is answered about incidents, history and longer times: by a supervisor that runs, and from what it left.

use ansai_core::control::{
    HistoryFilter, IncidentEnd, IncidentFilter, IncidentList, MomentKind, NextStep, ReportFilter,
};
use ansai_core::{Event, InstanceName, Millis, Mode, OnFailure, Severity, Status, Timestamp};
use ansai_storage::Directory;
use ansai_supervisor::queries::{QueryError, Stored};

use crate::scene::{ONE, Scene, all_grants, fixed, grants_of_marks};
use crate::script::{KEY, Script, Step, observation};
use crate::slow_actions;

const ALL: IncidentFilter = IncidentFilter { instance: None, key: None, since: None, closed: true, most: 100 };
const EVER: ReportFilter = ReportFilter { since: Timestamp::EPOCH, instance: None };

fn history(changes: bool, most: u32) -> HistoryFilter {
    HistoryFilter { since: Timestamp::EPOCH, instance: None, changes, most }
}

fn stored(scene: &Scene) -> Stored {
    Stored::open(&Directory::open(scene.state_dir()).unwrap()).unwrap().unwrap()
}

fn sick() -> Script {
    Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![observation(Status::Unhealthy(Severity::Critical))]))
}

fn healthy() -> Script {
    sick().saying(Ok(vec![observation(Status::Healthy)]))
}

fn ends(list: &IncidentList) -> Vec<IncidentEnd> {
    list.closed.iter().map(|one| one.end).collect()
}

#[tokio::test]
async fn what_ansai_healed_is_known_from_its_observation_to_its_end() {
    let scene = Scene::new();
    scene.script(&healthy());
    scene.open().run_once().await;
    let healed = scene.path("healed");
    scene.script(&Script::sick(vec![Step::mark(&healed)], OnFailure::Stop).healthy_once(healed.clone()));
    let supervisor = scene.open();
    supervisor.run_once().await;

    let list = supervisor.incidents(&ALL).unwrap();
    assert_eq!((list.open.len(), ends(&list)), (0, vec![IncidentEnd::Healed]), "{list:?}");
    let closed = &list.closed[0];
    assert!(closed.attempts == 1 && closed.healthy_before.is_some_and(|before| before <= closed.opened), "{closed:?}");
    let details = supervisor.incident(&closed.incident).unwrap();
    let what: Vec<&MomentKind> = details.timeline.iter().map(|moment| &moment.what).collect();
    let plan = match what[..] {
        [
            MomentKind::Opened { within: Some(_) },
            MomentKind::Attempt { plan, number: 1, verified: Status::Healthy, steps, .. },
            MomentKind::Closed { end: IncidentEnd::Healed },
        ] => {
            assert!(steps.len() == 1 && steps[0].action.ends_with(".mark"), "{steps:?}");
            plan
        }
        _ => panic!("{what:?}"),
    };
    assert!(details.next.is_none() && details.timeline.is_sorted_by_key(|moment| moment.at));
    // By instance and key, too.
    assert_eq!(supervisor.incident(&format!("{ONE}/{KEY}")).unwrap().incident, closed.incident);

    let report = supervisor.report(&EVER).unwrap();
    assert_eq!((report.incidents.opened, report.incidents.closed, report.incidents.healed), (1, 1, 1), "{report:?}");
    assert_eq!((report.detect.unwrap().of, report.heal.unwrap().of), (1, 1));
    let action = &report.actions[0];
    assert_eq!((report.actions.len(), action.begun, action.done, action.failed, action.healed), (1, 1, 1, 0, 1));
    assert_eq!(report.interrupted.get() + report.unknown_interruptions, 0, "{report:?}");
    let other = ReportFilter { instance: Some(InstanceName::from_static("two")), ..EVER };
    let other = supervisor.report(&other).unwrap();
    assert!(other.incidents.opened == 0 && other.actions.is_empty() && other.detect.is_none(), "{other:?}");

    let changes = supervisor.history(&history(true, 100)).unwrap();
    assert_eq!(changes.records.len(), 1, "{changes:?}");
    assert!(matches!(&changes.records[0].record.event, Event::Outcome { plan: of, .. } if of == plan));
    let whole = supervisor.history(&history(false, 100)).unwrap();
    assert!(whole.records.windows(2).all(|pair| pair[0].sequence > pair[1].sequence), "the newest first");
    assert!(!whole.has_more && whole.begins.is_some());
    let first = supervisor.history(&history(false, 2)).unwrap();
    assert!(first.has_more && first.records[..] == whole.records[..2]);

    // What it left says the same.
    drop(supervisor);
    let stored = stored(&scene);
    let left = stored.incidents(&ALL).unwrap();
    assert!(!left.is_running && left.closed == list.closed);
    assert_eq!(stored.incident(&closed.incident).unwrap().timeline, details.timeline);
    assert_eq!(stored.report(&EVER).unwrap().incidents, report.incidents);
    assert_eq!(stored.history(&history(true, 100)).unwrap().records, changes.records);
    let recorded = stored.recorded(closed.closed).unwrap();
    assert_eq!(recorded.len(), 1, "{recorded:?}");
    assert_eq!((recorded[0].opened, &recorded[0].key, &recorded[0].about), (closed.opened, &closed.key, &closed.about));
    assert_eq!(recorded[0].closed, Some((closed.closed, IncidentEnd::Healed)));
    assert!(stored.recorded(closed.closed + Millis::new(1)).unwrap().is_empty(), "it was over");
    scene.finish().await;
}

#[tokio::test]
async fn what_is_healthy_again_by_itself_was_not_healed() {
    let scene = Scene::new();
    scene.script(&sick());
    let observing = || scene.open_with(fixed(Mode::Observe)).unwrap();
    let supervisor = observing();
    supervisor.run_once().await;
    let list = supervisor.incidents(&ALL).unwrap();
    assert_eq!((list.open.len(), list.closed.len()), (1, 0));
    let details = supervisor.incident(&list.open[0].incident).unwrap();
    assert_eq!(details.next, Some(NextStep::Observe));
    assert!(matches!(details.timeline.last().unwrap().what, MomentKind::Confirmed), "{details:?}");
    let near = list.open[0].incident.replace('k', "kk");
    let unknown = supervisor.incident(&near).unwrap_err();
    assert!(
        matches!(&unknown, QueryError::UnknownIncident { near: Some(near), .. } if *near == list.open[0].incident),
        "{unknown:?}"
    );
    drop(supervisor);
    assert_eq!(stored(&scene).incident(&format!("{ONE}/{KEY}")).unwrap().incident, list.open[0].incident);
    let recorded = stored(&scene).recorded(Timestamp::EPOCH).unwrap();
    assert_eq!(recorded.iter().map(|one| (one.worst, one.closed)).collect::<Vec<_>>(), [(Severity::Critical, None)]);
    scene.script(&healthy());
    observing().run_once().await;
    let list = stored(&scene).incidents(&ALL).unwrap();
    assert_eq!((list.open.len(), ends(&list)), (0, vec![IncidentEnd::Recovered]));
    let report = stored(&scene).report(&EVER).unwrap();
    assert_eq!((report.incidents.healed, report.incidents.recovered, report.heal), (0, 1, None));
    for filter in [
        IncidentFilter { instance: Some(InstanceName::from_static("two")), ..ALL },
        IncidentFilter { key: Some("other".into()), ..ALL },
        IncidentFilter { since: Some(Timestamp::MAX), ..ALL },
        IncidentFilter { closed: false, ..ALL },
    ] {
        let list = stored(&scene).incidents(&filter).unwrap();
        assert!(list.open.is_empty() && list.closed.is_empty(), "{filter:?}");
    }
    scene.finish().await;
}

/// Would break: findings that never were incidents, in reports and lists.
#[tokio::test]
async fn what_is_healthy_again_within_its_minimum_time_was_no_incident() {
    let mut scene = Scene::new();
    scene.retry_policy.hold_for = Millis::from_hours(1);
    scene.script(&sick());
    let counts = |supervisor: &ansai_supervisor::Supervisor| {
        let (list, report) = (supervisor.incidents(&ALL).unwrap(), supervisor.report(&EVER).unwrap());
        let incidents = report.incidents;
        ([list.open.len() + list.more_open, list.closed.len()], [incidents.open, incidents.opened, incidents.closed])
    };
    let supervisor = scene.open();
    supervisor.run_once().await;
    let status = supervisor.status().unwrap();
    assert_eq!((status.incidents.len(), status.pending_incidents), (1, 1));
    assert_eq!(counts(&supervisor), ([0, 0], [0, 0, 0]));
    assert!(stored(&scene).recorded(Timestamp::EPOCH).unwrap().is_empty());
    scene.script(&healthy());
    supervisor.run_once().await;
    assert!(supervisor.status().unwrap().incidents.is_empty());
    assert_eq!(counts(&supervisor), ([0, 0], [0, 0, 0]));
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn status_shows_what_is_left_of_a_budget() {
    let scene = Scene::new();
    let marked = scene.path("marked");
    scene.script(&Script::sick(vec![Step::mark(&marked)], OnFailure::Stop).healthy_once(marked));
    let granted =
        |mode, most| ansai_supervisor::authority::Fixed::new([(ONE.parse().unwrap(), grants_of_marks(mode, most))]);
    let supervisor = scene.open_with(granted(Mode::Enforce, 5)).unwrap();
    supervisor.run_once().await;
    let budgets = supervisor.status().unwrap().budgets;
    let found: Vec<_> = budgets.iter().map(|one| (one.used, one.limit, one.table)).collect();
    assert_eq!(found, [(1, Some(5), 1)], "{budgets:?}");
    assert!(budgets[0].window.is_some());
    drop(supervisor);
    let granted = all_grants(Mode::Observe);
    let scopes = granted.scopes.iter().filter(|(name, _)| !name.same_interface(&slow_actions::NAME));
    let scopes = scopes.map(|(name, scope)| (name.clone(), scope.clone())).collect();
    let ungranted = ansai_supervisor::authority::EffectiveGrants::new(std::sync::Arc::new(scopes), Mode::Observe);
    let authority = ansai_supervisor::authority::Fixed::new([(ONE.parse().unwrap(), ungranted)]);
    let supervisor = scene.open_with(authority).unwrap();
    let budgets = supervisor.status().unwrap().budgets;
    let found: Vec<_> = budgets.iter().map(|one| (one.used, one.limit)).collect();
    assert_eq!(found, [(1, None)], "it is not granted any more");
    drop(supervisor);
    scene.finish().await;
}
