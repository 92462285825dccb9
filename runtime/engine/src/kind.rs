//! A stable word for each way that a component is not loaded and an evaluation has no answer.

use ansai_core::ErrorKind;

use crate::compile::CompileError;
use crate::component::ComponentError;
use crate::evaluate::EvaluationError;
use crate::load::LoadError;

impl EvaluationError {
    /// What kind of end it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            EvaluationError::Failure(_) => ErrorKind::Failure,
            EvaluationError::Fuel(_) => ErrorKind::Fuel,
            EvaluationError::Memory(_) => ErrorKind::Memory,
            EvaluationError::Deadline(_) => ErrorKind::Deadline,
            EvaluationError::Stack => ErrorKind::Stack,
            EvaluationError::Trap(_) => ErrorKind::Trap,
            EvaluationError::Abi(_) => ErrorKind::Abi,
            EvaluationError::Budget(_) => ErrorKind::Budget,
            EvaluationError::Lie(_) => ErrorKind::Contract,
            EvaluationError::Aborted(_) => ErrorKind::Aborted,
            EvaluationError::Host(_) => ErrorKind::Host,
        }
    }
}

impl ComponentError {
    /// A word that stays, for scripts and the audit log.
    pub fn kind(&self) -> &'static str {
        match self {
            ComponentError::TooLarge(_) => "too-large",
            ComponentError::TooMany(..) => "too-many",
            ComponentError::NotWasm => "not-wasm",
            ComponentError::CoreModule => "core-module",
            ComponentError::Damaged { .. } => "damaged",
            ComponentError::ImportsWasi(_) => "imports-wasi",
            ComponentError::ForeignImport(_) => "foreign-import",
            ComponentError::MissingExport(_) => "missing-export",
            ComponentError::MissingSection(_) => "missing-section",
            ComponentError::BadSection(..) => "bad-section",
        }
    }
}

impl CompileError {
    /// A word that stays, for scripts and the audit log.
    pub fn kind(&self) -> &'static str {
        match self {
            CompileError::NotAccepted(_) => "compile",
            CompileError::Memory(_) => "compile-memory",
            CompileError::Cpu(_) => "compile-cpu",
            CompileError::Wall(_) => "compile-time",
            CompileError::Code(_) => "compile-code",
            CompileError::Load(_) => "compile-load",
            CompileError::Failed(_) | CompileError::Start(_) | CompileError::Unusable(_) => "compiler",
        }
    }
}

impl LoadError {
    /// A word that stays, for scripts and the audit log.
    pub fn kind(&self) -> &'static str {
        match self {
            LoadError::Component(error) => error.kind(),
            LoadError::UnknownInterface { .. } => "unknown-interface",
            LoadError::Shape { .. } => "shape",
            LoadError::NotAsked(_) => "not-asked",
            LoadError::Proposal(_) => "proposal",
            LoadError::Compile(error) => error.kind(),
        }
    }
}
