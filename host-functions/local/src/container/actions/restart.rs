//! `restart`.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use ansai_core::{Millis, Outcome, Preview, Refusal, Timestamp, Touch};
use ansai_kit::action::{
    Amount, Applied, Begun, Described, Item, OnStop, Progress, Proposed, Step, StepContext, TypedAction, Work,
    read_handle,
};
use ansai_kit::authorize::Canonical;
use ansai_kit::call::to_text;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::target::{Target, finished};
use crate::container::api::{Failed, Method};
use crate::container::fields::MAX_RESTARTS;
use crate::container::probe::Seen;
use crate::container::wire::ContainerState;

/// How long Docker waits for the end of a container that does not say how long, and the longest that is waited for here.
const STOP: u64 = 10;
const LONGEST_STOP: u64 = 600;
/// For the start.
const START: u64 = 60;
/// What the step may take beyond that, so that it ends with its reason.
const MARGIN: Millis = Millis::new(30_000);
/// How long the answer is waited for before the step goes on by itself.
const SHORT: Duration = Duration::from_secs(2);
const AGAIN: Millis = Millis::new(500);

pub(super) struct Restart;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    target: String,
    container: String,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Handle {
    target: Target,
    until: Timestamp,
}

/// How long stop and start may take, in seconds.
fn takes(seen: &Seen) -> u64 {
    let stop = seen.found.config.stop_timeout.and_then(|seconds| u64::try_from(seconds).ok());
    stop.unwrap_or(STOP).min(LONGEST_STOP).saturating_add(START)
}

impl TypedAction for Restart {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "container";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { target, container, .. }: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let (seen, mut preview, target) = Target::preview(ask, &target, &container)?;
        ask.require_count(&MAX_RESTARTS)?;
        may_restart(&seen)?;
        // How long it is down depends on the container.
        preview.interrupts = None;
        preview.takes = Some(Millis::new(takes(&seen).saturating_mul(1_000)));
        Ok((preview, target))
    }

    fn touches(&self, _preview: &Preview, target: &Target) -> Vec<Touch> {
        vec![Touch::exclusive(target.about())]
    }

    fn canonical(&self, _preview: &Preview, target: &Target) -> Vec<Canonical> {
        target.canonical()
    }

    fn work(&self) -> Option<Work> {
        Some(Work::Restart)
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: vec![target.name], undo_for: None }
    }

    fn amounts(&self, _target: &Target, _treated: Option<&[Item]>) -> Vec<Amount> {
        vec![Amount::of(&MAX_RESTARTS, 1)]
    }

    fn begin(&self, doing: &StepContext<'_>, Step { targets: target, .. }: Step<Self>) -> Result<Begun, Refusal> {
        let (engine, seen) = target.again(doing)?;
        // Somebody may have stopped it on purpose.
        if finished(&seen) != target.finished {
            return Err(Refusal::Changed(format!("{} ended meanwhile", target.name)));
        }
        may_restart(&seen)?;
        let limit = Duration::from_secs(takes(&seen));
        let (engine, path) = (engine.within(limit), format!("/containers/{}/restart", target.identity.id));
        let (done, answers) = sync_channel(1);
        let call = move || {
            // Nobody may wait any more.
            let _ = done.send(engine.tell(Method::Post, &path));
        };
        let thread = std::thread::Builder::new().name("container".into()).spawn(call);
        thread.map_err(|error| Refusal::Unavailable(format!("no thread for a request: {error}")))?;
        match answers.recv_timeout(SHORT) {
            Ok(Ok(())) => Ok(Begun::Finished(conclude(doing, &target))),
            Ok(Err(failed)) if failed.may_be_done() => {
                let why = failed.refusal(&target.name);
                Ok(Begun::Finished(Applied::unknown(format!(
                    "nobody knows whether {} was restarted: {why}",
                    target.name
                ))))
            }
            // It may be stopped, and not started.
            Ok(Err(failed @ Failed::Status(500.., _))) => {
                let why = failed.refusal(&target.name);
                Ok(Begun::Finished(Applied {
                    reason: Some(why.clone()),
                    ..target.applied(Outcome::Failed, why.to_string())
                }))
            }
            Ok(Err(failed)) => Err(failed.refusal(&target.name)),
            Err(RecvTimeoutError::Timeout) => {
                let wait = Millis::from(limit);
                let handle = to_text(&Handle { target, until: doing.now + wait })?;
                Ok(Begun::Running { handle, limit: Millis::new(wait.get().saturating_add(MARGIN.get())) })
            }
            Err(RecvTimeoutError::Disconnected) => {
                Ok(Begun::Finished(Applied::unknown("the request failed inside ansai")))
            }
        }
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("a restart cannot be undone".into()))
    }

    fn resolve(&self, doing: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Applied, Refusal> {
        let (_, seen) = targets.now(doing)?;
        Ok(match seen.identity() == targets.identity {
            true => Applied::unknown(format!("{} has not been started again yet", targets.name)),
            false => conclude(doing, &targets),
        })
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Leave
    }

    fn poll(&self, doing: &StepContext<'_>, handle: &RawValue) -> Progress {
        let Handle { target, until } = match read_handle(handle) {
            Ok(handle) => handle,
            Err(why) => return Progress::Finished(Applied::unknown(why)),
        };
        let note = match target.now(doing).map(|(_, seen)| seen) {
            Ok(seen) if seen.identity() != target.identity => return Progress::Finished(conclude(doing, &target)),
            Ok(seen) => format!("{} is {}", target.name, ansai_core::text::inert(&seen.found.state.status, 40)),
            Err(why @ Refusal::NotFound(_)) => {
                let outcome = target.applied(Outcome::Failed, format!("{} was removed meanwhile", target.name));
                return Progress::Finished(Applied { reason: Some(why), ..outcome });
            }
            Err(why) => why.to_string(),
        };
        if doing.now >= until {
            return Progress::Finished(Applied::unknown(format!(
                "nobody knows whether {} was restarted: {note}",
                target.name
            )));
        }
        Progress::Running { note, again_in: AGAIN }
    }

    fn cancel(&self, _doing: &StepContext<'_>, _handle: &RawValue) -> Applied {
        Applied::unknown("a restart cannot be cancelled")
    }
}

/// What is paused was paused by somebody, and what is dead cannot be started.
fn may_restart(seen: &Seen) -> Result<(), Refusal> {
    match seen.state() {
        ContainerState::Paused => Err(Refusal::Denied(format!("somebody has paused {}", seen.name))),
        ContainerState::Created => Err(Refusal::Denied(format!("{} was never started", seen.name))),
        ContainerState::Dead => Err(Refusal::Unsupported(format!("{} is dead and cannot be started", seen.name))),
        _ => Ok(()),
    }
}

/// What became of a container that was started again.
fn conclude(doing: &StepContext<'_>, target: &Target) -> Applied {
    match target.now(doing) {
        Ok((_, seen)) if seen.identity() == target.identity => {
            Applied::unknown(format!("the engine says that {} was restarted, but shows its old start", target.name))
        }
        Ok((_, seen)) if seen.state() == ContainerState::Running => {
            target.applied(Outcome::Done, format!("{} was restarted", target.name))
        }
        Ok((_, seen)) => {
            let why = format!("{} was started and ended with {}", target.name, seen.found.state.exit_code);
            Applied { reason: Some(Refusal::Unavailable(why.clone())), ..target.applied(Outcome::Failed, why) }
        }
        Err(why) => Applied::unknown(format!("{} was restarted, and cannot be seen: {why}", target.name)),
    }
}
