//! Scenarios: a host made of canned replies, and what a policy must say and propose about it.
//!
//! A scenario is a TOML file beside the policy. Context, store and series are the real ones, seeded from the file;
//! probes and actions are answered by the first reply that matches. [`run`] evaluates a built component against one
//! scenario and answers what was not as expected.

mod backend;
mod expect;
mod file;
mod run;

pub use file::{MOST_BYTES, Scenario, ScenarioError};
pub use run::{Ran, Subject, run};
