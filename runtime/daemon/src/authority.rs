//! What the configuration file grants now, read again before every step if it has changed.

mod revocations;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ansai_config::{Diagnostics, Manifest, Schema};
use ansai_core::{InstanceName, Interface, Mode, codes};
use ansai_supervisor::authority::{Authority, EffectiveGrants, scopes};
use serde_json::Value;

use self::revocations::Revocations;
use crate::component::Component;
use crate::configuration::{Configuration, Identity};
use crate::error::Error;
use crate::in_time::InTime;
use crate::load::InstanceError;
use crate::ownership::Problem;
use crate::pulled::Vouched;
use crate::{targets, undo};

/// Grants from a configuration file, which is read again whenever it has changed. While it is invalid, those of the last
/// valid one are in force, in observe mode.
pub struct FromFile {
    path: PathBuf,
    interfaces: Vec<Interface>,
    ceiling: Mode,
    policies: BTreeMap<InstanceName, Governed>,
    known: Mutex<Known>,
    /// The file can be on a mount whose server dies.
    looking: InTime<std::io::Result<Identity>>,
    /// What signers have revoked; `None` without policies from registries.
    revocations: Option<Revocations>,
    /// When the file was last looked at.
    looked: Mutex<Option<Instant>>,
}

/// A pass uses what the file said this long ago: a look takes a thread, and there may be a thousand passes a second.
const FRESH: Duration = Duration::from_secs(1);

/// What the grants of an instance depend on besides the configuration. It does not change while ansai runs.
#[derive(Clone)]
pub struct Governed {
    /// What the policy asks for.
    pub manifest: Arc<Manifest>,
    /// The schema of its settings, for those of targets.
    pub schema: Arc<Schema>,
    /// The settings of the instance, resolved.
    pub settings: Arc<Value>,
    /// SHA-256 of the component.
    pub digest: String,
    /// Who else could change the component when it was read, and how to fix that.
    pub exposure: Option<Problem>,
    /// Whether it comes from a registry. It observes unless the configuration names who vouches for it.
    pub is_pulled: bool,
    /// What is judged to find that out.
    pub vouched: Option<Vouched>,
}

impl Governed {
    /// An instance of this component, with its resolved settings.
    pub fn new(component: &Component, settings: Arc<Value>) -> Governed {
        Governed {
            manifest: component.manifest.clone(),
            schema: component.schema.clone(),
            settings,
            digest: component.found.digest.clone(),
            exposure: component.exposure.clone(),
            is_pulled: component.is_pulled,
            vouched: component.vouched.clone(),
        }
    }
}

struct Known {
    identity: Option<Identity>,
    /// The last one that was valid.
    configuration: Configuration,
    /// Whether the file is that configuration. If it is invalid, instances go on observing by the last valid one, and
    /// nothing acts: what the operator meant to forbid is unknown.
    is_valid: bool,
    /// What this configuration grants the instances that were asked about.
    grants: HashMap<InstanceName, Result<EffectiveGrants, String>>,
}

impl FromFile {
    /// Starts with the configuration that was read at the start.
    pub fn new(
        configuration: Configuration,
        interfaces: Vec<Interface>,
        ceiling: Mode,
        policies: BTreeMap<InstanceName, Governed>,
    ) -> FromFile {
        let path = configuration.path.clone();
        let identity = configuration.identity.clone();
        let known = Known { identity, configuration, is_valid: true, grants: HashMap::new() };
        let lists = policies.values().find_map(|policy| policy.vouched.as_ref()).map(|vouched| vouched.lists.clone());
        FromFile {
            path,
            interfaces,
            ceiling,
            policies,
            known: Mutex::new(known),
            looking: InTime::new(),
            revocations: lists.map(Revocations::new),
            looked: Mutex::new(None),
        }
    }

    fn not_valid(&self) -> String {
        format!("{} is not valid: `ansai check` says why", self.path.display())
    }

    fn of(&self, known: &Known, instance: &InstanceName) -> Result<EffectiveGrants, String> {
        let Known { configuration, is_valid, .. } = known;
        let ceiling = if *is_valid { self.ceiling } else { Mode::Observe };
        let policy = self.policies.get(instance).ok_or_else(|| format!("{instance} is not loaded"))?;
        let found = effective_grants(configuration, instance, policy, &self.interfaces, ceiling)
            .map_err(|error| format!("{} ({})", first_line(&error), error.code().word()))?;
        if found.mode.may_act()
            && let Some(problem) = configuration.trust.problem()
        {
            return Err(problem);
        }
        Ok(found)
    }
}

