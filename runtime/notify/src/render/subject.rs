//! Subject lines that sort: host, then state, then what it is about.

use ansai_core::text::{inert, prose};

use super::words::count::count;
use super::words::{for_people, time};
use crate::message::{Kind, Message, Notice};

/// Longer subjects are cut by many mail clients.
const MOST: usize = 120;

/// The subject: `[ansai] web1: RESOLVED disk /var (healed in 41 s)`.
pub fn subject(message: &Message) -> String {
    let host = inert(&message.host, 60);
    let what = match (message.notices.as_slice(), message.total()) {
        _ if message.digest => {
            let day = time::day(message.at);
            format!("DIGEST {day} ({})", count(message.total(), "event"))
        }
        ([Notice { kind: Kind::Report, .. }], 1) => match &message.report {
            Some(report) => format!("REPORT {} to {}", time::day(report.since), time::day(report.at)),
            None => "REPORT".to_owned(),
        },
        ([one], 1) => {
            let reminder = if message.reminder { "REMINDER " } else { "" };
            format!("{reminder}{}", of_one(one))
        }
        (notices, total) => {
            let state = if message.is_resolving() { "RESOLVED" } else { word(worst(notices)) };
            let instances: std::collections::BTreeSet<_> = notices.iter().map(|one| one.instance.as_deref()).collect();
            let of = match (instances.len(), instances.first()) {
                (1, Some(Some(name))) => format!(" of {}", inert(name, 63)),
                _ => String::new(),
            };
            format!("{state} {}{of}", count(total, "notice"))
        }
    };
    inert(&format!("[ansai] {host}: {what}"), MOST)
}

fn of_one(notice: &Notice) -> String {
    let about = about(notice);
    match notice.kind {
        Kind::Healed => format!("RESOLVED {about} (healed in {})", for_people(notice.lasted())),
        Kind::Recovered => format!("RESOLVED {about} (recovered after {})", for_people(notice.lasted())),
        Kind::Gone => format!("RESOLVED {about} (no longer exists)"),
        Kind::Opened | Kind::Changed => format!("{} {about}", notice.severity.to_string().to_uppercase()),
        kind => format!("{} {about}", word(Some(kind))),
    }
}

/// What a notice is about: `disk /var`, or else its summary.
pub(super) fn about(notice: &Notice) -> String {
    match &notice.subject {
        Some(subject) => {
            let kind = if subject.kind == "filesystem" { "disk" } else { &subject.kind };
            format!("{} {}", inert(kind, 40), inert(&subject.name, 80))
        }
        None => prose(&notice.summary, 100),
    }
}

/// The kind that needs a person most.
fn worst(notices: &[Notice]) -> Option<Kind> {
    notices.iter().max_by_key(|one| (!one.kind.is_resolving(), one.severity)).map(|one| one.kind)
}

/// The state in capitals.
pub(super) fn word(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Opened | Kind::Changed) => "PROBLEM",
        Some(Kind::Announced) => "ANNOUNCED",
        Some(Kind::Held) => "APPROVAL NEEDED",
        Some(Kind::Healed | Kind::Recovered | Kind::Gone) => "RESOLVED",
        Some(Kind::RepairFailed) => "REPAIR FAILED",
        Some(Kind::Flapping) => "FLAPPING",
        Some(Kind::Escalated) => "ACTION NEEDED",
        Some(Kind::Unknown) => "UNKNOWN",
        Some(Kind::CapabilityMissing) => "CAPABILITY MISSING",
        Some(Kind::Suspended) => "SUSPENDED",
        Some(Kind::AuditStopped) => "AUDIT STOPPED",
        Some(Kind::Expiring) => "EXPIRING",
        Some(Kind::Undelivered) => "NOT DELIVERED",
        Some(Kind::Report) => "REPORT",
        Some(Kind::Test) => "TEST",
        None => "NOTHING",
    }
}
