//! What takes calls of servers to another process, so that this one speaks no foreign protocol.
//!
//! A host without a carrier calls its servers itself.

mod handler;
mod octets;
mod reply;

use std::fmt;

use ansai_core::Refusal;
use serde::Serialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

pub use self::handler::{Handled, Handler, Handlers, ask};
pub use self::octets::Octets;
pub use self::reply::{Answer, Masks, invalid};
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

/// Writes a request. It is written twice, so that the text does not grow and leave copies of secrets behind.
///
/// # Errors
/// It cannot be written as JSON.
pub fn written(request: &impl Serialize) -> Result<RequestText, Refusal> {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.saturating_add(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let failed = |why: String| Refusal::Other(format!("the request cannot be written: {why}"));
    let mut count = Count(0);
    serde_json::to_writer(&mut count, request).map_err(|error| failed(error.to_string()))?;
    let mut text = Vec::with_capacity(count.0);
    serde_json::to_writer(&mut text, request).map_err(|error| failed(error.to_string()))?;
    String::from_utf8(text).map(RequestText::new).map_err(|error| failed(error.to_string()))
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
