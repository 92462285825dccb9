//! Scenarios test a policy against a host made of canned replies, with expected observations and plans.
//!
//! A scenario is a TOML file in the policy's directory. Context, store, series and advice work as on a real host, seeded
//! from the file. The first matching reply answers a probe or action, unless a fault matches. [`run()`] evaluates a built
//! component against one scenario and returns the differences, [`run_all`] runs many on all cores, [`Tested::updated`]
//! rewrites the expectation, and [`export()`] turns a recorded evaluation into a scenario.

mod backend;
mod batch;
mod canned;
mod check;
mod contract;
mod expect;
mod export;
mod file;
mod form;
mod granted;
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
