//! When lists are due that cost a server more than the rest.

use ansai_sdk::Host;
use ansai_sdk::context::Trigger;

use crate::report::scope;
use crate::settings::Settings;

/// Whether the lists of a target are due now, and notes that they are made. A verification looks only if it may be about a
/// finding of these kinds.
pub(crate) fn is_due(host: &Host, settings: &Settings, target: &str, kinds: &[&str]) -> bool {
    let at = format!("tables:{target}");
    let is_of = |key: &str| kinds.iter().any(|kind| scope(key) == format!("{kind}:{target}"));
    let is_open = host.open_incidents().iter().any(|one| is_of(&one.key));
    let last: Option<u64> = host.recall(&at).and_then(|text| text.parse().ok());
    // A clock that was set back does not stop it.
    let is_recent = last.is_some_and(|last| last <= host.now() && host.now() - last < settings.tables_every.0);
    let is_due = is_open
        || match host.triggered_by() {
            Trigger::ByHand => true,
            Trigger::Verification => false,
            _ => !is_recent,
        };
    if is_due {
        host.remember(&at, &host.now().to_string());
    }
    is_due
}
