//! Findings, plans and outcomes as text, safe to print on a terminal.

use ansai_core::event::{PlannedStep, Verdict};
use ansai_core::hold::HeldUnder;
use ansai_core::host_clock::Belief;
use ansai_core::incident::Permission;
use ansai_core::order::Pause;
use ansai_core::text::{inert, prose};
use ansai_core::{Bytes, Decision, Lasting, Measure, Preview, Recommendation, Reversibility, Status, Timestamp};
pub(crate) use ansai_notify::render::words::measure;
use ansai_supervisor::report::{FindingState, Repeated};
use ansai_supervisor::{FindingReport, PlanReport, StepReport};

use super::budget::over_budget;
use super::count::count;
use super::stops;
use super::time;

/// Longer sentences are cut.
const MOST: usize = 400;

/// The first few measures, and how many more there are.
pub(crate) fn evidence(measures: &[Measure]) -> String {
    const SHOWN: usize = 3;
    let mut words: Vec<String> = measures.iter().take(SHOWN).map(measure).collect();
    if let Some(more) = measures.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        words.push(format!("{more} more"));
    }
    words.join("; ")
}

/// The summary of a finding, or else its subject.
pub(crate) fn finding(finding: &FindingReport) -> String {
    match finding.summary.trim() {
        "" => inert(&finding.about.to_string(), MOST),
        summary => prose(summary, MOST),
    }
}

/// `critical`, `healed (was critical)`.
pub(crate) fn severity(finding: &FindingReport) -> String {
    match (finding.state(), &finding.status) {
        (FindingState::Unhealthy(severity), _) => severity.to_string(),
        (FindingState::Healed, Status::Unhealthy(was)) => format!("healed (was {was})"),
        (FindingState::Healed, _) => "healed".to_owned(),
        (FindingState::Healthy, _) => "healthy".to_owned(),
        (FindingState::Unknown, _) => "unknown".to_owned(),
        (FindingState::Gone, _) => "gone".to_owned(),
    }
}

/// A plan, one line for each step. The reason of a decision to do nothing is below the table.
pub(crate) fn plan(plan: &PlanReport) -> Vec<String> {
    let mut lines = match plan.decision.as_ref().map(|decision| (decision, self::decision(decision))) {
        Some((Decision::Wait(_), _)) => vec!["waits".to_owned()],
        Some((Decision::GiveUp(_), _)) => vec!["no action available".to_owned()],
        Some((_, lines)) if !lines.is_empty() => lines,
        _ => plan.steps.iter().map(|step| planned(&step.planned)).collect(),
    };
    lines.extend(plan.recommendations.iter().map(recommendation));
    lines.extend(plan.error.iter().map(|error| format!("no plan: {}", prose(error, MOST))));
    if lines.is_empty() {
        lines.push("no steps".to_owned());
    }
    lines
}

/// `the same for 12 runs since 2026-11-22 03:02`.
pub(crate) fn repeated(repeated: Repeated) -> String {
    let runs = count(u64::from(repeated.times) + 1, "run");
    format!("the same for {runs} since {}", time::minute(repeated.since))
}

/// A decision; empty if the steps are to be applied.
pub(crate) fn decision(decision: &Decision) -> Vec<String> {
    match decision {
        Decision::Wait(why) => vec![format!("waits: {}", prose(why, MOST))],
        Decision::GiveUp(why) => vec![format!("no action available: {}", prose(why, MOST))],
        Decision::Recommend(list) => list.iter().map(recommendation).collect(),
        Decision::Apply(_) | Decision::ApplyThenReplan(_) => Vec::new(),
    }
}

/// `recommends: a bigger disk`, or `recommends for table main/public.orders: an index`.
pub(crate) fn recommendation(recommendation: &Recommendation) -> String {
    let about = recommendation.about.as_ref().map(|about| format!(" for {}", inert(&about.to_string(), 120)));
    format!("recommends{}: {}", about.unwrap_or_default(), prose(&recommendation.summary, MOST))
}

/// A step, how it can be undone, and whether the plan goes on if it fails.
pub(crate) fn planned(planned: &PlannedStep) -> String {
    let mut words = step(&planned.action, &planned.preview, planned.undo_until);
    if planned.may_fail {
        words += " (may fail)";
    }
    words
}

