//! Scenarios: a host made of canned replies, and what a policy must say and propose about it.
//!
//! A scenario is a TOML file beside the policy. Context, store and series are the real ones, seeded from the file;
//! probes and actions are answered by the first reply that matches, unless a fault does. [`run()`] evaluates a built
//! component against one scenario and answers what was not as expected, [`run_all`] does so with many on all cores,
//! [`Tested::updated`] rewrites the expectation, and [`export()`] makes a scenario of a recorded evaluation.

mod backend;
mod batch;
mod canned;
mod check;
mod contract;
mod expect;
mod export;
mod file;
mod form;
mod look;
mod places;
mod prepared;
mod problem;
mod run;
mod subject;
mod toml_text;
mod update;
mod value;

pub use batch::{Tested, name, run_all};
pub use export::{ExportError, export};
pub use file::{
    CannedReply, Expected, ExpectedPlan, Fault, FaultKind, MOST_BYTES, Scenario, ScenarioContext, SeededSeries,
};
pub use look::{look, look_alone};
pub use problem::{Problem, Side};
pub use run::{Ran, run};
pub use subject::Subject;
pub use toml_text::NotToml;
