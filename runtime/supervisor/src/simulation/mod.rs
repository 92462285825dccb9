//! A simulated host: its faults are made up, its steps change nothing but these faults, and its policies answer what the
//! faults say. Everything else is the real supervisor.
//!
//! [`World`] has the faults and what steps did to them, [`SimulatedHost`] is what a supervisor gets as its host, and
//! [`SimulatedPolicies`] evaluates in place of guests. With [`VirtualTime`](crate::virtual_time::VirtualTime), months pass
//! within seconds. This crate does not know the live host, so nothing in a simulation can reach this machine.
//!
//! Limits of the model: a step takes no time, it never goes wrong, and what a policy would see of the host is not
//! simulated.

mod action;
mod fault;
mod host;
mod policy;
mod random;
mod world;

pub use self::fault::{Begins, Fault};
pub use self::host::SimulatedHost;
pub use self::policy::SimulatedPolicies;
pub use self::random::Random;
pub use self::world::{Act, ActWatcher, World};

#[cfg(test)]
mod tests;
