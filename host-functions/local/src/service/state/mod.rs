//! What systemd says about a unit, as it crosses to policies and as steps need it.

use ansai_core::{Millis, Timestamp};

use super::name::{is_service, is_unit, subject};
use super::wire::{ActiveState, Ended, LoadState, ServiceUnit};
use crate::bus::{BusError, JobResult, Properties};

/// The longest short text of systemd that is passed on, in bytes.
const MOST_BYTES: usize = 64;
/// Every service conflicts with it, so that it is stopped at shutdown.
const SHUTDOWN: &str = "shutdown.target";
/// As systemd writes "no limit".
const INFINITY: u64 = u64::MAX;

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    /// As policies see it; `never-touch` is not known here.
    pub(super) shown: ServiceUnit,
    /// Whether it has been active or activating since the boot.
    pub(super) has_run: bool,
    /// Whether other units name it.
    pub(super) is_named: bool,
    /// Whether `RefuseManualStart=` is set.
    pub(super) refuses_start: bool,
    /// Whether it was made for one run, as by `systemd-run`, and has no file of its own.
    pub(super) is_transient: bool,
    /// The units that systemd stops before it starts this one.
    pub(super) conflicts: Vec<String>,
    /// Whether it has a job that has not ended.
    pub(super) pending_job: bool,
    /// How long a restart may take: to stop and to start. `None` without a limit.
    pub(super) takes: Option<Millis>,
}

impl Unit {
    /// Reads the properties of both interfaces.
    ///
    /// # Errors
    /// One that everything depends on is missing or invalid.
    pub(super) fn read(all: Properties, last_job: Option<JobResult>) -> Result<Unit, BusError> {
        let id = all.text("Id")?;
        if !is_service(id) {
            return Err(BusError::Invalid("the id of a service".into()));
        }
        let active = active(all.text("ActiveState")?);
        let last_job = last_job.filter(|result| is_word(result));
        let mut ended = ended(all.text("Result")?);
        if active == ActiveState::Inactive && ended == Ended::Success && last_job.as_deref() == Some("dependency") {
            ended = Ended::Dependency;
        }
        let status = all.signed("ExecMainStatus");
        // As in waitid(2).
        let (exit_code, exit_signal) = match all.signed("ExecMainCode") {
            Some(1) => (status, None),
            Some(2 | 3) => (None, status.and_then(|status| u32::try_from(status).ok())),
            _ => (None, None),
        };
        let is_any = |names: [&str; 5]| names.iter().any(|name| !all.texts(name).is_empty());
        let count = |name: &str| all.number(name).and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
        let pid = count("MainPID");
        let shown = ServiceUnit {
            about: subject(id),
            id: id.to_owned(),
            invocation: invocation(&all),
            last_job,
            load: load(all.text("LoadState")?),
            active,
            sub_state: word(all.text_or_empty("SubState")),
            ended,
            exit_code,
            exit_signal,
            enabled: matches!(all.text_or_empty("UnitFileState"), "enabled" | "enabled-runtime"),
            one_shot: all.text_or_empty("Type") == "oneshot",
            restarts_itself: !matches!(all.text_or_empty("Restart"), "no" | ""),
            never_touch: false,
            can_reload: all.is_on("CanReload"),
            since: instant(all.number("StateChangeTimestamp")),
            restarts: count("NRestarts"),
            start_burst: count("StartLimitBurst"),
            start_interval: millis(all.number("StartLimitIntervalUSec").unwrap_or(0)),
            restart_delay: millis(all.number("RestartUSec").unwrap_or(0)),
            main_pid: (pid > 0).then_some(pid),
        };
        Ok(Unit {
            has_run: all.number("InactiveExitTimestamp").unwrap_or(0) > 0,
            is_named: is_any(["RequiredBy", "RequisiteOf", "WantedBy", "BoundBy", "TriggeredBy"]),
            refuses_start: all.is_on("RefuseManualStart"),
            is_transient: all.text_or_empty("UnitFileState") == "transient",
            conflicts: conflicts(&all),
            pending_job: has_job(&all),
            takes: takes(&all),
            shown,
        })
    }

    /// Whether there is a file, or another unit needs it.
    pub(super) fn exists(&self) -> bool {
        self.shown.load != LoadState::Missing || self.is_named || self.has_run
    }

    pub(super) fn id(&self) -> &str {
        &self.shown.id
    }
}

/// The state of a unit of any type.
pub(super) fn active(text: &str) -> ActiveState {
    match text {
        "active" => ActiveState::Active,
        "activating" => ActiveState::Activating,
        "reloading" | "refreshing" => ActiveState::Reloading,
        "deactivating" => ActiveState::Deactivating,
        "inactive" => ActiveState::Inactive,
        "failed" => ActiveState::Failed,
        _ => ActiveState::Other,
    }
}

fn load(text: &str) -> LoadState {
    match text {
        "loaded" => LoadState::Loaded,
        "masked" => LoadState::Masked,
        "not-found" => LoadState::Missing,
        "bad-setting" | "error" => LoadState::Broken,
        _ => LoadState::Other,
    }
}

fn ended(text: &str) -> Ended {
    match text {
        "success" => Ended::Success,
        "exit-code" => Ended::ExitCode,
        "signal" => Ended::Killed,
        "core-dump" => Ended::CoreDump,
        "watchdog" => Ended::Watchdog,
        "start-limit-hit" | "start-limit" => Ended::StartLimit,
        "oom-kill" => Ended::Oom,
        "timeout" => Ended::TimedOut,
        "resources" => Ended::Resources,
        _ => Ended::Other,
    }
}

/// The id of this run; empty if there is none.
fn invocation(all: &Properties) -> String {
    let id = all.hex("InvocationID");
    if id.len() == 32 { id } else { String::new() }
}

fn conflicts(all: &Properties) -> Vec<String> {
    let names = ["Conflicts", "ConflictedBy"].iter().flat_map(|property| all.texts(property));
    names.filter(|name| is_unit(name) && name != SHUTDOWN).collect()
}

fn has_job(all: &Properties) -> bool {
    all.job("Job").is_some_and(|number| number > 0)
}

fn takes(all: &Properties) -> Option<Millis> {
    let limit = |name: &str| all.number(name).filter(|micros| *micros != INFINITY).map(millis);
    let sum = limit("TimeoutStopUSec")?.get().saturating_add(limit("TimeoutStartUSec")?.get());
    Some(Millis::new(sum))
}

fn millis(micros: u64) -> Millis {
    Millis::new(if micros == INFINITY { u64::MAX } else { micros / 1_000 })
}

fn instant(micros: Option<u64>) -> Option<Timestamp> {
    micros.filter(|micros| *micros > 0).map(|micros| Timestamp::from_millis(micros / 1_000))
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MOST_BYTES
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_".contains(&byte))
}

/// A name of systemd for a state; empty if it is none.
fn word(text: &str) -> String {
    if is_word(text) { text.to_owned() } else { String::new() }
}

#[cfg(test)]
pub(super) mod sample;
#[cfg(test)]
mod tests;
