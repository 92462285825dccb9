//! Records everything: the audit log, recordings of evaluations, heads of the log and their export.

mod evaluate;
pub mod export;
pub mod heads;
mod journal;
mod recorder;
mod sampling;

pub(crate) use self::evaluate::{Evaluated, EvaluationRequest, Evaluator, NotEvaluated};
pub use self::journal::{Durable, Journal, JournalError};
pub(crate) use self::journal::{OpenIntent, open_intents};
pub(crate) use self::recorder::Recorder;