/// `remove 12 files, frees up to 3.20 MiB, PERMANENT`: extents may be shared, and files may be open.
fn step(action: &str, preview: &Preview, undo_until: Option<Timestamp>) -> String {
    let (_, verb) = action.rsplit_once('.').unwrap_or(("", action));
    let verb = inert(verb, 60).replace('-', " ");
    let mut words = match preview.items {
        0 => format!("{verb}: {}", inert(&preview.about.to_string(), 120)),
        items => format!("{verb} {}", count(items, ansai_host_functions::noun(action))),
    };
    if preview.frees_now_bytes > 0 {
        words += &format!(", frees up to {}", Bytes::new(preview.frees_now_bytes));
    }
    if preview.frees_later_bytes > 0 {
        words += &format!(", frees {} when the quarantine expires", Bytes::new(preview.frees_later_bytes));
    }
    if preview.needs_bytes > 0 {
        words += &format!(", needs {} meanwhile", Bytes::new(preview.needs_bytes));
    }
    match preview.lasting {
        Lasting::UntilVerified(limit) => words += &format!(", undone after {limit} unless verified healthy"),
        Lasting::ForATime(limit) => words += &format!(", undone after {limit}"),
        // What touches nothing has nothing to undo.
        Lasting::ForGood if preview.items == 0 => {}
        Lasting::ForGood => words += &format!(", {}", undo(preview.reversible, undo_until)),
    }
    if !preview.complete {
        words += " (scan incomplete)";
    }
    words
}

/// `PERMANENT`, `undo until 2026-11-22 03:02`, `can be undone`.
fn undo(reversible: Reversibility, until: Option<Timestamp>) -> String {
    match (reversible, until.map(time::minute)) {
        (Reversibility::None, _) => "PERMANENT".to_owned(),
        (Reversibility::Partly, Some(until)) => format!("undo in part until {until}"),
        (Reversibility::Fully, Some(until)) => format!("undo until {until}"),
        (reversible, None) => reversible.to_string(),
    }
}

/// `on hold until 03:02: the same steps freed nothing`.
pub(crate) fn futile(until: Timestamp) -> String {
    format!("on hold until {}: the same steps freed nothing", time::clock(until))
}

/// `waits for approval of 20261129t030243-117-0001 until 2026-11-30 03:02`.
pub(crate) fn awaits_approval(plan: Option<&str>, until: Timestamp) -> String {
    let of = plan.map(|plan| format!(" of {}", inert(plan, 100))).unwrap_or_default();
    format!("waits for approval{of} until {}", time::minute(until))
}

/// `waiting: announced, 20261129t030243-117-0001 is applied at 2026-11-29 03:07 unless rejected`.
pub(crate) fn announced(plan: &str, until: Timestamp) -> String {
    format!("waiting: announced, {} is applied at {} unless rejected", inert(plan, 100), time::minute(until))
}

/// `on hold until the maintenance window opens at 2026-11-30 02:00`.
pub(crate) fn outside_window(opens: Timestamp) -> String {
    format!("on hold until the maintenance window opens at {}", time::minute(opens))
}

/// `on hold until 03:02:43: 20261129t030243-117-0001 was rejected`.
pub(crate) fn rejected(plan: &str, until: Timestamp) -> String {
    format!("on hold until {}: {} was rejected", time::clock(until), inert(plan, 100))
}

/// `the clock jumped ahead by 3650 days`.
pub(crate) fn clock_jumped(jump_ms: i64) -> String {
    let direction = if jump_ms < 0 { "back" } else { "ahead" };
    let minutes = jump_ms.unsigned_abs() / 60_000;
    let by = match minutes {
        0..120 => count(minutes, "minute"),
        120..2_880 => count(minutes / 60, "hour"),
        _ => count(minutes / 1_440, "day"),
    };
    format!("the clock jumped {direction} by {by}")
}

/// `waiting: paused until 2026-11-21 03:02 (kernel update)`.
pub(crate) fn paused(pause: &Pause) -> String {
    let (until, reason) = (time::minute(pause.order.until), inert(&pause.order.reason, 200));
    format!("waiting: paused until {until} ({reason})")
}

/// Why a clock is believed again.
pub(crate) fn believed(why: Belief) -> &'static str {
    match why {
        Belief::Returned => "it is as before the jump",
        Belief::Synchronized => "it is synchronized",
        Belief::Lasted => "it went on evenly for 24 hours",
        Belief::Accepted => "the operator accepted it",
    }
}

