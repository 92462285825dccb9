//! What supervisor and worker say to each other: one JSON text in each frame of the channel, or the text of a reply alone.
//!
//! The supervisor asks: `load` with a descriptor, then `evaluate`. The worker answers `loaded`, or sends `call` as often as
//! the guest calls, each answered by `reply`, and then `done`. Calls that it answered itself go with the next of these
//! frames. Every frame of an evaluation has its number.

use std::sync::Arc;

use ansai_core::{Bytes, Decision, InterfaceName, Limits, Observation};
use serde::de::value::MapDeserializer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::beside::Beside;
use crate::component::ComponentInfo;
use crate::evaluate::{Answer, EvaluationError};
use crate::memory::MemoryInit;
use crate::recording::RecordedReply;

/// Largest frame that a worker accepts, in bytes: replies have no limit for one alone.
pub(super) const MAX_TO_WORKER: usize = 256 << 20;
/// Maximum bytes of the state that goes with an evaluation. The calls of one with more cross.
pub(super) const MAX_CARRIED: usize = 256 << 10;
/// Bytes of a frame besides arguments or answer: calls that the worker answered, names and numbers.
const FRAME_BYTES: usize = 64 << 10;

/// Largest frame that the supervisor accepts during an evaluation with these limits, in bytes.
pub(super) fn max_from_worker(limits: &Limits) -> usize {
    usize::from(limits.argument_bytes).max(crate::evaluate::MAX_ANSWER_BYTES).saturating_add(FRAME_BYTES)
}

/// Largest answer to `load`, in bytes.
pub(super) const MAX_LOADED: usize = 256 << 10;

/// From supervisor to worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ToWorker {
    /// Map the compiled code of the descriptor that comes with this frame, and link it.
    Load(Load),
    /// Evaluate a component that was loaded.
    Evaluate(Box<Evaluate>),
    /// The answer to the call before.
    Reply(Answered),
}

/// What the text of a reply begins with, in a frame that has nothing else. Every other frame is a JSON object.
const REPLY: u8 = b'=';

impl ToWorker {
    /// The payload of its frame.
    pub(super) fn write(&self) -> serde_json::Result<Vec<u8>> {
        match self {
            ToWorker::Reply(Answered::Reply(RecordedReply::Ok(reply))) => {
                Ok([&[REPLY][..], reply.get().as_bytes()].concat())
            }
            other => serde_json::to_vec(other),
        }
    }

    /// Reads a payload of the supervisor, which the worker believes.
    pub(super) fn read(frame: &[u8]) -> serde_json::Result<ToWorker> {
        match frame.split_first() {
            Some((&REPLY, reply)) => {
                let reply = std::str::from_utf8(reply).map_err(<serde_json::Error as serde::de::Error>::custom)?;
                Ok(ToWorker::Reply(Answered::Reply(RecordedReply::Ok(known_json(reply)?.into()))))
            }
            _ => serde_json::from_slice(frame),
        }
    }
}

/// Text that is known to be JSON. Reading it only to find its end takes as long as reading it once more.
fn known_json(text: &str) -> serde_json::Result<Box<RawValue>> {
    /// What `serde_json` calls the only field of such a value.
    const TOKEN: &str = "$serde_json::private::RawValue";
    let known = MapDeserializer::<_, serde::de::value::Error>::new(std::iter::once((TOKEN, text)));
    // With a version of `serde_json` that has another name for it, it is read.
    Box::<RawValue>::deserialize(known).or_else(|_| RawValue::from_string(text.to_owned()))
}

/// A component to load.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Load {
    /// SHA-256 of the component.
    pub(super) digest: String,
    /// Imported interfaces with version.
    pub(super) imports: Vec<InterfaceName>,
    /// How the memory of its guests is initialized, which the code was compiled for.
    pub(super) memory: MemoryInit,
}

impl Load {
    pub(super) fn of(info: &ComponentInfo) -> Load {
        Load { digest: info.digest.clone(), imports: info.imports.clone(), memory: info.memory }
    }

    /// What a worker needs of what an inspection found.
    pub(super) fn into_info(self) -> ComponentInfo {
        let Load { digest, imports, memory } = self;
        ComponentInfo { digest, bytes: 0, memory, imports, manifest: None, schema: None, readme: None }
    }
}

