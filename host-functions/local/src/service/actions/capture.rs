//! `capture`: the last lines of a service's log, and its state, as evidence.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ansai_core::{Measure, Outcome, Preview, Refusal, Reversibility, Touch, Unit as Of};
use ansai_kit::action::{Applied, Begun, Captured, Described, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use ansai_kit::program::{Ended, Program};
use serde::{Deserialize, Serialize};

use super::target::Target;
use crate::service::name::subject;
use crate::service::state::Unit;
use crate::step_unit::systemd::JOURNALCTL;

const MOST_LINES: u32 = 1_000;
/// What is kept of the lines, in bytes.
const KEPT: usize = 512 << 10;
const LIMIT: Duration = Duration::from_secs(20);

pub(super) struct Capture;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    unit: String,
    lines: u32,
    reason: String,
}

impl TypedAction for Capture {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "log";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let lines = arguments.lines;
        if lines == 0 || lines > MOST_LINES {
            return Err(Refusal::Invalid(format!("`lines` is {lines}, not between 1 and {MOST_LINES}")));
        }
        let (_, mut preview, target) = Target::preview(ask, &arguments.unit)?;
        (preview.items, preview.reversible, preview.takes) = (0, Reversibility::Fully, None);
        preview.sample = vec![format!("the last {lines} lines of {}", target.id)];
        Ok((preview, target))
    }

    /// It only reads.
    fn touches(&self, _preview: &Preview, target: &Target) -> Vec<Touch> {
        vec![Touch::shared(subject(&target.id))]
    }

    fn canonical(&self, _preview: &Preview, target: &Target) -> Vec<Canonical> {
        target.canonical()
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: vec![target.id], undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let Step { arguments, targets: target } = what;
        if !doing.host.is_this_machine() {
            return Err(Refusal::Unsupported("logs are read on this machine only".into()));
        }
        let (_, unit) = target.now(doing, &arguments.unit)?;
        let state = Captured::new(format!("state of {}", target.id), state(&unit));
        let lines = journal(doing, &target.id, arguments.lines)?;
        let count = lines.lines().count() as u64;
        let log = Captured::new(format!("last lines of {}", target.id), lines);
        Ok(Begun::Finished(Applied {
            evidence: vec![state, log],
            measures: vec![Measure::count("lines", count, Of::None)],
            ..target.applied(Outcome::Done, format!("{count} lines of the log of {} were kept", target.id))
        }))
    }

    fn undo(&self, _doing: &StepContext<'_>, what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Ok(what.targets.applied(Outcome::Done, "reading changed nothing"))
    }

    fn resolve(&self, _doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        Ok(what.targets.applied(Outcome::Failed, "ansai ended before the log was kept"))
    }
}

/// The last lines, without secrets.
fn journal(doing: &StepContext<'_>, id: &str, lines: u32) -> Result<String, Refusal> {
    let program = Program::new(Path::new(JOURNALCTL))
        .args(["--no-pager", "--quiet", "--utc", "--output=short-iso"])
        .args([format!("--lines={lines}"), format!("--unit={id}")])
        .kept_bytes(KEPT)
        .limit(LIMIT);
    let unavailable = |why: String| Refusal::Unavailable(format!("the log of {id} cannot be read: {why}"));
    let ran = program.run(&|| doing.is_stopping()).map_err(|error| unavailable(error.to_string()))?;
    match ran.ended {
        Ended::By(status) if status.success() => Ok(ran.stdout.to_string()),
        Ended::By(status) => Err(unavailable(ran.stderr.last_line().map_or_else(|| status.to_string(), str::to_owned))),
        Ended::TimeLimit => {
            Err(Refusal::TimedOut(format!("the log of {id} could not be read in {} s", LIMIT.as_secs())))
        }
        Ended::Stopped => Err(unavailable("ansai was asked to stop".into())),
    }
}

/// The state as a person reads it.
fn state(unit: &Unit) -> String {
    // The types of the contract have their words.
    serde_json::to_string_pretty(&unit.shown).unwrap_or_default()
}
