//! A finding is held under the open incident of the cause that it names: it has no plan, and is told with that one.
//! Would break: deciding this without the incidents of other instances, without a bound, or for findings of others.

use ansai_core::hold::NotHeld;
use ansai_core::{
    Event, InstanceName, Mode, Observation, OnFailure, Relation, Relationship, Severity, Status, Subject,
};
use ansai_supervisor::{FindingReport, InstanceReport};

use crate::scene::{ONE, Scene, fixed};
use crate::script::{KEY, Script, Step, observation};

const TWO: &str = "two";
pub(crate) const SICK: Status = Status::Unhealthy(Severity::Critical);

fn thing(name: &str) -> Subject {
    Subject::new("test", name)
}

/// About the thing of this name, which is also its key.
pub(crate) fn about(name: &str, status: Status) -> Observation {
    Observation { key: name.into(), about: thing(name), ..observation(status) }
}

/// The same with a cause.
pub(crate) fn caused_by(observation: Observation, cause: &str) -> Observation {
    let mut related = observation.related.clone();
    related.push(Relation { how: Relationship::CausedBy, about: thing(cause) });
    Observation { related, ..observation }
}

fn saying(observations: Vec<Observation>, steps: Vec<Step>) -> Script {
    Script::sick(steps, OnFailure::Stop).saying(Ok(observations))
}

/// One pass over these instances.
async fn pass(scene: &Scene, instances: &[&str]) -> Vec<InstanceReport> {
    pass_in(scene, Mode::Enforce, instances).await
}

async fn pass_in(scene: &Scene, mode: Mode, instances: &[&str]) -> Vec<InstanceReport> {
    let instances = instances.iter().map(|name| scene.instance(name)).collect();
    scene.open_all(fixed(mode), instances).unwrap().run_once().await
}

fn finding<'a>(reports: &'a [InstanceReport], key: &str) -> &'a FindingReport {
    reports.iter().flat_map(|report| &report.findings).find(|finding| finding.key == key).unwrap()
}

/// The key of the incident that a finding is held under.
fn held_under(reports: &[InstanceReport], key: &str) -> Option<String> {
    finding(reports, key).held_under.as_ref().map(|under| under.key.clone())
}

/// What the audit log has of holding, in words.
fn told(scene: &Scene) -> Vec<String> {
    let words = |event| match event {
        Event::Held { key, under, .. } => Some(format!("{key} under {}", under.key)),
        Event::NotHeld { key, was_under, why, .. } => {
            let why = why.map(|why| why.code().word());
            Some(format!("{key} {}: {}", if was_under.is_some() { "free" } else { "not held" }, why.unwrap_or("ended")))
        }
        _ => None,
    };
    scene.events().into_iter().filter_map(words).collect()
}

#[tokio::test]
async fn it_waits_for_its_cause_in_another_instance_and_is_planned_when_that_ends() {
    let scene = Scene::new();
    scene.script_of(ONE, &saying(vec![about("disk", SICK)], vec![]));
    let parent = finding(&pass(&scene, &[ONE]).await, "disk").incident.clone().unwrap();
    let child = caused_by(about("table", SICK), "disk");
    scene.script_of(TWO, &saying(vec![child], vec![Step::mark(scene.path("a"))]));
    // Also after a restart, and it is told once.
    for _ in 0..3 {
        let reports = pass(&scene, &[ONE, TWO]).await;
        let held = finding(&reports, "table");
        let under = held.held_under.as_ref().unwrap();
        assert_eq!((&under.incident, under.instance.as_str(), &under.cause), (&parent, ONE, &thing("disk")));
        assert!(held.plans.is_empty() && held.status == SICK, "it is unhealthy, and nothing is planned");
        assert_eq!(finding(&reports, "disk").holds, [held.incident.clone().unwrap()]);
    }
    assert_eq!(told(&scene), ["table under disk"]);
    let planned = |event: &Event| matches!(event, Event::Planned { instance, .. } if instance.as_str() == TWO);
    assert!(!scene.events().iter().any(planned) && scene.intents().is_empty());
    // No notice of its own: only `held`, which names the other one.
    let notices: Vec<&str> = scene
        .published()
        .iter()
        .filter(|one| one.event.instance() == Some(TWO) && !one.event.is_routine())
        .map(|one| one.event.name())
        .collect();
    assert_eq!(notices, ["held"]);

    scene.script_of(ONE, &saying(vec![about("disk", Status::Healthy)], vec![]));
    pass(&scene, &[ONE]).await;
    let reports = pass(&scene, &[TWO]).await;
    assert_eq!(held_under(&reports, "table"), None);
    assert_eq!(
        (told(&scene).pop().unwrap().as_str(), scene.text("history").as_str()),
        ("table free: ended", "mark a\n")
    );
    let notices = scene.published();
    assert!(notices.iter().any(|one| one.event.name() == "not-held" && !one.event.is_routine()), "now it is told");
    scene.finish().await;
}

