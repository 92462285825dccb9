//! What happened, the newest first.

use std::ops::ControlFlow;

use ansai_core::Event;
use ansai_core::control::{History, HistoryFilter, MOST_RECORDS, NumberedRecord};

use super::log::{Reached, newest_first};
use super::{QueryError, Source};

/// An answer on the control socket has at most 16 MiB.
const MOST_BYTES: usize = 6 << 20;

/// What steps and people changed on the host.
const CHANGES: [&str; 4] = ["outcome", "undone", "after-undo", "confirmed"];

/// What is worth a line of its own, besides [`CHANGES`]. What a step is about to do is told by its outcome.
const EVENTS: [&str; 35] = [
    "started",
    "stopping",
    "stopped",
    "not-loaded",
    "failed",
    "incident",
    "held",
    "not-held",
    "stage",
    "escalated",
    "retried",
    "plan-failed",
    "decided",
    "approval",
    "approval-ended",
    "skipped",
    "pending",
    "verified",
    "suspended",
    "resumed",
    "backed-off",
    "quarantined",
    "released",
    "clock-jumped",
    "clock-believed",
    "paused",
    "pause-ended",
    "silenced",
    "silence-ended",
    "storm",
    "storm-ended",
    "fight",
    "fight-ended",
    "feedback",
    "promoted",
];

impl Source<'_> {
    pub(super) fn history(&self, filter: &HistoryFilter) -> Result<History, QueryError> {
        let most = usize::try_from(filter.most.min(MOST_RECORDS)).unwrap_or(usize::MAX);
        let instance = filter.instance.as_ref().map(|name| name.as_str());
        let is_wanted = |event: &str| CHANGES.contains(&event) || (!filter.changes && EVENTS.contains(&event));
        let (mut records, mut bytes, mut has_more) = (Vec::new(), 0_usize, false);
        let reached = match self.audit {
            None => Reached::Beginning(None),
            Some(audit) => newest_first(audit, filter.since, is_wanted, |sequence, record| {
                if instance.is_some_and(|name| record.event.instance() != Some(name)) || is_repeated(&record.event) {
                    return ControlFlow::Continue(());
                }
                bytes = bytes.saturating_add(serde_json::to_vec(&record).map_or(0, |text| text.len()));
                has_more = records.len() >= most || bytes > MOST_BYTES;
                if has_more {
                    return ControlFlow::Break(());
                }
                records.push(NumberedRecord { sequence, record });
                ControlFlow::Continue(())
            })?,
        };
        Ok(History {
            at: self.outlook.now,
            is_running: self.outlook.is_running(),
            since: filter.since,
            records,
            has_more: has_more || matches!(reached, Reached::Limit(_)),
            begins: if let Reached::Beginning(begins) = reached { begins } else { None },
        })
    }
}

/// Of what is silenced or held, and what only says the same again.
fn is_repeated(event: &Event) -> bool {
    event.is_routine() || matches!(event, Event::Decided { verdict: ansai_core::event::Verdict::NothingToDo, .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kinds of events that the history leaves out.
    const LEFT_OUT: [&str; 21] = [
        "evaluated",
        "logged",
        "observed",
        "planned",
        "repeated",
        "unchanged",
        "slowed",
        "intent",
        "running",
        "guarded",
        "confirming",
        "progress",
        "undoing",
        "after-undo-intent",
        "recordings-dropped",
        "evidence-dropped",
        "torn-tail",
        "audit-key",
        "audit-dropped",
        "head-export",
        "watch",
    ];

    /// Would break: a new kind of event that nobody decided about, or a name that no event has.
    #[test]
    fn each_kind_of_event_is_listed_or_left_out() {
        // The message names all kinds: "unknown variant `?`, expected one of `started`, `stopping`, …".
        let error = serde_json::from_str::<Event>(r#"{"event": "?"}"#).unwrap_err().to_string();
        let mut kinds: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
        let mut decided = [&CHANGES[..], &EVENTS[..], &LEFT_OUT[..]].concat();
        kinds.sort_unstable();
        decided.sort_unstable();
        assert_eq!(decided, kinds, "{error}");
    }
}
