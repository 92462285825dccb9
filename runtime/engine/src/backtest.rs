//! What another version of a policy would have decided where an earlier one was recorded.
//!
//! A replay ([`crate::replay`]) follows its recording call by call. A new version may ask in another order, ask less or
//! ask again: here a call is answered wherever the recording has it. What it does not have cannot be told, except that a
//! step is proposed that was not.

use std::collections::BTreeMap;
use std::sync::Arc;

use ansai_core::event::Phase;
use ansai_core::text::inert;
use ansai_core::{Decision, Instant, Observation, Status};
use ansai_kit::admit::{Caller, Grants, admit};
use ansai_kit::backend::{Abort, Answer, Backend};
use ansai_kit::call::{Call, Reply, to_reply};
use ansai_kit::registry::{Body, Registry};
use serde::Serialize;
use serde_json::Value;

use crate::evaluate::Evaluation;
use crate::load::Policy;
use crate::recording::{RecordedCall, RecordedEnd, RecordedReply, Recording};

/// The longest line of a decision that is shown.
const MOST_SHOWN: usize = 1_000;

/// How the new version compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It decides the same. Words may differ.
    Same,
    /// It does not.
    Different(Vec<Change>),
    /// The recording does not have what it asks for, or a deadline ended one of the two.
    Untold(String),
}

/// What is decided differently about one finding. Lines are free of control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its key; empty where there was no answer at all.
    pub finding: String,
    /// The status, or the decision and a line for each step; empty where there was none.
    pub recorded: Vec<String>,
    /// The same of the new version.
    pub now: Vec<String>,
}

/// A version that is put to the test; cheap to clone.
#[derive(Clone)]
pub struct Backtest {
    policy: Policy,
    registry: Arc<Registry>,
}

impl Backtest {
    /// Of a loaded component.
    pub fn new(policy: Policy) -> Backtest {
        Backtest { registry: Arc::new(policy.engine.registry.clone()), policy }
    }

    /// Runs a recorded evaluation.
    pub async fn run(&self, mut recording: Recording) -> Verdict {
        if recording.end == RecordedEnd::Deadline {
            return Verdict::Untold("ended by its deadline".into());
        }
        let calls = std::mem::take(&mut recording.calls);
        let proposed: Vec<String> = calls
            .iter()
            .filter(|call| matches!(call.reply, RecordedReply::Ok(_)))
            .filter(|call| is_action(&self.registry, &call.interface, &call.function))
            .map(|call| step(&call.interface, &call.function, call.arguments.get()))
            .collect();
        let backend = Hindsight {
            registry: self.registry.clone(),
            phase: recording.phase,
            at: recording.at,
            calls: calls.into_iter().map(|call| (call, false)).collect(),
            proposed: Vec::new(),
            left: None,
        };
        let evaluation = match (&recording.finding, recording.phase) {
            (Some(finding), Phase::Plan) => self.policy.plan(backend, &recording.limits, finding).await,
            _ => self.policy.detect(backend, &recording.limits).await,
        };
        verdict(&recording, &proposed, &evaluation)
    }
}

/// How an evaluation left its recording.
enum Left {
    Asked(String),
    Proposed(String),
}

/// Answers from anywhere in a recording.
struct Hindsight {
    registry: Arc<Registry>,
    phase: Phase,
    at: Instant,
    /// With whether it has answered already.
    calls: Vec<(RecordedCall, bool)>,
    proposed: Vec<String>,
    left: Option<Left>,
}

impl Backend for Hindsight {
    fn ask<'a>(&'a mut self, call: Call<'a>) -> Answer<'a> {
        Answer::Now(self.answer(call))
    }
}

impl Hindsight {
    fn answer(&mut self, call: Call<'_>) -> Result<Reply, Abort> {
        let caller = Caller { instance: "recorded", phase: self.phase, grants: Grants::Recorded };
        let proposes = match admit(&self.registry, caller, call) {
            Ok(admitted) => admitted.proposes(),
            Err(why) => return why.into_answer(),
        };
        let same = |known: &RecordedCall| {
            *known.interface == *call.interface
                && *known.function == *call.function
                && (known.arguments.get() == call.arguments.get()
                    || (proposes && without_reason(known.arguments.get()) == without_reason(call.arguments.get())))
        };
        // A call that was made once answers as often as it is made; one that was made twice, in that order.
        let place = self.calls.iter().position(|(known, used)| !used && same(known));
        let place = place.or_else(|| self.calls.iter().rposition(|(known, _)| same(known)));
        if let Some((known, used)) = place.and_then(|place| self.calls.get_mut(place)) {
            *used = true;
            if proposes && matches!(known.reply, RecordedReply::Ok(_)) {
                self.proposed.push(step(call.interface, call.function, call.arguments.get()));
            }
            return Ok(known.reply.clone().into());
        }
        match (call.interface, call.function) {
            ("ansai:policy/log", _)
            | ("ansai:policy/store", "set" | "remove")
            | ("ansai:policy/series", "append" | "reset") => Ok(to_reply(&())),
            ("ansai:policy/context", "now") => Ok(to_reply(&self.at)),
            (interface, function) => {
                let shown = step(interface, function, call.arguments.get());
                let why = format!("not recorded: {shown}");
                self.left = Some(if proposes { Left::Proposed(shown) } else { Left::Asked(shown) });
                Err(Abort(why))
            }
        }
    }
}

