//! The supervisor's side of one evaluation in a worker. It believes nothing that the worker says: a worker that breaks the
//! protocol is ended, and so is the evaluation.

use std::time::Duration;

use ansai_core::text::inert;
use ansai_core::{Bytes, InterfaceName, Limits, Observation, Usage};
use ansai_isolation::ChannelError;
use ansai_kit::backend::Backend;
use ansai_kit::call::Call;
use ansai_kit::carried::Carried;
use ansai_kit::registry::{Body, Registry};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::beside::{Beside, BesideCall, Replies};
use super::protocol::{
    Answered, Done, Evaluate, FromWorker, GuestAnswer, GuestCall, MAX_CARRIED, ToWorker, max_from_worker,
};
use super::workers::Worker;
use crate::component::ComponentInfo;
use crate::evaluate::answer::{decided, observed};
use crate::evaluate::{Answer, EvaluationError, USUAL_CALLS, micros};
use crate::gate::is_action;
use crate::gate::ledger::Ledger;
use crate::recording::{RecordedCall, RecordedReply};

/// How much longer than the guest the worker may take to say that the guest took too long. Without it, the worker is ended,
/// and the next evaluation starts a new one.
const GRACE: Duration = Duration::from_millis(250);
/// Maximum characters of a name that a worker sent in a message.
const MAX_SHOWN: usize = 120;

/// Why a worker is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The process ended, or its frames are not what the channel allows.
    #[error("{0}")]
    Channel(#[from] ChannelError),
    /// It said what it must not say.
    #[error("protocol violation: {0}")]
    Protocol(String),
    /// It called after the time of the evaluation.
    #[error("it called too late")]
    Late,
}

/// What an evaluation in a worker gave.
pub(crate) struct Outcome {
    pub(crate) answer: Result<Answer, EvaluationError>,
    pub(crate) usage: Usage,
    pub(crate) calls: Vec<RecordedCall>,
    /// Whether the worker can run another evaluation.
    pub(crate) sound: bool,
}

/// One evaluation.
pub(super) struct Conversation<'a> {
    pub(super) worker: &'a mut Worker,
    pub(super) registry: &'a Registry,
    pub(super) info: &'a ComponentInfo,
    pub(super) limits: &'a Limits,
    pub(super) finding: Option<&'a Observation>,
}

impl Conversation<'_> {
    /// Runs the evaluation; `backend` answers its calls.
    pub(super) async fn run(self, backend: &mut dyn Backend) -> Outcome {
        let began = std::time::Instant::now();
        let limits = self.limits;
        let ends = Instant::now() + Duration::from_millis(limits.deadline_ms);
        let mut said = Said { ledger: Ledger::new(limits, USUAL_CALLS), abort: None, carried: None, number: 0, ends };
        let ended = {
            let mut exchange = std::pin::pin!(self.exchange(&mut said, backend));
            match tokio::time::timeout_at(ends, &mut exchange).await {
                Ok(ended) => Some(ended),
                Err(_) => tokio::time::timeout(GRACE, exchange).await.ok(),
            }
        };
        let broken = |error: Broken| Err(EvaluationError::WorkerEnded(error.to_string()));
        let (answer, done) = match ended {
            // Guest, worker or host took too long.
            None | Some(Err(Broken::Late)) => (Err(EvaluationError::Deadline(limits.deadline_ms)), None),
            Some(Err(error)) => (broken(error), None),
            Some(Ok((answer, done))) => (answer, Some(done)),
        };
        let sound = done.is_some() && !answer.as_ref().is_err_and(EvaluationError::smells);
        let done = done.unwrap_or_default();
        let usage = Usage {
            memory_bytes: done.memory_bytes.min(limits.memory_bytes),
            fuel: done.fuel.min(limits.fuel),
            wall_us: micros(began),
            calls: said.ledger.calls.len() as u64,
            reply_bytes: said.ledger.reply_bytes,
            proposals: said.ledger.proposals,
            refused_calls: done.refused_calls,
        };
        Outcome { answer, usage, calls: said.ledger.calls, sound }
    }

    /// Asks for the evaluation and answers calls until it is done.
    async fn exchange(
        self,
        said: &mut Said,
        backend: &mut dyn Backend,
    ) -> Result<(Result<Answer, EvaluationError>, Spent), Broken> {
        let Conversation { worker, registry, info, limits, finding } = self;
        said.number = worker.next_number();
        let (number, digest) = (said.number, info.digest.clone());
        let carried = said.carry(backend, info);
        let request = Evaluate { number, digest, limits: limits.clone(), finding: finding.cloned(), carried };
        worker.send(&ToWorker::Evaluate(Box::new(request)), None).await?;
        let max = max_from_worker(limits);
        // Whoever runs the exchange has a shorter limit.
        let patience = Duration::from_millis(limits.deadline_ms).saturating_add(GRACE * 2);
        loop {
            match worker.receive(max, patience).await? {
                FromWorker::Call(call) => {
                    let answered = said.call(call, registry, info, backend).await?;
                    worker.send(&ToWorker::Reply(answered), None).await?;
                }
                FromWorker::Done(done) => {
                    if done.number == said.number {
                        said.beside(&done.before, registry, info, backend).await?;
                    }
                    return said.done(done, finding.is_some());
                }
                FromWorker::Loaded(_) => return Err(violation("a frame at the wrong time")),
            }
        }
    }
}

