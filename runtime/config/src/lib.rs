//! The files that people write: the manifest of a policy (`policy.toml`), the configuration of a host (`ansai.toml`)
//! and the schema of a policy's settings. This crate reads and validates them.
//!
//! It decides nothing at run time: it returns plain values, and diagnostics with file, line and caret. It knows no
//! interface by name; callers pass the list of interfaces.
//!
//! ```
//! use ansai_config::HostConfig;
//! use ansai_core::Millis;
//!
//! let text = "[policy.disk-space]\nmode = \"enforce\"\nevery = \"60s\"\n";
//! let config = HostConfig::parse("ansai.toml", text, &[]).unwrap();
//! assert_eq!(config.policies["disk-space"].every, Some(Millis::new(60_000)));
//!
//! let problems = HostConfig::parse("ansai.toml", "[policy.web]\nmod = \"observe\"\n", &[]).unwrap_err();
//! let first = &problems.entries()[0];
//! assert_eq!((first.line, first.hint.as_deref()), (2, Some("did you mean `mode`?")));
//! ```

mod address;
mod approve;
mod audit_log;
mod certificate_files;
mod control;
mod cron;
mod diagnostics;
mod edit;
mod export;
mod faults;
mod fields;
mod file;
mod grants;
mod hidden;
mod hook;
mod host;
mod identifier;
mod incidents;
mod index;
mod instance;
mod isolation;
mod labels;
mod limits;
mod limits_shown;
mod manifest;
mod nearest;
mod never;
mod node;
mod notify;
mod place;
mod places;
mod problem;
mod registry;
mod render;
mod report;
mod request;
mod safety;
pub mod schema;
mod scope_table;
mod share;
mod source;
mod stages;
mod suggest;
mod target;
mod target_grants;
mod target_use;
mod timing;
mod trust;
mod watch;
mod windows;

pub use audit_log::AuditLog;
pub use certificate_files::{CertificateFiles, Reload};
pub use control::Control;
pub use cron::{Cron, CronError};
pub use diagnostics::{Diagnostics, Entry, Severity};
pub use edit::{EditError, Edited, granted_actions, level, set_level};
pub use export::{Export, ExportUrl};
pub use faults::{FaultBegins, FaultSpec, Faults};
pub use grants::{CALLS_OUT, GrantError, MissingGrant, effective_scopes, unconfigured};
pub use hook::{ConfiguredHook, Hooks};
pub use host::{Daemon, HostConfig, ServerCalls};
pub use identifier::{is_name, is_version};
pub use index::PolicyIndex;
pub use instance::{APPROVAL_EXPIRES, BUILTIN, Grants, Instance, PolicySource, REGISTRY};
pub use isolation::Isolation;
pub use labels::Labels;
pub use limits::{LimitsChange, RaisedLimit};
pub use manifest::Manifest;
pub use nearest::nearest as nearest_word;
pub use notify::{ConfiguredChannel, Notify, ScheduledReport};
pub use places::Places;
pub use registry::{RegistrySettings, TrustTable};
pub use report::{Report, did_you_mean};
pub use request::Request;
pub use safety::HostSafety;
pub use schema::{Schema, SettingDescription, SettingProblem};
pub use share::raised_shares;
pub use source::{MOST_AUTHOR_BYTES, MOST_BYTES, MOST_HOST_BYTES};
pub use stages::{StageChange, StagesChange};
pub use suggest::{Suggested, suggest};
pub use target::{SecretSource, Target, Targets};
pub use target_use::{TargetUse, TargetUses};
pub use timing::{CatchUp, Timing};
pub use trust::Trust;
