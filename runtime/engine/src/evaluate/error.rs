//! Errors of evaluations, and what wasmtime's errors mean.

use ansai_core::text::inert;
use ansai_core::{Bytes, Failure, Limits};
use serde::{Deserialize, Serialize};
use wasmtime::Trap;

use crate::gate::{CallError, StoreState};

/// What wasmtime says when the fuel of host calls or the handles are used up. It has no types for these errors.
const BUDGETS: [&str; 2] = ["fuel allocated for hostcalls", "store handle limit exceeded"];
/// Maximum characters of an error of wasmtime in a message.
const MAX_SHOWN: usize = 300;
/// Traps of guest code that works as WebAssembly says.
const KNOWN_TRAPS: [Trap; 10] = [
    Trap::UnreachableCodeReached,
    Trap::MemoryOutOfBounds,
    Trap::HeapMisaligned,
    Trap::TableOutOfBounds,
    Trap::IndirectCallToNull,
    Trap::BadSignature,
    Trap::IntegerOverflow,
    Trap::IntegerDivisionByZero,
    Trap::BadConversionToInteger,
    Trap::AllocationTooLarge,
];

/// Why an evaluation has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum EvaluationError {
    /// The policy returned a failure.
    #[error(transparent)]
    Failure(Failure),
    /// It ran out of fuel.
    #[error("ran out of fuel (limit {0})")]
    Fuel(u64),
    /// It needed more memory, tables or instances than allowed.
    #[error("needed more memory, tables or instances than allowed (memory: {0})")]
    Memory(Bytes),
    /// It took too long.
    #[error("took longer than {0} ms")]
    Deadline(u64),
    /// The recursion was too deep.
    #[error("trapped: call stack exhausted")]
    Stack,
    /// It trapped: a panic, an invalid pointer, a division by zero.
    #[error("trapped: {0}")]
    Trap(String),
    /// It passed an invalid value to the host: a pointer out of bounds, text that is not UTF-8, an unknown case.
    #[error("violated the canonical ABI: {0}")]
    Abi(String),
    /// It exceeded a limit in a call that cannot be refused.
    #[error("{0}")]
    Budget(String),
    /// Its answer violates the contract.
    #[error("the answer violates the contract: {0}")]
    ContractViolation(String),
    /// The backend ended the evaluation.
    #[error("{0}")]
    Aborted(String),
    /// The host failed.
    #[error("the host failed: {0}")]
    Host(String),
    /// The worker process that ran it ended, or broke the protocol.
    #[error("the worker process ended: {0}")]
    WorkerEnded(String),
}

impl EvaluationError {
    /// What a worker process says, with its numbers and texts bounded: the process may be taken over.
    pub(crate) fn bounded(self, limits: &Limits) -> Self {
        let cut = |text: String| inert(&text, MAX_SHOWN);
        match self {
            EvaluationError::Failure(failure) => EvaluationError::Failure(failure),
            EvaluationError::Fuel(_) => EvaluationError::Fuel(limits.fuel),
            EvaluationError::Memory(_) => EvaluationError::Memory(limits.memory_bytes),
            EvaluationError::Deadline(_) => EvaluationError::Deadline(limits.deadline_ms),
            EvaluationError::Stack => EvaluationError::Stack,
            EvaluationError::Trap(text) => EvaluationError::Trap(cut(text)),
            EvaluationError::Abi(text) => EvaluationError::Abi(cut(text)),
            EvaluationError::Budget(text) => EvaluationError::Budget(cut(text)),
            EvaluationError::ContractViolation(text) => EvaluationError::ContractViolation(cut(text)),
            EvaluationError::Aborted(text) => EvaluationError::Aborted(cut(text)),
            EvaluationError::Host(text) => EvaluationError::Host(cut(text)),
            EvaluationError::WorkerEnded(text) => EvaluationError::WorkerEnded(cut(text)),
        }
    }

    /// Whether the process that ran the guest may be corrupted: the error is none that sound guest code causes.
    pub(crate) fn smells(&self) -> bool {
        match self {
            EvaluationError::Trap(text) => !KNOWN_TRAPS.iter().any(|known| known.to_string() == *text),
            EvaluationError::Abi(_) | EvaluationError::Host(_) | EvaluationError::WorkerEnded(_) => true,
            EvaluationError::Failure(_)
            | EvaluationError::Fuel(_)
            | EvaluationError::Memory(_)
            | EvaluationError::Deadline(_)
            | EvaluationError::Stack
            | EvaluationError::Budget(_)
            | EvaluationError::ContractViolation(_)
            | EvaluationError::Aborted(_) => false,
        }
    }

    /// Adds what the state of the store knows: the limits, and the real cause of a trap.
    pub(super) fn with_state(self, state: &StoreState) -> Self {
        match (self, &state.abort) {
            (_, Some(abort)) => EvaluationError::Aborted(abort.to_string()),
            (EvaluationError::Fuel(_), _) => EvaluationError::Fuel(state.ledger.limits.fuel),
            (EvaluationError::Memory(_), _) => EvaluationError::Memory(state.ledger.limits.memory_bytes),
            // A guest that is refused memory usually panics.
            (EvaluationError::Trap(_), _) if state.limiter.refused => {
                EvaluationError::Memory(state.ledger.limits.memory_bytes)
            }
            (error, _) => error,
        }
    }
}

/// An error of instantiation. When it is not a trap, the guest was refused memories, tables or instances.
pub(super) fn of_instantiation(error: wasmtime::Error) -> EvaluationError {
    match of_call(error) {
        EvaluationError::Abi(_) => EvaluationError::Memory(Bytes::ZERO),
        error => error,
    }
}

/// An error of a call.
pub(super) fn of_call(error: wasmtime::Error) -> EvaluationError {
    let text = || inert(&format!("{:#}", error.root_cause()), MAX_SHOWN);
    match (error.downcast_ref::<Trap>(), error.downcast_ref::<CallError>()) {
        (Some(Trap::OutOfFuel), _) => EvaluationError::Fuel(0),
        (Some(Trap::StackOverflow), _) => EvaluationError::Stack,
        (Some(Trap::CannotLeaveComponent), _) => EvaluationError::Abi(text()),
        (Some(trap), _) => EvaluationError::Trap(trap.to_string()),
        (_, Some(CallError::Refused(_))) => EvaluationError::Budget(text()),
        (_, Some(CallError::Host(_))) => EvaluationError::Host(text()),
        _ if BUDGETS.iter().any(|words| text().contains(words)) => EvaluationError::Budget(text()),
        // All other errors are about a value that wasmtime cannot lift or lower.
        _ => EvaluationError::Abi(text()),
    }
}