#[tokio::test]
async fn it_waits_for_its_cause_in_the_same_answer_in_any_order() {
    for reversed in [false, true] {
        let scene = Scene::new();
        let mut both = vec![about("disk", SICK), caused_by(about("table", SICK), "disk")];
        if reversed {
            both.reverse();
        }
        scene.script(&saying(both, vec![]));
        let reports = pass(&scene, &[ONE]).await;
        assert_eq!(held_under(&reports, "table").as_deref(), Some("disk"));
        let plans = ["disk", "table"].map(|key| finding(&reports, key).plans.len());
        assert_eq!(plans, [1, 0]);
        // The cause ends in the same answer in which the other one stays.
        let stays = vec![about("disk", Status::Healthy), caused_by(about("table", SICK), "disk")];
        scene.script(&saying(stays, vec![]));
        let reports = pass(&scene, &[ONE]).await;
        assert_eq!((held_under(&reports, "table"), finding(&reports, "table").plans.len()), (None, 1));
        // It is held again while the cause is only unknown: its incident is open.
        scene.script(&saying(vec![about("disk", SICK), caused_by(about("table", SICK), "disk")], vec![]));
        pass(&scene, &[ONE]).await;
        scene.script(&saying(vec![caused_by(about("table", SICK), "disk")], vec![]));
        assert_eq!(held_under(&pass(&scene, &[ONE]).await, "table").as_deref(), Some("disk"));
        scene.finish().await;
    }
}

#[tokio::test]
async fn nobody_holds_the_findings_of_another_policy() {
    let scene = Scene::new();
    scene.script_of(TWO, &saying(vec![observation(SICK)], vec![Step::mark(scene.path("a"))]));
    // One claims to be the cause of what two reports, and reports the same thing itself, as caused by another one.
    let mut liar = caused_by(Observation { about: observation(SICK).about, ..about("lie", SICK) }, "never-ending");
    liar.related.push(Relation { how: Relationship::Affects, about: observation(SICK).about });
    scene.script_of(ONE, &saying(vec![about("never-ending", SICK), liar], vec![]));
    pass(&scene, &[ONE]).await;
    let reports = pass(&scene, &[ONE, TWO]).await;
    assert_eq!(held_under(&reports, "lie").as_deref(), Some("never-ending"), "its own");
    assert_eq!((held_under(&reports, KEY), scene.text("history").as_str()), (None, "mark a\n"));
    scene.finish().await;
}

#[tokio::test]
async fn a_cause_of_an_instance_that_is_not_there_holds_nothing() {
    let scene = Scene::new();
    scene.script_of(ONE, &saying(vec![about("disk", SICK)], vec![]));
    scene.script_of(TWO, &saying(vec![caused_by(about("table", SICK), "disk")], vec![]));
    pass(&scene, &[ONE]).await;
    assert_eq!(held_under(&pass(&scene, &[ONE, TWO]).await, "table").as_deref(), Some("disk"));
    assert_eq!(held_under(&pass(&scene, &[TWO]).await, "table"), None, "nobody would close its incident");
    assert_eq!(told(&scene), ["table under disk", "table free: ended"]);
    scene.finish().await;
}

