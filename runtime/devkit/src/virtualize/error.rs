//! Reasons why a component was not composed with a stand-in for WASI.

use std::path::PathBuf;

use ansai_core::{Code, codes};
use ansai_engine::component::ComponentError;

use crate::build::BuildError;

/// Why a component was not composed; [`VirtualizeError::hint`] says how to fix it.
#[derive(Debug, thiserror::Error)]
pub enum VirtualizeError {
    /// The file is not a component, or cannot be a policy.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// The file is a module for WASI preview 1.
    #[error("this is a core module for WASI preview 1, not a component")]
    Preview1,
    /// The file cannot be decoded as a component with interfaces.
    #[error("cannot read the component: {0}")]
    Unreadable(String),
    /// The component imports no WASI.
    #[error("the component does not import WASI: nothing to replace")]
    NoWasi,
    /// The component imports something that is neither `ansai:` nor WASI 0.2.
    #[error("the component imports `{0}`, which is neither an ansai interface nor one of WASI 0.2")]
    Foreign(String),
    /// The stand-in or the composed component is invalid.
    #[error("cannot replace the imports of the component: {0}")]
    NotComposed(String),
    /// The output file is the input file.
    #[error("{} is the component itself; refusing to overwrite it", .0.display())]
    Itself(PathBuf),
    /// The manifest, an import, or a file is wrong.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl VirtualizeError {
    /// The stable error code; `ansai explain` describes it.
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

    /// How to fix it, if there is a known way.
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
