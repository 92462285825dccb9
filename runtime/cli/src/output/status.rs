//! The state of a host: what is not healthy first, then what is paused, then the policies.

use std::fmt::Write as _;

use ansai_core::control::{IncidentStatus, InstanceStatus, NextStep, Overall, StatusReport};
use ansai_core::text::{inert, prose};
use ansai_core::{Millis, Timestamp};
use anstyle::Style;
use serde_json::{Value, json};

use super::count::count;
use super::details::Layout;
use super::paragraphs::wrapped;
use super::{MOST_TEXT, budget, colour, events, ladder, orders, phrases, stops, time};

#[cfg(test)]
mod tests;

/// Version of the document; see `schemas/status.schema.json`.
const FORMAT: u32 = 1;
/// A screen has room for so many, without `--verbose`.
const MOST_INCIDENTS: usize = 20;
const MOST_BUDGETS: usize = 5;

/// For people.
pub(crate) fn render(report: &StatusReport, layout: Layout) -> String {
    let most = |usual: usize| if layout.all { usize::MAX } else { usual };
    let mut page = Page { out: String::new(), width: layout.width };
    page.overall(report);
    for incident in report.incidents.iter().take(most(MOST_INCIDENTS)) {
        page.incident(incident, report.at);
    }
    let more = report.incidents.len().saturating_sub(most(MOST_INCIDENTS)) + report.more_incidents;
    if more > 0 {
        page.line(2, &format!("and {}: -v shows up to 500", count(more, "more incident")));
    }
    let stopped = report.orders.storm.iter().map(stops::storm).chain(report.orders.fights.iter().map(stops::fight));
    page.section("Stopped by ansai", stopped);
    let paused = report.orders.pauses.iter().map(orders::pause);
    page.section("Paused and silenced", paused.chain(report.orders.silences.iter().map(orders::silence)));
    page.section("Quarantined", report.orders.quarantines.iter().map(orders::quarantine));
    page.section("Not loaded", report.not_loaded.iter().map(|one| prose(one, MOST_TEXT)));
    page.section("Policies", report.instances.iter().map(|one| instance(one, report.at)));
    let budgets = report.budgets.iter().take(most(MOST_BUDGETS)).map(|one| {
        let (about, used) = (inert(&one.about, 100), one.used);
        format!("{} {} on {about}: {} = {used}", one.instance, inert(&one.action, 100), inert(&one.bound, 60))
    });
    let totals = report.totals.iter().filter(|one| one.used > 0).map(budget::total);
    page.section("Budgets used", totals.chain(budgets));
    page.out
}

/// For programs.
pub(crate) fn document(report: &StatusReport) -> Value {
    let mut document = serde_json::to_value(report).unwrap_or_default();
    if let Some(fields) = document.as_object_mut() {
        fields.insert("format".to_owned(), json!(FORMAT));
        fields.insert("time".to_owned(), json!(time::rfc3339(report.at)));
    }
    document
}

struct Page {
    out: String,
    width: usize,
}

impl Page {
    fn overall(&mut self, report: &StatusReport) {
        let is_silenced = |one: &&IncidentStatus| matches!(one.next, NextStep::Silenced(_));
        let silenced = report.incidents.iter().filter(is_silenced).count();
        let is_pending = |one: &&IncidentStatus| matches!(one.next, NextStep::Pending { .. });
        let pending = report.incidents.iter().filter(is_pending).count();
        let open = report.incidents.len() + report.more_incidents - silenced - pending;
        let (style, word) = match report.overall {
            Overall::Healthy => (colour::GOOD, "healthy"),
            Overall::Unknown => (colour::WARNING, "unknown"),
            Overall::Unhealthy => (colour::ERROR, "unhealthy"),
        };
        let mut more = Vec::new();
        if open > 0 {
            more.push(count(open, "open incident"));
        }
        if silenced > 0 {
            more.push(format!("{silenced} silenced"));
        }
        if pending > 0 {
            more.push(format!("{pending} within the minimum time"));
        }
        if !report.not_loaded.is_empty() {
            more.push(format!("{} not loaded", report.not_loaded.len()));
        }
        if !report.orders.quarantines.is_empty() {
            more.push(format!("{} quarantined", report.orders.quarantines.len()));
        }
        let more = if more.is_empty() { String::new() } else { format!(": {}", more.join(", ")) };
        self.headline(0, style, word, &more);
        if !report.is_running {
            self.line(0, "no ansai runs: this is what it left");
        }
        if let Some(jump_ms) = report.clock_doubt_ms {
            let jumped = phrases::clock_jumped(jump_ms);
            self.line(0, &format!("{jumped}: no plan is applied until it is synchronized, or for 24 hours"));
        }
        if report.pending_steps > 0 {
            let steps = count(report.pending_steps, "interrupted step");
            self.line(0, &format!("{steps} of an earlier run: `ansai audit show` has more"));
        }
    }

    fn incident(&mut self, one: &IncidentStatus, now: Timestamp) {
        let (style, word) = match (one.severity, &one.unknown) {
            (_, Some(_)) => (colour::WARNING, "unknown".to_owned()),
            (Some(severity), None) => (colour::of_severity(severity), severity.to_string()),
            (None, None) => (Style::new(), "open".to_owned()),
        };
        let (age, key) = (for_people(now - one.opened), inert(&one.key, 200));
        self.out.push('\n');
        self.headline(2, style, &word, &format!("  {} {key}, open for {age}", one.instance));
        self.line(4, &prose(one.unknown.as_deref().unwrap_or(&one.summary), MOST_TEXT));
        if one.flaps > 0 {
            self.line(4, &ladder::flaps(one.flaps));
        }
        self.line(4, &format!("next: {}{}", next(one, now), stage(one)));
    }

