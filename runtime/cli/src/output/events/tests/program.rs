//! The program itself: its start and end, its audit log, its clock.

use ansai_core::event::{EvidenceDrop, InstanceRef};
use ansai_core::{Bytes, Event, InstanceName, Mode};

/// With every part that has kinds of its own.
pub(super) fn samples() -> Vec<Event> {
    let name = InstanceName::from_static("one");
    let mut samples = vec![
        Event::Started {
            version: "0.1.0".into(),
            mode: Mode::Enforce,
            instances: vec![InstanceRef {
                instance: name.clone(),
                component: "ab".into(),
                version: "1.0.0".into(),
                mode: Mode::Observe,
            }],
        },
        Event::Stopping { why: "asked to".into() },
        Event::Stopped { why: "asked to".into(), unrecorded: 3 },
        Event::NotLoaded { name: name.to_string(), kind: "digest".into(), error: "another component".into() },
        Event::RecordingsDropped { ids: vec!["a".into()] },
        Event::ClockJumped { jump_ms: -7_200_000 },
        Event::ClockBelieved { why: ansai_core::host_clock::Belief::Lasted },
        Event::AuditKey { public_key: "ab".into(), replaces: None, endorsement: None },
        Event::AuditKey { public_key: "ab".into(), replaces: Some("cd".into()), endorsement: Some("ef".into()) },
        Event::AuditKey { public_key: "ab".into(), replaces: Some("cd".into()), endorsement: None },
        Event::AuditDropped {
            from: 1,
            first: 1_205,
            previous: "ab".into(),
            reason: "size".into(),
            archived: true,
            public_key: "cd".into(),
        },
        Event::HeadExport { target: "file /heads".into(), error: None, failures: 0 },
        Event::HeadExport { target: "file /heads".into(), error: Some("no space".into()), failures: 2 },
    ];
    for (moved_to, error) in [(Some("/state/torn"), None), (None, Some("no space")), (None, None)] {
        let (moved_to, error) = (moved_to.map(str::to_owned), error.map(str::to_owned));
        samples.push(Event::TornTail {
            segment: "1".into(),
            offset: 9,
            bytes: Bytes::new(1),
            sequence: 2,
            moved_to,
            error,
        });
    }
    for why in [EvidenceDrop::Room, EvidenceDrop::Closed, EvidenceDrop::Retention, EvidenceDrop::Unrecorded] {
        samples.push(Event::EvidenceDropped { ids: vec!["i".into()], why });
    }
    samples
}