fn is_action(registry: &Registry, interface: &str, function: &str) -> bool {
    matches!(registry.find(interface, function), Some((_, found)) if matches!(found.body, Body::Action(_)))
}

/// Why a step is proposed is said in other words without being another step.
fn without_reason(arguments: &str) -> Option<Value> {
    let mut arguments: Value = serde_json::from_str(arguments).ok()?;
    arguments.as_object_mut()?.shift_remove("reason");
    Some(arguments)
}

fn step(interface: &str, function: &str, arguments: &str) -> String {
    let arguments = without_reason(arguments).unwrap_or_default();
    inert(&format!("{interface}.{function} {arguments}"), MOST_SHOWN)
}

fn verdict(recording: &Recording, proposed: &[String], evaluation: &Evaluation<Hindsight>) -> Verdict {
    let now = evaluation.end();
    if now == RecordedEnd::Deadline {
        return Verdict::Untold("the new version was ended by its deadline".into());
    }
    let Some(backend) = &evaluation.backend else {
        return Verdict::Untold("the evaluation lost its backend".into());
    };
    let changes = match (&backend.left, &recording.end, &now) {
        (Some(Left::Asked(call)), ..) => return Verdict::Untold(format!("asks for what was not recorded: {call}")),
        (Some(Left::Proposed(step)), ..) => {
            let mut now = backend.proposed.clone();
            now.push(step.clone());
            now.push("… (what comes after it was not recorded)".into());
            vec![Change { finding: key(recording), recorded: decided(&recording.end, proposed), now }]
        }
        (None, RecordedEnd::Observed(recorded), RecordedEnd::Observed(now)) => observed(recorded, now),
        (None, recorded, now) => {
            let (was, is) = (decided(recorded, proposed), decided(now, &backend.proposed));
            match same_end(recorded, now) && (!applies(recorded) || proposed == backend.proposed) {
                true => Vec::new(),
                false => vec![Change { finding: key(recording), recorded: was, now: is }],
            }
        }
    };
    if changes.is_empty() { Verdict::Same } else { Verdict::Different(changes) }
}

fn key(recording: &Recording) -> String {
    recording.finding.as_ref().map(|finding| inert(&finding.key, 200)).unwrap_or_default()
}

/// Every key whose status is another one, was not there, or is there no more.
fn observed(recorded: &[Observation], now: &[Observation]) -> Vec<Change> {
    let mut both: BTreeMap<&str, (Option<&Status>, Option<&Status>)> = BTreeMap::new();
    for one in recorded {
        both.entry(&one.key).or_default().0 = Some(&one.status);
    }
    for one in now {
        both.entry(&one.key).or_default().1 = Some(&one.status);
    }
    let line = |status: Option<&Status>| status.map(status_line).into_iter().collect();
    both.into_iter()
        .filter(|(_, (recorded, now))| match (recorded, now) {
            (Some(Status::Unknown(_)), Some(Status::Unknown(_))) => false,
            (recorded, now) => recorded != now,
        })
        .map(|(key, (recorded, now))| Change { finding: inert(key, 200), recorded: line(recorded), now: line(now) })
        .collect()
}

fn status_line(status: &Status) -> String {
    match status {
        Status::Healthy => "healthy".into(),
        Status::Unhealthy(severity) => severity.to_string(),
        Status::Unknown(why) => inert(&format!("unknown: {why}"), MOST_SHOWN),
    }
}

/// Whether two ends are of one kind; the words of both may differ.
fn same_end(recorded: &RecordedEnd, now: &RecordedEnd) -> bool {
    match (recorded, now) {
        (RecordedEnd::Decided(Decision::Apply(recorded)), RecordedEnd::Decided(Decision::Apply(now)))
        | (
            RecordedEnd::Decided(Decision::ApplyThenReplan(recorded)),
            RecordedEnd::Decided(Decision::ApplyThenReplan(now)),
        ) => recorded == now,
        (RecordedEnd::Decided(recorded), RecordedEnd::Decided(now)) => {
            std::mem::discriminant(recorded) == std::mem::discriminant(now)
        }
        (recorded, now) => std::mem::discriminant(recorded) == std::mem::discriminant(now),
    }
}

/// What was proposed counts only where it is to be applied.
fn applies(end: &RecordedEnd) -> bool {
    matches!(end, RecordedEnd::Decided(Decision::Apply(_) | Decision::ApplyThenReplan(_)))
}

/// An end with its steps, line by line.
fn decided(end: &RecordedEnd, steps: &[String]) -> Vec<String> {
    let first = match end {
        RecordedEnd::Observed(observations) => {
            return observations
                .iter()
                .map(|one| inert(&format!("{}: {}", one.key, status_line(&one.status)), MOST_SHOWN))
                .collect();
        }
        RecordedEnd::Decided(decision) => inert(&serde_json::to_string(decision).unwrap_or_default(), MOST_SHOWN),
        RecordedEnd::Failed(why) | RecordedEnd::Stopped(why) => inert(&format!("no answer: {why}"), MOST_SHOWN),
        RecordedEnd::Deadline => "ended by its deadline".into(),
    };
    let steps = if applies(end) { steps } else { &[] };
    std::iter::once(first).chain(steps.iter().cloned()).collect()
}
