//! The worker's side: what runs guest code.
//!
//! It limits itself before it reads the first frame. Nothing here protects the supervisor: that is the work of
//! `super::conversation`.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use ansai_core::InterfaceName;
use ansai_isolation::{BlockingChannel, ChannelError};
use ansai_kit::backend::{Abort, Answer, Backend};
use ansai_kit::call::Call;
use ansai_kit::registry::Registry;
use tokio::sync::Mutex;

use super::protocol::{Answered, Done, Evaluate, FromWorker, GuestCall, MAX_TO_WORKER, NotLoaded, ToWorker};
use crate::compile::{CompileError, Compiler};
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
    ansai_isolation::confine::run(job, |channel| match serve(registry, channel) {
        // The supervisor went away, or has enough workers.
        Err(WorkerError::Channel(ChannelError::Closed)) => Ok(()),
        ended => ended,
    })
}

fn serve(registry: Registry, channel: BlockingChannel) -> Result<(), WorkerError> {
    let start = |error: &dyn std::fmt::Display| WorkerError::Start(error.to_string());
    let engine = Engine::new(registry, None, Compiler::InProcess).map_err(|error| start(&error))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(|error| start(&error))?;
    let channel = Arc::new(StdMutex::new(channel));
    let mut loaded = BTreeMap::new();
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
                let Some(Policy { place: Place::Here(linked), .. }) = loaded.get(&evaluate.digest) else {
                    return Err(WorkerError::Protocol("a component that is not loaded".into()));
                };
                let done = runtime.block_on(evaluate_one(linked, &channel, *evaluate));
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

async fn evaluate_one(linked: &Linked, channel: &Shared, evaluate: Evaluate) -> Done {
    let Evaluate { number, limits, finding, .. } = evaluate;
    let backend = Arc::new(Mutex::new(Remote { channel: channel.clone(), number }));
    let lent = (backend as Arc<Mutex<dyn Backend>>).lock_owned().await;
    let evaluation = linked.run(lent, &limits, finding.as_ref()).await;
    Done {
        number,
        answer: evaluation.answer.map(Into::into),
        fuel: evaluation.usage.fuel,
        memory_bytes: evaluation.usage.memory_bytes,
        refused_calls: evaluation.usage.refused_calls,
    }
}

/// Sends each call to the supervisor and waits for the reply. Nothing else runs in this process meanwhile.
struct Remote {
    channel: Shared,
    number: u64,
}

impl Remote {
    fn exchange(&self, call: Call<'_>) -> Result<Answered, WorkerError> {
        send(
            &self.channel,
            &FromWorker::Call(GuestCall {
                number: self.number,
                interface: InterfaceName::clone(call.interface),
                function: call.function.into(),
                arguments: call.arguments.clone(),
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
    let message = serde_json::from_slice(&frame.payload).map_err(|error| WorkerError::Protocol(error.to_string()))?;
    Ok((message, frame.descriptor.map(File::from)))
}
