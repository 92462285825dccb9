//! The process that calls servers: what the supervisor has of it, and what runs in it.
//!
//! It is started by the first call and ended when it was not needed for a minute. Many calls are on their way at once, by
//! numbers; one that hangs holds up no other.

mod back_off;
mod calls;
mod child;
mod frame;
mod supervised;

use std::time::Duration;

pub use child::run;
pub use supervised::ReachProcess;

/// The argument with which ansai starts itself to call servers.
pub const CHILD: &str = "reach";
/// How long the process stays when no call needs it.
pub const IDLE: Duration = Duration::from_secs(60);
/// Requests that the process answers at the same time; others are refused.
const MOST_AT_ONCE: usize = 24;
