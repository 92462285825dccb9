//! The worker's side: what runs guest code.
//!
//! It limits itself before it reads the first frame. Nothing here protects the supervisor: that is the work of
//! `super::conversation`.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use ansai_core::InterfaceName;
use ansai_isolation::at_rest::ProgramCode;
use ansai_isolation::{BlockingChannel, ChannelError};
use ansai_kit::backend::{Abort, Answer, Backend};
use ansai_kit::call::{Call, Reply};
use ansai_kit::carried::Carried;
use ansai_kit::evaluation_state::EvaluationState;
use ansai_kit::registry::{Body, Registry};
use tokio::sync::Mutex;

use super::beside::Gathered;
use super::protocol::{Answered, Done, Evaluate, FromWorker, GuestCall, MAX_TO_WORKER, NotLoaded, ToWorker};
use crate::compile::CompileError;
use crate::engine::Engine;
use crate::load::{Linked, LoadError, Place, Policy};

/// Why a worker ends.
#[derive(Debug, thiserror::Error)]
enum WorkerError {
    #[error("{0}")]
    Channel(#[from] ChannelError),
    #[error("{0}")]
    Start(String),
    #[error("the supervisor sent what it must not send: {0}")]
    Protocol(String),
}

/// The channel, which the loop and the backend of an evaluation share.
type Shared = Arc<StdMutex<BlockingChannel>>;

/// Runs guest code until the supervisor closes the channel, and returns the exit code. `registry` is that of the supervisor.
/// The program must call it first, before it starts threads or opens files.
pub fn run(registry: Registry, job: &str) -> u8 {
    let code = ProgramCode::find();
    ansai_isolation::confine::run(job, |channel| match serve(registry, channel, &code) {
        // The supervisor went away, or has enough workers.
        Err(WorkerError::Channel(ChannelError::Closed)) => Ok(()),
        ended => ended,
    })
}

fn serve(registry: Registry, channel: BlockingChannel, code: &ProgramCode) -> Result<(), WorkerError> {
    let start = |error: &dyn std::fmt::Display| WorkerError::Start(error.to_string());
    let engine = Engine::of_worker(registry).map_err(|error| start(&error))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(|error| start(&error))?;
    let channel = Arc::new(StdMutex::new(channel));
    let mut loaded = BTreeMap::new();
    let mut has_files = true;
    loop {
        match receive(&channel)? {
            (ToWorker::Load(load), Some(code)) => {
                let digest = load.digest.clone();
                let policy = engine.load_code(load.into_info(), &code);
                let result = policy.map_err(NotLoaded::of).map(|policy| {
                    loaded.insert(digest, policy);
                });
                send(&channel, &FromWorker::Loaded(result))?;
            }
            (ToWorker::Evaluate(evaluate), None) => {
                if std::mem::take(&mut has_files) {
                    ansai_isolation::confine::end_files().map_err(|error| start(&error))?;
                    // Evaluations need little of what made the engine and linked components.
                    code.release();
                }
                let Some(Policy { place: Place::Here(linked), .. }) = loaded.get(&evaluate.digest) else {
                    return Err(WorkerError::Protocol("a component that is not loaded".into()));
                };
                let done = runtime.block_on(evaluate_one(linked, (&channel, engine.registry()), *evaluate));
                send(&channel, &FromWorker::Done(done))?;
            }
            _ => return Err(WorkerError::Protocol("a frame at the wrong time".into())),
        }
    }
}

impl NotLoaded {
    fn of(error: LoadError) -> NotLoaded {
        match error {
            LoadError::Signature { interface, function, declared, expected } => {
                NotLoaded::Signature { interface, function, declared, expected }
            }
            LoadError::Compile(CompileError::NotAccepted(why)) => NotLoaded::NotAccepted(why),
            LoadError::Compile(CompileError::Unusable(why)) => NotLoaded::Unusable(why),
            other => NotLoaded::Unusable(other.to_string()),
        }
    }
}

async fn evaluate_one(linked: &Linked, (channel, registry): (&Shared, &Registry), evaluate: Evaluate) -> Done {
    let Evaluate { number, limits, finding, carried, .. } = evaluate;
    // What it cannot read is asked for.
    let carried: Option<Carried> = carried.and_then(|carried| serde_json::from_str(carried.get()).ok());
    let state = carried.map(|carried| (carried.clone().into_state(), carried));
    let (channel, registry) = (channel.clone(), registry.clone());
    let backend = Arc::new(Mutex::new(Remote { channel, registry, number, state, gathered: Gathered::default() }));
    let lent = (backend.clone() as Arc<Mutex<dyn Backend>>).lock_owned().await;
    let evaluation = linked.run(lent, &limits, finding.as_ref()).await;
    let before = backend.lock().await.gathered.take();
    Done {
        before,
        number,
        answer: evaluation.answer.map(Into::into),
        fuel: evaluation.usage.fuel,
        memory_bytes: evaluation.usage.memory_bytes,
        refused_calls: evaluation.usage.refused_calls,
    }
}

/// Answers calls of base interfaces, as far as the state for them came with the evaluation. Sends each other call to the
/// supervisor and waits for the reply. Nothing else runs in this process meanwhile.
struct Remote {
    channel: Shared,
    registry: Registry,
    number: u64,
    /// The state, and what it was made of.
    state: Option<(EvaluationState, Carried)>,
    /// What the supervisor does not know yet.
    gathered: Gathered,
}

impl Remote {
    /// The reply, if the state for it is here.
    fn beside(&mut self, call: Call<'_>) -> Option<Reply> {
        let (state, carried) = self.state.as_mut()?;
        if !carried.answers(call.interface, call.function) || !self.gathered.fits(&call) {
            return None;
        }
        let (_, found) = self.registry.find(call.interface, call.function)?;
        let Body::Base(function) = found.body else { return None };
        let reply = function.answer(state, call.arguments);
        self.gathered.add(call, &reply.clone().into());
        Some(reply)
    }

