//! Backtests another version of a policy: what it would have decided in a recorded evaluation.
//!
//! A replay ([`crate::replay`]) follows the recording call by call. A new version may make calls in another order, fewer
//! calls, or the same call again: a backtest answers each call from anywhere in the recording. When the recording does not
//! have a call, the result is unknown. An action that was not recorded is a difference.

use std::collections::BTreeMap;
use std::sync::Arc;

use ansai_core::event::Phase;
use ansai_core::text::inert;
use ansai_core::{Decision, InstanceName, InterfaceName, Observation, Status, Timestamp};
use ansai_kit::admit::{Caller, Grants, admit};
use ansai_kit::backend::{Abort, Answer, Backend};
use ansai_kit::call::{Call, Reply, to_reply};
use ansai_kit::registry::{Body, Registry};
use serde::Serialize;
use serde_json::Value;

use crate::evaluate::Evaluation;
use crate::load::Policy;
use crate::recording::{RecordedCall, RecordedEnd, RecordedReply, Recording};

/// No grant is missing in a backtest, so nobody sees this name.
static RECORDED: InstanceName = InstanceName::from_static("recorded");

/// Maximum length of a line of a decision.
const MAX_SHOWN: usize = 1_000;

/// The result of a backtest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The decision is the same. Texts may differ.
    Same,
    /// The decision differs.
    Different(Vec<Change>),
    /// The recording does not have a call, or a deadline ended one of the two evaluations.
    Unknown(String),
}

/// A different decision about one finding. Lines have no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Key of the finding; empty when there was no answer.
    pub finding: String,
    /// The recorded status, or the decision and a line for each step; empty when there was none.
    pub recorded: Vec<String>,
    /// The same for the new version.
    pub now: Vec<String>,
}

/// A policy to backtest; cheap to clone.
#[derive(Clone)]
pub struct Backtest {
    policy: Policy,
    registry: Arc<Registry>,
}

impl Backtest {
    /// A backtest of a loaded policy.
    pub fn new(policy: Policy) -> Backtest {
        Backtest { registry: Arc::new(policy.engine.registry.clone()), policy }
    }

    /// Backtests one recording.
    pub async fn run(&self, mut recording: Recording) -> Verdict {
        if recording.end == RecordedEnd::Deadline {
            return Verdict::Unknown("ended by its deadline".into());
        }
        let calls = std::mem::take(&mut recording.calls);
        let proposed: Vec<String> = calls
            .iter()
            .filter(|call| matches!(call.reply, RecordedReply::Ok(_)))
            .filter(|call| is_action(&self.registry, &call.interface, &call.function))
            .map(|call| step(&call.interface, &call.function, call.arguments.get()))
            .collect();
        let backend = BacktestBackend {
            registry: self.registry.clone(),
            phase: recording.phase,
            at: recording.at,
            calls: calls.into_iter().map(|call| (call, false)).collect(),
            proposed: Vec::new(),
            divergence: None,
        };
        let evaluation = match (&recording.finding, recording.phase) {
            (Some(finding), Phase::Plan) => self.policy.plan(backend, &recording.limits, finding).await,
            _ => self.policy.detect(backend, &recording.limits).await,
        };
        verdict(&recording, &proposed, &evaluation)
    }
}

/// The first call that the recording does not answer.
enum Divergence {
    Call(String),
    Proposal(String),
}

/// The backend of a backtest: answers from anywhere in a recording.
struct BacktestBackend {
    registry: Arc<Registry>,
    phase: Phase,
    at: Timestamp,
    /// Recorded calls, each with whether it has answered a call already.
    calls: Vec<(RecordedCall, bool)>,
    proposed: Vec<String>,
    divergence: Option<Divergence>,
}

impl Backend for BacktestBackend {
    fn ask<'a>(&'a mut self, call: Call<'a>) -> Answer<'a> {
        Answer::Now(self.answer(call))
    }
}

