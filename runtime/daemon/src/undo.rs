//! Undoes a plan while no daemon runs, and says what an undo would do.

use std::path::Path;
use std::sync::Arc;

use ansai_config::Instance;
use ansai_core::control::{UndoPreview, UndoTarget};
use ansai_core::{InstanceName, Interface, Mode, ScopeInForce, ScopeTables};
use ansai_events::Stream;
use ansai_supervisor::authority::{Authority, EffectiveGrants, Fixed, scopes};
use ansai_supervisor::{Options, StepReport, Supervisor, undo_preview_of};

use crate::configuration::Configuration;
use crate::error::Error;
use crate::{host, safety, state, targets};

/// What to undo.
pub struct UndoRequest {
    /// The plan.
    pub plan: String,
    /// One step of it, counted from 0; else all, the newest first.
    pub step: Option<u32>,
    /// Who asks, for the audit log.
    pub by: String,
}

/// Undoes a plan with the grants of the configuration, whatever mode it sets. Without a configuration nothing is granted,
/// so nothing is undone. Blocks; needs a tokio runtime.
///
/// # Errors
/// The plan is unknown, its record was changed, the daemon is running, or another user can change the configuration.
pub fn undo(
    configuration: Option<&Configuration>,
    state_dir: &Path,
    request: &UndoRequest,
) -> Result<Vec<StepReport>, Error> {
    if let Some(configuration) = configuration {
        configuration.check_trust_for_undo()?;
    }
    let directory = state::existing(state_dir)?.ok_or_else(|| Error::NoState(state_dir.to_owned()))?;
    let registry = ansai_host_functions::builtin();
    let authority = authority(configuration, &registry.interfaces());
    let options = Options {
        state_dir: directory,
        mode: Mode::Enforce,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        accept_clock: false,
        audit: configuration.map(|configuration| configuration.config.audit.clone()).unwrap_or_default(),
        safety: configuration.map(safety::policy).unwrap_or_default(),
        events: Stream::new(),
    };
    let live = host::live(registry, state_dir);
    let supervisor = Supervisor::open(options, Arc::new(live), authority, Vec::new())
        .map_err(|error| Error::Open { state_dir: state_dir.to_owned(), error })?;
    Ok(supervisor.undo(&request.plan, request.step, &request.by)?)
}

/// What [`undo`] would do. Changes nothing, and needs no lock. Blocks; needs a tokio runtime.
///
/// # Errors
/// The plan is unknown, its record was changed, or another user can change the configuration.
pub fn preview(
    configuration: Option<&Configuration>,
    state_dir: &Path,
    target: &UndoTarget,
) -> Result<UndoPreview, Error> {
    if let Some(configuration) = configuration {
        configuration.check_trust_for_undo()?;
    }
    let directory = state::existing(state_dir)?.ok_or_else(|| Error::NoState(state_dir.to_owned()))?;
    let registry = ansai_host_functions::builtin();
    let authority = authority(configuration, &registry.interfaces());
    let live = host::live(registry, state_dir);
    Ok(undo_preview_of(&directory, &live, &*authority, target)?)
}

fn authority(configuration: Option<&Configuration>, interfaces: &[Interface]) -> Arc<dyn Authority> {
    match configuration {
        Some(configuration) => Arc::new(Fixed::new(grants(configuration, interfaces))),
        None => Arc::new(NoConfiguration),
    }
}

/// Grants nothing, and says how to change that.
struct NoConfiguration;

impl Authority for NoConfiguration {
    fn effective_grants(&self, instance: &InstanceName) -> Result<EffectiveGrants, String> {
        Err(format!("undo needs the grants of {instance}: pass --config FILE"))
    }
}

fn grants(configuration: &Configuration, interfaces: &[Interface]) -> Vec<(InstanceName, EffectiveGrants)> {
    let instances = configuration.config.policies.iter();
    instances.map(|(name, one)| (name.clone(), grants_of(configuration, name, one, interfaces))).collect()
}

/// Grants as the configuration has them: undoing needs no policy, so nothing narrows them.
pub(crate) fn grants_of(
    configuration: &Configuration,
    name: &InstanceName,
    instance: &Instance,
    interfaces: &[Interface],
) -> EffectiveGrants {
    let asked = ScopeTables::default();
    let granted = instance.grants.iter().filter_map(|(interface, granted)| {
        let known = interfaces.iter().find(|one| one.name == *interface)?;
        // Never too many: a grant alone has fewer.
        Some((interface.clone(), ScopeInForce::of(known.fields, &asked, granted).ok()?))
    });
    let (reach, never) = (targets::reach(configuration, name), configuration.never.clone());
    EffectiveGrants { reach, never, ..EffectiveGrants::new(scopes(granted.collect()), instance.mode) }
}
