//! What answers a policy's calls. The gate asks one backend per evaluation: the live host, a scenario or a
//! recording.

use std::future::Future;
use std::pin::Pin;

use ansai_core::InterfaceName;

use crate::call::{Call, Reply};
use crate::carried::Carried;

/// Ends the evaluation at once: abuse, or a replay that left its recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Abort(pub String);

/// A reply, now or later.
pub enum Answer<'a> {
    /// Had without waiting.
    Now(Result<Reply, Abort>),
    /// Reads the host on another thread.
    Later(Pin<Box<dyn Future<Output = Result<Reply, Abort>> + Send + 'a>>),
}

/// One evaluation's source of answers. Authorization is the backend's: it does not trust who asks.
pub trait Backend: Send {
    /// Answers one call.
    fn ask<'a>(&'a mut self, call: Call<'a>) -> Answer<'a>;

    /// At the start of an evaluation whose guest runs in another process: what that process needs to answer calls of the base
    /// interfaces among `imports`. It tells this backend of each such call later. `None` if this backend answers all of them.
    fn carry(&mut self, _imports: &[InterfaceName]) -> Option<Carried> {
        None
    }
}

impl<B: Backend + ?Sized> Backend for Box<B> {
    fn ask<'a>(&'a mut self, call: Call<'a>) -> Answer<'a> {
        (**self).ask(call)
    }

    fn carry(&mut self, imports: &[InterfaceName]) -> Option<Carried> {
        (**self).carry(imports)
    }
}
