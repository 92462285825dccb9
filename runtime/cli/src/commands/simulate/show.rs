//! Shows what a simulation amounts to.

use ansai_core::event::Verdict;
use ansai_core::incident::Change;
use ansai_core::{Event, Timestamp, quantity};
use ansai_daemon::simulate::{Held, Summary, Totals};
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
pub(super) fn text(summary: &Summary, seen: &[Line], more: u64, days: u64) -> anyhow::Result<()> {
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
    lines::line("nothing on this host was read or changed")?;
    Ok(())
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
pub(super) fn json(summary: &Summary, seen: &[Line], more: u64) -> anyhow::Result<()> {
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
    }
    document::document(&whole)
}
