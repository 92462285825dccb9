//! What takes calls of servers to another process, so that this one speaks no foreign protocol.
//!
//! A host without a carrier calls its servers itself.

use std::fmt;

use ansai_core::Refusal;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::host::Deadline;

/// A request as JSON text. It may have the secret of a target, so it is wiped when it is dropped.
pub type RequestText = Zeroizing<String>;

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The request was not sent, so nothing was done.
    NotSent(Refusal),
    /// The request was sent, and nobody knows what was done.
    Unanswered(Refusal),
}

impl Lost {
    /// The refusal.
    pub fn into_refusal(self) -> Refusal {
        match self {
            Lost::NotSent(refusal) | Lost::Unanswered(refusal) => refusal,
        }
    }
}

/// Carries requests to what calls the servers.
pub trait Carrier: fmt::Debug + Send + Sync {
    /// Sends a request and waits for its reply, which is text of the other process: untrusted, and bounded in size. Blocks
    /// until the deadline at most. If nobody waits any more, the other process is told so; with `ends`, it is ended, so that a
    /// step whose reply did not come does not go on in it. The next request has a new process then.
    ///
    /// # Errors
    /// There is no reply.
    fn carry(&self, request: RequestText, deadline: &Deadline, ends: bool) -> Result<Box<RawValue>, Lost>;
}
