//! `run`.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ansai_core::hook::{Does, Linked, Parameter};
use ansai_core::{Measure, Millis, Outcome, Preview, Refusal, Reversibility, Touch, Unit};
use ansai_kit::action::{
    Amount, Applied, Begun, Captured, Described, Fate, Item, Proposed, Step, StepContext, TypedAction,
};
use ansai_kit::hook::HookAccess;
use ansai_kit::host::{Host, ProbeContext};
use ansai_kit::target::Reach;
use serde::{Deserialize, Serialize};

use crate::hook::answer::Answer;
use crate::hook::call::{Call, Failed, hook};
use crate::hook::fields::MAX_RUNS;
use crate::hook::resolved::{Resolved, What};
use crate::hook::subject;

/// How long a command may go on when ansai stops: most end by themselves, and systemd waits longer.
const WHEN_STOPPING: Duration = Duration::from_secs(20);

pub(in crate::hook) struct Run;

#[derive(Serialize, Deserialize)]
pub(in crate::hook) struct Arguments {
    hook: String,
    parameters: Vec<Parameter>,
    reason: String,
}

#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::hook) struct Targets {
    /// What was shown: nothing else runs.
    call: Resolved,
    /// What would undo it, as it was shown.
    undo: Option<Resolved>,
    /// What the operator says that it changes, or its undo.
    touches: Vec<Touch>,
}

impl Targets {
    /// With the call that they are of.
    fn of<'a>(host: &Host, reach: &'a Reach, what: &Arguments) -> Result<(Targets, Call<'a>), Refusal> {
        let access = hook(reach, &what.hook, Does::Acts)?;
        let call = Call::of(host, access, &what.hook, &what.parameters)?;
        let undo = undo(host, reach, access, what)?.map(|call| call.resolved);
        let touches = touches(reach, access)?;
        Ok((Targets { call: call.resolved.clone(), undo, touches }, call))
    }
}

/// What the hook changes, and what its undo changes, which the host authorizes with the step: an undo that is another hook
/// is that hook too.
fn touches(reach: &Reach, access: &HookAccess) -> Result<Vec<Touch>, Refusal> {
    let mut subjects = access.hook.touches.clone();
    if let Some(Linked::Hook(other)) = &access.hook.undo {
        subjects.push(subject(other));
        subjects.extend(reach.hook(other)?.hook.touches.iter().cloned());
    }
    let mut touches: Vec<Touch> = subjects.into_iter().map(Touch::exclusive).collect();
    touches.sort();
    touches.dedup();
    Ok(touches)
}

/// The call that undoes it, if there is one.
fn undo<'a>(
    host: &Host,
    reach: &'a Reach,
    access: &'a HookAccess,
    what: &Arguments,
) -> Result<Option<Call<'a>>, Refusal> {
    let Some(linked) = &access.hook.undo else { return Ok(None) };
    Call::linked(host, reach, (access, &what.hook), linked, &what.parameters).map(Some)
}

impl TypedAction for Run {
    type Arguments = Arguments;
    type Targets = Targets;
    const NOUN: &'static str = "hook";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Targets), Refusal> {
        if ask.scope.count(&MAX_RUNS) == 0 {
            return Err(Refusal::OverBudget(format!("`{}` permits no run", MAX_RUNS.field().name)));
        }
        let (targets, _) = Targets::of(ask.host, ask.reach, &arguments)?;
        let mut preview = Preview::nothing(subject(&arguments.hook));
        preview.items = 1;
        // The operator's command may interrupt anything.
        preview.interrupts = None;
        preview.reversible = if targets.undo.is_some() { Reversibility::Fully } else { Reversibility::None };
        preview.sample.push(format!("run {}", targets.call));
        preview.sample.extend(targets.undo.as_ref().map(|undo| format!("undo with {undo}")));
        Ok((preview, targets))
    }

    fn touches(&self, preview: &Preview, targets: &Targets) -> Vec<Touch> {
        Touch::of(preview).into_iter().chain(targets.touches.iter().cloned()).collect()
    }

    fn describe(&self, targets: Targets) -> Described {
        Described { names: vec![targets.call.to_string()], undo_for: None }
    }

    fn amounts(&self, _targets: &Targets, _treated: Option<&[Item]>) -> Vec<Amount> {
        vec![Amount::of(&MAX_RUNS, 1)]
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let Step { arguments, targets } = what;
        let name = &arguments.hook;
        let (now, call) = Targets::of(doing.host, doing.reach, &arguments)?;
        if now != targets {
            let why =
                format!("the hook {name}, its program, its undo or `touches` is no longer what the plan has shown");
            return Err(Refusal::Changed(why));
        }
        let can_be_undone = targets.undo.is_some();
        match called(doing, &call) {
            Err(Failed::NotBegun(refusal)) => Err(refusal),
            called => Ok(Begun::Finished(outcome(name, "ran", call.resolved.limit, called, can_be_undone))),
        }
    }

    /// Runs the undo that the configuration of now has, with the values of the step.
    fn undo(&self, doing: &StepContext<'_>, what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        let name = &what.arguments.hook;
        let access = hook(doing.reach, name, Does::Acts)?;
        let call = undo(doing.host, doing.reach, access, &what.arguments)?
            .ok_or_else(|| Refusal::Unsupported(format!("the hook {name} has no undo")))?;
        match called(doing, &call) {
            Err(Failed::NotBegun(refusal)) => Err(refusal),
            called => Ok(outcome(name, "undid", call.resolved.limit, called, false)),
        }
    }

    /// Only the command could say what it did. The check would say that all is well, not that the hook ran.
    fn resolve(&self, _doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        let name = &what.arguments.hook;
        let why =
            format!("ansai ended while the hook {name} ran: its command was ended too, and what it did is unknown");
        Ok(Applied::unknown(why))
    }
}

