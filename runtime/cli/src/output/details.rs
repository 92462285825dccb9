//! What a plan touches, skips and recommends, and why: the lines below a plan.

use ansai_core::event::{EvidenceRef, PlannedStep, Verdict};
use ansai_core::text::{inert, prose};
use ansai_core::{Decision, Event, LeftOut, Outcome, Recommendation, quantity};
use ansai_supervisor::{FindingReport, InstanceReport, PlanReport, StepReport};

use super::count::count;
use super::paragraphs::wrapped;
use super::{MOST_TEXT, colour, phrases};

/// Names of targets that are shown without `--verbose`.
const FEW: usize = 10;
/// Steps of one plan that are shown without `--verbose`.
const FEW_STEPS: usize = 20;
/// The fewest columns that text is wrapped to.
const NARROWEST: usize = 30;

/// How the lines are laid out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// Columns of the terminal. Names are never broken, so that they can be copied.
    pub(crate) width: usize,
    /// Names of all targets instead of the first ten.
    pub(crate) all: bool,
}

/// A label and the lines to its right.
struct Part {
    label: &'static str,
    text: Text,
}

/// What is to the right of a label.
enum Text {
    /// Wrapped.
    Prose(String),
    /// One to a line.
    Names(Vec<String>),
}

impl Part {
    fn prose(label: &'static str, text: impl Into<String>) -> Part {
        Part { label, text: Text::Prose(text.into()) }
    }
}

/// Why a step is proposed, what it touches, and what it skips.
fn step(planned: &PlannedStep, all: bool) -> Vec<Part> {
    let mut parts = Vec::new();
    if !planned.reason.trim().is_empty() {
        parts.push(Part::prose("why", prose(&planned.reason, MOST_TEXT)));
    }
    if let Some(effectiveness) = planned.effectiveness {
        parts.push(Part::prose("record", effectiveness.to_string()));
    }
    let names = names(planned, all);
    if !names.is_empty() {
        parts.push(Part { label: "touches", text: Text::Names(names) });
    }
    if !planned.preview.left_out.is_empty() {
        parts.push(Part::prose("skips", skips(&planned.preview.left_out, ansai_host_functions::noun(&planned.action))));
    }
    parts
}

/// The first names and `and 14 more`, or all names.
fn names(planned: &PlannedStep, all: bool) -> Vec<String> {
    let preview = &planned.preview;
    let known: &[String] = if planned.names.is_empty() { preview.sample.as_slice() } else { &planned.names };
    let most = if all { known.len() } else { FEW };
    let total = usize::try_from(preview.items).unwrap_or(usize::MAX).max(known.len());
    let mut shown: Vec<String> = known.iter().take(most).map(|name| inert(name, MOST_TEXT)).collect();
    match total - shown.len() {
        more if more > 0 && !shown.is_empty() => shown.push(format!("and {more} more")),
        _ => {}
    }
    shown
}

/// `11 files (28.4 MiB) younger than allowed; 2 files (1.00 KiB) open`, the most frequent reason first.
fn skips(left_out: &[LeftOut], noun: &str) -> String {
    let mut left_out: Vec<&LeftOut> = left_out.iter().collect();
    left_out.sort_by_key(|one| std::cmp::Reverse(one.items));
    let one = |left: &&LeftOut| {
        let bytes = match left.bytes {
            0 => String::new(),
            bytes => format!(" ({})", quantity::show_bytes(bytes)),
        };
        format!("{}{bytes} {}", count(left.items, noun), inert(&why_skipped(&left.reason), 120))
    };
    left_out.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The reasons of the built-in actions in words; another reason as it is.
fn why_skipped(code: &str) -> String {
    let words = match code {
        "young" => "younger than allowed, by mtime, atime or ctime",
        "open" => "open",
        "maybe-open" => "possibly open",
        "locked" => "locked",
        "several-links" => "with several hard links",
        "other-device" => "on another device",
        "not-regular" => "not regular",
        "setuid" => "setuid or setgid",
        "sticky" => "with the sticky bit",
        "immutable" => "immutable or append-only",
        "protected" => "protected",
        "changed" => "changed meanwhile",
        "beyond-limit" => "beyond a limit of the grant or the plan",
        "permanent-not-granted" => "which a rotation would delete for good, and the grant lacks `permanent = true`",
        "earlier-step" => "in an earlier step of the plan",
        "path-too-long" | "name-too-long" => "with a name that is too long",
        "compressed" => "already compressed",
        "does-not-shrink" => "too small to compress",
        "exists" => "whose new name exists already",
        "already-rotated" => "already rotated",
        "attributes" => "whose attributes a new file cannot have",
        other => return other.replace('-', " "),
    };
    words.to_owned()
}

/// The lines below an event of a plan; empty for most events.
pub(crate) fn of_event(event: &Event, layout: Layout, indent: usize) -> String {
    let Event::Planned { decision, steps, recommendations, .. } = event else { return String::new() };
    let mut out = String::new();
    for (number, planned) in steps.iter().enumerate() {
        let parts = step(planned, layout.all);
        if steps.len() > 1 && !parts.is_empty() {
            out += &format!("{:indent$}step {number}\n", "");
        }
        out += &laid_out(&parts, indent + 2, layout);
    }
    for recommendation in advice(Some(decision), recommendations) {
        out += &laid_out(&advised(recommendation), indent + 2, layout);
    }
    out
}

/// The lines below a step that was undone.
pub(crate) fn of_step(planned: &PlannedStep, layout: Layout, indent: usize) -> String {
    laid_out(&step(planned, layout.all), indent, layout)
}

/// All recommendations of a plan.
fn advice<'a>(
    decision: Option<&'a Decision>,
    more: &'a [Recommendation],
) -> impl Iterator<Item = &'a Recommendation> + use<'a> {
    let decided = match decision {
        Some(Decision::Recommend(list)) => list.as_slice(),
        _ => &[],
    };
    decided.iter().chain(more)
}