    fn exchange(&mut self, call: Call<'_>) -> Result<Answered, WorkerError> {
        let before = self.gathered.take();
        send(
            &self.channel,
            &FromWorker::Call(GuestCall {
                number: self.number,
                interface: InterfaceName::clone(call.interface),
                function: call.function.into(),
                arguments: call.arguments.clone(),
                before,
            }),
        )?;
        match receive(&self.channel)? {
            (ToWorker::Reply(answered), None) => Ok(answered),
            _ => Err(WorkerError::Protocol("no reply to a call".into())),
        }
    }
}

impl Backend for Remote {
    fn ask<'a>(&'a mut self, call: Call<'a>) -> Answer<'a> {
        if let Some(reply) = self.beside(call) {
            return Answer::Now(Ok(reply));
        }
        Answer::Now(match self.exchange(call) {
            Ok(Answered::Reply(reply)) => Ok(reply.into()),
            Ok(Answered::Abort(why)) => Err(Abort(why)),
            Err(error) => Err(Abort(error.to_string())),
        })
    }
}

fn send(channel: &Shared, frame: &FromWorker) -> Result<(), WorkerError> {
    let frame = serde_json::to_vec(frame).map_err(|error| WorkerError::Protocol(error.to_string()))?;
    Ok(channel.lock().unwrap_or_else(PoisonError::into_inner).send(&frame, None, None)?)
}

fn receive(channel: &Shared) -> Result<(ToWorker, Option<File>), WorkerError> {
    let frame = channel.lock().unwrap_or_else(PoisonError::into_inner).receive(MAX_TO_WORKER, None)?;
    let message = ToWorker::read(&frame.payload).map_err(|error| WorkerError::Protocol(error.to_string()))?;
    Ok((message, frame.descriptor.map(File::from)))
}
