//! Why a log does not verify, for people and for programs.

use ansai_audit::{
    Corruption, Fault as LogFault, HeadFault, HeadFileError, LogId, ReadError, SignedHead, StorageError, VerifyError,
};
use ansai_core::{codes, exit};
use ansai_daemon::history::{HistoryError, code_of};

use crate::exit::Fault;

/// What is wrong.
pub(super) struct Problem {
    /// For programs.
    pub(super) name: &'static str,
    pub(super) corruption: Option<Box<Corruption>>,
    pub(super) head: Option<String>,
    pub(super) fault: Box<Fault>,
}

impl Problem {
    /// The log was changed or damaged.
    pub(super) fn of_log(name: &'static str, corruption: Option<Box<Corruption>>, message: String) -> Problem {
        let code = corruption.as_ref().map_or(codes::AUDIT_TAMPERED, |found| code_of(&found.fault));
        let fault = Fault::refused(code, message).hint("keep a copy of the state directory as evidence");
        Problem { name, corruption, head: None, fault: Box::new(fault) }
    }

    /// A head cannot be verified; the log may be intact.
    pub(super) fn unverified(head: &SignedHead, fault: HeadFault) -> Problem {
        let (name, hint) = match fault {
            HeadFault::Signature => {
                ("wrong-signature", "the head was changed after it was signed; compare it with another copy")
            }
            HeadFault::UnknownKey(_) => (
                "unknown-key",
                "pass the key that you kept, as `ansai audit key` printed it, with --key; if you did, someone else \
                 signed this head",
            ),
            HeadFault::OtherLog { .. } => (
                "other-log",
                "pass only heads of this log; if this is one, the log was replaced or rewritten from its first record",
            ),
        };
        let message = format!("the audit head of record {} cannot be verified: {fault}", head.head.sequence);
        let fault = Fault::new(exit::UNPROVEN, codes::UNPROVEN_HEAD, message).hint(hint);
        Problem { name, corruption: None, head: Some(head.to_string()), fault: Box::new(fault) }
    }

    /// The log is not the one whose head and key were kept.
    pub(super) fn replaced(head: &SignedHead, found: LogId) -> Problem {
        let fault = HeadFault::OtherLog { of: head.log, found };
        let message = format!(
            "the audit log was replaced: the head of record {} is signed by a key that you trust, but {fault}",
            head.head.sequence
        );
        let fault = Fault::refused(codes::AUDIT_TAMPERED, message)
            .hint("keep a copy of the state directory as evidence; if head and key are of another host, pass those of this one");
        Problem { name: "replaced", corruption: None, head: Some(head.to_string()), fault: Box::new(fault) }
    }

    /// All heads that were given are of records that were dropped.
    pub(super) fn before_the_kept_part(message: String) -> Problem {
        let hint = "pass a newer head, or the archive with --archive";
        let fault = Fault::new(exit::UNPROVEN, codes::UNPROVEN_HEAD, message).hint(hint);
        Problem { name: "before-the-kept-part", corruption: None, head: None, fault: Box::new(fault) }
    }

    fn unreadable(error: StorageError) -> Problem {
        let fault = ansai_daemon::Error::from(HistoryError::from(error)).into();
        Problem { name: "unreadable", corruption: None, head: None, fault: Box::new(fault) }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        VerifyError::from(error).into()
    }
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Head { head, fault } => Problem::unverified(&head, fault),
            VerifyError::Log(ReadError::Corrupt(corruption)) => {
                let name = corruption.fault.name();
                let message = match corruption.fault {
                    LogFault::CutBelowHead { .. } | LogFault::Rewritten { .. } => {
                        format!("the audit log contradicts a head: {corruption}")
                    }
                    _ => format!("the audit log was changed or damaged: {corruption}"),
                };
                Problem::of_log(name, Some(Box::new(corruption)), message)
            }
            VerifyError::Log(ReadError::Storage(error)) => Problem::unreadable(error),
        }
    }
}

/// The file with the local head cannot be used.
impl From<HeadFileError> for Problem {
    fn from(error: HeadFileError) -> Self {
        let (name, exit, code) = match error {
            HeadFileError::Storage(error) => return Problem::unreadable(error),
            HeadFileError::Form { .. } => ("not-a-head", exit::UNPROVEN, codes::BAD_HEAD),
            HeadFileError::Signature(_) => ("wrong-signature", exit::UNPROVEN, codes::UNPROVEN_HEAD),
        };
        let fault = Fault::new(exit, code, error.to_string()).maybe_hint(error.hint());
        Problem { name, corruption: None, head: None, fault: Box::new(fault) }
    }
}
