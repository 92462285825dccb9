//! The host configuration as a file, and whether it can be trusted.
#![expect(clippy::disallowed_methods, reason = "an adapter to the file system")]

mod error;

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansai_config::{Diagnostics, HostConfig, Trust};
use ansai_core::{Interface, Mode, Never, codes};
use ansai_kit::evaluation_state::Label;
use ansai_kit::hook::{AllHooks, HookAccess, HookProblem};
use ansai_kit::host::Host;
use ansai_kit::target::{AllTargets, TargetAccess};
use ansai_registry::TrustPolicy;

pub use self::error::ConfigurationError;
use crate::error::Error;
use crate::hooks;
use crate::in_time::in_time;
use crate::ownership::{self, Problem};
use crate::pulled;
use crate::targets::{self, SecretProblem};
use crate::warning::Warning;

/// The configuration of a host.
pub const HOST_PATH: &str = "/etc/ansai/ansai.toml";

/// The path of the configuration of this host, if there is one for this user. A user who may not read it has none, and
/// only observes.
pub fn of_host() -> Option<PathBuf> {
    match std::fs::File::open(HOST_PATH) {
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied) =>
        {
            None
        }
        _ => Some(HOST_PATH.into()),
    }
}

/// A valid configuration with its file.
#[derive(Clone)]
pub struct Configuration {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub config: HostConfig,
    /// Who can write the file and its directory.
    pub trust: Trust,
    /// The labels of this host, in byte order of their names.
    pub labels: Arc<Vec<Label>>,
    /// How to reach its targets.
    pub targets: AllTargets,
    /// Its hooks.
    pub hooks: AllHooks,
    /// What no step may touch.
    pub never: Arc<Never>,
    /// Whose keys vouch for which policies from registries.
    pub vouching: Arc<TrustPolicy>,
    pub(crate) identity: Option<Identity>,
}

/// Changes whenever the content of the file changes, or who can write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    file: [i64; 5],
    owners: [u64; 7],
    /// Who else can change a directory above it, or a link that leads to it.
    problem: Option<Problem>,
}

impl Identity {
    /// As the file is now.
    pub(crate) fn of(path: &Path) -> std::io::Result<Identity> {
        let file = std::fs::metadata(path)?;
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let parent = std::fs::metadata(parent)?;
        Ok(Identity {
            file: [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec(), file.size().cast_signed()],
            owners: [
                file.dev(),
                file.ino(),
                u64::from(file.mode()),
                u64::from(file.uid()),
                parent.ino(),
                u64::from(parent.mode()),
                u64::from(parent.uid()),
            ],
            problem: ownership::problem(path),
        })
    }
}

impl Configuration {
    /// Reads and validates a configuration file.
    ///
    /// # Errors
    /// What is wrong with it, with places.
    pub fn open(path: &Path, interfaces: &[Interface]) -> Result<Configuration, Error> {
        let (own, known) = (path.to_owned(), interfaces.to_vec());
        in_time(move || Configuration::open_now(&own, &known))
            .unwrap_or_else(|error| Err(ConfigurationError::Silent { path: path.to_owned(), error }.into()))
    }

    fn open_now(path: &Path, interfaces: &[Interface]) -> Result<Configuration, Error> {
        // Taken before the content, so that a change in between is seen as one.
        let identity = Identity::of(path).ok();
        let (config, trust) = HostConfig::load(path, interfaces)
            .map_err(|problems| ConfigurationError::Invalid { path: path.to_owned(), problems })?;
        let (labels, targets) = (Arc::new(targets::labels(&config.labels)), targets::all(&config));
        let never = Arc::new(config.never.clone());
        let hooks = hooks::all(&config, &trust);
        let vouching = Arc::new(pulled::policy_of(path, &config));
        Ok(Configuration { path: path.to_owned(), config, trust, labels, targets, hooks, never, vouching, identity })
    }

    /// The same if a path is given.
    ///
    /// # Errors
    /// As [`Configuration::open`].
    pub fn maybe(path: Option<&Path>, interfaces: &[Interface]) -> Result<Option<Configuration>, Error> {
        path.map(|path| Configuration::open(path, interfaces)).transpose()
    }

    /// The targets whose secrets cannot be used now, by name. Looks at owners and modes, and reads no secret.
    pub fn secret_problems(&self) -> Vec<SecretProblem> {
        let problem = |(name, target): (&String, &TargetAccess)| {
            let error = target.secret.as_ref()?.check().err()?;
            Some(SecretProblem { target: name.clone(), error })
        };
        self.targets.iter().filter_map(problem).collect()
    }

    /// The problem of a secret with its place in the file.
    pub fn secret_diagnostics(&self, problem: &SecretProblem) -> Diagnostics {
        let hint = Some(problem.error.hint());
        self.config.secret_diagnostics(&problem.target, problem.code(), &problem.to_string(), hint)
    }

    /// The hooks that cannot be called on this host, by name. Runs nothing, and reads no secret.
    pub fn hook_problems(&self, host: &Host) -> Vec<(String, HookProblem)> {
        let problems = |(name, hook): (&str, &HookAccess)| -> Vec<(String, HookProblem)> {
            hook.problems(host).into_iter().map(|problem| (name.to_owned(), problem)).collect()
        };
        self.hooks.iter().flat_map(problems).collect()
    }

    /// The problem of a hook with its place in the file.
    pub fn hook_diagnostics(&self, hook: &str, problem: &HookProblem) -> Diagnostics {
        let (error, hint) = (&problem.error, Some(problem.error.hint()));
        self.config.hook_diagnostics(hook, problem.key, error.code(), &error.to_string(), hint)
    }

    /// Whether a person may undo plans by its grants.
    ///
    /// # Errors
    /// Another user can write it.
    pub fn check_trust_for_undo(&self) -> Result<(), Error> {
        let Some(problem) = self.trust.problem() else { return Ok(()) };
        let (problem, fix) = parts(problem);
        Err(ConfigurationError::UntrustedUndo { problem, fix }.into())
    }

    /// A warning if another user can write the file.
    ///
    /// # Errors
    /// Another user can write it, and with it they could change this host: an instance enforces, heads are exported, or `[audit]` shortens the log.
    pub fn check_trust(&self, ceiling: Mode) -> Result<Option<Warning>, Error> {
        let Some(problem) = self.trust.problem() else { return Ok(None) };
        let enforcing = self.config.policies.iter().find(|(_, instance)| instance.mode.min(ceiling).may_act());
        let (problem, fix) = parts(problem);
        // An export can run a command or write a file in any mode, and `[audit]` can delete the audit log.
        if self.config.export.is_some() || self.config.audit != ansai_config::AuditLog::default() {
            return Err(ConfigurationError::UntrustedExport { problem, fix }.into());
        }
        // A channel can run a command, and send what it is told to anybody.
        if !self.config.notify.channels.is_empty() {
            return Err(ConfigurationError::UntrustedNotify { problem, fix }.into());
        }
        match enforcing {
            Some((name, _)) => {
                Err(ConfigurationError::UntrustedEnforce { problem, instance: name.clone(), fix }.into())
            }
            None => Ok(Some(Warning::new(codes::UNTRUSTED_CONFIGURATION, problem))),
        }
    }
}

/// A problem and its fix.
fn parts(problem: String) -> (String, Option<String>) {
    match problem.split_once("; hint: ") {
        Some((problem, fix)) => (problem.to_owned(), Some(fix.to_owned())),
        None => (problem, None),
    }
}
