//! `set-high`.

use std::sync::Arc;

use ansai_core::{Bytes, Lasting, Millis, Outcome, Preview, Refusal, Reversibility};
use ansai_kit::action::{Applied, Begun, Described, Fate, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::authorize::Canonical;
use ansai_kit::guard::Guard;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::limits::{self, Limits, has_drop_in, remove_drop_in, remove_drop_in_of_gone};
use super::put_back;
use super::rules::{check_lasting, may_limit, pages};
use super::target::{Now, Target};
use crate::bus;
use crate::service::systemd::Systemd;

pub(super) struct SetHigh;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    unit: String,
    bytes: u64,
    lasting: Millis,
    reason: String,
}

/// A limit for a person.
fn shown(high: Option<u64>) -> String {
    high.map_or("no limit".into(), |bytes| Bytes::new(bytes).to_string())
}

impl TypedAction for SetHigh {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "service";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let Arguments { unit, bytes, lasting, .. } = arguments;
        check_lasting(lasting)?;
        let bytes = pages(bytes)?;
        let (now, mut preview, id) = Now::find(ask, &unit)?;
        let (memory, high) = (now.counted.memory(&id)?, now.limits.high);
        may_limit(&id, &memory, high, bytes)?;
        preview.reversible = Reversibility::Fully;
        preview.lasting = Lasting::ForATime(lasting);
        let used = shown(memory.total);
        preview.sample.push(format!("{id}: MemoryHigh {}, now {}; it uses {used}", shown(Some(bytes)), shown(high)));
        let had_drop_in = has_drop_in(ask.host, &id);
        Ok((preview, Target { id, high, had_drop_in }))
    }

    fn canonical(&self, _preview: &Preview, target: &Target) -> Vec<Canonical> {
        target.canonical()
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: vec![target.id], undo_for: None }
    }

    fn guard(&self, _doing: &StepContext<'_>, what: Step<Self>) -> Result<Guard, Refusal> {
        Ok(put_back::guard(&what.targets, pages(what.arguments.bytes)?))
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let Step { arguments, targets: target } = what;
        let bytes = pages(arguments.bytes)?;
        let now = target.now(doing, &arguments.unit)?;
        if now.limits.high != target.high {
            return Err(Refusal::Changed(format!("the limit of {} is {} now", target.id, shown(now.limits.high))));
        }
        may_limit(&target.id, &now.counted.memory(&target.id)?, now.limits.high, bytes)?;
        Ok(Begun::Finished(match limits::set(&now.systemd, bus::LIMIT, &target.id, Some(bytes)) {
            Ok(()) => {
                let detail = format!("the limit of {} is {} for {}", target.id, shown(Some(bytes)), arguments.lasting);
                target.applied(Outcome::Done, Fate::Done, detail)
            }
            // systemd was told, and may do it still. The guard restores it.
            Err(error) if error.may_be_done() => {
                Applied::unknown(format!("nobody knows whether the limit of {} was set: {error}", target.id))
            }
            Err(error) => return Err(error.into()),
        }))
    }

    /// Restores the earlier limit, unless somebody has changed it meanwhile.
    fn undo(&self, doing: &StepContext<'_>, what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        let Step { arguments, targets: target } = what;
        let bytes = pages(arguments.bytes)?;
        let systemd = Systemd::of(doing.host)?;
        let high = match systemd.service(bus::LIMIT, &target.id) {
            Ok(unit) if unit.id() == target.id => Limits::of(&systemd, bus::LIMIT, &target.id)?.high,
            Ok(_) | Err(Refusal::NotFound(_)) => {
                if !target.had_drop_in {
                    remove_drop_in_of_gone(doing.host, &target.id, bytes);
                }
                let detail = format!("{} does not exist any more", target.id);
                return Ok(target.applied(Outcome::Done, Fate::Skipped(detail.clone()), detail));
            }
            Err(refusal) => return Err(refusal),
        };
        if high == Some(bytes) {
            match limits::set(&systemd, bus::LIMIT, &target.id, target.high) {
                Ok(()) => {}
                Err(error) if error.may_be_done() => {
                    return Ok(Applied::unknown(format!(
                        "nobody knows whether {} has its limit back: {error}",
                        target.id
                    )));
                }
                Err(error) => return Err(error.into()),
            }
        } else if high != target.high {
            let detail = format!("somebody has changed the limit of {} to {}", target.id, shown(high));
            return Ok(target.applied(Outcome::Done, Fate::Skipped(detail.clone()), detail));
        }
        if !target.had_drop_in {
            remove_drop_in(doing.host, &target.id);
        }
        let detail = format!("the limit of {} is {} again", target.id, shown(target.high));
        Ok(target.applied(Outcome::Done, Fate::Done, detail))
    }

    /// Looks whether its limit is in place.
    fn resolve(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        let Step { arguments, targets: target } = what;
        let bytes = pages(arguments.bytes)?;
        let high = Limits::of(&Systemd::of(doing.host)?, bus::LIMIT, &target.id)?.high;
        Ok(match high == Some(bytes) {
            true => target.applied(Outcome::Done, Fate::Done, format!("the limit of {} was set", target.id)),
            false => {
                let detail = format!("the limit of {} is {}", target.id, shown(high));
                target.applied(Outcome::Failed, Fate::Failed(detail.clone()), detail)
            }
        })
    }
}
