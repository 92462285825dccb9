//! Why a configuration cannot be used.

use std::path::PathBuf;

use ansai_config::Diagnostics;
use ansai_core::{Code, InstanceName, codes, exit};

/// A configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// It does not parse or validate.
    #[error("{} is invalid", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with places.
        problems: Diagnostics,
    },
    /// Its file system does not answer.
    #[error("{}: {error}", path.display())]
    Silent {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Another user can write it, and it exports audit heads or shortens the audit log.
    #[error("{problem}: refusing to use [audit]")]
    UntrustedExport {
        /// Who can write what.
        problem: String,
        /// The command that fixes it.
        fix: Option<String>,
    },
    /// Another user can write it, and it has channels, which run commands and send what they are told.
    #[error("{problem}: refusing to use [notify]")]
    UntrustedNotify {
        /// Who can write what.
        problem: String,
        /// The command that fixes it.
        fix: Option<String>,
    },
    /// Another user can write it, and an instance enforces.
    #[error("{problem}: refusing to enforce [policy.{instance}]")]
    UntrustedEnforce {
        /// Who can write what.
        problem: String,
        /// The instance.
        instance: InstanceName,
        /// The command that fixes it.
        fix: Option<String>,
    },
    /// Another user can write it, and a plan is to be undone by its grants.
    #[error("{problem}: refusing to undo with its grants")]
    UntrustedUndo {
        /// Who can write what.
        problem: String,
        /// The command that fixes it.
        fix: Option<String>,
    },
    /// It has no policies.
    #[error("the configuration has no [policy.NAME]")]
    NoInstance,
    /// A mode that applies plans needs a configuration.
    #[error("applying plans needs a configuration")]
    Needed,
}

impl ConfigurationError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            ConfigurationError::Invalid { .. } => codes::INVALID,
            ConfigurationError::Silent { .. } => codes::FILE_ACCESS,
            ConfigurationError::UntrustedExport { .. }
            | ConfigurationError::UntrustedNotify { .. }
            | ConfigurationError::UntrustedEnforce { .. }
            | ConfigurationError::UntrustedUndo { .. } => codes::UNTRUSTED_CONFIGURATION,
            ConfigurationError::NoInstance => codes::NOT_CONFIGURED,
            ConfigurationError::Needed => codes::NEEDS_CONFIGURATION,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> Option<String> {
        match self {
            ConfigurationError::Invalid { .. } => None,
            ConfigurationError::Silent { .. } => {
                Some("restore the mount that it is on, or pass --config FILE with a file of a local disk".to_owned())
            }
            ConfigurationError::UntrustedExport { fix, .. }
            | ConfigurationError::UntrustedNotify { fix, .. }
            | ConfigurationError::UntrustedUndo { fix, .. } => fix.clone(),
            ConfigurationError::UntrustedEnforce { fix, .. } => {
                fix.as_ref().map(|fix| format!("{fix}, or run with --mode observe"))
            }
            ConfigurationError::NoInstance => Some("add [policy.NAME]".to_owned()),
            ConfigurationError::Needed => {
                Some("pass --config FILE; `ansai check --suggest-grants DIR` prints one to start with".to_owned())
            }
        }
    }

    /// The exit code of a command that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self {
            ConfigurationError::UntrustedExport { .. }
            | ConfigurationError::UntrustedNotify { .. }
            | ConfigurationError::UntrustedEnforce { .. }
            | ConfigurationError::UntrustedUndo { .. } => exit::REFUSED,
            ConfigurationError::Silent { .. } => exit::OTHER,
            _ => exit::USAGE,
        }
    }
}