    /// A line that begins with a colored word.
    fn headline(&mut self, indent: usize, style: Style, word: &str, rest: &str) {
        let text = format!("{word}{rest}");
        for (number, line) in wrapped(&text, self.width.saturating_sub(indent + 2)).into_iter().enumerate() {
            let _ = match (number, line.strip_prefix(word)) {
                (0, Some(rest)) => writeln!(self.out, "{:indent$}{}{rest}", "", colour::paint(style, word)),
                _ => writeln!(self.out, "{:indent$}  {line}", ""),
            };
        }
    }

    fn section(&mut self, title: &str, lines: impl Iterator<Item = String>) {
        let mut lines = lines.peekable();
        if lines.peek().is_some() {
            let _ = writeln!(self.out, "\n{}", colour::paint(colour::STRONG, title));
            lines.for_each(|line| self.line(2, &line));
        }
    }

    /// A line of text, broken where the terminal ends.
    fn line(&mut self, indent: usize, text: &str) {
        for (number, line) in wrapped(text, self.width.saturating_sub(indent + 2)).into_iter().enumerate() {
            let indent = if number == 0 { indent } else { indent + 2 };
            let _ = writeln!(self.out, "{:indent$}{line}", "");
        }
    }
}

/// `, stage clean`, while ansai heals it.
fn stage(one: &IncidentStatus) -> String {
    match (&one.next, one.stage.as_str()) {
        (NextStep::Escalated { .. }, _) | (_, "") => String::new(),
        (_, stage) => format!(", stage {}", inert(stage, 64)),
    }
}

fn next(one: &IncidentStatus, now: Timestamp) -> String {
    match &one.next {
        NextStep::Pending { until } => format!("an incident if it holds, {}", in_time(*until, now)),
        NextStep::Clearing { until } => format!("healthy; closes if it stays so, {}", in_time(*until, now)),
        NextStep::Escalated { escalation, attempts } => ladder::left_to_person(escalation, *attempts, &one.key),
        NextStep::Waits { held } => events::held(held),
        NextStep::Healing => "is being healed now".to_owned(),
        NextStep::Silenced(silence) => format!("silenced {}", orders::ordered(&silence.order)),
        NextStep::Paused(pause) => format!("waiting: paused {}", orders::ordered(&pause.order)),
        NextStep::Storm => "waits: too much breaks at once (incident-storm)".to_owned(),
        NextStep::Held { under } => format!("waits for incident {}, its cause", inert(under, 300)),
        NextStep::Approval { plan, until } => phrases::awaits_approval(plan, *until),
        NextStep::Person { attempts } => format!("a person: {} used", count(*attempts, "attempt")),
        NextStep::Cooling { until } => format!("another attempt {}", in_time(*until, now)),
        NextStep::Observe => "nothing: observe mode".to_owned(),
        NextStep::Evaluate { at: Some(at) } => format!("evaluated again {}", in_time(*at, now)),
        NextStep::Evaluate { at: None } => "evaluated when ansai starts".to_owned(),
    }
}

fn instance(one: &InstanceStatus, now: Timestamp) -> String {
    let mode = one.mode.map(|mode| format!(" ({mode})")).unwrap_or_default();
    let open = if one.incidents == 0 { String::new() } else { format!(" {} open,", one.incidents) };
    let last = match one.last {
        None => "never evaluated".to_owned(),
        Some(last) if (now - last).get() < 1_000 => "evaluated just now".to_owned(),
        Some(last) => format!("evaluated {} ago", for_people(now - last)),
    };
    let next = one.next.map(|next| format!(", again {}", in_time(next, now))).unwrap_or_default();
    let share = |one: &ansai_core::control::ShareUse| {
        let suspended = if one.is_suspended { " (suspended)" } else { "" };
        format!("{} {} %{suspended}", one.share.key(), one.percent)
    };
    let shares: Vec<String> = one.shares.iter().map(share).collect();
    let shares = if shares.is_empty() { String::new() } else { format!("; shares used: {}", shares.join(", ")) };
    let cron = one.cron.as_ref().map(|cron| format!(" by cron {}", inert(cron, 300))).unwrap_or_default();
    let skipped = if one.skipped == 0 { String::new() } else { format!("; {}", count(one.skipped, "skipped run")) };
    let faults = if one.faults == 0 { String::new() } else { format!("; {} in a row", count(one.faults, "fault")) };
    format!("{}{mode}:{open} {last}{next}{cron}{skipped}{faults}{shares}", one.instance)
}

fn in_time(at: Timestamp, now: Timestamp) -> String {
    if (at - now).get() < 1_000 { "now".to_owned() } else { format!("in {}", for_people(at - now)) }
}

/// Without parts that nobody needs: whole seconds below an hour, then whole minutes.
fn for_people(time: Millis) -> String {
    let unit = if time.get() < 3_600_000 { 1_000 } else { 60_000 };
    Millis::new(time.get() / unit * unit).to_string()
}
