//! Calls of base interfaces that a worker answered itself, from the state that came with the evaluation. They go to the
//! supervisor with the next frame. The supervisor makes each of them again on its own state and records its own replies. So
//! a worker that lies about them changes nothing but its own answer, and is ended.

use std::sync::Arc;

use ansai_core::InterfaceName;
use ansai_kit::call::Call;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::recording::RecordedReply;

/// Bytes of such calls in one frame. A call that does not fit crosses.
const MAX_BYTES: usize = 32 << 10;
/// Bytes of a call besides its names and arguments.
const CALL_BYTES: usize = 64;

/// The calls since the frame before, in order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Beside {
    pub(super) calls: Vec<BesideCall>,
    /// [`Replies`] to them; empty without calls.
    pub(super) replies: String,
}

/// One of them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BesideCall {
    /// Without version.
    pub(super) interface: InterfaceName,
    /// Name of the function.
    pub(super) function: Arc<str>,
    /// JSON object by parameter name.
    pub(super) arguments: Arc<RawValue>,
}

impl Beside {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Whether an honest worker sends so many with one frame.
    pub(super) fn fits(&self) -> bool {
        self.calls.iter().map(|call| bytes(&call.as_call())).sum::<usize>() <= MAX_BYTES
    }
}

impl BesideCall {
    pub(super) fn as_call(&self) -> Call<'_> {
        Call { interface: &self.interface, function: &self.function, arguments: &self.arguments }
    }
}

/// The SHA-256 of replies, as hexadecimal digits.
#[derive(Default)]
pub(super) struct Replies(Sha256);

impl Replies {
    pub(super) fn add(&mut self, reply: &RecordedReply) {
        // Text of a reply has no line break outside strings, and no string has one.
        match reply {
            RecordedReply::Ok(answer) => self.0.update(answer.get()),
            RecordedReply::Refused(refusal) => self.0.update(format!("{refusal:?}")),
        }
        self.0.update("\n");
    }

    pub(super) fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}

/// The worker's side: gathers calls for the next frame.
#[derive(Default)]
pub(super) struct Gathered {
    calls: Vec<BesideCall>,
    replies: Replies,
    bytes: usize,
}

impl Gathered {
    /// Whether there is room for this call.
    pub(super) fn fits(&self, call: &Call<'_>) -> bool {
        self.bytes.saturating_add(bytes(call)) <= MAX_BYTES
    }

    pub(super) fn add(&mut self, call: Call<'_>, reply: &RecordedReply) {
        self.bytes = self.bytes.saturating_add(bytes(&call));
        self.replies.add(reply);
        let Call { interface, function, arguments } = call;
        self.calls.push(BesideCall {
            interface: InterfaceName::clone(interface),
            function: function.into(),
            arguments: arguments.clone(),
        });
    }

    /// What was gathered since it was taken before.
    pub(super) fn take(&mut self) -> Beside {
        let Gathered { calls, replies, .. } = std::mem::take(self);
        let replies = if calls.is_empty() { String::new() } else { replies.finish() };
        Beside { calls, replies }
    }
}

fn bytes(call: &Call<'_>) -> usize {
    call.interface.as_str().len() + call.function.len() + call.arguments.get().len() + CALL_BYTES
}
