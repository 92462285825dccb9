//! Shows what a simulation amounts to.

use ansai_core::event::Verdict;
use ansai_core::incident::Change;
use ansai_core::{Event, Timestamp, quantity};
use ansai_daemon::simulate::{Held, RecordedCounts, Summary, Totals};
use serde_json::json;

use crate::output::count::count;
use crate::output::{events, json as document, lines, time};

/// An event with its virtual time.
pub(super) struct Line {
    at: Timestamp,
    event: Event,
}

/// The line of an event that a person wants to see, if it is one.
pub(super) fn line(at: Timestamp, event: &Event) -> Option<Line> {
    let is_shown = match event {
        Event::Incident { change, .. } => matches!(change, Change::Opened) || change.is_closing(),
        Event::Decided { verdict, .. } => !matches!(verdict, Verdict::NothingToDo),
        Event::Planned { decision, .. } => {
            !matches!(decision, ansai_core::Decision::Apply(_) | ansai_core::Decision::ApplyThenReplan(_))
        }
        event => {
            !event.is_routine()
                && !matches!(
                    event,
                    Event::Started { .. }
                        | Event::Stopping { .. }
                        | Event::Stopped { .. }
                        | Event::Intent(_)
                        | Event::Repeated { .. }
                        | Event::AuditKey { .. }
                )
        }
    };
    is_shown.then(|| Line { at, event: event.clone() })
}

/// The times of a simulation are UTC, so that the same simulation looks the same everywhere.
fn clock(at: Timestamp) -> String {
    let text = time::rfc3339(at);
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

/// For people.
pub(super) fn text(
    summary: &Summary,
    seen: &[Line],
    more: u64,
    days: u64,
    recorded: Option<RecordedCounts>,
) -> anyhow::Result<()> {
    for Line { at, event } in seen {
        lines::line(&format!("{}  {}", clock(*at), events::line(event)))?;
    }
    if more > 0 {
        lines::line(&format!("… {} more; --events N shows more", count(more, "event")))?;
    }
    if !seen.is_empty() || more > 0 {
        lines::line("")?;
    }
    let Summary { seed, faults, totals, held, instances, .. } = summary;
    lines::line(&format!("{} simulated with seed {seed}: {}", count(days, "day"), count(*faults, "fault")))?;
    for line in recorded.map(|counts| of_recorded(counts, days)).unwrap_or_default() {
        lines::line(&line)?;
    }
    lines::line(&of_totals(totals))?;
    for (by, Held { incidents, total, longest }) in held {
        let (by, incidents) = (what_held(by), count(*incidents, "incident"));
        let (total, longest) = (duration(total.get()), duration(longest.get()));
        lines::line(&format!("held {by}: {incidents}, {total} in total, at most {longest}"))?;
    }
    if instances.len() > 1 {
        for one in instances {
            lines::line(&format!("{}: {}", one.instance, of_totals(&one.totals)))?;
        }
    }
    if summary.missed > 0 {
        lines::line(&format!("{} missed, so the numbers are too small", count(summary.missed, "event")))?;
    }
    lines::line(match recorded {
        None => "nothing on this host was read or changed",
        Some(_) => "nothing on this host was changed, and only its recorded incidents were read",
    })?;
    Ok(())
}

/// Which incidents of this host were simulated, and which were not.
fn of_recorded(counts: RecordedCounts, days: u64) -> Vec<String> {
    let RecordedCounts { recorded, other_instances, older } = counts;
    let last = if days == 1 { "today".to_owned() } else { format!("in the last {days} days") };
    let is = |number: usize| if number == 1 { "is" } else { "are" };
    let mut all = vec![match recorded {
        0 => format!("no incident of these instances is recorded {last}"),
        _ => format!("{} {} recorded {last}", count(recorded, "incident"), is(recorded)),
    }];
    if other_instances > 0 {
        let (number, are) = (count(other_instances, "incident"), is(other_instances));
        all.push(format!("{number} of instances that this configuration does not have {are} left out"));
    }
    if older > 0 {
        let (number, are) = (count(older, "older incident"), is(older));
        all.push(format!("{number} {are} left out: only the latest {recorded} are simulated"));
    }
    all
}

fn of_totals(totals: &Totals) -> String {
    let Totals { incidents, healed, passed, open, plans, steps, not_done, asked, left_to_person } = totals;
    let mut parts = vec![
        count(*incidents, "incident"),
        format!("{healed} healed"),
        format!("{passed} healthy again without ansai"),
        format!("{open} open"),
        format!("{} with {}", count(*plans, "plan"), count(*steps, "step")),
    ];
    for (number, what) in
        [(not_done, "steps not begun"), (asked, "asked a person"), (left_to_person, "left to a person")]
    {
        if *number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    parts.join(", ")
}

/// The key of what held plans, in words; `held` comes before them.
fn what_held(key: &str) -> &str {
    match key {
        "cooling" => "by the cooldown",
        "exhausted" => "after the last attempt",
        "futile" => "because the same steps freed nothing",
        "over-budget" => "by a budget",
        "awaits-approval" => "until a person approves",
        "outside-window" => "until a maintenance window opens",
        "rejected" => "after a rejection",
        "paused" => "by a pause",
        "clock-in-doubt" => "because the clock jumped",
        "storm" => "by a storm",
        "fight" => "because two policies undo each other",
        "flapping" => "because it came back too often",
        key => key,
    }
}

fn duration(ms: u64) -> String {
    if ms == 0 { "0 s".to_owned() } else { quantity::show_milliseconds(ms) }
}

/// For programs.
pub(super) fn json(
    summary: &Summary,
    seen: &[Line],
    more: u64,
    recorded: Option<RecordedCounts>,
) -> anyhow::Result<()> {
    let event = |Line { at, event }: &Line| {
        let mut value = serde_json::to_value(event).unwrap_or_default();
        if let Some(object) = value.as_object_mut() {
            object.insert("at".to_owned(), json!(at));
            object.insert("time".to_owned(), json!(time::rfc3339(*at)));
        }
        value
    };
    let events: Vec<_> = seen.iter().map(event).collect();
    let mut whole = serde_json::to_value(summary)?;
    if let Some(object) = whole.as_object_mut() {
        object.insert("events".to_owned(), json!(events));
        object.insert("more_events".to_owned(), json!(more));
        if let Some(RecordedCounts { recorded, other_instances, older }) = recorded {
            object.insert("recorded".to_owned(), json!(recorded));
            object.insert("left_out".to_owned(), json!({ "other_instances": other_instances, "older": older }));
        }
    }
    document::document(&whole)
}
