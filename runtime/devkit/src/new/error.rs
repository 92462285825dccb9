//! Reasons why no policy was created.

use std::path::PathBuf;

use ansai_core::{Code, codes};

use crate::build::{BuildError, Language};

/// Why no policy was created; [`NewError::hint`] says how to fix it.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The name is invalid for files, hosts or registries.
    #[error("`{}` is not a valid name for a policy", ansai_core::text::inert(.0, 80))]
    Name(String),
    /// This build has no template for that language.
    #[error("this ansai has no template for {}", .0.name())]
    NoTemplate(Language),
    /// The target exists already; nothing is overwritten.
    #[error("{} already exists", .0.display())]
    Exists(PathBuf),
    /// The parent directory does not exist.
    #[error("{} is not a directory", .0.display())]
    NoParent(PathBuf),
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The template's manifest is invalid, which is a bug in this program.
    #[error("the template for {0} is broken: {1}")]
    Template(&'static str, String),
    /// The WIT files cannot be written.
    #[error(transparent)]
    Wit(#[from] BuildError),
}

impl NewError {
    /// The stable error code; `ansai explain` describes it.
    pub fn code(&self) -> Code {
        match self {
            NewError::Name(_) => codes::BAD_NAME,
            NewError::NoTemplate(_) => codes::NO_TEMPLATE,
            NewError::Exists(_) => codes::EXISTS,
            NewError::NoParent(_) => codes::NO_DIRECTORY,
            NewError::File { .. } => codes::FILE_ACCESS,
            NewError::Template(..) => codes::BROKEN_TEMPLATE,
            NewError::Wit(error) => error.code(),
        }
    }

    /// How to fix it, if there is a known way.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            NewError::Name(_) => "small letters, digits and single hyphens, at most 63, beginning with a letter and \
                                  not ending with a hyphen: `nginx-certificates`"
                .into(),
            NewError::NoTemplate(_) => {
                let known: Vec<&str> = super::languages().map(Language::name).collect();
                format!("it has templates for {}", known.join(", "))
            }
            NewError::Exists(_) => "choose another name, or another directory with --dir".into(),
            NewError::NoParent(_) => "name a directory that exists with --dir".into(),
            NewError::File { .. } | NewError::Template(..) | NewError::Wit(_) => return None,
        })
    }
}
