//! Messages for trying a template: one of every kind, with and without details, a storm and a digest.

use ansai_core::{Measure, Millis, Severity, Subject, Timestamp, Unit};

use crate::message::{Asked, Command, IncidentRef, Kind, Message, Moment, Notice, Step, StepState, Undo, counts};

const NOW: Timestamp = Timestamp::from_millis(1_795_230_163_000);

/// The messages.
pub(crate) fn messages() -> Vec<Message> {
    let message = |notices| Message::new("sample", "sample", "sample", "web1", NOW, notices);
    let mut all: Vec<Message> = Kind::ALL.into_iter().map(|kind| message(vec![notice(kind)])).collect();
    all.push(message(vec![Notice::new(
        "bare",
        Kind::AuditStopped,
        Severity::Critical,
        "web1",
        NOW,
        "The disk is full.",
    )]));
    let mut storm = message(Kind::ALL.into_iter().map(notice).collect());
    storm.counts = counts(&storm.notices);
    all.push(storm);
    all.push(Message { digest: true, ..message(vec![notice(Kind::Healed)]) });
    all
}

/// A notice with every detail.
pub(crate) fn notice(kind: Kind) -> Notice {
    let is_done = kind.is_resolving() || kind == Kind::RepairFailed;
    let step = Step {
        state: if is_done { StepState::Done } else { StepState::Proposed },
        what: "remove 16 files below /var/cache/app".to_owned(),
        names: ["/var/cache/app/2026-11-01.tmp", "/var/cache/app/2026-11-02.tmp"].map(str::to_owned).to_vec(),
        more_names: 14,
        frees_bytes: Some(7_004_160),
        interrupts: None,
        can_undo: true,
        why: None,
    };
    let moment = |seconds: u64, what: &str| Moment { at: NOW - Millis::new(seconds * 1_000), what: what.to_owned() };
    let command = |line: &str, does: &str| Command { line: line.to_owned(), does: does.to_owned() };
    Notice {
        incident: Some(IncidentRef { id: "disk-space//var/1795230122000".to_owned(), key: "/var".to_owned() }),
        instance: Some("disk-space".to_owned()),
        subject: Some(Subject::new("filesystem", "/var")),
        since: NOW - Millis::new(41_000),
        evidence: vec![
            Measure { name: "used".to_owned(), value: ansai_core::Value::Number(0.937), unit: Unit::Ratio },
            Measure::count("available-bytes", 1_288_490_188, Unit::Bytes),
        ],
        steps: vec![step],
        undo: is_done
            .then(|| Undo { command: "ansai undo 3f2a91".to_owned(), until: Some(NOW + Millis::from_hours(168)) }),
        timeline: vec![
            moment(41, "found: /var is 93.7 % full"),
            moment(40, "plan 3f2a91 approved by the host"),
            moment(3, "removed 16 files"),
            moment(0, "verified: healthy"),
        ],
        asked: (kind == Kind::Held).then(|| Asked {
            who: Some("members of the group ansai".to_owned()),
            what: "Approve the plan, or reject it. Without an answer it expires and nothing changes.".to_owned(),
            commands: vec![
                command("ansai approve 3f2a91", "apply the plan"),
                command("ansai reject 3f2a91 --reason TEXT", "do not apply it"),
            ],
            until: Some(NOW + Millis::from_hours(24)),
        }),
        audit_head: Some("ansai-audit-head-1 50 3b9f6f2d2e0c".to_owned()),
        ..Notice::new("sample", kind, Severity::Warning, "web1", NOW, "/var is 93.7 % full: 1.20 GiB available.")
    }
}