/// The outcome of a plan, one line for each step.
pub(crate) fn outcome(plan: &PlanReport) -> Vec<String> {
    match &plan.verdict {
        None if plan.error.is_some() => vec!["no changes".to_owned()],
        None => vec![String::new()],
        Some(Verdict::Observed) => vec!["not applied: observe mode".to_owned()],
        Some(Verdict::NothingToDo) => vec!["no changes".to_owned()],
        Some(Verdict::Held(Permission::Cooling(at))) => vec![format!("on hold until {}", time::clock(*at))],
        Some(Verdict::Held(Permission::Exhausted(used))) => vec![format!("on hold: {} used", count(*used, "attempt"))],
        Some(Verdict::Held(Permission::Flapping { times, .. })) => {
            vec![format!("on hold: {}", super::ladder::flaps(*times))]
        }
        Some(Verdict::Held(Permission::Futile(until))) => vec![futile(*until)],
        Some(Verdict::Held(Permission::ClockInDoubt(jump_ms))) => vec![format!("on hold: {}", clock_jumped(*jump_ms))],
        Some(Verdict::Held(Permission::OverBudget(over))) => vec![format!("on hold, {}", over_budget(over))],
        // The id is below the table, in one piece.
        Some(Verdict::Held(Permission::AwaitsApproval { until, .. })) => {
            vec![format!("waits for approval until {}", time::minute(*until))]
        }
        Some(Verdict::Held(Permission::Announced { until, .. })) => {
            vec![format!("announced: is applied at {} unless rejected", time::minute(*until))]
        }
        Some(Verdict::Held(Permission::OutsideWindow(at))) => vec![outside_window(*at)],
        Some(Verdict::Held(Permission::Rejected { plan, until })) => vec![rejected(plan, *until)],
        Some(Verdict::Held(Permission::Paused(pause))) => vec![paused(pause)],
        Some(Verdict::Held(Permission::Storm(storm))) => vec![stops::held_by_storm(storm)],
        Some(Verdict::Held(Permission::Fight(fight))) => vec![stops::held_by_fight(fight)],
        Some(Verdict::Held(Permission::Granted)) => vec!["on hold".to_owned()],
        Some(Verdict::Refused(why)) => vec![format!("refused: {}", prose(why, MOST))],
        Some(Verdict::Approved) => plan.steps.iter().map(short_outcome).collect(),
    }
}

/// `done: removed 12 files`.
fn short_outcome(step: &StepReport) -> String {
    match inert(&step.detail, MOST) {
        detail if detail.is_empty() => step_outcome(step),
        detail => format!("{}: {detail}", outcome_word(step)),
    }
}

fn outcome_word(step: &StepReport) -> String {
    let word = step.outcome.map_or_else(|| "not started".to_owned(), |outcome| outcome.to_string());
    match step.goes_back {
        Some(at) => format!("{word} (goes back by itself at {})", time::local(at)),
        None => word,
    }
}

/// `done: removed 12 files (freed 3.20 MiB)`.
pub(crate) fn step_outcome(step: &StepReport) -> String {
    let outcome = outcome_word(step);
    let detail = inert(&step.detail, MOST);
    let measures = evidence(&step.measures);
    match (detail.is_empty(), measures.is_empty()) {
        (true, true) => outcome,
        (true, false) => format!("{outcome}: {measures}"),
        (false, true) => format!("{outcome}: {detail}"),
        (false, false) => format!("{outcome}: {detail} ({measures})"),
    }
}

/// In place of a plan, for what is silenced or held under its cause, or why it is not.
pub(crate) fn held(finding: &FindingReport) -> Option<String> {
    let under = |under: &HeldUnder| format!("held: caused by {}", inert(&under.cause.to_string(), 120));
    let not_held = || finding.not_held.map(|why| format!("not held: {why} ({})", why.code().word()));
    let silenced = || finding.silenced.then(|| "silenced".to_owned());
    silenced().or_else(|| finding.held_under.as_ref().map(under)).or_else(not_held)
}

/// The incident that it is held under.
pub(crate) fn held_under(finding: &FindingReport) -> Option<String> {
    finding.held_under.as_ref().map(|under| format!("held under incident {}", inert(&under.incident, 300)))
}

/// The status after acting; `None` if it was not verified.
pub(crate) fn verified(finding: &FindingReport) -> Option<String> {
    Some(match finding.verified.as_ref()? {
        Status::Healthy => "verified: healthy".to_owned(),
        Status::Unhealthy(severity) => format!("verified: still {severity}"),
        Status::Unknown(why) => format!("verified: unknown ({})", prose(why, 200)),
        Status::Gone => "verified: gone".to_owned(),
    })
}
