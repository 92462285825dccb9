//! The side that answers: it makes the call of a request, in the process that calls servers.

use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ansai_core::Refusal;
use ansai_kit::action::{Action, StepContext};
use ansai_kit::call::to_text;
use ansai_kit::carrier::{Handled, Handlers};
use ansai_kit::host::{Deadline, ProbeContext};
use ansai_kit::registry::{Body, Registry};
use ansai_kit::remote::{Part, Parts, RemoteFunction};
use serde::Serialize;
use serde_json::value::RawValue;

use super::reply::{Answer, Began, Foreseen, Seen};
use super::request::{Doing, Request, Task};

/// The longest reply, in bytes. A server sends at most 8 MiB for one call.
pub const MOST_REPLY_BYTES: usize = 16 << 20;

/// A request that is about to be answered.
pub struct Answering {
    work: Work,
    deadline: Deadline,
}

enum Work {
    /// A call of a function of these domains.
    Call(Box<Request>),
    /// What another crate handles.
    Handled(Handled),
}

impl Answering {
    /// Reads a request: a call, or one for these handlers. Its time begins now.
    ///
    /// # Errors
    /// `invalid` for text that is not a request of this version of ansai.
    pub fn of(text: &str, handlers: Handlers) -> Result<Answering, Refusal> {
        if let Some(handled) = Handled::of(text, handlers) {
            let handled = handled?;
            return Ok(Answering { deadline: earlier(handled.limit.into()), work: Work::Handled(handled) });
        }
        let request: Request = serde_json::from_str(text)
            .map_err(|error| Refusal::Invalid(format!("not a request of this version: {:?}", error.classify())))?;
        let limit = match &request.task {
            Task::Probe { limit, .. } | Task::Preview { limit, .. } => Duration::from(*limit),
            // What is done about a step has limits of its own.
            Task::Step { .. } => Duration::MAX / 4,
        };
        Ok(Answering { deadline: earlier(limit), work: Work::Call(Box::new(request)) })
    }

    /// Ends the call when nobody waits for it any more.
    pub fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// Makes the call, and writes the reply.
    pub fn answer(self) -> Box<RawValue> {
        let Answering { work, deadline } = self;
        let answered = match work {
            Work::Call(request) => Call { request: *request, deadline }.run(),
            Work::Handled(handled) => handled.answer(&deadline).map(Answer::Ok),
        };
        written(&answered.unwrap_or_else(Answer::Refused))
    }
}

/// A little earlier than the one who waits, so that a late answer is still told.
fn earlier(limit: Duration) -> Deadline {
    Deadline::after((limit - limit / 20).min(LONGEST))
}

/// A call of a function.
struct Call {
    request: Request,
    deadline: Deadline,
}

impl Call {
    fn run(mut self) -> Result<Answer, Refusal> {
        static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::of(crate::INTERFACES));
        let (host, reach, _kept) = self.request.unpack();
        let Request { interface, function, task, arguments, scope, now, .. } = self.request;
        let unknown = || Refusal::Unsupported("the process that calls servers has no such function".into());
        let (_, found) = REGISTRY.find(&interface, &function).ok_or_else(unknown)?;
        let ask = ProbeContext { host: &host, scope: &scope, reach: &reach, now, deadline: &self.deadline };
        match (task, found.body) {
            (Task::Probe { part, .. }, Body::Remote(function)) => probe(function, &ask, &arguments, part),
            (Task::Preview { earlier, .. }, Body::Action(action)) => {
                let previewed = action.preview(&ask, &arguments, &earlier)?;
                Ok(told(&Foreseen { preview: previewed.preview, targets: previewed.targets }))
            }
            (Task::Step { doing, step_id, targets, is_stopping }, Body::Action(action)) => {
                let context = StepContext {
                    host: &host,
                    scope: &scope,
                    reach: &reach,
                    now,
                    step_id: &step_id,
                    arguments: &arguments,
                    targets: &targets,
                    stop: &AtomicBool::new(is_stopping),
                };
                step(action, &context, doing)
            }
            _ => Err(unknown()),
        }
    }
}

/// Longer than any call, and short enough to be added to any time.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A refusal as a reply.
#[must_use]
pub fn refused(refusal: Refusal) -> Box<RawValue> {
    written(&Answer::Refused(refusal))
}

/// A reply that says that something may have been done.
#[must_use]
pub fn lost(why: Refusal) -> Box<RawValue> {
    to_text(&Answer::Lost(why)).unwrap_or_default()
}

/// The call was made: an answer that cannot be told is lost, not refused.
fn written(answer: &Answer) -> Box<RawValue> {
    match to_text(answer) {
        Ok(text) if text.get().len() <= MOST_REPLY_BYTES => text,
        Ok(_) => lost(Refusal::OverBudget(format!("the answer has more than {MOST_REPLY_BYTES} bytes"))),
        Err(refusal) => lost(refusal),
    }
}

/// What a call answered.
fn told(answer: &impl Serialize) -> Answer {
    to_text(answer).map_or_else(Answer::Lost, Answer::Ok)
}

fn probe(
    function: &dyn RemoteFunction,
    ask: &ProbeContext<'_>,
    arguments: &RawValue,
    part: usize,
) -> Result<Answer, Refusal> {
    let part: Option<Part> = match function.split(arguments)? {
        Parts::One(one) => (part == 0).then_some(one),
        Parts::Each(parts) => parts.into_iter().nth(part),
    };
    let part = part.ok_or_else(|| Refusal::Invalid("the call has no such part".into()))?;
    // The supervisor turns a refusal into the answer of the part.
    Ok(Answer::Ok((*(part.call)(ask)?).to_owned()))
}

fn step(action: &dyn Action, context: &StepContext<'_>, doing: Doing) -> Result<Answer, Refusal> {
    Ok(match doing {
        Doing::Begin => told(&Began::from(action.begin(context)?)),
        Doing::Confirm => {
            action.confirm(context)?;
            told(&())
        }
        Doing::Undo(items) => told(&action.undo(context, &items)?),
        Doing::Resolve => told(&action.resolve(context)?),
        Doing::AfterUndo => told(&action.after_undo(context)?),
        Doing::Poll(handle) => told(&Seen::from(action.poll(context, &handle))),
        Doing::Cancel(handle) => told(&action.cancel(context, &handle)),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_answer_that_is_too_long_is_lost_and_not_refused() {
        let long = serde_json::value::to_raw_value(&"x".repeat(MOST_REPLY_BYTES)).unwrap();
        let written = written(&Answer::Ok(long));
        assert!(written.get().starts_with(r#"{"lost":{"over-budget":"#), "{written}");
        assert!(refused(Refusal::Busy("x".into())).get().starts_with(r#"{"refused":"#));
    }
}
