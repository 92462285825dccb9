//! Hooks of a configuration, in the form that evaluations and steps use.

use ansai_config::{ConfiguredHook, HostConfig, Trust};
use ansai_kit::hook::{AllHooks, HookAccess};

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
