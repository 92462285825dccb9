//! What one evaluation may use and has used. The gate asks it, and so does the supervisor's side of a worker process, which
//! does not believe that the worker asked it.

use std::time::Duration;

use ansai_core::{Bytes, Limits, Refusal};
use ansai_kit::backend::{Abort, Answer, Backend};
use ansai_kit::call::{Call, Reply};
use serde_json::value::RawValue;

use crate::recording::RecordedCall;

/// How much longer than its limit a call may take: a backend has its own deadline.
const CALL_SPARE: Duration = Duration::from_secs(2);

/// The limits of an evaluation, its calls, and what they have used.
pub(crate) struct Ledger {
    pub(crate) limits: Limits,
    /// Calls and replies in order.
    pub(crate) calls: Vec<RecordedCall>,
    /// Bytes of all arguments and replies.
    pub(crate) reply_bytes: Bytes,
    /// Steps that were proposed.
    pub(crate) proposals: u32,
    /// Calls that the budget refused.
    pub(crate) refused_calls: u64,
}

impl Ledger {
    /// Of an evaluation that begins, with room for so many calls.
    pub(crate) fn new(limits: &Limits, room: usize) -> Ledger {
        Ledger {
            limits: limits.clone(),
            calls: Vec::with_capacity(room),
            reply_bytes: Bytes::ZERO,
            proposals: 0,
            refused_calls: 0,
        }
    }

    /// Whether the budget allows one more call. `proposes` is whether it proposes a step.
    pub(crate) fn within_budget(&self, proposes: bool, arguments: &RawValue) -> Result<(), Refusal> {
        let limits = &self.limits;
        let over = |what: String| Err(Refusal::OverBudget(what));
        if self.calls.len() as u64 >= limits.calls {
            return over(format!("{} calls in one evaluation", limits.calls));
        }
        if Bytes::from(arguments.get().len()) > limits.argument_bytes {
            return over(format!("arguments of more than {}", limits.argument_bytes));
        }
        if self.reply_bytes > limits.reply_bytes {
            return over(format!("{} of replies in one evaluation", limits.reply_bytes));
        }
        if proposes && self.proposals >= limits.proposals {
            return over(format!("{} proposals in one plan", limits.proposals));
        }
        Ok(())
    }

    /// Counts a call that the budget refused.
    pub(crate) fn refuse(&mut self) {
        self.refused_calls = self.refused_calls.saturating_add(1);
    }

    /// Has the backend answer a call, within the limit of a call.
    pub(crate) async fn answer(&self, backend: &mut dyn Backend, call: Call<'_>) -> Result<Reply, Abort> {
        let limit = Duration::from_millis(self.limits.call_deadline_ms);
        match backend.ask(call) {
            Answer::Now(answer) => answer,
            // This one holds even when the backend does not keep its own.
            Answer::Later(later) => match tokio::time::timeout(limit + CALL_SPARE, later).await {
                Ok(answer) => answer,
                Err(_) => Ok(Err(Refusal::TimedOut(format!("no answer within {} ms", limit.as_millis())))),
            },
        }
    }

    /// Counts and keeps a call with its reply. Returns the bytes of both.
    pub(crate) fn record(&mut self, call: RecordedCall, proposes: bool) -> u64 {
        let (replied, ok) = call.reply.bytes();
        let bytes = (call.arguments.get().len() + replied) as u64;
        self.reply_bytes += Bytes::new(bytes);
        self.proposals += u32::from(proposes && ok);
        self.calls.push(call);
        bytes
    }
}
