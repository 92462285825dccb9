//! The control socket of a running daemon: how people and programs ask it for something.
//!
//! The daemon listens on a Unix socket that only root and its own user reach, and a group that the operator names. The
//! kernel tells who the client is. One line of JSON is a request, and one line is its answer; [`ansai_core::control`] has
//! both. Number, time and size of connections are bounded, so a client that floods or stalls disturbs nothing.
//!
//! [`perform`] does a request: it asks the daemon, or does the same on the state directory while no daemon runs.

mod access;
mod client;
mod connection;
mod error;
mod handle;
mod perform;
mod place;
mod separations;
mod server;
mod stored;

pub use self::access::Access;
pub use self::error::ControlError;
pub(crate) use self::handle::Handler;
pub use self::perform::{Performed, perform, perform_running};
pub use self::place::{SOCKET, socket_path};
pub(crate) use self::server::Server;
pub use crate::people::myself;
