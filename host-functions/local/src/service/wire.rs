//! The types of `ansai:service/service-probe`, as in its WIT.

use ansai_core::{Millis, Subject, Timestamp};
use serde::{Deserialize, Serialize};

/// See the WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ActiveState {
    Active,
    Activating,
    Reloading,
    Deactivating,
    Inactive,
    Failed,
    Other,
}

/// See the WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LoadState {
    Loaded,
    Masked,
    Missing,
    Broken,
    Other,
}

/// See the WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ended {
    Success,
    ExitCode,
    Killed,
    CoreDump,
    Watchdog,
    StartLimit,
    Oom,
    TimedOut,
    Resources,
    Dependency,
    Other,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ServiceUnit {
    pub(super) about: Subject,
    pub(super) id: String,
    pub(super) invocation: String,
    pub(super) last_job: Option<String>,
    pub(super) load: LoadState,
    pub(super) active: ActiveState,
    pub(super) sub_state: String,
    pub(super) ended: Ended,
    pub(super) exit_code: Option<i32>,
    pub(super) exit_signal: Option<u32>,
    pub(super) enabled: bool,
    pub(super) one_shot: bool,
    pub(super) restarts_itself: bool,
    pub(super) never_touch: bool,
    pub(super) can_reload: bool,
    pub(super) since: Option<Timestamp>,
    pub(super) restarts: u32,
    pub(super) start_burst: u32,
    pub(super) start_interval: Millis,
    pub(super) restart_delay: Millis,
    pub(super) main_pid: Option<u32>,
}

/// Services.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnitPage {
    pub(super) entries: Vec<ServiceUnit>,
    pub(super) skipped: u32,
    pub(super) complete: bool,
    pub(super) cursor: Option<String>,
}

/// A unit that needs another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dependant {
    pub(super) about: Subject,
    pub(super) id: String,
    pub(super) active: ActiveState,
    pub(super) distance: u32,
}

/// Units that need another one.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DependantPage {
    pub(super) entries: Vec<Dependant>,
    pub(super) skipped: u32,
    pub(super) complete: bool,
    pub(super) cursor: Option<String>,
}

/// Arguments of `look`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Look {
    pub(super) name: String,
}

/// Arguments of `list-units`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListUnits {
    pub(super) globs: Vec<String>,
    pub(super) cursor: Option<String>,
}

/// Arguments of `list-dependants`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListDependants {
    pub(super) name: String,
    pub(super) cursor: Option<String>,
}
