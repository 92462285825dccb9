//! Labels and targets of a configuration, in the form that evaluations and steps use.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ansai_config::{HostConfig, Labels, Schema, SecretSource, Target};
use ansai_core::{Code, InstanceName, codes};
use ansai_kit::evaluation_state::{InstanceTarget, Label};
use ansai_kit::secret::{self, SecretError};
use ansai_kit::target::{AllTargets, CertificateFiles, Reach, Reload, TargetAccess};
use serde_json::Value;

use crate::configuration::Configuration;
use crate::environment;
use crate::error::Error;
use crate::load::InstanceError;

/// The secret of a target cannot be used.
#[derive(Debug)]
pub struct SecretProblem {
    /// The target.
    pub target: String,
    /// Why.
    pub error: SecretError,
}

impl SecretProblem {
    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        self.error.code()
    }

    /// Whether only a start by systemd can tell more.
    pub fn is_unknown(&self) -> bool {
        self.code() == codes::NO_CREDENTIAL
    }
}

/// The message, without the hint.
impl std::fmt::Display for SecretProblem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the secret of target `{}` cannot be used: {}", self.target, self.error)
    }
}

/// Labels in byte order of their names.
pub(crate) fn labels(labels: &Labels) -> Vec<Label> {
    labels.iter().map(|(name, value)| Label { name: name.clone(), value: value.clone() }).collect()
}

/// How to reach each target of a configuration. Reads no secret.
pub(crate) fn all(config: &HostConfig) -> AllTargets {
    let credentials = environment::absolute_path("CREDENTIALS_DIRECTORY");
    let source = |source: &SecretSource| secret_source(source, credentials.as_deref());
    let access = |(name, target): (&String, &Target)| {
        let access = TargetAccess {
            address: target.address.clone(),
            user: target.user.clone(),
            secret: target.secret.as_ref().map(source),
            call_limit: target.call_limit.map(Duration::from),
            certificate: target.certificate.as_ref().map(certificate),
            ..TargetAccess::new(name, &target.kind, labels(&target.labels))
        };
        (name.clone(), access)
    };
    Arc::new(config.targets.iter().map(access).collect())
}

fn certificate(files: &ansai_config::CertificateFiles) -> CertificateFiles {
    CertificateFiles {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        test: files.test.clone(),
        reload: match &files.reload {
            ansai_config::Reload::Unit(unit) => Reload::Unit(unit.clone()),
            ansai_config::Reload::Command(command) => Reload::Command(command.clone()),
        },
    }
}

/// Where a secret is, with the directory of credentials.
pub(crate) fn secret_source(source: &SecretSource, credentials: Option<&Path>) -> secret::SecretSource {
    match source {
        SecretSource::File(path) => secret::SecretSource::File(path.clone()),
        SecretSource::Credential(name) => {
            let directory = credentials.map(Path::to_owned);
            secret::SecretSource::Credential { directory, name: name.clone() }
        }
    }
}

/// What the policy of an instance sees of its targets, in byte order of their names.
///
/// # Errors
/// Settings for a target do not match the schema.
pub(crate) fn seen(
    configuration: &Configuration,
    instance: &InstanceName,
    schema: &Schema,
    settings: &Value,
) -> Result<Vec<InstanceTarget>, Error> {
    let configured = configuration.config.policies.get(instance);
    let wanted = configured.into_iter().flat_map(|configured| &configured.targets);
    let seen = wanted.filter_map(|(name, wanted)| {
        let target = configuration.targets.get(name)?.target.clone();
        let settings = schema.resolve_over(settings, &wanted.settings).map_err(|problems| {
            let problems = configuration.config.target_settings_diagnostics(instance, name, &problems);
            InstanceError::TargetSettings { instance: instance.clone(), target: name.clone(), problems }.into()
        });
        Some(settings.map(|settings| InstanceTarget { target, settings }))
    });
    seen.collect()
}

/// How the probes and actions of an instance reach its targets.
pub(crate) fn reach(configuration: &Configuration, instance: &InstanceName) -> Reach {
    let configured = configuration.config.policies.get(instance);
    let names = configured.into_iter().flat_map(|configured| configured.targets.keys().cloned());
    let call_limit = configuration.config.call_limit(instance).map(Duration::from);
    let reach = Reach::new(instance.clone(), configuration.targets.clone(), names).calling_within(call_limit);
    reach.hooking(configuration.hooks.clone())
}
