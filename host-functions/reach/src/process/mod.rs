//! The process that calls servers: what the supervisor has of it, and what runs in it.
//!
//! It is started by the first call and ended when it was not needed for a minute. Many calls are on their way at once, by
//! numbers; one that hangs holds up no other.
//!
//! It has no network. It asks the supervisor for each connection, and gets one to the servers of the calls that it was sent and
//! has not answered (`wall`). Names are looked up by a second process, which has the network and no secret (`names`).

mod asked;
mod asks;
mod back_off;
mod calls;
mod child;
mod frame;
mod names;
pub(crate) mod servers;
mod supervised;
mod wall;

use std::time::Duration;

pub use child::run;
pub use names::run as run_lookup;
pub use supervised::ReachProcess;

/// The argument with which ansai starts itself to call servers.
pub const CHILD: &str = "reach";
/// The argument with which ansai starts itself to look up names.
pub const LOOKUP_CHILD: &str = "look-up-names";
/// How long the process stays when no call needs it.
pub const IDLE: Duration = Duration::from_secs(60);
/// Requests that the process answers at the same time; others are refused.
const MOST_AT_ONCE: usize = 24;
