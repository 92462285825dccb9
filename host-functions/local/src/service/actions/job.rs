//! A step that is a job of systemd: it runs on without ansai, and is found again by its number.

use std::time::Duration;

use ansai_core::{Measure, Millis, Outcome, Refusal};
use ansai_kit::action::{Applied, Begun, Progress, StepContext, read_handle};
use ansai_kit::call::to_text;
use ansai_kit::host_clock::boot_id;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zbus::OwnedObjectPath;

use super::target::Target;
use crate::bus::{self, BusError, Open};
use crate::service::rules::limited_for;
use crate::service::state::Unit;
use crate::service::systemd::{NO_SUCH_JOB, Systemd, manager};
use crate::service::wire::{ActiveState, Ended};

/// What the step may take beyond the limits of the unit.
const MARGIN: Millis = Millis::new(30_000);
/// For units without a limit.
const LONGEST: Millis = Millis::new(3_600_000);
const AGAIN: Millis = Millis::new(250);
/// While the bus does not answer.
const LATER: Millis = Millis::new(2_000);
/// How long a step after an undo may wait for its job.
const AFTER_UNDO: Duration = Duration::from_secs(120);
/// For a signal that has arrived to be read.
const SETTLE: Duration = Duration::from_millis(50);
/// Another job is in the way: `fail` would have to replace it.
const CONFLICT: &str = "org.freedesktop.systemd1.TransactionIsDestructive";

/// What systemd is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verb {
    Start,
    Restart,
    Reload,
}

impl Verb {
    fn method(self) -> &'static str {
        match self {
            Verb::Start => "StartUnit",
            Verb::Restart => "RestartUnit",
            Verb::Reload => "ReloadUnit",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Verb::Start => "started",
            Verb::Restart => "restarted",
            Verb::Reload => "reloaded",
        }
    }
}

/// Finds a job again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Handle {
    verb: Verb,
    target: Target,
    /// The path of the job, which ends with its number.
    job: String,
    /// Jobs are numbered from 1 at each boot.
    boot: String,
}

/// What is known of a job.
enum State {
    Running,
    Ended(String),
    /// Nobody heard how it ended.
    Gone(Box<Unit>),
}

/// Begins a job. A job of somebody else is never replaced.
pub(super) fn begin(systemd: &Systemd, verb: Verb, target: &Target, takes: Option<Millis>) -> Result<Begun, Refusal> {
    let handle = match enqueue(systemd, verb, target) {
        Ok(handle) => handle,
        Err(error) => return unanswered(verb, target, error).map(Begun::Finished),
    };
    let limit = takes.map_or(LONGEST, |takes| Millis::new(takes.get().saturating_add(MARGIN.get())).min(LONGEST));
    Ok(Begun::Running { handle: to_text(&handle)?, limit })
}

fn enqueue(systemd: &Systemd, verb: Verb, target: &Target) -> Result<Handle, BusError> {
    let unit = target.id.clone();
    let job = systemd.ask(bus::LIMIT, async move |open: Open| {
        manager::<_, OwnedObjectPath>(&open.connection, verb.method(), &(unit.as_str(), "fail")).await
    });
    Ok(Handle { verb, target: target.clone(), job: job?.as_str().to_owned(), boot: boot_id() })
}

/// What follows if systemd did not say that it has the job. Only a refusal shows that nothing changes.
fn unanswered(verb: Verb, target: &Target, error: BusError) -> Result<Applied, Refusal> {
    if error.may_be_done() {
        let (id, done) = (&target.id, verb.done());
        return Ok(Applied::unknown(format!("nobody knows whether {id} was {done}: {error}")));
    }
    match error.is(CONFLICT) {
        true => Err(Refusal::Busy(format!("another job of systemd is in the way: {error}"))),
        false => Err(error.into()),
    }
}

pub(super) fn poll(doing: &StepContext<'_>, handle: &RawValue) -> Progress {
    let handle: Handle = match read_handle(handle) {
        Ok(handle) => handle,
        Err(why) => return Progress::Finished(Applied::unknown(why)),
    };
    let systemd = match Systemd::of(doing.host) {
        Ok(systemd) => systemd,
        Err(why) => return Progress::Finished(Applied::unknown(why.to_string())),
    };
    match handle.state(&systemd) {
        Ok(State::Running) => Progress::Running {
            note: format!("systemd has not {} {} yet", handle.verb.done(), handle.target.id),
            again_in: AGAIN,
        },
        Ok(State::Ended(result)) => Progress::Finished(handle.conclude(&systemd, doing, &result)),
        Ok(State::Gone(unit)) => Progress::Finished(handle.deduce(&unit)),
        Err(why) => Progress::Running { note: why.to_string(), again_in: LATER },
    }
}

/// Takes a job away that has not ended.
pub(super) fn cancel(doing: &StepContext<'_>, handle: &RawValue) -> Applied {
    let Ok(handle) = read_handle::<Handle>(handle) else {
        return Applied::unknown("the handle of the step is invalid");
    };
    let systemd = match Systemd::of(doing.host) {
        Ok(systemd) => systemd,
        Err(why) => return Applied::unknown(why.to_string()),
    };
    match handle.state(&systemd) {
        Ok(State::Running) => {}
        Ok(State::Ended(result)) => return handle.conclude(&systemd, doing, &result),
        Ok(State::Gone(unit)) => return handle.deduce(&unit),
        Err(why) => return Applied::unknown(why.to_string()),
    }
    let number = handle.number();
    let cancelled = systemd
        .ask(bus::LIMIT, async move |open: Open| manager::<_, ()>(&open.connection, "CancelJob", &(number,)).await);
    match cancelled {
        Ok(()) => {
            let why = format!("{} was not {} in time; its job was cancelled", handle.target.id, handle.verb.done());
            let reason = Some(Refusal::TimedOut(why.clone()));
            Applied { reason, ..handle.target.applied(Outcome::Failed, why) }
        }
        Err(error) => Applied::unknown(format!("the job cannot be cancelled: {error}")),
    }
}

