//! New versions of policies beside the pinned ones: a second supervisor evaluates them, in observe mode.
//!
//! It has a state directory, an event stream and shares of its own, and neither notifications nor a control socket. So a new
//! version changes nothing, uses no budget of the pinned one, and tells nobody. Its authority has observe mode as the highest:
//! the executor refuses any step.

mod compare;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ansai_core::control::ShadowStatus;
use ansai_core::{InstanceName, Mode, codes};
use ansai_events::Stream;
use ansai_registry::{RegistryError, Store};
use ansai_storage::Directory;
use ansai_supervisor::{Options, Supervisor};

pub use self::watch::{ShadowOver, ShadowWatch};
use crate::authority::{FromFile, Governed};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::load::{LoadedInstance, LoadedShadow};
use crate::pulled::Shadowed;
use crate::safety;

/// Its state, in the state directory.
const DIRECTORY: &str = "shadow";
/// How long it may be in use by what has just stopped.
const LEAVING: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// What runs beside pinned versions.
#[derive(Default)]
pub(crate) struct Beside {
    pub(crate) supervisor: Option<Supervisor>,
    pub(crate) shown: Shown,
}

impl Beside {
    /// Opens the second supervisor, once the first one has the state directory for itself. If that fails, the pinned versions
    /// run without it, and the status says why. May wait for the one of a run that has just ended.
    pub(crate) fn open(daemon: &Daemon) -> Beside {
        let all = daemon.shadows().iter().map(|one| (one.ready.instance.name.clone(), one.shadowed.clone())).collect();
        let (supervisor, failed) = match patiently(|| supervisor(daemon)) {
            Ok(supervisor) => (supervisor, None),
            Err(error) => {
                tracing::error!("no new version runs beside a pinned one: {error}");
                (None, Some(error.to_string()))
            }
        };
        let is_shown = supervisor.is_some() || failed.is_some();
        let state_dir = is_shown.then(|| daemon.state_directory().clone());
        Beside { supervisor, shown: Shown { state_dir, all, failed } }
    }
}

/// Tries again while what has just stopped still uses the directory. Only this is tried again: the first supervisor is open by
/// now, and each start of it is recorded.
fn patiently<T>(open: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    let began = Instant::now();
    loop {
        match open() {
            Err(error) if error.code() == codes::IN_USE && began.elapsed() < LEAVING => std::thread::sleep(PAUSE),
            opened => return opened,
        }
    }
}

fn supervisor(daemon: &Daemon) -> Result<Option<Supervisor>, Error> {
    let state = daemon.state_directory();
    let shadows = daemon.shadows();
    if !daemon.with_shadows() {
        return Ok(None);
    }
    let begins = shadows.iter().all(|one| one.shadowed.record.compared == 0);
    if begins && state.subdirectory(DIRECTORY).is_ok() {
        // What an earlier version remembered says nothing about these.
        state.remove_subdirectory(DIRECTORY).map_err(RegistryError::from)?;
    }
    let Some(configuration) = daemon.configuration().filter(|_| !shadows.is_empty()) else { return Ok(None) };
    let state_dir = state.create_subdirectory(DIRECTORY).map_err(RegistryError::from)?;
    let governed = |one: &LoadedShadow| {
        let LoadedInstance { instance, component, .. } = &one.ready;
        (instance.name.clone(), Governed::new(component, instance.settings.clone()))
    };
    let policies = shadows.iter().map(governed).collect();
    let authority = FromFile::new(configuration.clone(), daemon.interfaces().to_vec(), Mode::Observe, policies);
    let options = Options {
        state_dir,
        mode: Mode::Observe,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        accept_clock: true,
        audit: configuration.config.audit.clone(),
        safety: safety::policy(configuration),
        events: Stream::new(),
    };
    let instances = shadows.iter().map(|one| one.ready.instance.clone()).collect();
    let opened = Supervisor::open(options, Arc::new(daemon.host()), Arc::new(authority), instances);
    let supervisor = opened.map_err(|error| Error::Open { state_dir: state.path_of(DIRECTORY), error })?;
    // Others run on in the same directory. This one begins from nothing.
    for one in shadows.iter().filter(|one| one.shadowed.record.compared == 0) {
        supervisor.forget_faults(&one.ready.instance.name);
    }
    supervisor.show_all();
    if let Some(most) = configuration.config.daemon.evaluations {
        supervisor.limit_evaluations(most);
    }
    Ok(Some(supervisor))
}

/// What is shown of them.
#[derive(Clone, Default)]
pub(crate) struct Shown {
    state_dir: Option<Directory>,
    all: Vec<(InstanceName, Shadowed)>,
    /// Why none of them runs.
    failed: Option<String>,
}

impl Shown {
    /// As the store has it now.
    pub(crate) fn status(&self) -> Vec<ShadowStatus> {
        let Some(state_dir) = &self.state_dir else { return Vec::new() };
        let known = Store::open(state_dir).and_then(|store| store.map(|store| store.shadows()).transpose());
        let (known, problem) = match known {
            Ok(known) => (known.unwrap_or_default(), None),
            Err(error) => (Default::default(), Some(error.to_string())),
        };
        let of = |(instance, Shadowed { shadow, pinned, record }): &(InstanceName, Shadowed)| {
            let found = known.get(&pinned.source).filter(|record| record.is_of(shadow, pinned)).unwrap_or(record);
            ShadowStatus {
                instance: instance.clone(),
                version: shadow.policy.version.clone(),
                beside: pinned.version.clone(),
                watched_ms: found.watched,
                lasts_ms: shadow.lasts_ms,
                compared: found.compared,
                differences: found.differences(),
                problem: self.failed.clone().or_else(|| problem.clone()).or_else(|| found.problem.clone()),
            }
        };
        self.all.iter().map(of).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