/// What was said so far.
struct Said {
    ledger: Ledger,
    /// The reason, when the backend ended the evaluation.
    abort: Option<String>,
    /// What the worker got to answer calls itself.
    carried: Option<Carried>,
    number: u64,
    ends: Instant,
}

impl Said {
    /// Checks a call, has the backend answer it, and records it. The backend authorizes it.
    async fn call(
        &mut self,
        call: GuestCall,
        registry: &Registry,
        info: &ComponentInfo,
        backend: &mut dyn Backend,
    ) -> Result<Answered, Broken> {
        let GuestCall { number, interface, function, arguments, before } = call;
        if number != self.number {
            return Err(violation("a call of another evaluation"));
        }
        if self.abort.is_some() {
            return Err(violation("a call after the end"));
        }
        self.beside(&before, registry, info, backend).await?;
        if let Some(abort) = &self.abort {
            return Ok(Answered::Abort(abort.clone()));
        }
        check(info, &interface, &arguments)?;
        let proposes = matches!(registry.find(&interface, &function), Some((_, found)) if is_action(found.body));
        // The worker has the same limits, and refuses such a call itself.
        self.ledger.within_budget(proposes, &arguments).map_err(violation)?;
        if Instant::now() >= self.ends {
            return Err(Broken::Late);
        }
        let asked = Call { interface: &interface, function: &function, arguments: &arguments };
        match self.ledger.answer(backend, asked).await {
            Ok(reply) => {
                let reply = RecordedReply::from(reply);
                self.ledger.record(RecordedCall { interface, function, arguments, reply: reply.clone() }, proposes);
                Ok(Answered::Reply(reply))
            }
            Err(abort) => {
                self.abort = Some(abort.to_string());
                Ok(Answered::Abort(abort.to_string()))
            }
        }
    }

    /// What the worker needs to answer calls of base interfaces itself; `None` if all of them cross.
    fn carry(&mut self, backend: &mut dyn Backend, info: &ComponentInfo) -> Option<Box<RawValue>> {
        let base = |import: &InterfaceName| import.package() == "ansai:policy";
        let carried = if info.imports.iter().any(base) { backend.carry(&info.imports) } else { None };
        let text = carried.as_ref().and_then(|carried| serde_json::value::to_raw_value(carried).ok());
        let text = text.filter(|text| text.get().len() <= MAX_CARRIED)?;
        self.carried = carried;
        Some(text)
    }

