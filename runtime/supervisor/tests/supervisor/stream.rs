//! The event stream: what subscribers see of a pass, and that they cannot disturb it.

use std::sync::Arc;

use ansai_core::{Event, OnFailure, Outcome};
use ansai_events::{Item, Published};
use ansai_supervisor::report::ReportBuilder;

use crate::scene::{ONE, Scene};
use crate::script::{Call, How, Script, Step};

/// A pass with two marks, a failed step, and their undo.
fn eventful(scene: &Scene) {
    let mark = |name: &str| Step::mark(scene.path(name));
    let flaky = Step::new(Call::Flaky, 0, 0, scene.path("c"));
    scene.script(&Script::sick(vec![mark("a"), mark("b"), flaky, mark("d")], OnFailure::UndoApplied));
}

/// Whether the audit log leaves this event out.
fn is_only_published(event: &Event) -> bool {
    matches!(
        event,
        Event::Observed { .. }
            | Event::Logged { .. }
            | Event::Progress { .. }
            | Event::Unchanged { .. }
            | Event::Failed { kind: Some(_), .. }
    )
}

#[tokio::test]
async fn subscribers_see_what_the_log_records_and_in_its_order() {
    let scene = Scene::new();
    eventful(&scene);
    let supervisor = scene.open();
    supervisor.run_once().await;
    supervisor.stop("a test");
    drop(supervisor);
    let published = scene.published();
    let sequences: Vec<u64> = published.iter().map(|one| one.sequence).collect();
    assert_eq!(sequences, (1..=published.len() as u64).collect::<Vec<_>>());
    let recorded: Vec<Event> =
        published.iter().map(|one| one.event.clone()).filter(|event| !is_only_published(event)).collect();
    assert_eq!(recorded, scene.events());
    let names: Vec<&str> = recorded.iter().map(Event::name).collect();
    let step = ["intent", "outcome"];
    let expected = [
        &["audit-key", "started", "evaluated", "incident", "evaluated", "planned", "decided"][..],
        &step,
        &step,
        &step,
        &["skipped", "undoing", "undone", "undoing", "undone", "evaluated", "verified", "stopped", "stopping"],
    ]
    .concat();
    assert_eq!(names, expected);
    scene.finish().await;
}

#[tokio::test]
async fn the_report_of_a_pass_is_made_from_its_events() {
    let scene = Scene::new();
    let long = scene.path("long");
    let attempts = [
        Script::sick(vec![], OnFailure::Stop).behaving(How::Traps),
        Script::sick(vec![Step::new(Call::Flaky, 1, 0, scene.path("x"))], OnFailure::Stop),
        Script::sick(vec![Step::new(Call::Wait, 1, 60_000, &long)], OnFailure::Stop).healthy_once(long),
    ];
    eventful(&scene);
    let mut all = vec![once(&scene).await];
    for script in attempts {
        scene.script(&script);
        all.push(once(&scene).await);
    }
    let outcomes: Vec<_> = all[0][0]["findings"][0]["plans"][0]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| serde_json::from_value::<Option<Outcome>>(step["outcome"].clone()).unwrap())
        .collect();
    let reverted = Some(Outcome::Reverted);
    assert_eq!(outcomes, [reverted, reverted, Some(Outcome::Failed), Some(Outcome::Skipped)]);
    scene.finish().await;
}

/// Runs one pass. Any subscriber can build the same reports.
async fn once(scene: &Scene) -> serde_json::Value {
    let supervisor = scene.open();
    scene.published();
    let reports = serde_json::to_value(supervisor.run_once().await).unwrap();
    let mut builder = ReportBuilder::new([(ONE.parse().unwrap(), "1.0.0".to_owned())]);
    for published in scene.published() {
        builder.add(&published.event);
    }
    assert_eq!(serde_json::to_value(builder.finish()).unwrap(), reports);
    reports
}

#[tokio::test]
async fn a_subscriber_that_never_reads_holds_no_pass_up_and_is_told_what_it_missed() {
    let scene = Scene::new();
    eventful(&scene);
    let supervisor = scene.open();
    scene.published();
    let mut slow = supervisor.events().subscribe("slow", 1);
    supervisor.run_once().await;
    let published: Vec<Arc<Published>> = scene.published();
    assert_eq!(slow.try_next(), Some(Item::Event(published[0].clone())));
    assert_eq!(slow.try_next(), Some(Item::Missed { count: published.len() as u64 - 1 }));
    assert_eq!(slow.try_next(), None);
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_subscriber_that_panics_or_disappears_harms_no_pass() {
    let scene = Scene::new();
    eventful(&scene);
    let supervisor = scene.open();
    let panics = supervisor.events().spawn("panics", 100, |_| panic!("on purpose")).unwrap();
    drop(supervisor.events().subscribe("gone", 100));
    let reports = supervisor.run_once().await;
    assert_eq!(reports[0].findings.len(), 1);
    assert!(panics.finish(std::time::Duration::from_secs(60)));
    let left: Vec<String> = supervisor.events().subscribers().into_iter().map(|one| one.name).collect();
    assert_eq!(left, ["test"]);
    drop(supervisor);
    scene.finish().await;
}
