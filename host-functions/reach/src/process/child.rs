//! What runs in the process: reads requests, and answers each on a thread of its own.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ansai_core::Refusal;
use ansai_isolation::channel::BlockingSender;
use ansai_isolation::confine;
use ansai_kit::host::Deadline;
use ansai_kit::passed::Wiped;
use serde_json::value::RawValue;

use super::MOST_AT_ONCE;
use super::frame::{FromChild, MOST_REQUEST_BYTES, ToChild};
use crate::carried::{Answering, refused};
use crate::postgresql;

/// What all threads share.
struct Answers {
    sender: Mutex<BlockingSender>,
    running: Mutex<HashMap<u64, Deadline>>,
}

/// Answers requests until the supervisor closes the channel. `job` is the last argument of the process. The exit code.
pub fn run(job: &str) -> u8 {
    match confine::begin(job) {
        Ok(channel) => {
            let (sender, mut receiver) = channel.into_split();
            let answers = Arc::new(Answers { sender: Mutex::new(sender), running: Mutex::default() });
            while let Ok(frame) = receiver.receive(MOST_REQUEST_BYTES.saturating_add(256), None) {
                let payload = Wiped::new(frame.payload);
                match serde_json::from_slice(&payload) {
                    Ok(ToChild::Call { number, request }) => answers.clone().begin(number, request),
                    Ok(ToChild::Cancel(number)) => answers.cancel(number),
                    Err(_) => return 1,
                }
            }
            0
        }
        Err(error) => {
            // The supervisor logs it.
            let _nobody_reads = writeln!(std::io::stderr(), "{error}");
            1
        }
    }
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

    fn begin(self: Arc<Self>, number: u64, request: &RawValue) {
        let answering = match Answering::of(request.get()) {
            Ok(answering) => answering,
            Err(refusal) => return self.reply(number, &refused(refusal)),
        };
        {
            let mut running = self.running();
            if running.len() >= MOST_AT_ONCE {
                drop(running);
                let why = format!("{MOST_AT_ONCE} calls of servers run already");
                return self.reply(number, &refused(Refusal::Busy(why)));
            }
            running.insert(number, answering.deadline().clone());
        }
        let owes = Owes { answers: self, number, answer: None };
        let thread = std::thread::Builder::new().name("ansai-call".into());
        // If there is no thread, the closure is dropped, and with it the reply is sent.
        let _started = thread.spawn(move || {
            let mut owes = owes;
            owes.answer = Some(answering.answer());
        });
    }

    fn reply(&self, number: u64, answer: &RawValue) {
        let frame = FromChild { number, busy: postgresql::has_statements(), answer };
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
        let failed = || refused(Refusal::Other("the call failed inside the process that calls servers".into()));
        self.answers.reply(self.number, &self.answer.take().unwrap_or_else(failed));
    }
}