    /// Makes the calls again that the worker answered itself, records them, and compares the replies. They may come after the
    /// end of the evaluation, within its grace: each is a moment's work.
    async fn beside(
        &mut self,
        beside: &Beside,
        registry: &Registry,
        info: &ComponentInfo,
        backend: &mut dyn Backend,
    ) -> Result<(), Broken> {
        if self.abort.is_some() && !beside.is_empty() {
            return Err(violation("a call after the end"));
        }
        if !beside.fits() {
            return Err(violation("more calls than go with one frame"));
        }
        let mut replies = Replies::default();
        for BesideCall { interface, function, arguments } in &beside.calls {
            check(info, interface, arguments)?;
            let is_base =
                matches!(registry.find(interface, function), Some((_, found)) if matches!(found.body, Body::Base(_)));
            if !is_base || !self.carried.as_ref().is_some_and(|carried| carried.answers(interface, function)) {
                return Err(violation("an answer to a call that only the supervisor can answer"));
            }
            self.ledger.within_budget(false, arguments).map_err(violation)?;
            // Many calls come at once, and none of them waits for anything: others go on, and the limit of time counts. A turn of
            // the runtime for each call would take longer than the calls.
            tokio::task::coop::consume_budget().await;
            if Instant::now() >= self.ends + GRACE {
                return Err(Broken::Late);
            }
            let asked = Call { interface, function, arguments };
            match self.ledger.answer(backend, asked).await {
                Ok(reply) => {
                    let reply = RecordedReply::from(reply);
                    replies.add(&reply);
                    let (interface, function) = (interface.clone(), function.clone());
                    let call = RecordedCall { interface, function, arguments: arguments.clone(), reply };
                    self.ledger.record(call, false);
                }
                Err(abort) => {
                    self.abort = Some(abort.to_string());
                    return Ok(());
                }
            }
        }
        if !beside.is_empty() && replies.finish() != beside.replies {
            return Err(violation("a reply to a call that differs from the supervisor's"));
        }
        Ok(())
    }

    /// Checks the end of the evaluation.
    fn done(&mut self, done: Done, plans: bool) -> Result<(Result<Answer, EvaluationError>, Spent), Broken> {
        if done.number != self.number {
            return Err(violation("the end of another evaluation"));
        }
        let limits = &self.ledger.limits;
        let answer = match (done.answer, &self.abort) {
            (_, Some(why)) => Err(EvaluationError::Aborted(why.clone())),
            (Ok(GuestAnswer::Observed(seen)), _) if !plans => observed(Ok(seen), limits.observations),
            (Ok(GuestAnswer::Decided(decision)), _) if plans => decided(Ok(decision)),
            (Ok(_), _) => return Err(violation("the answer of another export")),
            // Its size is bounded as that of an answer.
            (Err(EvaluationError::Failure(failure)), _) => decided(Err(failure)),
            (Err(EvaluationError::Aborted(_) | EvaluationError::WorkerEnded(_)), _) => {
                return Err(violation("an end that only the supervisor can cause"));
            }
            (Err(error), _) => Err(error.bounded(limits)),
        };
        let Done { fuel, memory_bytes, refused_calls, .. } = done;
        Ok((answer, Spent { fuel, memory_bytes, refused_calls }))
    }
}

/// What a worker says that the guest used.
#[derive(Default)]
struct Spent {
    fuel: u64,
    memory_bytes: Bytes,
    refused_calls: u64,
}

fn violation(what: impl std::fmt::Display) -> Broken {
    Broken::Protocol(what.to_string())
}

/// Whether a guest can make this call.
fn check(info: &ComponentInfo, interface: &InterfaceName, arguments: &RawValue) -> Result<(), Broken> {
    if interface.version().is_some() || !info.imports.iter().any(|import| import.same_interface(interface)) {
        let shown = inert(interface.as_str(), MAX_SHOWN);
        return Err(violation(format!("a call of `{shown}`, which the component does not import")));
    }
    if is_as_written(arguments) { Ok(()) } else { Err(violation("arguments that no guest can send")) }
}

/// Whether it is a JSON object as the gate writes it: without spaces, and with each key once. Two readers of anything else
/// could see two different calls: one that is authorized, and one that is done.
fn is_as_written(arguments: &RawValue) -> bool {
    if arguments.get() == "{}" {
        return true;
    }
    let read: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(arguments.get());
    read.ok().and_then(|read| serde_json::to_string(&read).ok()).is_some_and(|text| text == arguments.get())
}
