//! Functions that call servers. A server may hang, so the host splits such a call into parts, one for each server, and
//! gives each part its own thread and its own limit. A server that hangs costs only its own part.
//!
//! ```
//! use ansai_core::Refusal;
//! use ansai_kit::host::ProbeContext;
//! use ansai_kit::registry::{Body, Function};
//! use ansai_kit::remote::{Batch, Remote, Server};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Look {
//!     target: String,
//! }
//!
//! fn version(ask: &ProbeContext<'_>, Look { target }: Look) -> Result<String, Refusal> {
//!     let target = ask.reach.target(&target)?;
//!     let address = target.address.as_deref().ok_or_else(|| Refusal::Invalid("it has no address".into()))?;
//!     // Connects with `ask.deadline.remaining()` as its timeout.
//!     # let _ = address;
//!     Ok("17.2".into())
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! struct Connect {
//!     endpoints: Vec<String>,
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! #[serde(rename_all = "kebab-case")]
//! enum Found {
//!     Connected,
//!     Failed(Refusal),
//! }
//!
//! fn connect(_ask: &ProbeContext<'_>, _endpoint: &String) -> Result<Found, Refusal> {
//!     Ok(Found::Connected)
//! }
//!
//! static FUNCTIONS: [Function; 2] = [
//!     Function {
//!         name: "version",
//!         checks: &[],
//!         body: Body::Remote(&Remote { server: |look: &Look| Server::Target(look.target.clone()), call: version }),
//!     },
//!     Function {
//!         name: "connect",
//!         checks: &[],
//!         body: Body::Remote(&Batch {
//!             parts: |arguments: Connect| arguments.endpoints,
//!             server: |endpoint: &String| Server::Address(endpoint.clone()),
//!             call: connect,
//!             refused: |_, refusal| Found::Failed(refusal),
//!         }),
//!     },
//! ];
//! # assert_eq!(FUNCTIONS.len(), 2);
//! ```

use std::fmt;
use std::sync::Arc;

use ansai_core::Refusal;
use ansai_core::text::inert;
use serde_json::value::RawValue;

use crate::call::{Reply, read, to_reply};
use crate::function::{Types, Wire};
use crate::host::ProbeContext;

/// The most parts of one call.
pub const MOST_PARTS: usize = 256;

/// The server of a part. Calls of the same server share its limits, also those of other instances.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Server {
    /// A target, by its name. The host refuses the part if the instance may not use the target.
    Target(String),
    /// A host or `HOST:PORT` that the scope permits.
    Address(String),
    /// A hook, by its name. Its command or its server may hang.
    Hook(String),
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Server::Target(name) => write!(f, "target `{}`", inert(name, 80)),
            Server::Address(address) => write!(f, "`{}`", inert(address, 80)),
            Server::Hook(name) => write!(f, "hook `{}`", inert(name, 80)),
        }
    }
}

/// Calls one server and may block. It ends at `ask.deadline`; if it does not, the host abandons it a little later.
pub type PartCall = Box<dyn FnOnce(&ProbeContext<'_>) -> Reply + Send>;

/// The part of a call that concerns one server.
pub struct Part {
    /// The server.
    pub server: Server,
    /// Calls it.
    pub call: PartCall,
    /// Turns a refusal into the answer of this part.
    pub refused: Box<dyn FnOnce(Refusal) -> Reply + Send>,
}

/// A call, split by server.
pub enum Parts {
    /// Its answer is the answer of the call.
    One(Part),
    /// Their answers, in this order, are the answer of the call.
    Each(Vec<Part>),
}

impl Parts {
    /// The answer of a call with several parts.
    ///
    /// # Errors
    /// The list cannot be written.
    pub fn join<'a>(answers: impl IntoIterator<Item = &'a RawValue>) -> Reply {
        to_reply(&answers.into_iter().collect::<Vec<&RawValue>>())
    }
}

/// [`Remote`] or [`Batch`] without its types.
pub trait RemoteFunction: Sync {
    /// Splits a call. It does not block.
    ///
    /// # Errors
    /// `invalid` arguments, or too many parts.
    fn split(&self, arguments: &RawValue) -> Result<Parts, Refusal>;
    /// Reads what another process answered to a part as the answer of this function, and writes it again.
    ///
    /// # Errors
    /// `unavailable` if it is not one.
    fn reread(&self, answer: &RawValue) -> Reply;
    /// Its types.
    fn types(&self) -> Types;
}

fn reread<R: Wire>(answer: &RawValue) -> Reply {
    let answer: R = serde_json::from_str(answer.get())
        .map_err(|_| Refusal::Unavailable("the process that calls servers sent an invalid answer".into()))?;
    to_reply(&answer)
}

/// A function that calls one server.
pub struct Remote<A, R> {
    /// The server.
    pub server: fn(&A) -> Server,
    /// Calls it; see [`PartCall`].
    pub call: fn(&ProbeContext<'_>, A) -> Result<R, Refusal>,
}

impl<A: Wire + Send + 'static, R: Wire + 'static> RemoteFunction for Remote<A, R> {
    fn split(&self, arguments: &RawValue) -> Result<Parts, Refusal> {
        let arguments: A = read(arguments)?;
        let (server, call) = ((self.server)(&arguments), self.call);
        Ok(Parts::One(Part {
            server,
            call: Box::new(move |ask: &ProbeContext<'_>| to_reply(&call(ask, arguments)?)),
            refused: Box::new(Err),
        }))
    }

    fn reread(&self, answer: &RawValue) -> Reply {
        reread::<R>(answer)
    }

    fn types(&self) -> Types {
        Types::of::<A, R>()
    }
}

/// A function that calls several servers at the same time and answers with a list: one entry for each part, in order.
pub struct Batch<A, P, R> {
    /// The parts. Several may have the same server.
    pub parts: fn(A) -> Vec<P>,
    /// The server of a part.
    pub server: fn(&P) -> Server,
    /// Calls it; see [`PartCall`].
    pub call: fn(&ProbeContext<'_>, &P) -> Result<R, Refusal>,
    /// The entry of a part that was refused or did not end in time.
    pub refused: fn(&P, Refusal) -> R,
}

impl<A: Wire, P: Send + Sync + 'static, R: Wire + 'static> RemoteFunction for Batch<A, P, R> {
    fn split(&self, arguments: &RawValue) -> Result<Parts, Refusal> {
        let parts = (self.parts)(read(arguments)?);
        if parts.len() > MOST_PARTS {
            return Err(Refusal::Invalid(format!("{} servers in one call; at most {MOST_PARTS}", parts.len())));
        }
        let (call, refused) = (self.call, self.refused);
        let part = |part: P| {
            let server = (self.server)(&part);
            let part = Arc::new(part);
            let same = part.clone();
            Part {
                server,
                call: Box::new(move |ask: &ProbeContext<'_>| to_reply(&call(ask, &part)?)),
                refused: Box::new(move |refusal| to_reply(&refused(&same, refusal))),
            }
        };
        Ok(Parts::Each(parts.into_iter().map(part).collect()))
    }

    fn reread(&self, answer: &RawValue) -> Reply {
        reread::<R>(answer)
    }

    fn types(&self) -> Types {
        Types::of::<A, Vec<R>>()
    }
}

#[cfg(test)]
mod tests;
