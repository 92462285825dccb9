//! Why an instance does not load.

use std::path::PathBuf;

use ansai_config::{Diagnostics, GrantError};
use ansai_core::{Code, InstanceName, InstanceNameError, codes, exit};

/// An instance does not load.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// Its source leads to several policies.
    #[error("`source` of [policy.{instance}] in {} leads to several policies: {}", file.display(), list(paths))]
    SourceHasSeveral {
        /// The instance.
        instance: InstanceName,
        /// The configuration.
        file: PathBuf,
        /// The policies.
        paths: Vec<PathBuf>,
    },
    /// It has no source, and no policy at the paths has its name.
    #[error("no policy is named {instance} (available: {})", if known.is_empty() { "none".to_owned() } else { known.join(", ") })]
    NoSuchPolicy {
        /// The instance.
        instance: InstanceName,
        /// Names of the policies at the paths.
        known: Vec<String>,
        /// Whether a built-in policy has its name.
        builtin: bool,
        /// The configuration.
        file: PathBuf,
    },
    /// Two policies at the paths have one name.
    #[error("two policies are named {name}: {}", list(paths))]
    SameName {
        /// Their name.
        name: String,
        /// The policies.
        paths: [PathBuf; 2],
        /// The configuration, if there is one.
        file: Option<PathBuf>,
    },
    /// The name of a policy cannot be the name of an instance.
    #[error(transparent)]
    Name(#[from] InstanceNameError),
    /// The configuration does not name it.
    #[error("{} has no [policy.{instance}]", file.display())]
    NotConfigured {
        /// The instance.
        instance: InstanceName,
        /// The configuration.
        file: PathBuf,
    },
    /// The configuration does not grant an interface that the policy requires, or too many tables of one.
    #[error("{instance}: {why}")]
    NotGranted {
        /// The instance.
        instance: InstanceName,
        /// Which interface.
        why: Box<GrantError>,
        /// The configuration.
        file: PathBuf,
    },
    /// Its component is not the one whose SHA-256 the configuration has.
    #[error("{} is another component than [policy.{instance}] in {} pins", component.display(), file.display())]
    OtherComponent {
        /// The instance.
        instance: InstanceName,
        /// The configuration.
        file: PathBuf,
        /// The component.
        component: PathBuf,
        /// Its SHA-256.
        sha256: String,
    },
    /// Its splay is longer than the interval of the manifest.
    #[error("{problem}, which is `every` in the manifest of [policy.{instance}]")]
    Splay {
        /// The instance.
        instance: InstanceName,
        /// How long both are.
        problem: String,
    },
    /// Its settings do not match the schema of the policy.
    #[error("invalid settings of [policy.{instance}]")]
    Settings {
        /// The instance.
        instance: InstanceName,
        /// What is wrong, with places.
        problems: Diagnostics,
    },
    /// The configuration names a stage that the policy does not have.
    #[error("invalid stages of [policy.{instance}]")]
    Stages {
        /// The instance.
        instance: InstanceName,
        /// What is wrong, with places.
        problems: Diagnostics,
    },
    /// Its settings for a target do not match the schema of the policy.
    #[error("invalid settings of [policy.{instance}.target.{target}]")]
    TargetSettings {
        /// The instance.
        instance: InstanceName,
        /// The target.
        target: String,
        /// What is wrong, with places.
        problems: Diagnostics,
    },
    /// Without a configuration, a policy that another user can change is not run.
    #[error("refusing to run {policy} without a configuration: {problem}")]
    Untrusted {
        /// The policy.
        policy: String,
        /// Who can write what.
        problem: String,
        /// How to fix that.
        fix: String,
    },
    /// A policy that another user can change does not act.
    #[error("{problem}, so another user can change what {instance} does: refusing to enforce [policy.{instance}]")]
    UntrustedEnforce {
        /// The instance.
        instance: InstanceName,
        /// Who can write what.
        problem: String,
        /// How to fix that.
        fix: String,
    },
    /// Without a configuration, a policy that needs settings cannot run.
    #[error("{policy} needs settings: {problem}")]
    NeedsSettings {
        /// The policy.
        policy: String,
        /// What kind of error the first problem is.
        code: Code,
        /// The first problem.
        problem: String,
    },
}

impl InstanceError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            InstanceError::SourceHasSeveral { .. } | InstanceError::SameName { .. } => codes::SEVERAL_POLICIES,
            InstanceError::NoSuchPolicy { .. } => codes::UNKNOWN_POLICY,
            InstanceError::Name(_) => codes::BAD_NAME,
            InstanceError::NotConfigured { .. } => codes::NOT_CONFIGURED,
            InstanceError::NotGranted { why, .. } => why.code(),
            InstanceError::OtherComponent { .. } => codes::OTHER_COMPONENT,
            InstanceError::Splay { .. } => codes::SPLAY_TOO_LONG,
            InstanceError::Settings { .. } | InstanceError::Stages { .. } | InstanceError::TargetSettings { .. } => {
                codes::INVALID
            }
            InstanceError::Untrusted { .. } | InstanceError::UntrustedEnforce { .. } => codes::UNTRUSTED_POLICY,
            InstanceError::NeedsSettings { code, .. } => *code,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            InstanceError::SourceHasSeveral { .. } => "name one .wasm file".to_owned(),
            InstanceError::Splay { .. } => "write a shorter `splay`, or a longer `every`".to_owned(),
            InstanceError::NoSuchPolicy { instance, file, builtin: true, .. } => {
                format!("add `source = \"builtin:{instance}\"` to [policy.{instance}] in {}", file.display())
            }
            InstanceError::NoSuchPolicy { instance, file, .. } => format!(
                "add `source = \"PATH\"` to [policy.{instance}] in {}, or pass the directory of the policy",
                file.display()
            ),
            InstanceError::SameName { name, file: Some(file), .. } => {
                format!("add `source = \"PATH\"` to [policy.{name}] in {}", file.display())
            }
            InstanceError::SameName { file: None, .. } => {
                "pass one of them, or write a configuration with a name for each".to_owned()
            }
            InstanceError::NotGranted { instance, why, file } => match &**why {
                GrantError::Missing(missing) => {
                    format!("to grant it, add to {}:\n[policy.{instance}.grant]\n{}", file.display(), missing.stanza)
                }
                GrantError::TooManyTables { .. } => why.hint(),
            },
            InstanceError::OtherComponent { component, sha256, .. } => {
                format!("review it with `ansai inspect {}`; then pin it: sha256 = \"{sha256}\"", component.display())
            }
            InstanceError::Untrusted { fix, .. } => format!("{fix}; or pass --config FILE with grants for it"),
            InstanceError::UntrustedEnforce { fix, .. } => {
                format!("{fix}; or review the component and pin it with sha256 = \"…\"")
            }
            InstanceError::NeedsSettings { policy, .. } => {
                format!("add [policy.{policy}.settings] to a configuration, and pass it with --config FILE")
            }
            InstanceError::Name(_)
            | InstanceError::NotConfigured { .. }
            | InstanceError::Settings { .. }
            | InstanceError::Stages { .. }
            | InstanceError::TargetSettings { .. } => return None,
        })
    }

    /// The exit code of a command that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self {
            InstanceError::NotGranted { .. }
            | InstanceError::OtherComponent { .. }
            | InstanceError::Untrusted { .. }
            | InstanceError::UntrustedEnforce { .. } => exit::REFUSED,
            _ => exit::USAGE,
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
