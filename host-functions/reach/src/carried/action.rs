//! An action through the carrier. The supervisor keeps everything that decides: which things a step touches, what grants
//! must permit, how much of a bound it uses, and the durable intent, which exists before a request is sent.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::{Millis, Preview, Refusal, Scope};
use ansai_kit::action::{
    Action, Amount, Applied, Begun, Described, Item, OnStop, Previewed, Progress, Proposed, StepContext,
};
use ansai_kit::authorize::Check;
use ansai_kit::carrier::{Carrier, Lost};
use ansai_kit::function::Types;
use ansai_kit::guard::Guard;
use ansai_kit::host::{Deadline, ProbeContext};
use ansai_kit::target::{DEFAULT_CALL_LIMIT, TargetAccess};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Name;
use super::reply::{Began, Foreseen, Seen, about_step, invalid, read};
use super::request::{Around, Doing, Task};
use crate::database::names::{MOUNT, UNIT, label};

/// The field of a grant that bounds the targets of a call.
const TARGETS: &str = "targets";
/// How long something about a step may take beyond one call of the server: an action makes several, each with a limit.
const STEP: Duration = Duration::from_secs(60);
/// When to look again at a step whose process ended.
const AGAIN: Millis = Millis::new(1_000);

/// An action that the carrier of the host makes, if it has one.
pub(super) struct CarriedAction {
    pub(super) name: Name,
    pub(super) checks: &'static [Check],
    pub(super) inner: &'static dyn Action,
}

impl CarriedAction {
    /// The targets that the arguments name.
    fn names(&self, arguments: &RawValue) -> Result<Vec<String>, Refusal> {
        let arguments: Value = ansai_kit::call::read(arguments)?;
        let checks = self.checks.iter().filter(|check| check.field.name == TARGETS);
        let values = checks.flat_map(|check| check.values(&arguments));
        Ok(values.filter_map(Value::as_str).map(str::to_owned).collect())
    }

    fn around<'a>(&self, doing: &StepContext<'a>) -> Result<Around<'a>, Refusal> {
        Around::of_step(doing, &self.names(doing.arguments)?)
    }

    /// Has something done about a step; `None` if this process does it.
    fn step<T: DeserializeOwned>(&self, doing: &StepContext<'_>, what: Doing) -> Option<Result<T, Lost>> {
        match self.around(doing) {
            Ok(around) => Some(self.carry(doing, &around, around.carrier()?.as_ref(), what)),
            // This process does not try either: what a preview in the other process named may be another target.
            Err(_) if doing.host.carrier().is_none() => None,
            Err(refusal) => Some(Err(Lost::NotSent(refusal))),
        }
    }

    fn carry<T: DeserializeOwned>(
        &self,
        doing: &StepContext<'_>,
        around: &Around<'_>,
        carrier: &dyn Carrier,
        what: Doing,
    ) -> Result<T, Lost> {
        let of_targets = around.targets.iter().filter_map(|target| target.call_limit).max();
        let limit = STEP.saturating_add(of_targets.unwrap_or(DEFAULT_CALL_LIMIT));
        let only_looks = matches!(what, Doing::Resolve | Doing::Poll(_));
        let step = Task::Step {
            doing: what,
            step_id: doing.step_id.to_owned(),
            targets: doing.targets.to_owned(),
            is_stopping: doing.is_stopping(),
        };
        let (request, masks) = around.request(self.name, doing.arguments, step).map_err(Lost::NotSent)?;
        let answer = masks.answer(&carrier.carry(request, &Deadline::after(limit), !only_looks)?)?;
        about_step(&answer).map_err(Lost::Unanswered)
    }
}

/// Whether the targets of a step name only a target of its call, and the unit and the file system of that target, which are
/// locked with it. They have the name in `target`, or are it.
fn are_of(own: &[&TargetAccess], preview: &Preview, targets: &RawValue) -> Result<bool, Refusal> {
    let targets: Value = read(targets)?;
    let name = if targets.is_string() { Some(&targets) } else { targets.get("target") }.and_then(Value::as_str);
    let Some(target) = own.iter().find(|one| Some(one.target.name.as_str()) == name) else { return Ok(false) };
    let [unit, mount] = [UNIT, MOUNT].map(|name| label(&target.target.labels, name));
    let is = |field: &str, expected: &Option<String>| {
        targets.get(field).is_none_or(|value| value.as_str() == expected.as_deref())
    };
    Ok(is(UNIT, &unit) && is(MOUNT, &mount) && (preview.mount.is_none() || preview.mount == mount))
}

/// What became of a step if nobody knows.
fn unknown(lost: Lost) -> Applied {
    match lost {
        Lost::NotSent(refusal) => Applied::refused(&refusal),
        Lost::Unanswered(refusal) => Applied::unknown(format!("nobody knows what was done: {refusal}")),
    }
}

