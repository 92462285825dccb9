//! Why a component was not composed with a stand-in for WASI.

use std::path::PathBuf;

use ansai_core::{Code, codes};
use ansai_engine::component::ComponentError;

use crate::build::BuildError;

/// Why a component was not composed; [`VirtualizeError::hint`] is the way out.
#[derive(Debug, thiserror::Error)]
pub enum VirtualizeError {
    /// Its bytes are no component, or none that could be a policy.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// A module for the WASI of before components.
    #[error("this is a core module for WASI preview 1, not a component")]
    Preview1,
    /// It cannot be understood as a component of interfaces.
    #[error("cannot read the component: {0}")]
    Unreadable(String),
    /// It imports no WASI.
    #[error("the component does not import WASI: nothing to replace")]
    NoWasi,
    /// It imports what is neither ansai's nor of WASI 0.2.
    #[error("the component imports `{0}`, which is neither an ansai interface nor one of WASI 0.2")]
    Foreign(String),
    /// The stand-in, or what was composed, is not valid.
    #[error("cannot replace the imports of the component: {0}")]
    NotComposed(String),
    /// The result would take the place of what it is made from.
    #[error("{} is the component itself; refusing to overwrite it", .0.display())]
    Itself(PathBuf),
    /// Its manifest, what it imports, or a file.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl VirtualizeError {
    /// A word that stays: `ansai explain` tells more.
    pub fn code(&self) -> Code {
        match self {
            VirtualizeError::Component(error) => error.code(),
            VirtualizeError::Preview1 => codes::PREVIEW1,
            VirtualizeError::Unreadable(_) => codes::UNREADABLE,
            VirtualizeError::NoWasi => codes::NO_WASI,
            VirtualizeError::Foreign(_) => codes::FOREIGN_IMPORT,
            VirtualizeError::NotComposed(_) => codes::NOT_COMPOSED,
            VirtualizeError::Itself(_) => codes::OVERWRITES_ITSELF,
            VirtualizeError::Build(error) => error.code(),
        }
    }

    /// The way out, where there is one to name.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            VirtualizeError::Component(ComponentError::CoreModule) => {
                "make a component of it first: `wasm-tools component new FILE -o COMPONENT`".into()
            }
            VirtualizeError::Component(error) => error.hint().into(),
            VirtualizeError::Preview1 => {
                "build for wasm32-wasip2, or make a component of it first: `wasm-tools component \
                                          new FILE --adapt wasi_snapshot_preview1.reactor.wasm -o COMPONENT`"
                    .into()
            }
            VirtualizeError::NoWasi => "use it as it is: `ansai inspect FILE`".into(),
            VirtualizeError::Foreign(name) if name.starts_with("wasi:") => {
                "build with a toolchain for WASI 0.2, such as the target wasm32-wasip2".into()
            }
            VirtualizeError::Foreign(_) => "import interfaces of the `ansai:` packages and of WASI 0.2 only".into(),
            VirtualizeError::Unreadable(_) => "build it again, or fetch it again".into(),
            VirtualizeError::NotComposed(_) => "build it against the wit/ of this version of ansai".into(),
            VirtualizeError::Itself(_) => "name another file: `-o OUT.wasm`".into(),
            VirtualizeError::Build(error) => return error.hint(),
        })
    }
}
