//! From configuration to a running supervisor: what the command line, an API and tests start.
//!
//! It finds policies ([`sources`], [`share`]), reads them ([`component`]) and the configuration ([`configuration`]), makes the
//! state directory ([`state`]), loads each instance with its grants ([`load`]), and opens the supervisor over them
//! ([`Daemon`], [`Running`]). An instance that does not load is reported and does not keep the others from running.
//!
//! It prints nothing, parses no command line and handles no signals: errors are typed ([`Error`]), with a code, a hint
//! and an exit code, and its caller shows them.
//!
//! ```
//! use ansai_daemon::Daemon;
//! use ansai_engine::Compiler;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (policies, state) = (tempfile::tempdir()?, tempfile::tempdir()?);
//! let started = Daemon::builder(Compiler::InProcess)
//!     .paths([policies.path().to_owned()])
//!     .state_dir(state.path().to_owned())
//!     .load();
//! // The directory is empty.
//! let error = started.err().ok_or("nothing to run")?;
//! assert_eq!(error.code().word(), "no-policy");
//! assert!(error.hint().is_some());
//! # Ok(()) }
//! ```

mod approval;
pub mod authority;
pub mod component;
pub mod configuration;
pub mod control;
mod daemon;
pub mod difference;
mod environment;
mod error;
pub mod evidence;
pub mod expiry;
mod going_back;
pub mod history;
mod hooks;
pub mod host;
mod in_time;
mod isolation;
pub mod load;
pub mod notify;
pub mod ownership;
mod people;
pub mod promotion;
pub mod pulled;
pub mod recorded;
mod running;
mod safety;
mod shadow;
pub mod share;
pub mod simulate;
pub mod sources;
pub mod state;
mod targets;
pub mod undo;
mod vitals;
pub mod wake;
mod warning;

pub use component::Component;
pub use configuration::Configuration;
pub use daemon::{Builder, Daemon};
pub use error::Error;
pub use going_back::TrialWatch;
pub use pulled::Pulled;
pub use running::Running;
pub use shadow::{ShadowOver, ShadowWatch};
pub use share::Share;
pub use targets::SecretProblem;
pub use warning::Warning;
