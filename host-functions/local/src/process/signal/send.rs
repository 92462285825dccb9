//! `send`.

use std::sync::Arc;

use ansai_core::{Outcome, Preview, Refusal, Reversibility};
use ansai_kit::action::{Applied, Begun, Described, Fate, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use rustix::io::Errno;
use rustix::process::pidfd_send_signal;
use serde::{Deserialize, Serialize};

use super::Sent;
use super::target::{Target, check_handled};
use crate::service::fields::UNITS;
use crate::service::name::subject;

pub(super) struct Send;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    process: String,
    signal: Sent,
    reason: String,
}

impl TypedAction for Send {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "process";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let (target, process) = Target::of(ask.host, &arguments.process)?;
        ask.permit(&UNITS, &target.unit)?;
        check_handled(&process, arguments.signal)?;
        let mut preview = Preview::nothing(subject(&target.unit));
        preview.items = 1;
        preview.reversible = Reversibility::None;
        // Only the program knows what it does then.
        preview.interrupts = None;
        preview.sample.push(format!("{} to {}", arguments.signal.shown(), target.shown(ask.host)));
        Ok((preview, target))
    }

    fn canonical(&self, _preview: &Preview, target: &Target) -> Vec<Canonical> {
        vec![Canonical::new(&UNITS, target.unit.as_str())]
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: vec![target.short()], undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let Step { arguments: Arguments { signal, .. }, targets: target } = what;
        let process = target.again(doing.host)?;
        check_handled(&process, signal)?;
        // The directory leads to the process that was compared, and to no other one: the kernel takes it as it takes a
        // handle of pidfd_open(2).
        match pidfd_send_signal(process.fd(), signal.signal()) {
            Ok(()) => {}
            Err(Errno::SRCH) => return Err(Refusal::NotFound(format!("{} has ended", target.short()))),
            Err(Errno::INVAL | Errno::BADF) => {
                return Err(Refusal::Unsupported("this host's processes cannot be reached from here".into()));
            }
            Err(error) => return Err(Refusal::io(target.short(), &error.into())),
        }
        let item = Item { target: target.short(), fate: Fate::Done, freed_bytes: 0, undo: serde_json::Value::Null };
        let detail = format!("{} was sent to {}", signal.shown(), target.short());
        Ok(Begun::Finished(Applied { outcome: Outcome::Done, items: vec![item], ..Applied::unknown(detail) }))
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("a signal cannot be undone".into()))
    }

    fn resolve(&self, _doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        let Step { arguments, targets } = what;
        let shown = arguments.signal.shown();
        Ok(Applied::unknown(format!("nobody knows whether {shown} was sent to {}", targets.short())))
    }
}
