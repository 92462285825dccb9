//! `ansai undo --dry-run`: what can be undone and what cannot.

use ansai_core::control::{ActsAfterUndo, UndoOutlook, UndoPreview, UndoableStep};
use ansai_core::exit;
use ansai_core::text::inert;
use serde_json::json;

use crate::global::{Format, Global};
use crate::output::count::count;
use crate::output::details::Layout;
use crate::output::{self, details, json, lines, phrases, terminal, time};

/// Sentences of the daemon that are longer are cut.
const MOST: usize = 400;
/// Version of the document.
const FORMAT: u32 = 1;

/// Prints it. The exit code is 4 if something would be refused.
pub(super) fn show(found: &UndoPreview, step: Option<u32>, global: &Global) -> anyhow::Result<u8> {
    match global.format {
        Format::Json => json::document(&json!({ "format": FORMAT, "undo": found }))?,
        Format::Text => text(found, step, global)?,
    }
    let is_refused = found.in_use.is_some()
        || found.steps.iter().any(|step| matches!(step.outlook, UndoOutlook::Refused { .. }))
        || found.after.iter().any(|step| step.refused.is_some());
    Ok(if is_refused { exit::REFUSED } else { exit::FINE })
}

fn text(found: &UndoPreview, step: Option<u32>, global: &Global) -> anyhow::Result<()> {
    let layout = global.layout(terminal::stdout_width());
    if found.steps.is_empty() {
        lines::line("nothing to undo: the plan has no steps")?;
    }
    for step in &found.steps {
        print(step, layout)?;
    }
    if !found.after.is_empty() {
        lines::line("then these steps make what was restored take effect:")?;
    }
    for ActsAfterUndo { number, step, refused } in &found.after {
        let planned = phrases::planned(&step.clone().named());
        let refused = refused.as_ref().map(|why| format!(": refused: {}", inert(why, MOST))).unwrap_or_default();
        lines::line(&format!("step {number}: {planned}{refused}"))?;
    }
    let plan = inert(&found.plan, 100);
    match &found.in_use {
        Some(why) => lines::line(&format!("not now: {}", inert(why, MOST)))?,
        None if found.steps.iter().any(|step| step.outlook.may_restore()) => {
            let step = step.map(|step| format!(" --step {step}")).unwrap_or_default();
            lines::line(&format!("nothing was changed; to undo it, run `ansai undo {plan}{step}`"))?;
        }
        None => lines::line("nothing was changed; there is nothing that can be undone")?,
    }
    Ok(())
}

fn print(step: &UndoableStep, layout: Layout) -> anyhow::Result<()> {
    let planned = step.step.clone().named();
    let words = phrases::planned(&planned);
    let number = step.number;
    lines::line(&format!("step {number}: {words}: {}", outlook(step, &planned.action)))?;
    output::say(&details::of_step(&planned, layout, 2))?;
    Ok(())
}

/// `would restore 3 files`, `permanent`, `nothing to do: step 0 is already undone`.
fn outlook(step: &UndoableStep, action: &str) -> String {
    let items = || count(step.items, ansai_host_functions::noun(action));
    match &step.outlook {
        UndoOutlook::Restores => format!("would restore {}", items()),
        UndoOutlook::RestoresPartly => format!("would restore {} in part; the rest is permanent", items()),
        UndoOutlook::Expired { since } => {
            format!("would try to restore {}, but they were kept only until {}", items(), time::minute(*since))
        }
        UndoOutlook::Permanent => "cannot be undone".to_owned(),
        UndoOutlook::Nothing { why } => format!("nothing to do: {}", inert(why, MOST)),
        UndoOutlook::Refused { why } => format!("refused: {}", inert(why, MOST)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_core::control::ShownStep;
    use ansai_core::event::PlannedStep;
    use ansai_core::{Preview, Subject, Timestamp};

    use super::*;

    fn step(items: u64, outlook: UndoOutlook) -> UndoableStep {
        let planned = PlannedStep {
            action: "ansai:files/files-actions.remove".into(),
            reason: String::new(),
            preview: Preview::nothing(Subject::new("path", "/var")),
            may_fail: false,
            undo_until: None,
            effectiveness: None,
            names: [].into(),
        };
        UndoableStep { number: 0, step: ShownStep::bounded(planned), items, outlook }
    }

    #[test]
    fn it_says_what_is_restored_and_what_is_not() {
        let said = |items, one| outlook(&step(items, one), "ansai:files/files-actions.remove");
        assert_eq!(said(1, UndoOutlook::Restores), "would restore 1 file");
        assert_eq!(said(3, UndoOutlook::RestoresPartly), "would restore 3 files in part; the rest is permanent");
        assert_eq!(said(3, UndoOutlook::Permanent), "cannot be undone");
        let expired = said(3, UndoOutlook::Expired { since: Timestamp::EPOCH });
        assert!(expired.starts_with("would try to restore 3 files, but they were kept only until "), "{expired}");
        let why = "step 0 is already\u{1b} undone".to_owned();
        let nothing = said(0, UndoOutlook::Nothing { why });
        assert!(nothing.starts_with("nothing to do: ") && !nothing.contains('\u{1b}'), "{nothing}");
    }
}
