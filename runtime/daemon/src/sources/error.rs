//! Why a path does not lead to policies.

use std::io;
use std::path::PathBuf;

use ansai_core::{Code, codes};

/// A path does not lead to policies.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The path does not exist, or this user cannot read it.
    #[error("{}: {error}", path.display())]
    Access {
        /// The path.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A component should lie there, and a directory, device or socket does.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// A directory without policies.
    #[error("{} has no policies", .0.display())]
    NoPolicy(PathBuf),
    /// The scenarios of a policy are too many, or too large together.
    #[error("{}: {what}", path.display())]
    TooManyScenarios {
        /// Their directory.
        path: PathBuf,
        /// How many or how large, and the bound.
        what: String,
    },
    /// A policy's directory in which nothing was built.
    #[error("{} has only sources and no built component", .0.display())]
    OnlySources(PathBuf),
}

impl SourceError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            SourceError::Access { .. } => codes::FILE_ACCESS,
            SourceError::NotAFile(_) => codes::NOT_A_FILE,
            SourceError::NoPolicy(_) => codes::NO_POLICY,
            SourceError::TooManyScenarios { .. } => codes::SCENARIOS_TOO_LARGE,
            SourceError::OnlySources(_) => codes::ONLY_SOURCES,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> Option<String> {
        match self {
            SourceError::Access { error, .. } if error.kind() == io::ErrorKind::NotFound => {
                Some("give a component, or a directory with policies".to_owned())
            }
            SourceError::Access { .. } | SourceError::NotAFile(_) => None,
            SourceError::NoPolicy(_) => Some(
                "a policy is a .wasm file or a directory with policy.toml; give one, or the directory that holds it"
                    .to_owned(),
            ),
            SourceError::TooManyScenarios { .. } => {
                Some("remove those that test nothing new, or pass some with --scenario FILE".to_owned())
            }
            SourceError::OnlySources(dir) => Some(format!("run `ansai build {}`", dir.display())),
        }
    }
}
