//! Canned replies and faults with their remaining uses, shared by all evaluations of one scenario.

use std::sync::{Mutex, PoisonError};

use ansai_core::{Bytes, Refusal};
use ansai_kit::call::{Reply, to_reply};
use serde_json::Value;
use serde_json::value::RawValue;

use super::expect::contains;
use super::file::{CannedReply, Fault, FaultKind};

/// The answer to a call that a scenario mentions.
pub(super) enum Answered {
    /// A refusal, whatever is granted.
    Refused(Refusal),
    /// An answer, if the call is granted.
    With(Given),
}

/// An answer and its fault.
pub(super) struct Given {
    /// For an action, a part of its preview.
    pub(super) value: Value,
    /// The same value as JSON text.
    pub(super) text: Reply,
    /// The fault that changes the answer.
    pub(super) fault: Option<FaultKind>,
}

/// One entry and its remaining `times`.
struct Entry<T> {
    call: String,
    arguments: Option<Value>,
    left: Option<u32>,
    what: T,
}

impl<T> Entry<T> {
    fn answers(&self, call: &str, arguments: &Value) -> bool {
        self.call == call
            && self.left != Some(0)
            && self.arguments.as_ref().is_none_or(|wanted| contains(wanted, arguments))
    }

    fn spend(&mut self) -> &T {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
        }
        &self.what
    }
}

/// All replies and faults of a scenario.
pub(super) struct Canned(Mutex<Entries>);

struct Entries {
    replies: Vec<Entry<Result<(Value, Reply), Refusal>>>,
    faults: Vec<Entry<FaultKind>>,
}

impl Canned {
    pub(super) fn new(replies: &[CannedReply], faults: &[Fault]) -> Canned {
        let reply = |reply: &CannedReply| {
            let ok = reply.ok.clone().unwrap_or_default();
            let what = match &reply.refusal {
                Some(refusal) => Err(refusal.clone()),
                None => {
                    let text = to_reply(&ok);
                    Ok((ok, text))
                }
            };
            Entry { call: reply.call.clone(), arguments: reply.arguments.clone(), left: reply.times, what }
        };
        let fault = |fault: &Fault| Entry {
            call: fault.call.clone(),
            arguments: fault.arguments.clone(),
            left: fault.times,
            what: fault.kind,
        };
        Canned(Mutex::new(Entries {
            replies: replies.iter().map(reply).collect(),
            faults: faults.iter().map(fault).collect(),
        }))
    }

    /// Whether the scenario mentions a call at all.
    pub(super) fn knows(&self, call: &str) -> bool {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.replies.iter().any(|entry| entry.call == call) || entries.faults.iter().any(|entry| entry.call == call)
    }

    /// Finds the answer; `None` if nothing matches. Consumes the answer only if the call is `allowed`.
    pub(super) fn answer(
        &self,
        call: &str,
        arguments: &Value,
        allowed: impl FnOnce() -> Result<(), Refusal>,
    ) -> Option<Answered> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Entries { replies, faults } = &mut *entries;
        let fault = faults.iter_mut().find(|fault| fault.answers(call, arguments));
        let mut fault = match fault {
            Some(fault) => match refusal(fault.what) {
                Some(refusal) => {
                    fault.spend();
                    return Some(Answered::Refused(refusal));
                }
                None => Some(fault),
            },
            None => None,
        };
        let reply = replies.iter_mut().find(|reply| reply.answers(call, arguments))?;
        if let Ok(_) = &reply.what
            && let Err(refusal) = allowed()
        {
            return Some(Answered::Refused(refusal));
        }
        match reply.spend() {
            Err(refusal) => Some(Answered::Refused(refusal.clone())),
            Ok((value, text)) => {
                let fault = fault.as_mut().map(|fault| *fault.spend());
                Some(Answered::With(Given { value: value.clone(), text: text.clone(), fault }))
            }
        }
    }
}

fn refusal(kind: FaultKind) -> Option<Refusal> {
    const WHY: &str = "a fault of the scenario";
    match kind {
        FaultKind::Unavailable => Some(Refusal::Unavailable(WHY.into())),
        FaultKind::Denied => Some(Refusal::Denied(WHY.into())),
        FaultKind::TimedOut => Some(Refusal::TimedOut(WHY.into())),
        FaultKind::Huge | FaultKind::Incomplete => None,
    }
}

/// Applies a fault to a reply.
pub(super) fn suffered(fault: Option<FaultKind>, reply: Reply, reply_bytes: Bytes) -> Reply {
    match (fault, reply) {
        (Some(FaultKind::Huge), Ok(reply)) => huge(&reply, reply_bytes),
        (Some(FaultKind::Incomplete), Ok(reply)) => incomplete(&reply),
        (_, reply) => reply,
    }
}

/// Pads the reply with white space. The values stay the same, because only the size of the text counts, and a larger
/// value would also fill the policy's memory, which is another fault.
fn huge(reply: &RawValue, most: Bytes) -> Reply {
    let (first, rest) = reply.get().split_at_checked(1).unwrap_or_default();
    let room = usize::from(most);
    let text = format!("{first}{}{rest}", " ".repeat(room.saturating_add(1).saturating_sub(reply.get().len())));
    RawValue::from_string(text).map(Into::into).map_err(|error| Refusal::Other(error.to_string()))
}

fn incomplete(reply: &RawValue) -> Reply {
    let mut value: Value = serde_json::from_str(reply.get()).unwrap_or_default();
    if let Some(complete) = value.get_mut("complete") {
        *complete = false.into();
    }
    if let Some(skipped) = value.get_mut("skipped") {
        *skipped = skipped.as_u64().unwrap_or(0).max(1).into();
    }
    to_reply(&value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn reply(value: &Value) -> Reply {
        to_reply(value)
    }

    #[test]
    fn a_huge_reply_keeps_its_values_and_exceeds_the_budget() {
        let value = json!({"entries": [1, 2], "skipped": 0});
        let text = suffered(Some(FaultKind::Huge), reply(&value), Bytes::new(1_000)).unwrap();
        assert!(text.get().len() > 1_000, "{}", text.get().len());
        assert_eq!(serde_json::from_str::<Value>(text.get()).unwrap(), value);
        assert!(suffered(Some(FaultKind::Huge), reply(&json!([])), Bytes::new(7)).unwrap().get().len() > 7);
    }

    #[test]
    fn an_incomplete_reply_says_so_in_the_fields_that_it_has() {
        for (before, after) in [
            (json!({"complete": true, "skipped": 0}), json!({"complete": false, "skipped": 1})),
            (json!({"complete": true, "skipped": 3}), json!({"complete": false, "skipped": 3})),
            (json!({"skipped": 0}), json!({"skipped": 1})),
        ] {
            let text = suffered(Some(FaultKind::Incomplete), reply(&before), Bytes::ZERO).unwrap();
            assert_eq!(serde_json::from_str::<Value>(text.get()).unwrap(), after);
        }
    }
}
