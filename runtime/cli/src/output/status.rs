//! The state of a host: what is not healthy first, then what is paused, then the policies.

use std::fmt::Write as _;

use ansai_core::control::{
    BudgetUse, IncidentStatus, InstanceStatus, NextStep, Overall, Quarantined, SeparationState, SeparationStatus,
    ShadowStatus, StatusReport,
};
use ansai_core::text::{inert, prose};
use ansai_core::{Bytes, Timestamp};
pub(super) use ansai_notify::render::words::{for_people, short_action};
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
const MOST_INSTANCES: usize = 30;

/// For people.
pub(crate) fn render(report: &StatusReport, layout: Layout) -> String {
    let most = |usual: usize| if layout.all { usize::MAX } else { usual };
    let mut page = Page::new(layout.width);
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
    page.section("Policies that kept failing", report.orders.quarantines.iter().map(orders::quarantine));
    page.section("Expiring", report.expiring.iter().map(|one| prose(&one.summary, MOST_TEXT)));
    page.section("Not loaded", report.not_loaded.iter().map(|one| prose(one, MOST_TEXT)));
    let mut instances: Vec<&InstanceStatus> = report.instances.iter().collect();
    // What needs attention first, then by name.
    instances.sort_by_key(|one| (!one.shares.iter().any(|share| share.is_suspended), one.incidents == 0));
    page.section("New versions beside pinned ones", report.shadows.iter().map(shadow));
    page.section("Policies", instances.iter().take(most(MOST_INSTANCES)).map(|one| instance(one, report.at)));
    if let Some(more) = instances.len().checked_sub(most(MOST_INSTANCES)).filter(|more| *more > 0) {
        page.line(2, &format!("and {}: -v shows them", count(more, "more policy")));
    }
    let open = |one: &&SeparationStatus| layout.all || one.why.is_some() && one.state != SeparationState::NotStarted;
    page.section("Isolation", report.separations.iter().filter(open).map(separation));
    page.section(
        "Removed files in quarantine",
        report.quarantine.iter().filter(|one| one.files > 0).map(|one| quarantine(one, report.at)),
    );
    let mut budgets: Vec<&BudgetUse> = report.budgets.iter().collect();
    // What is nearly used up first.
    budgets.sort_by(|a, b| share(b).total_cmp(&share(a)));
    let totals = report.totals.iter().filter(|one| one.used > 0).map(budget::total);
    page.section("Budgets", totals.chain(budgets.iter().take(most(MOST_BUDGETS)).map(|one| bound(one))));
    if let Some(more) = budgets.len().checked_sub(most(MOST_BUDGETS)).filter(|more| *more > 0) {
        page.line(2, &format!("and {}: -v shows them", count(more, "more budget")));
    }
    page.out
}

/// A new version that runs beside the pinned one.
fn shadow(one: &ShadowStatus) -> String {
    let ShadowStatus { instance, version, beside, watched_ms, lasts_ms, compared, differences, problem } = one;
    let problem = problem.as_ref().map(|why| format!("; {}", prose(why, MOST_TEXT))).unwrap_or_default();
    let (version, beside) = (inert(version, MOST_TEXT), inert(beside, MOST_TEXT));
    let (compared, differences) = (count(*compared, "comparison"), count(*differences, "difference"));
    format!("{instance}: {version} beside {beside}: {watched_ms} of {lasts_ms}, {compared}, {differences}{problem}")
}

