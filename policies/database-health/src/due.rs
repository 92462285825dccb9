//! When lists are due that cost a server more than the rest.

use ansai_sdk::Host;
use ansai_sdk::context::Trigger;
use ansai_sdk::pages::Part;

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

/// Which part of the lists of a target is due now; `None` if none is. Notes when the next one is read. While a finding of
/// these kinds is open, the same part is read each time, so that a plan and a verification find what was found there.
pub(crate) fn due(host: &Host, settings: &Settings, target: &str, kinds: &[&str]) -> Option<Part> {
    let is_of = |key: &str| kinds.iter().any(|kind| scope(key) == format!("{kind}:{target}"));
    let is_open = host.open_incidents().iter().any(|one| is_of(&one.key));
    // A clock that was set back does not stop it.
    let is_recent =
        listed_last(host, target).is_some_and(|last| last <= host.now() && host.now() - last < settings.tables_every.0);
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
