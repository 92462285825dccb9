//! Why no policy was made.

use std::path::PathBuf;

use ansai_core::{Code, codes};

use crate::build::{BuildError, Language};

/// Why no policy was made; [`NewError::hint`] is the way out.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The name is not one that files, hosts and registries take.
    #[error("`{}` is not a valid name for a policy", ansai_core::text::inert(.0, 80))]
    Name(String),
    /// This build has nothing to begin with in that language.
    #[error("this ansai has no template for {}", .0.name())]
    NoTemplate(Language),
    /// Nothing is overwritten.
    #[error("{} already exists", .0.display())]
    Exists(PathBuf),
    /// There is no directory to make it in.
    #[error("{} is not a directory", .0.display())]
    NoParent(PathBuf),
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The template's manifest is not valid, which is a fault of this program.
    #[error("the template for {0} is broken: {1}")]
    Template(&'static str, String),
    /// The WIT cannot be written.
    #[error(transparent)]
    Wit(#[from] BuildError),
}

impl NewError {
    /// A word that stays: `ansai explain` tells more.
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

    /// The way out, where there is one to name.
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
