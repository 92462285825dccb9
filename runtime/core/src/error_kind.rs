//! Why an instance has no answer, as a stable word.

use serde::{Deserialize, Serialize};

use crate::codes::{self, Code};

/// Why an instance has no answer, or only a part of one: a word for scripts, metrics and the audit log. The
/// accompanying message may change, the word never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The policy reports that it has no answer.
    Failure,
    /// It ran out of fuel.
    Fuel,
    /// It requested more memory, tables or instances than its limits allow.
    Memory,
    /// It exceeded its time limit.
    Deadline,
    /// It overflowed its stack.
    Stack,
    /// It trapped: a panic, an invalid pointer, a division by zero.
    Trap,
    /// It passed an invalid value: a pointer outside its memory, text that is not UTF-8, a call at a forbidden time.
    Abi,
    /// It exceeded a limit in a call that cannot be refused.
    Budget,
    /// Its answer violates the contract.
    Contract,
    /// It has as many open incidents as one policy may have.
    Incidents,
    /// The backend that answers its calls ended the evaluation.
    Aborted,
    /// The host failed.
    Host,
    /// The worker process that ran it ended, or broke the protocol.
    WorkerEnded,
    /// The pass has used what one pass may use.
    PassLimit,
    /// The instance has used its share of processor time.
    ProcessorShare,
    /// It has used its share of the audit log.
    AuditShare,
    /// It has used its share of recordings.
    RecordingShare,
    /// It has used its share of log lines.
    LogShare,
    /// It has used its share of plans.
    PlanShare,
    /// It has used its share of notices.
    NoticeShare,
    /// Its evaluations failed again and again, so it is no longer evaluated.
    Quarantined,
}

impl ErrorKind {
    /// All kinds.
    pub const ALL: [ErrorKind; 21] = [
        ErrorKind::Failure,
        ErrorKind::Fuel,
        ErrorKind::Memory,
        ErrorKind::Deadline,
        ErrorKind::Stack,
        ErrorKind::Trap,
        ErrorKind::Abi,
        ErrorKind::Budget,
        ErrorKind::Contract,
        ErrorKind::Incidents,
        ErrorKind::Aborted,
        ErrorKind::Host,
        ErrorKind::WorkerEnded,
        ErrorKind::PassLimit,
        ErrorKind::ProcessorShare,
        ErrorKind::AuditShare,
        ErrorKind::RecordingShare,
        ErrorKind::LogShare,
        ErrorKind::PlanShare,
        ErrorKind::NoticeShare,
        ErrorKind::Quarantined,
    ];

    /// The error code with the same word.
    pub fn code(self) -> Code {
        match self {
            ErrorKind::Failure => codes::FAILURE,
            ErrorKind::Fuel => codes::FUEL,
            ErrorKind::Memory => codes::MEMORY,
            ErrorKind::Deadline => codes::DEADLINE,
            ErrorKind::Stack => codes::STACK,
            ErrorKind::Trap => codes::TRAP,
            ErrorKind::Abi => codes::ABI,
            ErrorKind::Budget => codes::BUDGET,
            ErrorKind::Contract => codes::CONTRACT,
            ErrorKind::Incidents => codes::INCIDENTS,
            ErrorKind::Aborted => codes::ABORTED,
            ErrorKind::Host => codes::HOST,
            ErrorKind::WorkerEnded => codes::WORKER_ENDED,
            ErrorKind::PassLimit => codes::PASS_LIMIT,
            ErrorKind::ProcessorShare => codes::PROCESSOR_SHARE,
            ErrorKind::AuditShare => codes::AUDIT_SHARE,
            ErrorKind::RecordingShare => codes::RECORDING_SHARE,
            ErrorKind::LogShare => codes::LOG_SHARE,
            ErrorKind::PlanShare => codes::PLAN_SHARE,
            ErrorKind::NoticeShare => codes::NOTICE_SHARE,
            ErrorKind::Quarantined => codes::QUARANTINED,
        }
    }
}

impl std::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_shown_is_the_word_written() {
        assert_eq!(ErrorKind::Incidents.to_string(), "incidents");
    }
}
