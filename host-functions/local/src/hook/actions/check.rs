//! `check`.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::hook::{Does, Parameter};
use ansai_core::{Millis, Outcome, Preview, Refusal, Timestamp, Touch};
use ansai_kit::action::{
    Applied, Begun, Described, Item, OnStop, Progress, Proposed, Step, StepContext, TypedAction, read_handle,
};
use ansai_kit::call::{read, to_text};
use ansai_kit::host::{Host, ProbeContext};
use ansai_kit::target::Reach;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::check_step;
use crate::hook::answer::Answer;
use crate::hook::call::{Call, refusal};
use crate::hook::fields::HOOKS;
use crate::hook::resolved::Resolved;
use crate::hook::subject;

/// One look, at most: a hook that acts may have a longer limit for its check.
const ONE_LOOK: Duration = Duration::from_secs(20);
/// So that the step ends by itself, with its reason, before the host ends it.
const MARGIN: Millis = Millis::new(60_000);
const AGAIN: Millis = Millis::new(1_000);

pub(in crate::hook) struct Check;

#[derive(Serialize, Deserialize)]
pub(in crate::hook) struct Arguments {
    hook: String,
    parameters: Vec<Parameter>,
    within: Millis,
    reason: String,
}

/// What is asked, as it was shown.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::hook) struct Targets {
    hook: String,
    call: Resolved,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Handle {
    hook: String,
    parameters: Vec<Parameter>,
    until: Timestamp,
}

/// The check of a hook: a hook that only reads is its own.
fn check<'a>(host: &Host, reach: &'a Reach, name: &str, parameters: &[Parameter]) -> Result<Call<'a>, Refusal> {
    let access = reach.hook(name)?;
    match (&access.hook.check, access.hook.does) {
        (Some(linked), _) => Call::linked(host, reach, (access, name), linked, parameters),
        (None, Does::Reads) => Call::of(host, access, name, parameters),
        (None, Does::Acts) => Err(Refusal::Unsupported(format!("the hook {name} acts and has no check"))),
    }
}

/// The same, as the plan has shown it.
fn shown<'a>(
    doing: &StepContext<'a>,
    name: &str,
    parameters: &[Parameter],
    targets: &Targets,
) -> Result<Call<'a>, Refusal> {
    let call = check(doing.host, doing.reach, name, parameters)?;
    if call.resolved != targets.call {
        let why = format!("the check of the hook {name} is no longer what the plan has shown");
        return Err(Refusal::Changed(why));
    }
    Ok(call)
}

/// One look. A check that runs since before a restart is authorized by nobody else.
fn look(doing: &StepContext<'_>, name: &str, parameters: &[Parameter]) -> Result<Answer, Refusal> {
    let denied = |_| Refusal::Denied(format!("the hook {name} is not granted any more"));
    doing.scope.covers(&HOOKS, name).map_err(denied)?;
    let call = shown(doing, name, parameters, &read::<Targets>(doing.targets)?)?;
    call.run(ONE_LOOK, &|| doing.is_stopping()).map_err(|failed| refusal(name, failed))
}

impl TypedAction for Check {
    type Arguments = Arguments;
    type Targets = Targets;
    const NOUN: &'static str = "check";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Targets), Refusal> {
        check_step::require(arguments.within)?;
        let call = check(ask.host, ask.reach, &arguments.hook, &arguments.parameters)?.resolved;
        let mut preview = Preview::nothing(subject(&arguments.hook));
        preview.takes = Some(arguments.within);
        preview.sample.push(format!("{} is healthy within {}, says {call}", arguments.hook, arguments.within));
        Ok((preview, Targets { hook: arguments.hook, call }))
    }

    /// It only looks.
    fn touches(&self, preview: &Preview, _targets: &Targets) -> Vec<Touch> {
        vec![Touch::shared(preview.about.clone())]
    }

    fn describe(&self, targets: Targets) -> Described {
        Described { names: vec![targets.hook], undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let Step { arguments, targets } = what;
        shown(doing, &arguments.hook, &arguments.parameters, &targets)?;
        let within = arguments.within.min(check_step::LONGEST);
        let Arguments { hook, parameters, .. } = arguments;
        let handle = Handle { hook, parameters, until: doing.now + within };
        Ok(Begun::Running { handle: to_text(&handle)?, limit: Millis::new(within.get().saturating_add(MARGIN.get())) })
    }

    fn undo(&self, _doing: &StepContext<'_>, what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Ok(applied(&what.targets.hook, Outcome::Done, None, "a check changed nothing"))
    }

    fn resolve(&self, _doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        Ok(applied(&what.targets.hook, Outcome::Failed, None, "ansai ended before the check did"))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Leave
    }

    fn poll(&self, doing: &StepContext<'_>, handle: &RawValue) -> Progress {
        let Handle { hook, parameters, until } = match read_handle(handle) {
            Ok(handle) => handle,
            Err(why) => return Progress::Finished(Applied::unknown(why)),
        };
        let finished = |outcome, why, detail: &str| Progress::Finished(applied(&hook, outcome, why, detail));
        let note = match look(doing, &hook, &parameters) {
            Ok(answer) if answer.healthy == Some(true) => {
                return finished(Outcome::Done, None, &format!("{hook} is healthy: {}", answer.message));
            }
            Ok(answer) => {
                let is = if answer.healthy.is_some() { "is not healthy" } else { "does not say whether it is healthy" };
                format!("{hook} {is}: {}", answer.message)
            }
            // It will not be permitted by waiting.
            Err(why @ (Refusal::Denied(_) | Refusal::Changed(_))) => {
                let detail = why.to_string();
                return finished(Outcome::Failed, Some(why), &detail);
            }
            Err(why) => why.to_string(),
        };
        if doing.now >= until {
            return finished(Outcome::Failed, Some(Refusal::TimedOut(note.clone())), &note);
        }
        Progress::Running { note, again_in: AGAIN }
    }

    fn cancel(&self, _doing: &StepContext<'_>, _handle: &RawValue) -> Applied {
        check_step::cancelled()
    }
}

fn applied(name: &str, outcome: Outcome, reason: Option<Refusal>, detail: &str) -> Applied {
    Applied { reason, ..Applied::of_one(name, outcome, detail.trim_end_matches([':', ' '])) }
}
