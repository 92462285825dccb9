//! Sources of occurrences: what wakes a policy between its scheduled evaluations.
//!
//! [`HostAccess::watch`](crate::host_access::HostAccess::watch) opens a source. From then on, it puts what happens into
//! a [`Sink`], from any thread, as often as it likes: the sink bounds and merges. A source that ends says so once.

use ansai_core::{Code, Measure, Refusal, Subject, codes};

/// What an [`Occurrence`](crate::evaluation_state::Occurrence) is called if others were lost or could not be told apart: look
/// at everything.
pub const EVENTS_LOST: &str = "events-lost";
/// What it is called if someone asked with `ansai wake`.
pub const PING: &str = "ping";

/// Where a source puts what happens.
pub trait Sink: Send + Sync {
    /// Something happened now.
    fn occurred(&self, what: &'static str, about: Subject, facts: Vec<Measure>);
    /// Something happened, but the kernel or the source had no room for it.
    fn lost(&self);
    /// The source ended: nothing more comes from it.
    fn ended(&self, why: WatchError);
}

/// An open source. It ends when this is dropped.
pub trait Source: Send + Sync {
    /// Whether it still watches what it was opened for: the directory may have been replaced by another one. May block.
    fn is_current(&self) -> bool {
        true
    }
}

/// Why a source cannot be had, or ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// The grants in force do not permit to look at this.
    #[error("not watched: {0}")]
    NotGranted(Refusal),
    /// It cannot be opened.
    #[error("cannot be watched: {0}")]
    Unavailable(Refusal),
    /// It ended by itself.
    #[error("is no longer watched: {0}")]
    Ended(String),
}

impl WatchError {
    /// Its stable code.
    pub fn code(&self) -> Code {
        match self {
            WatchError::NotGranted(_) => codes::WATCH_NOT_GRANTED,
            WatchError::Unavailable(_) | WatchError::Ended(_) => codes::WATCH_FAILED,
        }
    }
}