/// An evaluation to run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Evaluate {
    /// Differs from that of every other evaluation of this worker.
    pub(super) number: u64,
    /// SHA-256 of the component.
    pub(super) digest: String,
    /// Limits of the evaluation.
    pub(super) limits: Limits,
    /// `plan` for this finding; `detect` without one.
    pub(super) finding: Option<Observation>,
    /// A [`Carried`](ansai_kit::carried::Carried), if the worker answers calls of base interfaces.
    pub(super) carried: Option<Box<RawValue>>,
}

/// What became of a call.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answered {
    /// The reply.
    Reply(RecordedReply),
    /// The evaluation ends, for this reason.
    Abort(String),
}

/// From worker to supervisor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FromWorker {
    /// The component is loaded, or why not.
    Loaded(Result<(), NotLoaded>),
    /// The guest calls a function.
    Call(GuestCall),
    /// The evaluation ended.
    Done(Done),
}

/// Why compiled code was not loaded. The supervisor makes the same error of it as when it loads code itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum NotLoaded {
    /// The signature of a function differs from the contract.
    Signature { interface: String, function: String, declared: String, expected: String },
    /// It cannot be linked, or its initial size exceeds a limit.
    NotAccepted(String),
    /// It is not compiled code for this engine.
    Unusable(String),
}

/// A call of the guest.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GuestCall {
    /// Of the evaluation.
    pub(super) number: u64,
    /// Without version.
    pub(super) interface: InterfaceName,
    /// Name of the function.
    pub(super) function: Arc<str>,
    /// JSON object by parameter name.
    pub(super) arguments: Arc<RawValue>,
    /// What the worker answered before it.
    #[serde(default, skip_serializing_if = "Beside::is_empty")]
    pub(super) before: Beside,
}

/// The end of an evaluation, as the worker saw it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Done {
    /// Of the evaluation.
    pub(super) number: u64,
    /// Answer of the policy, or why there is none.
    pub(super) answer: Result<GuestAnswer, EvaluationError>,
    /// Fuel used.
    pub(super) fuel: u64,
    /// Sum over all linear memories.
    pub(super) memory_bytes: Bytes,
    /// Calls that the budget refused.
    pub(super) refused_calls: u64,
    /// What the worker answered before it.
    #[serde(default, skip_serializing_if = "Beside::is_empty")]
    pub(super) before: Beside,
}

/// The answer of a policy.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum GuestAnswer {
    /// The observations of `detect`.
    Observed(Vec<Observation>),
    /// The decision of `plan`.
    Decided(Decision),
}

impl From<Answer> for GuestAnswer {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Observed(observations) => GuestAnswer::Observed(observations),
            Answer::Decided(decision) => GuestAnswer::Decided(decision),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;

    /// Would break: a text that is read for its end, with a version of `serde_json` that has another name for raw values.
    #[test]
    fn text_that_is_known_to_be_json_is_taken_as_it_is() {
        for text in ["null", "{\"a\":\"\u{e4}\\n\"}", "[1, 2]", "not JSON"] {
            assert_eq!(known_json(text).unwrap().get(), text);
        }
    }

    #[test]
    fn a_reply_is_its_text_and_everything_else_is_json() {
        let text: Arc<RawValue> = RawValue::from_string("{\"a\": [1, \"=\"]}".into()).unwrap().into();
        let reply = ToWorker::Reply(Answered::Reply(RecordedReply::Ok(text.clone())));
        let written = reply.write().unwrap();
        assert_eq!(written, format!("={text}").into_bytes());
        let ToWorker::Reply(Answered::Reply(RecordedReply::Ok(read))) = ToWorker::read(&written).unwrap() else {
            panic!()
        };
        assert_eq!(read.get(), text.get());
        let abort = ToWorker::Reply(Answered::Abort("= why".into())).write().unwrap();
        let ToWorker::Reply(Answered::Abort(why)) = ToWorker::read(&abort).unwrap() else { panic!() };
        assert_eq!(why, "= why");
        for damaged in [&b""[..], b"=\xff", b"{", b"[]"] {
            assert!(ToWorker::read(damaged).is_err(), "{damaged:?}");
        }
    }
}