impl FromFile {
    /// What the file says now.
    fn current(&self) -> Result<MutexGuard<'_, Known>, String> {
        let began = Instant::now();
        let path = self.path.clone();
        let identity = self
            .looking
            .run(move || Identity::of(&path))
            .flatten()
            .map_err(|error| format!("{}: {error}", self.path.display()))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.identity.as_ref() != Some(&identity) {
            tracing::info!("{} has changed; reading it again", self.path.display());
            let read = Configuration::open(&self.path, &self.interfaces);
            known.is_valid = read.is_ok();
            known.identity = Some(identity);
            match read {
                Ok(configuration) => known.configuration = configuration,
                Err(error) => {
                    // What could not be read may be valid: the next look reads it again.
                    if is_unread(&error) {
                        known.identity = None;
                    }
                    tracing::error!(
                        "ansai goes on with the last valid configuration, and changes nothing until the file is valid: {}",
                        first_line(&error)
                    );
                }
            }
            known.grants.clear();
        }
        if let Some(revocations) = &self.revocations
            && revocations.have_changed(&known.configuration)
        {
            known.grants.clear();
        }
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(began);
        Ok(known)
    }

    /// What the file said within the last second. A look that failed is no answer: the next pass looks again.
    fn recent(&self) -> Result<MutexGuard<'_, Known>, String> {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        match looked {
            Some(at) if at.elapsed() < FRESH => Ok(self.known.lock().unwrap_or_else(PoisonError::into_inner)),
            _ => self.current(),
        }
    }

    fn granted(&self, mut known: MutexGuard<'_, Known>, instance: &InstanceName) -> Result<EffectiveGrants, String> {
        if let Some(grants) = known.grants.get(instance) {
            return grants.clone();
        }
        let grants = self.of(&known, instance);
        known.grants.insert(instance.clone(), grants.clone());
        grants
    }
}

impl Authority for FromFile {
    fn effective_grants(&self, instance: &InstanceName) -> Result<EffectiveGrants, String> {
        self.granted(self.current()?, instance)
    }

    fn grants_of_a_pass(&self, instance: &InstanceName) -> Result<EffectiveGrants, String> {
        self.granted(self.recent()?, instance)
    }

    /// As `ansai undo` has them without a daemon: also of an instance that did not load, and in observe mode. Who else can
    /// change the file undoes nothing in any mode.
    fn undo_grants(&self, instance: &InstanceName) -> Result<EffectiveGrants, String> {
        let known = self.current()?;
        let Known { configuration, is_valid, .. } = &*known;
        if !is_valid {
            return Err(self.not_valid());
        }
        configuration.check_trust_for_undo().map_err(|error| first_line(&error))?;
        let configured = configuration.config.policies.get(instance);
        let configured = configured.ok_or_else(|| format!("{instance} is not configured"))?;
        Ok(undo::grants_of(configuration, instance, configured, &self.interfaces))
    }

    fn problem(&self) -> Option<String> {
        let known = match self.recent() {
            Ok(known) => known,
            Err(why) => return Some(why),
        };
        if !known.is_valid {
            return Some(self.not_valid());
        }
        let may_act = |name| known.configuration.config.policies.get(name).is_some_and(|one| one.mode.may_act());
        let is_needed = self.ceiling.may_act() && self.policies.keys().any(may_act);
        known.configuration.trust.problem().filter(|_| is_needed)
    }
}

/// Whether a file could not be read. Then it is not known whether it is valid.
fn is_unread(error: &Error) -> bool {
    let is_about_access = |problems: &Diagnostics| problems.entries().iter().any(|one| one.code == codes::FILE_ACCESS);
    error.diagnostics().is_none_or(is_about_access)
}

/// The message with the first problem.
fn first_line(error: &Error) -> String {
    match error.diagnostics().and_then(Diagnostics::first) {
        Some(first) => format!("{error}: {first}"),
        None => error.to_string(),
    }
}

/// What the configuration grants an instance of this policy, with its labels and targets.
///
/// # Errors
/// The configuration does not name the instance, lacks a grant that the policy requires, grants too many tables, or has
/// invalid settings for one of its targets. Another user can change a policy that would act.
pub fn effective_grants(
    configuration: &Configuration,
    instance: &InstanceName,
    policy: &Governed,
    interfaces: &[Interface],
    ceiling: Mode,
) -> Result<EffectiveGrants, Error> {
    let (name, file) = (|| instance.clone(), || configuration.path.clone());
    let configured = configuration.config.policies.get(instance);
    let configured = configured.ok_or_else(|| InstanceError::NotConfigured { instance: name(), file: file() })?;
    let granted = ansai_config::effective_scopes(&policy.manifest, &configured.grants, interfaces)
        .map_err(|why| InstanceError::NotGranted { instance: name(), why: Box::new(why), file: file() })?;
    let ceiling = match (&policy.vouched, policy.is_pulled) {
        (Some(vouched), _) => vouched.ceiling(configuration, ceiling)?,
        (None, true) => Mode::Observe,
        (None, false) => ceiling,
    };
    let mode = configured.mode.min(ceiling);
    // A pin says what may act, whoever can write the file.
    if mode.may_act()
        && configured.sha256.as_ref() != Some(&policy.digest)
        && let Some((problem, fix)) = policy.exposure.clone()
    {
        return Err(InstanceError::UntrustedEnforce { instance: name(), problem, fix }.into());
    }
    let seen = targets::seen(configuration, instance, &policy.schema, &policy.settings)?;
    Ok(EffectiveGrants {
        scopes: scopes(granted),
        mode,
        labels: configuration.labels.clone(),
        targets: Arc::new(seen),
        reach: targets::reach(configuration, instance),
        never: configuration.never.clone(),
        approve: Arc::new(configured.approve.clone()),
    })
}

#[cfg(test)]
mod tests;