fn advised(recommendation: &Recommendation) -> Vec<Part> {
    let mut parts = Vec::new();
    if !recommendation.detail.trim().is_empty() {
        // Line breaks of the author stay.
        let lines: Vec<String> = recommendation.detail.trim().lines().map(|line| inert(line, MOST_TEXT)).collect();
        parts.push(Part::prose("detail", lines.join("\n")));
    }
    if !recommendation.measures.is_empty() {
        let measures: Vec<String> = recommendation.measures.iter().map(phrases::measure).collect();
        parts.push(Part::prose("measures", measures.join("; ")));
    }
    parts
}

/// Everything about the plans of a finding that has no place in the table; empty if that is nothing.
pub(crate) fn of_finding(
    instance: &InstanceReport,
    finding: &FindingReport,
    with_evidence: bool,
    layout: Layout,
) -> String {
    let mut out = String::new();
    if with_evidence && !finding.evidence.is_empty() {
        out += &laid_out(&[Part::prose("evidence", phrases::evidence(&finding.evidence))], 2, layout);
    }
    for plan in &finding.plans {
        out += &of_plan(plan, layout);
    }
    if out.is_empty() {
        return out;
    }
    let name = format!("{}: {}", instance.instance, inert(&finding.about.to_string(), 200));
    format!("{}\n{out}", colour::paint(colour::STRONG, &inert(&name, 400)))
}

fn of_plan(plan: &PlanReport, layout: Layout) -> String {
    let mut out = String::new();
    if let Some(decision) = &plan.decision {
        for line in phrases::decision(decision).iter().filter(|_| !matches!(decision, Decision::Recommend(_))) {
            out += &indented(line, 4, layout.width);
        }
    }
    let most = if layout.all { plan.steps.len() } else { FEW_STEPS };
    for step in plan.steps.iter().take(most) {
        out += &indented(&phrases::planned(&step.planned), 4, layout.width);
        let mut parts = self::step(&step.planned, layout.all);
        if plan.verdict == Some(Verdict::Approved) {
            parts.push(Part::prose("outcome", phrases::step_outcome(step)));
            parts.extend(captured(step));
        }
        out += &laid_out(&parts, 6, layout);
    }
    if let Some(more) = plan.steps.len().checked_sub(most).filter(|more| *more > 0) {
        out += &format!("    and {}\n", count(more, "more step"));
    }
    for recommendation in advice(plan.decision.as_ref(), &plan.recommendations) {
        out += &indented(&phrases::recommendation(recommendation), 4, layout.width);
        out += &laid_out(&advised(recommendation), 6, layout);
    }
    if plan.steps.iter().any(|step| !step.evidence.is_empty()) {
        out += &format!("    to read what was captured, run `ansai evidence {}`\n", inert(&plan.plan, 100));
    }
    if plan.steps.iter().any(is_undoable) {
        out += &format!("    to undo it, run `ansai undo {}`\n", inert(&plan.plan, 100));
    }
    if out.is_empty() { out } else { format!("  plan {}\n{out}", inert(&plan.plan, 100)) }
}

/// The names of what a step captured.
fn captured(step: &StepReport) -> Option<Part> {
    let name = |one: &EvidenceRef| format!("{} ({})", inert(&one.name, 200), one.bytes);
    let names: Vec<String> = step.evidence.iter().map(name).collect();
    (!names.is_empty()).then_some(Part { label: "captured", text: Text::Names(names) })
}

fn is_undoable(step: &StepReport) -> bool {
    step.outcome == Some(Outcome::Done) && step.planned.preview.items > 0 && step.planned.preview.reversible.is_any()
}

fn indented(text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent + 2).max(NARROWEST);
    let lines = wrapped(text, room).into_iter().enumerate();
    lines.map(|(index, line)| format!("{:1$}{line}\n", "", if index == 0 { indent } else { indent + 2 })).collect()
}

/// Labels in one column, their lines in another.
fn laid_out(parts: &[Part], indent: usize, layout: Layout) -> String {
    let label = parts.iter().map(|part| part.label.len()).max().unwrap_or(0);
    let room = layout.width.saturating_sub(indent + label + 2).max(NARROWEST);
    let mut out = String::new();
    for part in parts {
        let lines = match &part.text {
            Text::Prose(text) => wrapped(text, room),
            Text::Names(names) => names.clone(),
        };
        for (index, line) in lines.iter().enumerate() {
            let name = if index == 0 { part.label } else { "" };
            let name = colour::paint(colour::FAINT, &format!("{name:label$}"));
            out += format!("{:indent$}{name}  {line}", "").trim_end();
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests;
