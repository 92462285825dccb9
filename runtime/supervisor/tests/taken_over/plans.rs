//! Plans of workers that were taken over.

use ansai_core::event::{Phase, Verdict};
use ansai_core::{Event, Outcome};
use ansai_engine::RecordedReply;

use crate::scene::{Scene, WITHOUT_GRANT, few, instance};

/// What the audit log has of the plans of an instance: the steps of each, and how each of these ended.
#[derive(Debug, Default, PartialEq)]
struct Planned {
    /// For each plan, for each step, whether the plan goes on if it fails.
    plans: Vec<Vec<bool>>,
    intents: usize,
    done: usize,
}

fn planned(scene: &Scene, name: &str) -> Planned {
    let mut planned = Planned::default();
    for event in scene.events() {
        match event {
            Event::Planned { instance, steps, .. } if instance.as_str() == name => {
                planned.plans.push(steps.iter().map(|step| step.may_fail).collect());
            }
            Event::Intent(intent) if intent.instance.as_str() == name => planned.intents += 1,
            Event::Outcome { instance, outcome: Outcome::Done, .. } if instance.as_str() == name => planned.done += 1,
            Event::Decided { instance, verdict, .. } if instance.as_str() == name => {
                assert!(matches!(verdict, Verdict::Approved | Verdict::NothingToDo), "{name}: {verdict:?}");
            }
            _ => {}
        }
    }
    planned
}

/// Would break: a step whose number a worker made up, one that it only says it proposed, or one without a grant.
pub(crate) fn a_plan_has_only_the_steps_that_the_supervisor_previewed() {
    let one = || Planned { plans: vec![vec![false]], intents: 1, done: 1 };
    let nothing = || Planned { plans: vec![vec![]], ..Planned::default() };
    // The plans, the code of the last evaluation for a plan, and how many of its calls were refused.
    let cases = [
        ("plan-acts-in-detect", Planned::default(), None, 0),
        ("plan-forges-steps", one(), Some(None), 3),
        (WITHOUT_GRANT, nothing(), Some(None), 1),
        ("plan-invents-a-step", nothing(), Some(None), 0),
        ("plan-for-another", Planned::default(), Some(Some("worker-ended")), 0),
        // The call comes when nothing is evaluated: the next evaluation finds it.
        ("plan-calls-after-the-end", nothing(), Some(None), 0),
    ];
    let scene = Scene::new();
    let supervisor = scene.open(cases.iter().map(|(name, ..)| instance(name, few())).collect());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(supervisor.run_once());
    for (name, expected, plan, refused) in cases {
        assert_eq!(planned(&scene, name), expected, "{name}: {:?}", scene.evaluated(name));
        let evaluated = scene.evaluated(name);
        let planning = evaluated.iter().find(|one| one.phase == Phase::Plan);
        assert_eq!(planning.map(|one| one.kind.as_deref()), plan, "{name}: {planning:?}");
        let Some(planning) = planning else { continue };
        let recording = scene.recording(planning.recording.as_ref().unwrap());
        let is_refused = |reply: &RecordedReply| matches!(reply, RecordedReply::Refused(_));
        let found = recording.calls.iter().filter(|call| is_refused(&call.reply)).count();
        assert_eq!(found, refused, "{name}: {:?}", recording.calls);
    }
    let detect = scene.evaluated("plan-acts-in-detect");
    let recording = scene.recording(detect[0].recording.as_ref().unwrap());
    assert!(matches!(recording.calls[0].reply, RecordedReply::Refused(_)), "{:?}", recording.calls);
    drop(supervisor);
    scene.verify();
}
