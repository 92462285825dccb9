//! Replays a recording: the recorded replies answer the calls, and the first difference is reported.

use std::collections::VecDeque;

use ansai_core::event::Phase;
use ansai_kit::backend::{Abort, Answer, Backend};
use ansai_kit::call::Call;

use crate::engine::ENGINE_VERSION;
use crate::evaluate::{self, Evaluation, EvaluationError};
use crate::load::Policy;
use crate::recording::{RecordedCall, RecordedEnd, Recording};

/// The first difference between a recording and its replay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// The policy makes another call than the recorded one.
    #[error("call {index}: recorded {recorded}, now {now}")]
    Call {
        /// Number of the call, from 1.
        index: usize,
        /// Name and arguments of the recorded call, or `no further call`.
        recorded: String,
        /// Name and arguments of the call now, or `no further call`.
        now: String,
    },
    /// All calls agree, but the answer differs.
    #[error("answer: recorded {recorded}, now {now}")]
    Answer {
        /// The recorded answer as JSON.
        recorded: String,
        /// The answer now, as JSON.
        now: String,
    },
    /// Only the fuel differs, with the same component and engine version.
    #[error("fuel: recorded {recorded}, now {now}")]
    Fuel {
        /// Fuel in the recording.
        recorded: u64,
        /// Fuel now.
        now: u64,
    },
}

/// The result of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// Calls, answer and, where it is comparable, fuel are the same.
    Identical {
        /// Whether fuel is comparable: component and engine version are the same, and the stack did not end.
        fuel_compared: bool,
    },
    /// Something differs.
    Differs(Difference),
    /// A deadline ended the recorded evaluation, which depends on the machine.
    Excluded,
}

/// The backend of a replay: answers from the recording, in its order.
pub struct RecordingBackend {
    calls: VecDeque<RecordedCall>,
    index: usize,
    first: Option<Difference>,
}

impl Backend for RecordingBackend {
    fn ask<'a>(&'a mut self, call: Call<'a>) -> Answer<'a> {
        self.index += 1;
        let now = || shown(&format!("{}.{}", call.interface, call.function), call.arguments.get());
        let recorded = self.calls.pop_front();
        match recorded {
            Some(recorded)
                if recorded.interface == *call.interface
                    && *recorded.function == *call.function
                    && recorded.arguments.get() == call.arguments.get() =>
            {
                Answer::Now(Ok(recorded.reply.into()))
            }
            other => {
                let recorded = other
                    .map_or_else(|| "no further call".to_owned(), |other| shown(&other.name(), other.arguments.get()));
                self.first = Some(Difference::Call { index: self.index, recorded, now: now() });
                Answer::Now(Err(Abort("the replay left its recording".into())))
            }
        }
    }
}

fn shown(name: &str, arguments: &str) -> String {
    ansai_core::text::inert(&format!("{name} {arguments}"), 300)
}

/// Replays a recording with a policy: with the recorded component, or with another one.
pub async fn replay(policy: &Policy, recording: &Recording) -> (Replayed, Evaluation<RecordingBackend>) {
    let backend = RecordingBackend { calls: recording.calls.clone().into(), index: 0, first: None };
    let evaluation = match (&recording.finding, recording.phase) {
        (Some(finding), Phase::Plan) => policy.plan(backend, &recording.limits, finding).await,
        _ => policy.detect(backend, &recording.limits).await,
    };
    let replayed = compare(policy, recording, &evaluation);
    (replayed, evaluation)
}

/// Compares without a copy of the answer.
fn same_end(evaluation: &Evaluation<RecordingBackend>, recorded: &RecordedEnd) -> bool {
    match (&evaluation.answer, recorded) {
        (Ok(evaluate::Answer::Observed(now)), RecordedEnd::Observed(recorded)) => now == recorded,
        (Ok(evaluate::Answer::Decided(now)), RecordedEnd::Decided(recorded)) => now == recorded,
        _ => evaluation.end() == *recorded,
    }
}

fn compare(policy: &Policy, recording: &Recording, evaluation: &Evaluation<RecordingBackend>) -> Replayed {
    if recording.end == RecordedEnd::Deadline {
        return Replayed::Excluded;
    }
    let backend = evaluation.backend.as_ref();
    if let Some(first) = backend.and_then(|backend| backend.first.clone()) {
        return Replayed::Differs(first);
    }
    if let Some(missed) = backend.and_then(|backend| backend.calls.front()) {
        return Replayed::Differs(Difference::Call {
            index: recording.calls.len() - backend.map_or(0, |backend| backend.calls.len()) + 1,
            recorded: shown(&missed.name(), missed.arguments.get()),
            now: "no further call".into(),
        });
    }
    if !same_end(evaluation, &recording.end) {
        let now = evaluation.end();
        let text = |end: &RecordedEnd| ansai_core::text::inert(&serde_json::to_string(end).unwrap_or_default(), 2_000);
        return Replayed::Differs(Difference::Answer { recorded: text(&recording.end), now: text(&now) });
    }
    let is_same_code = recording.engine == ENGINE_VERSION && recording.component == policy.info().digest;
    // How deep a guest gets before its stack ends depends on the frames of the program that runs it: a worker and this process
    // differ by one call.
    let fuel_compared = is_same_code && !matches!(evaluation.answer, Err(EvaluationError::Stack));
    if fuel_compared && evaluation.usage.fuel != recording.fuel {
        return Replayed::Differs(Difference::Fuel { recorded: recording.fuel, now: evaluation.usage.fuel });
    }
    Replayed::Identical { fuel_compared }
}
