//! Track records, feedback and promotions in words.

use ansai_core::order::Person;
use ansai_core::promotion::{Achieved, Feedback, Missing, Promotion};
use ansai_core::text::{inert, prose};
use ansai_core::{Millis, quantity};

use super::count::count;
use super::time;

/// `disk-space: incident disk-space//var/1795230000000 is a false alarm, says alice (uid 1000): planned work`.
pub(crate) fn feedback(feedback: &Feedback) -> String {
    let note = feedback.note.as_ref().map(|note| format!(": {}", prose(note, 400))).unwrap_or_default();
    let what = match feedback.judgement {
        ansai_core::promotion::Judgement::FalseAlarm => "is a false alarm",
        ansai_core::promotion::Judgement::Helpful => "was helpful",
    };
    let (incident, by) = (inert(&feedback.incident, 200), inert(&feedback.by.to_string(), 100));
    format!("{}: incident {incident} {what}, says {by}{note}", feedback.instance)
}

/// `disk-space: ansai:files/files-actions moves from observe to approve, by root (uid 0)`.
pub(crate) fn promoted(promotion: &Promotion, by: &Person) -> String {
    let thin = match promotion.missing.is_empty() {
        true => String::new(),
        false => format!(", although its record is thin: {}", missing(&promotion.missing)),
    };
    let (action, by) = (inert(&promotion.action, 200), inert(&by.to_string(), 100));
    format!("{}: {action} moves from {} to {}, by {by}{thin}", promotion.instance, promotion.from, promotion.to)
}

/// `proposed for 2 of 3 incidents; on record for 3 of 7 days`.
pub(crate) fn missing(missing: &[Missing]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The record of an action in lines.
pub(crate) fn record(achieved: &Achieved) -> Vec<String> {
    let Some(since) = achieved.since else { return vec!["never proposed in 90 days".to_owned()] };
    let mut lines = vec![
        format!("proposed for {} since {}", count(achieved.proposed, "incident"), date(since)),
        format!(
            "approved {}, rejected {}, applied {}, undone {}",
            achieved.approved, achieved.rejected, achieved.applied, achieved.undone
        ),
        format!("verified {}, healed {}", achieved.verified, achieved.healed),
        format!("judged: {}, helpful {}", count(achieved.false_alarms, "false alarm"), achieved.helpful),
    ];
    if achieved.freed_bytes.get() > 0 {
        lines.push(format!("freed {}", quantity::show_bytes(achieved.freed_bytes.get())));
    }
    if achieved.interrupted > Millis::ZERO {
        lines.push(format!("interrupted services for about {}", achieved.interrupted));
    }
    lines
}

/// The day of a time, in UTC as it is counted.
fn date(at: ansai_core::Timestamp) -> String {
    time::rfc3339(at).split('T').next().unwrap_or_default().to_owned()
}
