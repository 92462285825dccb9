//! One incident from its observation to its end.

use ansai_core::approval::ApprovalState;
use ansai_core::control::{AttemptStep, IncidentDetails, Moment, MomentKind};
use ansai_core::text::{inert, prose};
use ansai_core::{Outcome, Status};
use anstyle::Style;
use serde_json::{Value, json};

use super::details::Layout;
use super::status::{Page, for_people, next, short_action};
use super::{MOST_TEXT, colour, incidents, phrases, time};

/// Version of the document; see `schemas/incident.schema.json`.
const FORMAT: u32 = 1;
/// Attempts have so many steps without `--verbose`.
const MOST_STEPS: usize = 10;

/// For people.
pub(crate) fn render(one: &IncidentDetails, layout: Layout) -> String {
    let mut page = Page::new(layout.width);
    let (style, word) = match (one.severity, &one.next) {
        (_, None) => (colour::FAINT, "closed".to_owned()),
        (Some(severity), _) => (colour::of_severity(severity), severity.to_string()),
        (None, _) => (Style::new(), "open".to_owned()),
    };
    page.headline(0, style, &word, &format!("  {} {}", one.instance, inert(&one.key, 200)));
    page.line(2, &prose(&one.summary, MOST_TEXT));
    page.line(2, &inert(&one.about.to_string(), 300));
    if !one.evidence.is_empty() {
        let measures: Vec<String> = one.evidence.iter().map(phrases::measure).collect();
        page.line(2, &format!("evidence: {}", measures.join("; ")));
    }
    if !one.is_running {
        page.line(0, "no ansai runs: this is what it left");
    }
    page.out.push_str(&format!("\n{}\n", colour::paint(colour::STRONG, "Timeline")));
    for moment in &one.timeline {
        self::moment(&mut page, moment, layout);
    }
    if let Some(step) = &one.next {
        page.line(2, &format!("next: {}", next(step, &one.key, one.at)));
    }
    page.out.push('\n');
    page.line(0, "Id, for `ansai feedback`, `ansai retry`, `ansai evidence` and the audit log:");
    page.line(2, &inert(&one.incident, 400));
    page.out
}

fn moment(page: &mut Page, moment: &Moment, layout: Layout) {
    let at = time::local(moment.at);
    let text = match &moment.what {
        MomentKind::Opened { within: Some(within) } => {
            format!("found; it began within the {} before", for_people(*within))
        }
        MomentKind::Opened { within: None } => "found".to_owned(),
        MomentKind::Told { plan, times } => {
            let plan = plan.as_ref().map(|plan| format!(" with plan {}", inert(plan, 100))).unwrap_or_default();
            let again = match times {
                0 => String::new(),
                _ => format!("; the same {} since", super::count::count(*times, "more time")),
            };
            format!("told{plan}{again}")
        }
        MomentKind::Asked { plan, state, until, decided } => {
            let by = decided.as_ref().map(|one| {
                let reason = one.reason.as_ref().map(|why| format!(": {}", prose(why, 400))).unwrap_or_default();
                format!(" by {} at {}{reason}", inert(&one.by.to_string(), 100), time::minute(one.at))
            });
            let became = match state {
                ApprovalState::Open => format!("waits until {}", time::minute(*until)),
                ApprovalState::Ended => "ended without being applied".to_owned(),
                ApprovalState::Begun => "approved and begun".to_owned(),
                state => state.word().to_owned(),
            };
            format!("plan {} asks for approval: {became}{}", inert(plan, 100), by.unwrap_or_default())
        }
        MomentKind::Attempt { plan, number, verified, ended, .. } => {
            let took = ended.map(|ended| format!(" after {}", for_people(ended - moment.at))).unwrap_or_default();
            format!("attempt {number}, plan {}: {}{took}", inert(plan, 100), found(verified))
        }
        MomentKind::Unknown { why } => format!("unknown: {}", prose(why, MOST_TEXT)),
        MomentKind::Confirmed => "still unhealthy".to_owned(),
        MomentKind::Closed { end } => incidents::end(*end).trim_end_matches(',').to_owned(),
    };
    page.line(2, &format!("{at}  {text}"));
    if let MomentKind::Attempt { plan, steps, .. } = &moment.what {
        let most = if layout.all { usize::MAX } else { MOST_STEPS };
        for one in steps.iter().take(most) {
            page.line(6, &step(one));
        }
        if let Some(more) = steps.len().checked_sub(most).filter(|more| *more > 0) {
            page.line(6, &format!("and {}", super::count::count(more, "more step")));
        }
        // A step that failed may have done a part.
        if steps.iter().any(|one| !matches!(one.outcome, Outcome::Refused | Outcome::Skipped | Outcome::Simulated)) {
            page.line(6, &format!("to undo what can be undone: `ansai undo {}`", inert(plan, 100)));
        }
    }
}

/// `step 0, files-actions.remove on filesystem /var: done: quarantined 12 files (freed 3.20 MiB)`.
fn step(one: &AttemptStep) -> String {
    let detail = match one.detail.is_empty() {
        true => String::new(),
        false => format!(": {}", prose(&one.detail, 300)),
    };
    let measures = match phrases::evidence(&one.measures) {
        measures if measures.is_empty() => measures,
        measures => format!(" ({measures})"),
    };
    let about = inert(&one.about.to_string(), 200);
    format!("step {}, {} on {about}: {}{detail}{measures}", one.step, short_action(&one.action), one.outcome)
}

fn found(verified: &Status) -> String {
    match verified {
        Status::Healthy => "verified healthy".to_owned(),
        Status::Unhealthy(severity) => format!("still {severity}"),
        Status::Unknown(why) => format!("result unknown ({})", prose(why, 200)),
        Status::Gone => "gone".to_owned(),
    }
}

/// For programs.
pub(crate) fn document(one: &IncidentDetails) -> Value {
    let mut document = serde_json::to_value(one).unwrap_or_default();
    if let Some(fields) = document.as_object_mut() {
        fields.insert("format".to_owned(), json!(FORMAT));
        fields.insert("time".to_owned(), json!(time::rfc3339(one.at)));
    }
    document
}
