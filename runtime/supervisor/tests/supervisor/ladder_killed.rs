//! Kills the loop in each state of an incident. It runs in a separate process, and SIGKILL ends it. What the next run finds
//! must be the same state with the same times, and nothing may be done twice.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use ansai_core::control::{IncidentStatus, NewPause, NewSilence, NextStep};
use ansai_core::event::Verdict;
use ansai_core::incident::{FlapLimit, Permission, Reason};
use ansai_core::maintenance::Maintenance;
use ansai_core::order::Person;
use ansai_core::{Event, Millis, Mode, OnFailure, Status};
use ansai_storage::Directory;
use ansai_supervisor::{Instance, Supervisor, status_of};

use crate::held::{SICK, about, caused_by};
use crate::killed;
use crate::scene::{ONE, Scene, eventually, fixed};
use crate::script::{KEY, Script, Step, observation};
use crate::storm::many;

const HOUR: Millis = Millis::from_hours(1);

#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_that_is_killed() {
    let Some(place) = killed::place() else { return };
    let case = std::fs::read_to_string(place.join("case")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { open(&scene_for(Scene::at(&place), &case), &case).run().await });
}

fn scene_for(mut scene: Scene, case: &str) -> Scene {
    if case == "announced" {
        scene.announce = HOUR;
    }
    let retry = &mut scene.retry_policy;
    match case {
        "pending" => retry.hold_for = HOUR,
        "clearing" => retry.clear_for = HOUR,
        "escalated" => retry.max_attempts = 1,
        // The cause is not treated again.
        "cooling" | "held" => retry.cooldown = HOUR,
        "flapping" => retry.flaps = FlapLimit { most: 1, within: HOUR },
        _ => {}
    }
    scene
}

/// Evaluated all the time.
fn open(scene: &Scene, case: &str) -> Supervisor {
    let windows = if case == "window" { vec![closed().parse().unwrap()] } else { Vec::new() };
    let maintenance = Arc::new(Maintenance { windows, emergency_passes: false });
    let instance = Instance { every: Millis::new(50), maintenance, ..scene.instance(ONE) };
    let mode = if case == "approval" { Mode::Approve } else { Mode::Enforce };
    scene.open_all(fixed(mode), vec![instance]).unwrap()
}

/// A window that is closed today and tomorrow.
pub(crate) fn closed() -> &'static str {
    let days = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() / 86_400;
    // The first day was a Thursday.
    if (days + 3) % 7 < 3 { "Sat 03:00-04:00 UTC" } else { "Tue 03:00-04:00 UTC" }
}

/// The one incident, as it is on the disk.
fn stored(scene: &Scene) -> Option<IncidentStatus> {
    let directory = Directory::open(scene.state_dir()).ok()?;
    one(status_of(&directory).ok()??.incidents)
}

/// Of several, the one that is held under its cause, or else the first.
fn one(mut all: Vec<IncidentStatus>) -> Option<IncidentStatus> {
    let held = all.iter().position(|one| matches!(one.next, NextStep::Held { .. }));
    (!all.is_empty()).then(|| all.swap_remove(held.unwrap_or(0)))
}

fn is_reached(case: &str, scene: &Scene) -> bool {
    let Some(incident) = stored(scene) else { return false };
    let awaits = |event: &Event| {
        matches!(event, Event::Decided { verdict: Verdict::Held(Permission::AwaitsApproval { .. }), .. })
    };
    let announced =
        |event: &Event| matches!(event, Event::Decided { verdict: Verdict::Held(Permission::Announced { .. }), .. });
    match (case, &incident.next) {
        ("pending", NextStep::Pending { .. })
        | ("clearing", NextStep::Clearing { .. })
        | ("escalated", NextStep::Escalated { .. })
        | ("cooling", NextStep::Cooling { .. })
        | ("window", NextStep::Window { .. })
        | ("paused", NextStep::Paused(_))
        | ("storm", NextStep::Storm)
        | ("silenced", NextStep::Silenced(_)) => true,
        ("flapping", NextStep::Escalated { escalation, .. }) => matches!(escalation.reason, Reason::Flapping { .. }),
        ("unknown", _) => incident.unknown.is_some(),
        ("announced", _) => scene.events().iter().any(announced),
        // Its cause was treated once.
        ("held", NextStep::Held { .. }) => !scene.outcomes().is_empty(),
        ("approval", _) => scene.events().iter().any(awaits),
        _ => false,
    }
}

