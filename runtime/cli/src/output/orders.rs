//! Pauses, silences and quarantines in words, and as a document.

use ansai_core::control::Answer;
use ansai_core::order::{Order, Pause, Person, Silence};
use ansai_core::quarantine::{Quarantine, Release};
use ansai_core::text::{inert, prose};
use ansai_core::{InstanceName, Millis};
use ansai_daemon::control::Performed;
use ansai_supervisor::clock;
use serde_json::{Value, json};

use super::count::count;
use super::{lines, time};

/// Version of the documents.
const FORMAT: u32 = 1;

/// `disk-space is paused until 2026-11-21 03:02 (2 h left): kernel update, by root (uid 0)`.
pub(crate) fn pause(pause: &Pause) -> String {
    format!("{} paused {}", who(pause.instance.as_ref()), ordered(&pause.order))
}

/// `incidents with the key /var are silenced until …`.
pub(crate) fn silence(silence: &Silence) -> String {
    format!("{} silenced {}", what(silence.instance.as_ref(), &silence.key), ordered(&silence.order))
}

/// `web is quarantined since 2026-11-29 03:02: 10 faults in a row, the last one was trap: …; `ansai resume web` ends it`.
pub(crate) fn quarantine(quarantine: &Quarantine) -> String {
    let Quarantine { instance, since, faults, kind, error } = quarantine;
    let (since, faults) = (time::minute(*since), count(*faults, "fault"));
    format!(
        "{instance} is quarantined since {since}: {faults} in a row, the last one was {kind}: {}; \
         `ansai resume {instance}` ends it",
        prose(error, 300)
    )
}

/// `web is evaluated on schedule again: its policy has answered`.
pub(crate) fn released(instance: &InstanceName, why: Release, by: Option<&Person>) -> String {
    let why = match (why, by) {
        (Release::Resumed, Some(by)) => format!("resumed by {}", inert(&by.to_string(), 100)),
        (Release::Resumed, None) => "resumed".to_owned(),
        (Release::Answered, _) => "its policy has answered".to_owned(),
        (Release::Changed, _) => "it has another component".to_owned(),
    };
    format!("{instance} is evaluated on schedule again: {why}")
}

/// `disk-space is`, or `every instance is`.
pub(crate) fn who(instance: Option<&InstanceName>) -> String {
    instance.map_or_else(|| "every instance is".to_owned(), |name| format!("{name} is"))
}

/// `incidents of disk-space with the key /var are`.
pub(crate) fn what(instance: Option<&InstanceName>, key: &str) -> String {
    let of = instance.map(|name| format!(" of {name}")).unwrap_or_default();
    format!("incidents{of} with the key {} are", inert(key, 200))
}

/// `until 2026-11-21 03:02 (2 h left): kernel update, by root (uid 0)`.
pub(crate) fn ordered(order: &Order) -> String {
    // Whole minutes, as long as it lasts minutes.
    let left = (order.until - clock::now()).get();
    let left = if left < 60_000 { left.div_ceil(1_000) * 1_000 } else { left.div_ceil(60_000) * 60_000 };
    let (until, left) = (time::minute(order.until), Millis::new(left));
    format!("until {until} ({left} left): {}, by {}", inert(&order.reason, 500), inert(&order.by.to_string(), 100))
}

/// Tells where the answer is from, if no daemon runs.
pub(crate) fn note_not_running(done: &Performed) -> std::io::Result<()> {
    match (done.is_running, &done.answer) {
        (true, _) => Ok(()),
        (false, Answer::Orders(_) | Answer::Status(_)) => lines::line("no ansai runs: this is what it left"),
        (false, _) => lines::line("no ansai runs: this is stored, and in force when it starts"),
    }
}

/// What programs get: the answer, with the version of its form, and whether a daemon gave it.
pub(crate) fn document(done: &Performed) -> Value {
    let mut document = serde_json::to_value(&done.answer).unwrap_or_default();
    if let Some(fields) = document.as_object_mut() {
        fields.insert("format".to_owned(), json!(FORMAT));
        fields.insert("running".to_owned(), json!(done.is_running));
    }
    document
}