#[tokio::test]
async fn what_names_itself_or_each_other_is_told_and_planned() {
    let scene = Scene::new();
    scene.script(&saying(
        vec![
            caused_by(about("itself", SICK), "itself"),
            caused_by(about("a", SICK), "b"),
            caused_by(about("b", SICK), "c"),
            caused_by(about("c", SICK), "a"),
        ],
        vec![],
    ));
    for _ in 0..3 {
        let reports = pass(&scene, &[ONE]).await;
        let all = ["itself", "a", "b", "c"].map(|key| held_under(&reports, key));
        assert_eq!(all, [None, Some("b".into()), Some("c".into()), None]);
        assert_eq!(finding(&reports, "itself").not_held, Some(NotHeld::CauseItself));
        assert_eq!(finding(&reports, "c").not_held, Some(NotHeld::CauseCircle));
        assert!(["itself", "c"].iter().all(|key| finding(&reports, key).plans.len() == 1));
    }
    let once = ["itself not held: cause-itself", "a under b", "b under c", "c not held: cause-circle"];
    assert_eq!(told(&scene), once);
    scene.finish().await;
}

/// Two policies that name each other, evaluated at the same time: one of them stays free.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_circle_of_two_instances_has_a_beginning() {
    for _ in 0..20 {
        let scene = Scene::new();
        scene.script_of(ONE, &saying(vec![caused_by(about("a", SICK), "b")], vec![]));
        scene.script_of(TWO, &saying(vec![caused_by(about("b", SICK), "a")], vec![]));
        for _ in 0..3 {
            pass(&scene, &[ONE, TWO]).await;
        }
        let reports = pass(&scene, &[ONE, TWO]).await;
        let held = ["a", "b"].map(|key| held_under(&reports, key).is_some());
        assert_eq!(held.iter().filter(|held| **held).count(), 1, "{held:?}");
        scene.finish().await;
    }
}

#[tokio::test]
async fn a_chain_is_only_so_long() {
    let scene = Scene::new();
    let link = |number: u32| match number {
        0 => about("c0", SICK),
        number => caused_by(about(&format!("c{number}"), SICK), &format!("c{}", number - 1)),
    };
    scene.script(&saying((0..12).map(link).collect(), vec![]));
    let reports = pass(&scene, &[ONE]).await;
    let held: Vec<bool> = (0..12).map(|number| held_under(&reports, &format!("c{number}")).is_some()).collect();
    let mut expected = vec![true; 12];
    (expected[0], expected[9]) = (false, false);
    assert_eq!(held, expected, "the ninth is free, and begins another chain");
    assert_eq!(finding(&reports, "c9").not_held, Some(NotHeld::CauseDepth));
    scene.finish().await;
}

/// In observe mode, the daemon plans only news: what is free now is news, although its state is as before.
#[tokio::test]
async fn what_is_free_is_planned_in_observe_mode_too() {
    let scene = Scene::new();
    let child = caused_by(about("table", SICK), "disk");
    scene.script(&saying(vec![about("disk", SICK), child.clone()], vec![]));
    pass_in(&scene, Mode::Observe, &[ONE]).await;
    scene.script(&saying(vec![about("disk", Status::Healthy), child], vec![]));
    let supervisor = scene.open_with(fixed(Mode::Observe)).unwrap();
    let running = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { supervisor.run().await }
    });
    let planned = |event: &Event| match event {
        Event::Planned { incident: Some(incident), instance, .. } => {
            *instance == InstanceName::from_static(ONE) && incident.contains("/table/")
        }
        _ => false,
    };
    crate::scene::eventually(|| scene.events().iter().any(planned).then_some(())).await;
    supervisor.stop("the test is over");
    running.await.unwrap();
    scene.finish().await;
}
