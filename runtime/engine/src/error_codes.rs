//! Stable error codes of loading and evaluating components.

use ansai_core::{Code, ErrorKind, codes};

use crate::compile::CompileError;
use crate::component::ComponentError;
use crate::evaluate::EvaluationError;
use crate::load::LoadError;

impl EvaluationError {
    /// The kind of this error.
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
            EvaluationError::ContractViolation(_) => ErrorKind::Contract,
            EvaluationError::Aborted(_) => ErrorKind::Aborted,
            EvaluationError::Host(_) => ErrorKind::Host,
            EvaluationError::WorkerEnded(_) => ErrorKind::WorkerEnded,
        }
    }
}

impl ComponentError {
    /// The stable code of this error, for scripts and the audit log.
    pub fn code(&self) -> Code {
        match self {
            ComponentError::TooLarge(_) => codes::TOO_LARGE,
            ComponentError::TooMany(..) => codes::TOO_MANY,
            ComponentError::NotWasm => codes::NOT_WASM,
            ComponentError::CoreModule => codes::CORE_MODULE,
            ComponentError::Damaged { .. } => codes::DAMAGED,
            ComponentError::ImportsWasi(_) => codes::IMPORTS_WASI,
            ComponentError::ForeignImport(_) => codes::FOREIGN_IMPORT,
            ComponentError::MissingExport(_) => codes::MISSING_EXPORT,
            ComponentError::MissingSection(_) => codes::MISSING_SECTION,
            ComponentError::BadSection(..) => codes::BAD_SECTION,
        }
    }
}

impl CompileError {
    /// The stable code of this error, for scripts and the audit log.
    pub fn code(&self) -> Code {
        match self {
            CompileError::NotAccepted(_) => codes::COMPILE,
            CompileError::Memory(_) => codes::COMPILE_MEMORY,
            CompileError::Cpu(_) => codes::COMPILE_CPU,
            CompileError::Wall(_) => codes::COMPILE_TIME,
            CompileError::Code(_) => codes::COMPILE_CODE,
            CompileError::Load(_) => codes::COMPILE_LOAD,
            CompileError::Failed(_) | CompileError::Start(_) | CompileError::Unusable(_) => codes::COMPILER,
        }
    }
}

impl LoadError {
    /// The stable code of this error, for scripts and the audit log.
    pub fn code(&self) -> Code {
        match self {
            LoadError::Component(error) => error.code(),
            LoadError::UnknownInterface { .. } => codes::UNKNOWN_INTERFACE,
            LoadError::NewerInterface { .. } => codes::NEWER_INTERFACE,
            LoadError::Signature { .. } => codes::SHAPE,
            LoadError::NotRequested(_) => codes::NOT_ASKED,
            LoadError::DisabledFeature(_) => codes::PROPOSAL,
            LoadError::Worker(_) => codes::WORKER_ENDED,
            LoadError::Compile(error) => error.code(),
        }
    }
}