/// Calls it; when ansai stops, for a little longer.
fn called(doing: &StepContext<'_>, call: &Call<'_>) -> Result<Answer, Failed> {
    let stopping: Cell<Option<Instant>> = Cell::new(None);
    let is_over = || {
        if doing.is_stopping() && stopping.get().is_none() {
            stopping.set(Some(Instant::now()));
        }
        stopping.get().is_some_and(|since| since.elapsed() >= WHEN_STOPPING)
    };
    call.run(call.resolved.limit.into(), &is_over).map_err(|failed| stopped(&call.resolved.what, failed))
}

/// A command that is ended does nothing any more; a server goes on with what it was asked for.
fn stopped(what: &What, failed: Failed) -> Failed {
    match (what, failed) {
        (What::Request { .. }, Failed::Stopped(_)) => {
            Failed::Unknown("ansai stopped before the server answered".to_owned())
        }
        (_, failed) => failed,
    }
}

/// The outcome of a call. With an undo, a call that began and failed is undone like one that worked: nobody knows how far
/// it came.
fn outcome(name: &str, did: &str, limit: Millis, called: Result<Answer, Failed>, can_be_undone: bool) -> Applied {
    let colon = |message: &str| if message.is_empty() { String::new() } else { format!(": {message}") };
    let (outcome, reason, detail, answer) = match called {
        Ok(answer) if is_done(&answer) => {
            (Outcome::Done, None, format!("{did} {name}{}", colon(&answer.message)), Some(answer))
        }
        Ok(answer) => {
            let detail = format!("{name} {}{}", status(&answer), colon(&answer.message));
            (Outcome::Failed, Some(Refusal::Other(detail.clone())), detail, Some(answer))
        }
        Err(Failed::TimeLimit(answer)) => {
            let detail = format!("{name} did not end within {limit}{}", colon(&answer.message));
            (Outcome::Failed, Some(Refusal::TimedOut(detail.clone())), detail, Some(answer))
        }
        Err(Failed::Stopped(answer)) => {
            let detail = format!("{name} was ended because ansai stops{}", colon(&answer.message));
            (Outcome::Failed, Some(Refusal::TimedOut(detail.clone())), detail, Some(answer))
        }
        Err(Failed::NoAnswer(why) | Failed::Unknown(why)) => {
            return Applied::unknown(format!("{name}: {why}; whether it has acted is unknown"));
        }
        Err(Failed::NotBegun(refusal)) => return Applied::refused(&refusal),
    };
    let fate = match outcome {
        Outcome::Done => Fate::Done,
        _ if can_be_undone => Fate::Done,
        _ => Fate::Failed(detail.clone()),
    };
    let item = Item { target: name.to_owned(), fate, freed_bytes: 0, undo: serde_json::Value::Null };
    let (measures, evidence) = answer.map(|answer| told(name, outcome, answer)).unwrap_or_default();
    Applied { outcome, reason, detail, measures, items: vec![item], evidence }
}

fn is_done(answer: &Answer) -> bool {
    answer.exit_code == Some(0) || answer.http_status.is_some_and(|status| (200..300).contains(&status))
}

fn status(answer: &Answer) -> String {
    match (answer.exit_code, answer.http_status) {
        (Some(code), _) => format!("exited with {code}"),
        (None, Some(status)) => format!("answered with status {status}"),
        (None, None) => "was ended by a signal".to_owned(),
    }
}

/// Its facts as measures, and what a failed call said.
fn told(name: &str, outcome: Outcome, answer: Answer) -> (Vec<Measure>, Vec<Captured>) {
    let mut measures = vec![Measure::count("took", answer.took.get(), Unit::Milliseconds)];
    measures.extend(answer.facts);
    let is_evidence = outcome != Outcome::Done && !answer.message.is_empty();
    let evidence = is_evidence.then(|| Captured::new(format!("answer of {name}"), answer.message.into_bytes()));
    (measures, evidence.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use ansai_core::hook::Method;

    use super::*;
    use crate::hook::answer::Said;

    #[test]
    fn a_request_that_is_given_up_is_unknown() {
        let url = "http://127.0.0.1:1/gc".to_owned();
        let what = What::Request { method: Method::Post, shown: url.clone(), url, body: None, secret_header: None };
        let given_up = Failed::Stopped(Said::default().answer(subject("gc"), None, Millis::ZERO));
        let limit = Millis::new(1_000);
        let applied = outcome("gc", "ran", limit, Err(stopped(&what, given_up)), true);
        assert_eq!((applied.outcome, applied.items.len()), (Outcome::Unknown, 0));
        assert!(applied.detail.contains("ansai stopped before the server answered"), "{}", applied.detail);
    }
}
