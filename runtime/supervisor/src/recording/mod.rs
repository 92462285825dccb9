//! Records everything: the audit log, recordings of evaluations, heads of the log and their export.

mod dropped;
mod evaluate;
mod evidence;
pub mod export;
pub mod heads;
mod journal;
mod recorder;
mod retention;
mod sampling;

pub use self::dropped::RecordedDrop;
pub(crate) use self::evaluate::{Evaluated, EvaluationRequest, Evaluator, NotEvaluated};
pub(crate) use self::evidence::{EVIDENCE, Evidence};
pub(crate) use self::journal::{BY_GUARD, OpenIntent, open_intents};
pub use self::journal::{Durable, Follower, Journal, JournalError};
pub(crate) use self::recorder::{Recorder, Unrecorded};
pub(crate) use self::retention::{Retention, segment_bytes};
