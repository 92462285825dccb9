//! What runs in the process: reads requests, and answers each on a thread of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ansai_core::Refusal;
use ansai_isolation::channel::BlockingSender;
use ansai_isolation::{Profile, confine};
use ansai_kit::carrier::Handlers;
use ansai_kit::dial;
use ansai_kit::host::Deadline;
use ansai_kit::passed::Wiped;
use serde_json::value::RawValue;

use super::MOST_AT_ONCE;
use super::asks::{Questions, Told};
use super::frame::{FromChild, MOST_REQUEST_BYTES, ToChild};
use crate::carried::{Answering, lost, refused};
use crate::{mysql, postgresql};

/// One request that is about to be answered.
pub(super) struct Work {
    /// Ends it when nobody waits for it any more.
    pub(super) deadline: Deadline,
    /// Answers it.
    pub(super) answer: Box<dyn FnOnce() -> Box<RawValue> + Send>,
}

/// What all threads share.
struct Answers {
    sender: Arc<Mutex<BlockingSender>>,
    running: Mutex<HashMap<u64, Deadline>>,
}

/// Answers requests until the supervisor closes the channel: calls of functions of these domains, and what the handlers are
/// for. `job` is the last argument of the process. The exit code.
pub fn run(job: &str, handlers: Handlers) -> u8 {
    work_on(job, |text| {
        let answering = Answering::of(text, handlers)?;
        Ok(Work { deadline: answering.deadline().clone(), answer: Box::new(|| answering.answer()) })
    })
}

/// Answers requests as `read` reads them.
pub(super) fn work_on(job: &str, read: impl Fn(&str) -> Result<Work, Refusal>) -> u8 {
    let is_lookup = matches!(confine::profile(job), Some(Profile::Lookup));
    confine::run(job, |channel| {
        let (sender, mut receiver) = channel.into_split();
        let sender = Arc::new(Mutex::new(sender));
        let questions = Questions::new(sender.clone());
        if !is_lookup {
            dial::through(Box::new(questions.clone()));
        }
        let answers = Arc::new(Answers { sender, running: Mutex::default() });
        while let Ok(frame) = receiver.receive(MOST_REQUEST_BYTES.saturating_add(256), None) {
            let payload = Wiped::new(frame.payload);
            match (serde_json::from_slice(&payload), frame.descriptor) {
                (Ok(ToChild::Call { number, request }), _) => answers.clone().begin(number, read(request.get())),
                (Ok(ToChild::Cancel(number)), _) => answers.cancel(number),
                (Ok(ToChild::Found { id, found }), _) => questions.told(id, Told::Found(found)),
                (Ok(ToChild::Connecting { id }), Some(socket)) => questions.told(id, Told::Connecting(socket)),
                (Ok(ToChild::Refused { id, error }), _) => questions.told(id, Told::Refused(error)),
                // The error may have a part of a secret.
                (Ok(ToChild::Connecting { .. }) | Err(_), _) => return Err("protocol violation: invalid frame"),
            }
        }
        Ok(())
    })
}

impl Answers {
    fn running(&self) -> MutexGuard<'_, HashMap<u64, Deadline>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cancel(&self, number: u64) {
        if let Some(deadline) = self.running().get(&number) {
            deadline.cancel();
        }
    }

    fn begin(self: Arc<Self>, number: u64, work: Result<Work, Refusal>) {
        let Work { deadline, answer } = match work {
            Ok(work) => work,
            Err(refusal) => return self.reply(number, &refused(refusal)),
        };
        {
            let mut running = self.running();
            if running.len() >= MOST_AT_ONCE {
                drop(running);
                let why = format!("{MOST_AT_ONCE} calls of servers run already");
                return self.reply(number, &refused(Refusal::Busy(why)));
            }
            running.insert(number, deadline);
        }
        let owes = Owes { answers: self, number, answer: None };
        let thread = std::thread::Builder::new().name("ansai-call".into());
        // If there is no thread, the closure is dropped, and with it the reply is sent.
        let _started = thread.spawn(move || {
            let mut owes = owes;
            owes.answer = Some(answer());
        });
    }

    fn reply(&self, number: u64, answer: &RawValue) {
        let frame = FromChild { number, busy: postgresql::has_statements() || mysql::has_statements(), answer };
        let Ok(frame) = serde_json::to_vec(&frame) else { return };
        // Without the supervisor, there is nobody to tell, and the process ends.
        let _gone = self.sender.lock().unwrap_or_else(PoisonError::into_inner).send(&frame, None, None);
    }
}

/// Replies when it is dropped: also after a panic, so that the caller does not wait for nothing.
struct Owes {
    answers: Arc<Answers>,
    number: u64,
    answer: Option<Box<RawValue>>,
}

impl Drop for Owes {
    fn drop(&mut self) {
        self.answers.running().remove(&self.number);
        let failed = || {
            let why = Refusal::Other("the call failed inside the process that calls servers".into());
            // Without a panic, there was no thread, so it did not begin.
            if std::thread::panicking() { lost(why) } else { refused(why) }
        };
        self.answers.reply(self.number, &self.answer.take().unwrap_or_else(failed));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use std::thread::JoinHandle;
    use std::time::Duration;

    use ansai_isolation::BlockingChannel;

    use super::*;

    #[test]
    fn a_call_that_panics_is_lost_and_one_that_did_not_begin_is_refused() {
        let (here, mut supervisor) = BlockingChannel::pair().unwrap();
        let (sender, _receiver) = here.into_split();
        let answers = Arc::new(Answers { sender: Arc::new(Mutex::new(sender)), running: Mutex::default() });
        let owes = |number| Owes { answers: answers.clone(), number, answer: None };
        let begun = owes(1);
        let panics: JoinHandle<()> = std::thread::spawn(move || {
            let _owes = begun;
            panic!("a test");
        });
        assert!(panics.join().is_err());
        drop(owes(2));
        for (expected, became) in [(1, r#"{"lost":"#), (2, r#"{"refused":"#)] {
            let frame = supervisor.receive(1 << 10, Some(Duration::from_secs(10))).unwrap();
            let FromChild { number, answer, .. } = serde_json::from_slice(&frame.payload).unwrap();
            assert!(number == expected && answer.get().starts_with(became), "{number}: {answer}");
        }
    }
}