/// What became of a step whose handle was lost.
pub(super) fn resolve(doing: &StepContext<'_>, target: &Target, name: &str, verb: Verb) -> Result<Applied, Refusal> {
    let (_, unit) = target.now(doing, name)?;
    if unit.pending_job {
        return Ok(Applied::unknown(format!("systemd still has a job for {}", target.id)));
    }
    Ok(deduce(target, verb, &unit))
}

/// Acts once more after an undo, and waits for it.
pub(super) fn repeat(
    doing: &StepContext<'_>,
    systemd: &Systemd,
    verb: Verb,
    target: &Target,
) -> Result<Applied, Refusal> {
    let handle = match enqueue(systemd, verb, target) {
        Ok(handle) => handle,
        Err(error) => return unanswered(verb, target, error),
    };
    let began = std::time::Instant::now();
    loop {
        match handle.state(systemd) {
            Ok(State::Ended(result)) => return Ok(handle.conclude(systemd, doing, &result)),
            Ok(State::Gone(unit)) => return Ok(handle.deduce(&unit)),
            Ok(State::Running) | Err(_) if began.elapsed() < AFTER_UNDO => std::thread::sleep(AGAIN.into()),
            Ok(State::Running) => return Ok(Applied::unknown(format!("systemd still has a job for {}", target.id))),
            Err(why) => return Ok(Applied::unknown(why.to_string())),
        }
    }
}

impl Handle {
    fn number(&self) -> u32 {
        self.job.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    fn state(&self, systemd: &Systemd) -> Result<State, Refusal> {
        let is_of_this_boot = self.boot == boot_id();
        let (job, number) = (self.job.clone(), self.number());
        let state = systemd.ask(bus::LIMIT, async move |open: Open| {
            if !is_of_this_boot {
                return Ok(None);
            }
            if let Some(result) = open.jobs.of_job(&job) {
                return Ok(Some(State::Ended(result)));
            }
            match manager::<_, OwnedObjectPath>(&open.connection, "GetJob", &(number,)).await {
                Ok(path) if path.as_str() == job => Ok(Some(State::Running)),
                Ok(_) => Ok(None),
                // The signal came before this answer; another task may be about to read it.
                Err(error) if error.is(NO_SUCH_JOB) => {
                    tokio::time::sleep(SETTLE).await;
                    Ok(open.jobs.of_job(&job).map(State::Ended))
                }
                Err(error) => Err::<_, BusError>(error),
            }
        })?;
        match state {
            Some(state) => Ok(state),
            None => Ok(State::Gone(Box::new(systemd.service(bus::LIMIT, &self.target.id)?))),
        }
    }

    /// The outcome of a job that ended so.
    fn conclude(&self, systemd: &Systemd, doing: &StepContext<'_>, result: &str) -> Applied {
        let (id, done) = (&self.target.id, self.verb.done());
        let measure = Measure::text("job-result", result);
        if result == "done" {
            return Applied {
                measures: vec![measure],
                ..self.target.applied(Outcome::Done, format!("{id} was {done}"))
            };
        }
        let limited = systemd.service(bus::LIMIT, id).ok().and_then(|unit| limited_for(&unit, doing.now));
        let why = match (limited, result) {
            (Some(left), _) => Refusal::Busy(format!("{id} was not {done}: its start limit is used up for {left}")),
            (None, "timeout") => Refusal::TimedOut(format!("{id} was not {done} in the time that its unit permits")),
            (None, "dependency") => {
                Refusal::Unavailable(format!("{id} was not {done}: a unit that it requires failed"))
            }
            (None, "canceled") => Refusal::Changed(format!("{id} was not {done}: somebody cancelled the job")),
            (None, "skipped") => {
                Refusal::Unsupported(format!("{id} was not {done}: a condition of its unit is not met"))
            }
            (None, _) => Refusal::Unavailable(format!(
                "{id} was not {done}: the job ended with `{}`",
                ansai_core::text::inert(result, 40)
            )),
        };
        Applied {
            measures: vec![measure],
            reason: Some(why.clone()),
            ..self.target.applied(Outcome::Failed, why.to_string())
        }
    }

    fn deduce(&self, unit: &Unit) -> Applied {
        deduce(&self.target, self.verb, unit)
    }
}

/// What a unit shows of a job whose result nobody heard.
fn deduce(target: &Target, verb: Verb, unit: &Unit) -> Applied {
    let id = &target.id;
    if verb == Verb::Reload {
        return Applied::unknown(format!("nobody knows whether {id} was reloaded"));
    }
    let is_up = unit.shown.active == ActiveState::Active
        || (unit.shown.one_shot && unit.shown.active == ActiveState::Inactive && unit.shown.ended == Ended::Success);
    match (unit.shown.invocation == target.invocation, is_up) {
        (true, _) => target.applied(Outcome::Failed, format!("{id} was not {}", verb.done())),
        (false, true) => target.applied(Outcome::Done, format!("{id} was {}", verb.done())),
        (false, false) => target.applied(Outcome::Failed, format!("{id} was {}, and is not active", verb.done())),
    }
}

#[cfg(test)]
mod tests;
