//! The error code of each reason why a policy is not built.

use ansai_core::{Code, codes};

use super::BuildError;

impl BuildError {
    /// The stable error code; `ansai explain` describes it.
    pub fn code(&self) -> Code {
        match self {
            BuildError::Root => codes::BUILD_AS_ROOT,
            BuildError::Foreign { .. } => codes::FOREIGN_DIRECTORY,
            BuildError::NoPolicy(_) => codes::NO_POLICY,
            BuildError::NoLanguage(_) => codes::NO_LANGUAGE,
            BuildError::NoLockFile(_) => codes::NO_LOCK_FILE,
            BuildError::Manifest(_) | BuildError::Schema(_) => codes::INVALID,
            BuildError::Program { .. } => codes::NO_PROGRAM,
            BuildError::NoToolchain { .. } => codes::NO_TOOLCHAIN,
            BuildError::NoBindings { .. } => codes::NO_BINDINGS,
            BuildError::Compile { .. } | BuildError::Cargo(_) => codes::BUILD_FAILED,
            BuildError::Compiler { .. } => codes::TOOL_FAILED,
            BuildError::NoTarget(_) => codes::NO_WASM_TARGET,
            BuildError::Modules { .. } => codes::MODULE_COUNT,
            BuildError::Component(_) => codes::NOT_A_COMPONENT,
            BuildError::NoExport(_) => codes::MISSING_EXPORT,
            BuildError::NotOurs(name) if name.starts_with("wasi:") => codes::IMPORTS_WASI,
            BuildError::NotOurs(_) => codes::FOREIGN_IMPORT,
            BuildError::UnknownInterface { .. } => codes::UNKNOWN_INTERFACE,
            BuildError::NotAskedFor(_) => codes::NOT_ASKED,
            BuildError::File { .. } => codes::FILE_ACCESS,
            BuildError::Text { code, .. } => *code,
        }
    }
}