impl Action for CarriedAction {
    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: &RawValue,
        earlier: &[Arc<Proposed>],
    ) -> Result<Previewed, Refusal> {
        if self.inner.previews_without_server() {
            return self.inner.preview(ask, arguments, earlier);
        }
        let around = Around::of_probe(ask, &self.names(arguments)?)?;
        let Some(carrier) = around.carrier() else { return self.inner.preview(ask, arguments, earlier) };
        let limit = Millis::from(ask.deadline.remaining());
        let (request, masks) =
            around.request(self.name, arguments, Task::Preview { earlier: earlier.to_vec(), limit })?;
        let reply = carrier.carry(request, ask.deadline, false).map_err(Lost::into_refusal)?;
        let Foreseen { preview, targets } = about_step(&masks.answer(&reply).map_err(Lost::into_refusal)?)?;
        // A step is about a thing of its target, so that it can neither lock nor hide other things.
        let is_about = |name: &str| {
            let rest = preview.about.name.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let own = &around.targets;
        if !own.iter().any(|target| is_about(&target.target.name)) || !are_of(own, &preview, &targets)? {
            return Err(invalid());
        }
        self.inner.previewed(preview, targets).map_err(|_| invalid())
    }

    fn previewed(&self, preview: Preview, targets: Box<RawValue>) -> Result<Previewed, Refusal> {
        self.inner.previewed(preview, targets)
    }

    fn describe(&self, targets: &RawValue) -> Described {
        self.inner.describe(targets)
    }

    fn is_within(&self, scope: &Scope, targets: &RawValue) -> Result<bool, Refusal> {
        self.inner.is_within(scope, targets)
    }

    fn amounts(&self, targets: &RawValue, treated: Option<&[Item]>) -> Result<Vec<Amount>, Refusal> {
        self.inner.amounts(targets, treated)
    }

    /// If the reply does not come, the step is resolved as after a crash of ansai.
    fn begin(&self, doing: &StepContext<'_>) -> Result<Begun, Refusal> {
        let why = match self.step::<Began>(doing, Doing::Begin) {
            None => return self.inner.begin(doing),
            Some(Err(Lost::NotSent(refusal))) => return Err(refusal),
            Some(Err(Lost::Unanswered(why))) => why,
            Some(Ok(began)) => match began.accept() {
                Ok(begun) => return Ok(begun),
                Err(why) => why,
            },
        };
        Ok(Begun::Finished(
            self.resolve(doing)
                .unwrap_or_else(|again| Applied::unknown(format!("nobody knows what was done: {why}; then {again}"))),
        ))
    }

    /// Nothing that calls servers is put back without ansai.
    fn guard(&self, doing: &StepContext<'_>) -> Result<Guard, Refusal> {
        self.inner.guard(doing)
    }

    fn confirm(&self, doing: &StepContext<'_>) -> Result<(), Refusal> {
        match self.step(doing, Doing::Confirm) {
            None => self.inner.confirm(doing),
            Some(confirmed) => confirmed.map_err(Lost::into_refusal),
        }
    }

    fn undo(&self, doing: &StepContext<'_>, items: &[Item]) -> Result<Applied, Refusal> {
        match self.step(doing, Doing::Undo(items.to_vec())) {
            None => self.inner.undo(doing, items),
            Some(Err(Lost::NotSent(refusal))) => Err(refusal),
            Some(applied) => Ok(applied.unwrap_or_else(unknown)),
        }
    }

    fn resolve(&self, doing: &StepContext<'_>) -> Result<Applied, Refusal> {
        match self.step(doing, Doing::Resolve) {
            None => self.inner.resolve(doing),
            Some(resolved) => resolved.map_err(Lost::into_refusal),
        }
    }

    fn acts_after_undo(&self) -> bool {
        self.inner.acts_after_undo()
    }

    fn after_undo(&self, doing: &StepContext<'_>) -> Result<Applied, Refusal> {
        match self.step(doing, Doing::AfterUndo) {
            None => self.inner.after_undo(doing),
            Some(Err(Lost::NotSent(refusal))) => Err(refusal),
            Some(applied) => Ok(applied.unwrap_or_else(unknown)),
        }
    }

    fn types(&self) -> Types {
        self.inner.types()
    }

    fn cost(&self, arguments: &RawValue) -> u64 {
        self.inner.cost(arguments)
    }

    fn noun(&self) -> &'static str {
        self.inner.noun()
    }

    fn on_stop(&self) -> OnStop {
        self.inner.on_stop()
    }

    /// A look that is lost says nothing about the step, which goes on at the server.
    fn poll(&self, doing: &StepContext<'_>, handle: &RawValue) -> Progress {
        if let (Some(_), Err(refusal)) = (doing.host.carrier(), self.around(doing)) {
            let reason = Some(refusal.clone());
            return Progress::Finished(Applied { reason, ..Applied::unknown(refusal.to_string()) });
        }
        match self.step::<Seen>(doing, Doing::Poll(handle.to_owned())) {
            None => self.inner.poll(doing, handle),
            Some(Ok(seen)) => seen.into(),
            Some(Err(lost)) => Progress::Running { note: lost.into_refusal().to_string(), again_in: AGAIN },
        }
    }

    fn cancel(&self, doing: &StepContext<'_>, handle: &RawValue) -> Applied {
        match self.step(doing, Doing::Cancel(handle.to_owned())) {
            None => self.inner.cancel(doing, handle),
            Some(applied) => applied.unwrap_or_else(|lost: Lost| Applied::unknown(lost.into_refusal().to_string())),
        }
    }
}
