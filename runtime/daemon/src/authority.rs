//! What the configuration file grants now, read again before every step if it has changed.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ansai_config::Manifest;
use ansai_core::{InstanceName, Interface, Mode};
use ansai_supervisor::authority::{Authority, EffectiveGrants, scopes};

use crate::configuration::{Configuration, Identity};
use crate::error::Error;
use crate::load::InstanceError;

/// Grants from a configuration file, which is read again whenever it has changed.
pub struct FromFile {
    path: PathBuf,
    interfaces: Vec<Interface>,
    ceiling: Mode,
    manifests: BTreeMap<InstanceName, Arc<Manifest>>,
    known: Mutex<Known>,
}

struct Known {
    identity: Option<Identity>,
    configuration: Result<Configuration, String>,
    /// What this configuration grants the instances that were asked about.
    grants: HashMap<InstanceName, Result<EffectiveGrants, String>>,
}

impl FromFile {
    /// Starts with the configuration that was read at the start.
    pub fn new(
        configuration: Configuration,
        interfaces: Vec<Interface>,
        ceiling: Mode,
        manifests: BTreeMap<InstanceName, Arc<Manifest>>,
    ) -> FromFile {
        let path = configuration.path.clone();
        let identity = configuration.identity.clone();
        let known = Known { identity, configuration: Ok(configuration), grants: HashMap::new() };
        FromFile { path, interfaces, ceiling, manifests, known: Mutex::new(known) }
    }

    fn of(
        &self,
        configuration: &Result<Configuration, String>,
        instance: &InstanceName,
    ) -> Result<EffectiveGrants, String> {
        let configuration = configuration.as_ref().map_err(Clone::clone)?;
        let manifest = self.manifests.get(instance).ok_or_else(|| format!("{instance} is not loaded"))?;
        let found = effective_grants(configuration, instance, manifest, &self.interfaces, self.ceiling)
            .map_err(|error| error.to_string())?;
        if found.mode == Mode::Enforce
            && let Some(problem) = configuration.trust.problem()
        {
            return Err(problem);
        }
        Ok(found)
    }
}

impl Authority for FromFile {
    fn effective_grants(&self, instance: &InstanceName) -> Result<EffectiveGrants, String> {
        let identity = Identity::of(&self.path).map_err(|error| format!("{}: {error}", self.path.display()))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.identity.as_ref() != Some(&identity) {
            tracing::info!("{} has changed; reading it again", self.path.display());
            known.configuration = Configuration::open(&self.path, &self.interfaces).map_err(|error| first_line(&error));
            known.identity = Some(identity);
            known.grants.clear();
        }
        if let Some(grants) = known.grants.get(instance) {
            return grants.clone();
        }
        let grants = self.of(&known.configuration, instance);
        known.grants.insert(instance.clone(), grants.clone());
        grants
    }
}

/// The message with the first problem.
fn first_line(error: &Error) -> String {
    let problems = error.diagnostics().map(ToString::to_string);
    match problems.as_deref().and_then(|text| text.lines().next()) {
        Some(first) => format!("{error}: {first}"),
        None => error.to_string(),
    }
}

/// What the configuration grants an instance whose policy has this manifest.
///
/// # Errors
/// The configuration does not name the instance, lacks a grant that the policy requires, or grants too many tables.
pub fn effective_grants(
    configuration: &Configuration,
    instance: &InstanceName,
    manifest: &Manifest,
    interfaces: &[Interface],
    ceiling: Mode,
) -> Result<EffectiveGrants, Error> {
    let (name, file) = (|| instance.clone(), || configuration.path.clone());
    let configured = configuration.config.policies.get(instance);
    let configured = configured.ok_or_else(|| InstanceError::NotConfigured { instance: name(), file: file() })?;
    let granted = ansai_config::effective_scopes(manifest, &configured.grants, interfaces)
        .map_err(|why| InstanceError::NotGranted { instance: name(), why: Box::new(why), file: file() })?;
    Ok(EffectiveGrants::new(scopes(granted), configured.mode.min(ceiling)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;

    static P: InstanceName = InstanceName::from_static("p");
    const MANIFEST: &str = "name = \"p\"\nversion = \"0.1.0\"\ndescription = \"d\"\n[schedule]\nevery = \"60s\"\n\
        [capabilities.\"ansai:disk/disk-probe\"]\nreason = \"to see\"\nrequired = true\n";
    const GRANT: &str = "[policy.p]\nmode = \"enforce\"\n[policy.p.grant]\n\"ansai:disk/disk-probe\" = {}\n";

    #[test]
    fn the_file_of_now_decides() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ansai.toml");
        std::fs::write(&path, GRANT).unwrap();
        let permit = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        permit(0o600);
        let interfaces = ansai_host_functions::builtin().interfaces();
        let manifest = Manifest::parse("policy.toml", MANIFEST, &interfaces).unwrap();
        let configuration = Configuration::open(&path, &interfaces).unwrap();
        let manifests = BTreeMap::from([(P.clone(), Arc::new(manifest))]);
        let authority = FromFile::new(configuration, interfaces, Mode::Enforce, manifests);

        assert_eq!(authority.effective_grants(&P).unwrap().mode, Mode::Enforce);
        assert!(authority.effective_grants(&InstanceName::from_static("q")).is_err());
        permit(0o666);
        assert!(authority.effective_grants(&P).err().unwrap().contains("is writable by other users"));
        permit(0o600);
        assert!(authority.effective_grants(&P).is_ok());
        std::fs::write(&path, "[policy.p]\nmode = \"enforce\"\n").unwrap();
        assert!(authority.effective_grants(&P).err().unwrap().contains("not granted"));
        std::fs::write(&path, "[policy.p\n").unwrap();
        assert!(authority.effective_grants(&P).err().unwrap().contains("is invalid"));
        std::fs::remove_file(&path).unwrap();
        assert!(authority.effective_grants(&P).is_err());
        std::fs::write(&path, GRANT.replace("enforce", "observe")).unwrap();
        assert_eq!(authority.effective_grants(&P).unwrap().mode, Mode::Observe);
    }

    #[test]
    fn the_ceiling_holds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ansai.toml");
        std::fs::write(&path, GRANT).unwrap();
        let interfaces = ansai_host_functions::builtin().interfaces();
        let manifest = Manifest::parse("policy.toml", MANIFEST, &interfaces).unwrap();
        let configuration = Configuration::open(&path, &interfaces).unwrap();
        let found = effective_grants(&configuration, &P, &manifest, &interfaces, Mode::Observe).unwrap();
        assert_eq!(found.mode, Mode::Observe);
    }
}