impl BacktestBackend {
    fn answer(&mut self, call: Call<'_>) -> Result<Reply, Abort> {
        let caller = Caller { instance: &RECORDED, phase: self.phase, grants: Grants::Recorded };
        let proposes = match admit(&self.registry, caller, call) {
            Ok(admitted) => admitted.proposes(),
            Err(why) => return why.into_answer(),
        };
        let wanted = if proposes { Some(without_reason(call.arguments.get())) } else { None };
        let same = |known: &RecordedCall| {
            known.interface == *call.interface
                && *known.function == *call.function
                && (known.arguments.get() == call.arguments.get()
                    || wanted.as_ref().is_some_and(|wanted| without_reason(known.arguments.get()) == *wanted))
        };
        // Equal calls answer in their recorded order; the last one answers all further calls.
        let place = self.calls.iter().position(|(known, used)| !used && same(known));
        let place = place.or_else(|| self.calls.iter().rposition(|(known, _)| same(known)));
        if let Some((known, used)) = place.and_then(|place| self.calls.get_mut(place)) {
            *used = true;
            if proposes && matches!(known.reply, RecordedReply::Ok(_)) {
                self.proposed.push(step(call.interface, call.function, call.arguments.get()));
            }
            return Ok(known.reply.clone().into());
        }
        match (call.interface.as_str(), call.function) {
            ("ansai:policy/log", _)
            | ("ansai:policy/store", "set" | "remove")
            | ("ansai:policy/series", "append" | "reset") => Ok(to_reply(&())),
            ("ansai:policy/context", "now") => Ok(to_reply(&self.at)),
            (_, function) => {
                let shown = step(call.interface, function, call.arguments.get());
                let why = format!("not recorded: {shown}");
                self.divergence = Some(if proposes { Divergence::Proposal(shown) } else { Divergence::Call(shown) });
                Err(Abort(why))
            }
        }
    }
}

fn is_action(registry: &Registry, interface: &InterfaceName, function: &str) -> bool {
    matches!(registry.find(interface, function), Some((_, found)) if matches!(found.body, Body::Action(_)))
}

/// The arguments without the reason: a step with another reason is the same step.
fn without_reason(arguments: &str) -> Option<Value> {
    let mut arguments: Value = serde_json::from_str(arguments).ok()?;
    arguments.as_object_mut()?.shift_remove("reason");
    Some(arguments)
}

fn step(interface: &InterfaceName, function: &str, arguments: &str) -> String {
    let arguments = without_reason(arguments).unwrap_or_default();
    inert(&format!("{interface}.{function} {arguments}"), MAX_SHOWN)
}

fn verdict(recording: &Recording, proposed: &[String], evaluation: &Evaluation<BacktestBackend>) -> Verdict {
    let now = evaluation.end();
    if now == RecordedEnd::Deadline {
        return Verdict::Unknown("the new version was ended by its deadline".into());
    }
    let Some(backend) = &evaluation.backend else {
        return Verdict::Unknown("the host failed".into());
    };
    let changes = match (&backend.divergence, &recording.end, &now) {
        (Some(Divergence::Call(call)), ..) => return Verdict::Unknown(format!("call not recorded: {call}")),
        (Some(Divergence::Proposal(step)), ..) => {
            let mut now = backend.proposed.clone();
            now.push(step.clone());
            now.push("… (further steps unknown: not recorded)".into());
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

/// All keys whose status differs, and those that only one of the two has.
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
        Status::Unknown(why) => inert(&format!("unknown: {why}"), MAX_SHOWN),
        Status::Gone => "gone".into(),
    }
}

/// Whether two ends are of the same kind; their texts may differ.
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

/// Whether the proposed steps are to be applied; otherwise they do not count.
fn applies(end: &RecordedEnd) -> bool {
    matches!(end, RecordedEnd::Decided(Decision::Apply(_) | Decision::ApplyThenReplan(_)))
}

/// An end and its steps as lines.
fn decided(end: &RecordedEnd, steps: &[String]) -> Vec<String> {
    let first = match end {
        RecordedEnd::Observed(observations) => {
            return observations
                .iter()
                .map(|one| inert(&format!("{}: {}", one.key, status_line(&one.status)), MAX_SHOWN))
                .collect();
        }
        RecordedEnd::Decided(decision) => inert(&serde_json::to_string(decision).unwrap_or_default(), MAX_SHOWN),
        RecordedEnd::Failed(why) | RecordedEnd::Stopped(why) => inert(&format!("no answer: {why}"), MAX_SHOWN),
        RecordedEnd::Deadline => "ended by its deadline".into(),
    };
    let steps = if applies(end) { steps } else { &[] };
    std::iter::once(first).chain(steps.iter().cloned()).collect()
}
