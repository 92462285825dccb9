//! What takes calls of servers to another process, so that this one speaks no foreign protocol.
//!
//! A host without a carrier calls its servers itself.

mod handler;
mod octets;
mod reply;

use std::fmt;
use std::ops::Deref;

use ansai_core::Refusal;
use serde::Serialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

pub use self::handler::{Handled, Handler, Handlers, ask, ask_until_stopping};
pub use self::octets::Octets;
pub use self::reply::{Answer, Masks, invalid};
use crate::dial::Endpoint;
use crate::host::Deadline;

/// A request as JSON text. It may have the secret of a target, so it is wiped when it is dropped.
pub struct RequestText {
    text: Zeroizing<String>,
    endpoints: Vec<Endpoint>,
}

impl RequestText {
    /// A request that may reach no server.
    pub fn new(text: String) -> RequestText {
        RequestText { text: Zeroizing::new(text), endpoints: Vec::new() }
    }

    /// The other process may reach these servers, too, until it has replied.
    #[must_use]
    pub fn reaching(mut self, endpoints: impl IntoIterator<Item = Endpoint>) -> RequestText {
        self.endpoints.extend(endpoints);
        self
    }

    /// The servers that it may reach.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }
}

impl Deref for RequestText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for RequestText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestText").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

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