/// What keeps a kind of process apart from this host.
fn separation(one: &SeparationStatus) -> String {
    let state = match one.state {
        SeparationState::InForce => "in force",
        SeparationState::Partly => "in force in part",
        SeparationState::Missing => "not in force",
        SeparationState::NotStarted => "not known",
    };
    match &one.why {
        Some(why) => format!("{}: {state}: {}", one.what, prose(why, MOST_TEXT)),
        None => format!("{}: {state}", one.what),
    }
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

/// A page that is as wide as the terminal.
pub(super) struct Page {
    pub(super) out: String,
    width: usize,
}

impl Page {
    pub(super) fn new(width: usize) -> Page {
        Page { out: String::new(), width }
    }

    fn overall(&mut self, report: &StatusReport) {
        let (silenced, pending) = (report.silenced_incidents, report.pending_incidents);
        let open = (report.incidents.len() + report.more_incidents).saturating_sub(silenced + pending);
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
            more.push(format!("{pending} not yet an incident"));
        }
        if !report.not_loaded.is_empty() {
            more.push(format!("{} not loaded", report.not_loaded.len()));
        }
        if !report.orders.quarantines.is_empty() {
            more.push(count(report.orders.quarantines.len(), "quarantined policy"));
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
        if let Some(why) = &report.configuration {
            self.line(0, &format!("{}: no plan is applied until this is mended", prose(why, MOST_TEXT)));
        }
        if report.pending_steps > 0 {
            let steps = count(report.pending_steps, "interrupted step");
            self.line(0, &format!("{steps} of an earlier run: `ansai audit show` has more"));
        }
    }

    /// An open incident.
    pub(super) fn incident(&mut self, one: &IncidentStatus, now: Timestamp) {
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
        self.line(4, &format!("next: {}{}", next(&one.next, &one.key, now), stage(one)));
    }

    /// A line that begins with a colored word.
    pub(super) fn headline(&mut self, indent: usize, style: Style, word: &str, rest: &str) {
        let text = format!("{word}{rest}");
        for (number, line) in wrapped(&text, self.width.saturating_sub(indent + 2)).into_iter().enumerate() {
            let _ = match (number, line.strip_prefix(word)) {
                (0, Some(rest)) => writeln!(self.out, "{:indent$}{}{rest}", "", colour::paint(style, word)),
                _ => writeln!(self.out, "{:indent$}  {line}", ""),
            };
        }
    }

    /// A heading with lines below it; nothing without lines.
    pub(super) fn section(&mut self, title: &str, lines: impl Iterator<Item = String>) {
        let mut lines = lines.peekable();
        if lines.peek().is_some() {
            let _ = writeln!(self.out, "\n{}", colour::paint(colour::STRONG, title));
            lines.for_each(|line| self.line(2, &line));
        }
    }

    /// Sentences, in lines that all begin at the margin.
    pub(super) fn paragraph(&mut self, text: &str) {
        for line in wrapped(text, self.width) {
            let _ = writeln!(self.out, "{line}");
        }
    }

    /// A line of text, broken where the terminal ends.
    pub(super) fn line(&mut self, indent: usize, text: &str) {
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

/// What comes next for an incident with this key, and when.
pub(super) fn next(next: &NextStep, key: &str, now: Timestamp) -> String {
    match next {
        NextStep::Pending { until } => format!("becomes an incident {} if it lasts", in_time(*until, now)),
        NextStep::Clearing { until } => format!("healthy; closes {} if it stays healthy", in_time(*until, now)),
        NextStep::Escalated { escalation, attempts } => ladder::left_to_person(escalation, *attempts, key),
        NextStep::Waits { held } => events::held(held),
        NextStep::Healing => "is being healed now".to_owned(),
        NextStep::Silenced(silence) => format!("silenced {}", orders::ordered(&silence.order)),
        NextStep::Paused(pause) => format!("waiting: paused {}", orders::ordered(&pause.order)),
        NextStep::Storm => "waits for the end of the storm (incident-storm)".to_owned(),
        NextStep::Held { under } => format!("waits for incident {}, its cause", inert(under, 300)),
        NextStep::Approval { plan, until } => phrases::awaits_approval(Some(plan), *until),
        NextStep::Person { attempts } => format!("left to a person: {} used", count(*attempts, "attempt")),
        NextStep::Cooling { until } => format!("another attempt {}", in_time(*until, now)),
        NextStep::Window { opens } => {
            format!("waits until the maintenance window opens at {}, {}", time::minute(*opens), in_time(*opens, now))
        }
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

/// How much of a budget is used, from 0 to 1; of one without a limit, nothing.
fn share(one: &BudgetUse) -> f64 {
    one.limit.map_or(0.0, |limit| one.used as f64 / limit.max(1) as f64)
}

/// `disk-space: files-actions.remove on filesystem /var: max_files 12 of 1000 in 1 h, 988 left`.
fn bound(one: &BudgetUse) -> String {
    let number = |number: u64| match one.bound.ends_with("_bytes") {
        true => Bytes::new(number).to_string(),
        false => number.to_string(),
    };
    let used = match (one.limit, one.window) {
        (Some(limit), Some(window)) => {
            let (of, left) = (number(limit), number(limit.saturating_sub(one.used)));
            format!("{} of {of} in {}, {left} left", number(one.used), for_people(window))
        }
        _ => format!("{} used", number(one.used)),
    };
    let (about, bound) = (inert(&one.about, 100), inert(&one.bound, 60));
    format!("{}: {} on {about}: {bound} {used}", one.instance, short_action(&one.action))
}

/// `12 files, 3.20 MiB, can be restored; the first expires in 2 h`.
fn quarantine(one: &Quarantined, now: Timestamp) -> String {
    let expires = match one.first_expires {
        Some(at) => format!("; the first expires {}", in_time(at, now)),
        None => String::new(),
    };
    let unread = if one.complete { "" } else { " (some could not be read)" };
    let age = now - one.at;
    let counted = if age.get() < 60_000 { String::new() } else { format!(" (counted {} ago)", for_people(age)) };
    format!("{}, {}{expires}{unread}{counted}", count(one.files, "file"), Bytes::new(one.bytes))
}
