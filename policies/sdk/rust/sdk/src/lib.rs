//! The SDK for ansai policies in Rust: a trait with two functions, and tools that most policies need.
//!
//! | to | use |
//! |---|---|
//! | make a component | [`Policy`], [`policy!`] |
//! | read settings | [`settings!`], [`entries!`] or `serde::Deserialize`, [`ForTarget`], [`Size`], [`Span`] |
//! | read lists that come in pages | [`lists!`], [`pages`] |
//! | turn a number into a severity | [`Levels`], [`Usage`], [`share`], [`Host::judge`] |
//! | see what grows, compare with last week | [`Forecast`], [`Baseline`], [`series`], [`weekly`] |
//! | learn what is usual for each of many things | [`Usual`], [`lines`] |
//! | know how long things are so, and how much their counters grew | [`Host::lasts`], [`Since`], [`Counters`] |
//! | find who holds up whom | [`waits`] |
//! | describe a finding | [`Observation`], [`Measure`], [`Subject`], [`text`] |
//! | say what open incidents are now | [`Host::add_unmentioned`], [`Host::keep_open`], [`Observation::now_is`] |
//! | report on many things of several places | [`report`] |
//! | find directories that are granted and not protected | [`paths`] |
//! | know the host and its targets | [`Host`], [`Grants`], [`store`], [`Json`] |
//! | propose repairs in order | [`Ladder`] for alternatives, [`Sequence`] for steps that belong together, [`Staged`] for one step at a stage, [`largest`] |
//! | see what earlier repairs achieved | [`Host::attempts`], [`Host::history`], [`Attempt`], [`StepResult::has_begun`], [`Effectiveness`], [`Refusal::may_go_away`] |
//! | recommend something, or look again soon | [`Host::recommend`], [`Host::look_again`] |
//! | test without a host | [`host_calls!`], and the module `testing` with the feature of that name |
//!
//! The probes and actions that a policy requests in its `policy.toml` are modules of its own crate. [`policy!`]
//! generates them from the `wit/` directory, which `ansai build` updates from the manifest: a policy cannot call or
//! import anything else.
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
//!         let found = disk_probe::list_filesystems().could_not_tell("cannot list file systems")?;
//!         let full = found.entries.into_iter().filter_map(|one| {
//!             let used = share::in_use(one.total_bytes, one.available_bytes)?;
//!             let status = levels.status(used * 100.0, host.open_severity(&one.mount));
//!             let summary = format!("{} is {} full", one.mount, share::percent_words(used * 100.0));
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

#[cfg(any(test, target_family = "wasm"))]
mod allocator;
mod attempt;
mod baseline;
mod bindings;
mod chance;
mod counters;
mod decision;
mod effectiveness;
mod entries;
mod exported;
mod failure;
mod grants;
mod host;
#[cfg_attr(any(test, feature = "testing"), allow(dead_code, reason = "the stand-in takes its place"))]
mod imported;
mod incidents;
mod json;
mod ladder;
mod largest;
mod lasting;
mod levels;
mod life;
pub mod lines;
mod measure;
mod observation;
pub mod pages;
pub mod paths;
mod polled;
pub mod report;
mod sequence;
mod settings;
pub mod share;
mod since;
mod size;
mod span;
mod staged;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
mod thresholds;
mod trend;
mod usage;
mod usual;
pub mod waits;
pub mod weekly;

pub use baseline::Baseline;
pub use bindings::ansai::policy::types::{
    Attempt, Decision, Failure, Lasting, LeftOut, Measure, Observation, OnFailure, Outcome, Preview, Recommendation,
    Refusal, Relation, Relationship, Reversibility, Severity, Status, StepRef, StepResult, Subject, Unit, Value,
};
pub use bindings::ansai::policy::{advice, context, log, series, store, types};
pub use counters::Counters;
pub use effectiveness::Effectiveness;
pub use entries::Entries;
pub use exported::Policy;
pub use failure::CouldNotTell;
pub use grants::{GrantTable, Grants};
pub use host::Host;
pub use json::Json;
pub use ladder::Ladder;
pub use largest::largest;
pub use levels::Levels;
pub use life::Life;
pub use polled::{Known, Polled};
pub use sequence::Sequence;
pub use settings::{ForTarget, FromSettings, Setting, SettingsReader};
#[doc(hidden)]
pub use settings::{check_setting, setting_of_target};
pub use since::Since;
pub use size::Size;
pub use span::Span;
pub use staged::Staged;
pub use trend::Forecast;
pub use usage::Usage;
pub use usual::Usual;

/// Used by the code that [`policy!`] generates.
#[doc(hidden)]
pub mod generated {
    pub use crate::exported::{detect, plan};
    pub use wit_bindgen;
}
