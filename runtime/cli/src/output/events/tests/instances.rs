//! Instances of policies and their evaluations.

use ansai_core::event::{EvaluationResult, Finding, LogLine, Phase, RecordingRef};
use ansai_core::quarantine::{Quarantine, Release};
use ansai_core::{ErrorKind, Event, InstanceName, Measure, Mode, Observation, Share, Subject, Timestamp, Unit, Usage};

use super::values::{incident, order, statuses};

/// With every part that has kinds of its own.
pub(super) fn samples() -> Vec<Event> {
    let name = InstanceName::from_static("one");
    let plan = String::from("p1");
    let observation = |status| Observation {
        key: "k".into(),
        about: Subject::new("filesystem", "/"),
        status,
        summary: "93 % full".into(),
        evidence: vec![Measure::count("used-bytes", 4096, Unit::Bytes)],
        related: vec![],
        distance: None,
    };
    let until = Timestamp::from_millis(1);
    let suspended = |share| Event::Suspended { instance: InstanceName::from_static("one"), share, limit: 9, until };
    let mut samples = vec![
        Event::Logged {
            instance: name.clone(),
            phase: Phase::Detect,
            lines: vec![LogLine { level: "info".into(), message: "looked".into() }],
            dropped: 0,
        },
        Event::Observed {
            instance: name.clone(),
            mode: Mode::Observe,
            findings: statuses()
                .map(|status| Finding {
                    observation: observation(status),
                    incident: incident(),
                    change: None,
                    healing: true,
                    held_under: None,
                    not_held: None,
                    silenced: false,
                })
                .into(),
            without_incident: 1,
        },
        Event::Failed {
            instance: name.clone(),
            mode: Mode::Observe,
            error: "out of fuel".into(),
            kind: Some(ErrorKind::Fuel),
        },
        Event::PlanFailed {
            instance: name.clone(),
            incident: incident(),
            plan: None,
            error: "out of fuel".into(),
            kind: Some(ErrorKind::Fuel),
        },
        Event::PlanFailed {
            instance: name.clone(),
            incident: None,
            plan: Some(plan.clone()),
            error: "no space".into(),
            kind: None,
        },
        Event::Repeated { instance: name.clone(), incident: incident(), times: 2, since: Timestamp::from_millis(1) },
        Event::Unchanged { instance: name.clone(), incident: incident(), times: 2, since: Timestamp::from_millis(1) },
        Event::Slowed { instance: name.clone(), share: Share::Processor, limit: 12_000 },
        Event::Resumed { instance: name.clone(), slowed: true },
        Event::Resumed { instance: name.clone(), slowed: false },
        Event::BackedOff {
            instance: name.clone(),
            faults: 3,
            kind: ErrorKind::Fuel,
            until: Timestamp::from_millis(9_000),
        },
        Event::Quarantined(Quarantine {
            instance: name.clone(),
            since: Timestamp::from_millis(1),
            faults: 10,
            kind: ErrorKind::Trap,
            error: "unreachable".into(),
        }),
        Event::Released { instance: name.clone(), why: Release::Answered, by: None },
        Event::Released { instance: name.clone(), why: Release::Changed, by: None },
        Event::Released { instance: name.clone(), why: Release::Resumed, by: Some(order().by) },
        Event::Watch { instance: name.clone(), watch: "file /etc/hosts".into(), error: None, kind: None },
        Event::Watch {
            instance: name.clone(),
            watch: "file /etc/hosts".into(),
            error: Some("is no longer watched: /etc was unmounted".into()),
            kind: Some("watch-failed".into()),
        },
    ];
    samples.extend(Share::ALL.map(suspended));
    for result in [
        EvaluationResult::Observed { healthy: 1, unhealthy: 2, unknown: 3, gone: 4 },
        EvaluationResult::Proposed { steps: 1 },
        EvaluationResult::Failed("could not tell: no answer".into()),
        EvaluationResult::Aborted("out of fuel".into()),
    ] {
        samples.push(Event::Evaluated {
            instance: name.clone(),
            component: "ab".into(),
            phase: Phase::Plan,
            trigger: "schedule".into(),
            result,
            kind: Some(ErrorKind::Fuel),
            recording: Some(RecordingRef { id: "r".into(), sha256: "ab".into() }),
            usage: Usage::default(),
            late_ms: 0,
            unrecorded: 0,
        });
    }
    samples
}
