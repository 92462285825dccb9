//! Hooks of a configuration, in the form that evaluations and steps use.

use ansai_config::{ConfiguredHook, HostConfig, Trust};
use ansai_kit::hook::{AllHooks, HookAccess, HookProblem};
use ansai_kit::host::Host;

use crate::configuration::Configuration;
use crate::warning::Warning;
use crate::{environment, targets};

/// The hooks of a configuration. Reads no secret. If another user can change the file, none of them is called: a hook that
/// reads runs its program in observe mode, too.
pub(crate) fn all(config: &HostConfig, trust: &Trust) -> AllHooks {
    let credentials = environment::absolute_path("CREDENTIALS_DIRECTORY");
    let access = |(name, configured): (&String, &ConfiguredHook)| {
        let secret = configured.secret.as_ref();
        let secret = secret.map(|source| targets::secret_source(source, credentials.as_deref()));
        (name.clone(), HookAccess { hook: configured.hook.clone(), secret })
    };
    AllHooks::new(config.hooks.iter().map(access).collect()).untrusted(trust.problem().as_deref())
}

/// A warning for each hook that cannot be called on this host: only what needs it is unavailable.
pub(crate) fn warnings(configuration: &Configuration) -> Vec<Warning> {
    let problems = configuration.hook_problems(&Host::at("/"));
    let warning = |(name, problem): (String, HookProblem)| {
        Warning::new(problem.error.code(), format!("[hook.{name}] cannot be called: {}", problem.error))
    };
    problems.into_iter().map(warning).collect()
}
