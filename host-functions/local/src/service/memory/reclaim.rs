//! `reclaim`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ansai_core::{Bytes, Measure, Millis, Outcome, Preview, Refusal, Reversibility, Unit};
use ansai_kit::action::{Applied, Begun, Described, Fate, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::MIN_BYTES;
use super::rules::may_reclaim;
use super::target::{Now, Target};

/// So much is taken back at once, so that the step can end in between.
const PART: u64 = 16 << 20;
/// The longest time for all parts.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) struct Reclaim;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    unit: String,
    bytes: u64,
    reason: String,
}

impl TypedAction for Reclaim {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "service";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let (now, mut preview, id) = Now::find(ask, &arguments.unit)?;
        let memory = check(&now, &id, ask.scope.bytes(&MIN_BYTES), arguments.bytes)?;
        preview.reversible = Reversibility::None;
        preview.takes = Some(Millis::from(LIMIT));
        let used = Bytes::new(memory);
        preview.sample.push(format!("{id}: {} of the {used} that it uses", Bytes::new(arguments.bytes)));
        Ok((preview, Target { id, high: now.limits.high, had_drop_in: false }))
    }

    fn canonical(&self, _preview: &Preview, target: &Target) -> Vec<Canonical> {
        target.canonical()
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: vec![target.id], undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let Step { arguments: Arguments { unit, bytes, .. }, targets: target } = what;
        let now = target.now(doing, &unit)?;
        let before = check(&now, &target.id, doing.scope.bytes(&MIN_BYTES), bytes)?;
        let (began, mut left) = (Instant::now(), bytes);
        let mut failed = None;
        while left > 0 && began.elapsed() < LIMIT && !doing.is_stopping() {
            let part = left.min(PART);
            match now.counted.reclaim(part) {
                Ok(true) => left = left.saturating_sub(part),
                // Nothing more that the service does not use.
                Ok(false) => break,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if let Some(error) = failed.filter(|_| left == bytes) {
            return Err(Refusal::io(format!("memory.reclaim of {}", target.id), &error.into()));
        }
        // It may have ended meanwhile.
        let after = now.counted.memory(&target.id).ok().and_then(|memory| memory.total);
        let mut applied = match after {
            Some(after) => {
                let freed = Bytes::new(before.saturating_sub(after));
                let detail = format!("{freed} of {} were reclaimed from {}", Bytes::new(bytes), target.id);
                target.applied(Outcome::Done, Fate::Done, detail)
            }
            None => target.applied(Outcome::Done, Fate::Done, format!("{} has ended meanwhile", target.id)),
        };
        applied.measures.push(Measure::count("total-bytes-before", before, Unit::Bytes));
        if let Some(after) = after {
            applied.measures.push(Measure::count("total-bytes-after", after, Unit::Bytes));
        }
        Ok(Begun::Finished(applied))
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("reclaimed memory comes back when the service needs it".into()))
    }

    fn resolve(&self, _doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        Ok(Applied::unknown(format!("nobody knows how much was reclaimed from {}", what.targets.id)))
    }
}

/// What the service uses, if so much may be taken back.
fn check(now: &Now, id: &str, min_bytes: u64, bytes: u64) -> Result<u64, Refusal> {
    if !now.counted.can_reclaim() {
        return Err(Refusal::Unsupported("this kernel cannot reclaim memory of one service (Linux 5.19)".into()));
    }
    let memory = now.counted.memory(id)?;
    may_reclaim(id, &memory, min_bytes, bytes)?;
    memory.total.ok_or_else(|| Refusal::Unavailable(format!("how much {id} uses cannot be read")))
}
