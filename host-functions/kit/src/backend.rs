//! What answers a policy's calls. The gate asks one backend per evaluation: the live host, a scenario or a
//! recording.

use std::future::Future;
use std::pin::Pin;

use crate::call::{Call, Reply};

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
}

impl<B: Backend + ?Sized> Backend for Box<B> {
    fn ask<'a>(&'a mut self, call: Call<'a>) -> Answer<'a> {
        (**self).ask(call)
    }
}