/// Brings the incident into the state, with a process that is killed then.
async fn kill_in(case: &str, scene: &Scene) {
    std::fs::write(scene.path("case"), case).unwrap();
    let marked = scene.path("marked");
    let script = Script::sick(vec![Step::mark(&marked)], OnFailure::Stop);
    let script = match case {
        "storm" => script.saying(Ok(many(31))),
        "held" => script.saying(Ok(vec![about("disk", SICK), caused_by(about("table", SICK), "disk")])),
        _ => script,
    };
    let heals = matches!(case, "clearing" | "flapping");
    scene.script(&if heals { script.clone().healthy_once(marked.clone()) } else { script.clone() });
    let by = Person { uid: 1_000, name: None };
    let reason = || "a test".to_owned();
    match case {
        "paused" => {
            let new = NewPause { instance: None, duration: HOUR, reason: reason() };
            scene.open().pause(&new, &by).unwrap();
        }
        "silenced" => {
            let new = NewSilence { instance: None, key: KEY.into(), duration: HOUR, reason: reason() };
            scene.open().silence(&new, &by).unwrap();
        }
        _ => {}
    }
    let process = killed::start("ladder_killed::the_process_that_is_killed", scene);
    match case {
        "unknown" => {
            eventually(|| stored(scene)).await;
            scene.script(&script.saying(Ok(vec![observation(Status::Unknown("no answer".into()))])));
        }
        "flapping" => {
            // Healed once: it is closed.
            eventually(|| (marked.exists() && !scene.outcomes().is_empty() && stored(scene).is_none()).then_some(()))
                .await;
            std::fs::remove_file(&marked).unwrap();
        }
        _ => {}
    }
    eventually(|| is_reached(case, scene).then_some(())).await;
    drop(process);
}

async fn is_kept(case: &str) {
    let place = tempfile::tempdir().unwrap();
    let scene = scene_for(Scene::at(Path::new(place.path())), case);
    kill_in(case, &scene).await;
    let (before, intents) = (stored(&scene).unwrap(), scene.intents().len());
    assert_eq!(before.incident, stored(&scene).unwrap().incident);

    let supervisor = open(&scene, case);
    let found = one(supervisor.status().unwrap().incidents).unwrap();
    supervisor.run_once().await;
    let after = one(supervisor.status().unwrap().incidents).unwrap();
    drop(supervisor);
    for now in [&found, &after] {
        assert_eq!((&now.incident, now.flaps), (&before.incident, before.flaps), "{case}");
        match case {
            "unknown" => assert!(now.unknown.is_some()),
            "approval" => assert!(matches!(now.next, NextStep::Approval { .. }), "{:?}", now.next),
            "announced" => {
                assert!(matches!(&now.next, NextStep::Waits { held } if matches!(**held, Permission::Announced { .. })))
            }
            _ => assert_eq!(now.next, before.next, "{case}: the same state with the same times"),
        }
    }
    if !matches!(case, "unknown") {
        assert_eq!(scene.intents().len(), intents, "{case}: nothing is done twice");
    }
    let told = scene.events().iter().filter(|event| matches!(event, Event::Escalated { .. })).count();
    assert_eq!(told, usize::from(matches!(case, "escalated" | "flapping")), "{case}: told once");
    scene.finish().await;
}

macro_rules! states {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            is_kept(stringify!($name)).await;
        }
    )*};
}

states! { pending clearing escalated flapping cooling window approval announced paused silenced storm held unknown }
