//! When lists are due that cost a server more than the rest.

use ansai_sdk::context::Trigger;
use ansai_sdk::pages::Part;
use ansai_sdk::{Host, Span};

use crate::report::scope;
use crate::settings::Settings;

/// The key in the store of when they were made.
fn at(target: &str) -> String {
    format!("tables:{target}")
}

/// When the lists of a target were made last; `None` if they never were.
pub(crate) fn listed_last(host: &Host, target: &str) -> Option<u64> {
    host.recall(&at(target)).and_then(|text| text.parse().ok())
}

/// How long the same part of the sessions of a server is read while it has findings: their stages follow each other. Others
/// have to have their turn, because some findings only a person can end.
const TURN: Span = Span(5 * 60_000);

/// The key in the store of when a part of the sessions with findings was read first.
fn turn_at(target: &str) -> String {
    format!("sessions:{target}")
}

/// Whether something was less than `time` ago.
pub(crate) fn is_within(host: &Host, at: Option<u64>, time: Span) -> bool {
    // A clock that was set back does not stop it.
    at.is_some_and(|at| at <= host.now() && host.now() - at < time.0)
}

/// Which part of the sessions of a target is read now, if it has more than one evaluation reads.
pub(crate) fn turn(host: &Host, target: &str) -> Part {
    let began = host.recall(&turn_at(target)).and_then(|text| text.parse().ok());
    if is_within(host, began, TURN) { Part::Same } else { Part::Next }
}

/// Notes that a part was read.
pub(crate) fn took_turn(host: &Host, target: &str, part: Part, has_findings: bool) {
    if part == Part::Next {
        host.remember(&turn_at(target), &if has_findings { host.now().to_string() } else { String::new() });
    }
}

/// Which part of the lists of a target is due now; `None` if none is. Notes when the next one is read. While a finding of
/// these kinds is open, the same part is read each time, so that a plan and a verification find what was found there.
pub(crate) fn due(host: &Host, settings: &Settings, target: &str, kinds: &[&str]) -> Option<Part> {
    let is_of = |key: &str| kinds.iter().any(|kind| scope(key) == format!("{kind}:{target}"));
    let is_open = host.open_incidents().iter().any(|one| is_of(&one.key));
    let is_recent = is_within(host, listed_last(host, target), settings.tables_every);
    let is_next = match host.triggered_by() {
        Trigger::ByHand => true,
        Trigger::Verification => false,
        _ => !is_recent,
    };
    if is_next {
        host.remember(&at(target), &host.now().to_string());
        return Some(Part::Next);
    }
    is_open.then_some(Part::Same)
}
