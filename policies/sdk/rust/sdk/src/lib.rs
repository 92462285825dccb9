//! What a policy for ansai needs, written in Rust: a trait with two functions, settings with types, and what nearly
//! every policy does with numbers.
//!
//! It reads nothing of a host by itself. The probes and actions that a policy asks for in its `policy.toml` come as
//! modules of its own crate, made by [`policy!`] from the `wit/` directory that `ansai build` keeps in step with the
//! manifest: nothing else can be called, and nothing else is imported.
//!
//! ```
//! use ansai_sdk::{CouldNotTell as _, Decision, Failure, Host, Levels, Measure, Observation, Policy, share};
//! use imports::ansai::disk::disk_probe;
//!
//! ansai_sdk::policy!(Full, wit: "tests/world");
//!
//! /// As settings.schema.json has them.
//! #[derive(serde::Deserialize)]
//! struct Settings {
//!     warning_percent: f64,
//! }
//!
//! struct Full;
//!
//! impl Policy for Full {
//!     type Settings = Settings;
//!
//!     fn detect(settings: &Settings, host: &Host) -> Result<Vec<Observation>, Failure> {
//!         let levels = Levels::rising().warning(settings.warning_percent).rearm(5.0);
//!         let found = disk_probe::list_filesystems().could_not_tell("the file systems could not be listed")?;
//!         let full = found.entries.into_iter().filter_map(|one| {
//!             let used = share::in_use(one.total_bytes, one.available_bytes)?;
//!             let status = levels.status(used * 100.0, host.is_open(&one.mount));
//!             let summary = format!("{} is {} % full", one.mount, share::whole_percent(used));
//!             Some(Observation::new(&one.mount, one.about, status, summary).with(Measure::ratio("used", used)))
//!         });
//!         Ok(full.collect())
//!     }
//!
//!     fn plan(_: &Settings, _: &Host, finding: &Observation) -> Result<Decision, Failure> {
//!         Ok(Decision::advise(format!("make {} larger", finding.key), "it is full"))
//!     }
//! }
//!
//! fn main() {}
//! ```

mod bindings;
mod decision;
mod exported;
mod failure;
mod host;
mod levels;
mod observation;
pub mod share;
mod size;
mod span;

pub use bindings::ansai::policy::types::{
    Attempt, Decision, Failure, LeftOut, Measure, Observation, OnFailure, Outcome, Preview, Recommendation, Refusal,
    Severity, Status, StepResult, Subject, Unit, Value,
};
pub use bindings::ansai::policy::{context, log, series, store, types};
pub use exported::Policy;
pub use failure::CouldNotTell;
pub use host::Host;
pub use levels::Levels;
pub use size::Size;
pub use span::Span;

/// For what [`policy!`] writes.
#[doc(hidden)]
pub mod generated {
    pub use crate::exported::{detect, plan};
    pub use wit_bindgen;
}
