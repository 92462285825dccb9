//! Requests that are no call of a function: what asks for them here, and what answers them in the other process.
//!
//! What sends a mail or calls a hook is no probe of a policy, and its crate does not know the domains of servers. It registers
//! a [`Handler`] with the process that calls servers, and [asks](ask) for it by its kind.

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use ansai_core::{Millis, Refusal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Carrier, Lost, Masks, RequestText, invalid, written};
use crate::dial::Endpoint;
use crate::host::Deadline;

/// How often it is looked whether the program is stopping.
const POLL: Duration = Duration::from_millis(200);

/// Answers requests of one kind, in the process that calls servers.
pub trait Handler: fmt::Debug + Send + Sync {
    /// The kind of its requests: `notify`.
    fn kind(&self) -> &'static str;

    /// Does what the request asks for, until the deadline at most, which is also over when nobody waits any more. The request
    /// is JSON text.
    ///
    /// # Errors
    /// Nothing was done.
    fn answer(&self, request: &str, deadline: &Deadline) -> Result<Box<RawValue>, Refusal>;
}

/// All handlers of a process.
pub type Handlers = &'static [&'static dyn Handler];

/// A request as it crosses. It has the kind first, so that it is told from a call of a function at once.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct OfKind<'a, T> {
    kind: &'a str,
    /// How long the one who asks waits, in milliseconds.
    limit: Millis,
    request: T,
}

/// Has a request answered by the handler of this kind, and masks and reads the answer, which has `most` bytes at most. Blocks
/// until the deadline. The handler may reach these servers. `ends` as for [`Carrier::carry`].
///
/// # Errors
/// [`Lost::NotSent`]: nothing was done. [`Lost::Unanswered`]: nobody knows what was done.
pub fn ask<A: DeserializeOwned>(
    carrier: &dyn Carrier,
    (kind, request): (&str, &impl Serialize),
    servers: impl IntoIterator<Item = Endpoint>,
    masks: &Masks,
    (deadline, ends): (&Deadline, bool),
    most: usize,
) -> Result<A, Lost> {
    let limit = Millis::from(deadline.remaining());
    let text = written(&OfKind { kind, limit, request }).map_err(Lost::NotSent)?.reaching(servers);
    let answer = masks.answer(&carrier.carry(text, deadline, ends)?)?;
    if answer.get().len() > most {
        return Err(Lost::Unanswered(invalid()));
    }
    serde_json::from_str(answer.get()).map_err(|_| Lost::Unanswered(invalid()))
}

/// As [`ask`], and it gives up as soon as the program is stopping. The process is ended if its answer does not come: nobody
/// may act on this request after that.
///
/// # Errors
/// As there.
pub fn ask_until_stopping<A: DeserializeOwned + Send>(
    carrier: &dyn Carrier,
    request: (&str, &(impl Serialize + Sync)),
    server: Option<Endpoint>,
    masks: &Masks,
    (within, is_stopping): (Duration, &dyn Fn() -> bool),
    most: usize,
) -> Result<A, Lost> {
    let limit = Deadline::after(within);
    std::thread::scope(|threads| {
        let (tell, told) = sync_channel(1);
        let thread = std::thread::Builder::new().name(format!("{}-asks", request.0));
        let waits = limit.clone();
        let started = thread.spawn_scoped(threads, move || {
            let _ = tell.send(ask(carrier, request, server, masks, (&waits, true), most));
        });
        if let Err(error) = started {
            return Err(Lost::NotSent(Refusal::Unavailable(format!("no thread for a request: {error}"))));
        }
        loop {
            match told.recv_timeout(POLL) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) if is_stopping() => limit.cancel(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Lost::Unanswered(Refusal::Other("asking failed inside ansai".into())));
                }
            }
        }
    })
}

/// A request that has a handler.
pub struct Handled {
    handler: &'static dyn Handler,
    /// How long the one who asks waits.
    pub limit: Millis,
    request: RequestText,
}

impl Handled {
    /// `None` for a text that is no such request.
    ///
    /// # Errors
    /// `unsupported` if no handler has this kind.
    pub fn of(text: &str, handlers: Handlers) -> Option<Result<Handled, Refusal>> {
        let OfKind { kind, limit, request } = serde_json::from_str::<OfKind<'_, &RawValue>>(text).ok()?;
        let found = handlers.iter().copied().find(|handler| handler.kind() == kind);
        let unknown = || Refusal::Unsupported("the process that calls servers has no such handler".into());
        Some(found.ok_or_else(unknown).map(|handler| Handled {
            handler,
            limit,
            request: RequestText::new(request.get().to_owned()),
        }))
    }

    /// Answers it.
    ///
    /// # Errors
    /// Nothing was done.
    pub fn answer(&self, deadline: &Deadline) -> Result<Box<RawValue>, Refusal> {
        self.handler.answer(&self.request, deadline)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::time::Duration;

    use super::*;
    use crate::call::to_text;
    use crate::secret::Secret;

    #[derive(Debug)]
    struct Length;

    impl Handler for Length {
        fn kind(&self) -> &'static str {
            "length"
        }

        fn answer(&self, request: &str, _: &Deadline) -> Result<Box<RawValue>, Refusal> {
            to_text(&request.len())
        }
    }

    /// Answers in this process, and adds what a hostile one says.
    #[derive(Debug)]
    struct Says(Option<&'static str>);

    impl Carrier for Says {
        fn carry(&self, request: RequestText, deadline: &Deadline, _: bool) -> Result<Box<RawValue>, Lost> {
            static ALL: Handlers = &[&Length];
            if let Some(text) = self.0 {
                return Ok(serde_json::from_str(text).unwrap());
            }
            let handled = Handled::of(&request, ALL).unwrap().map_err(Lost::NotSent)?;
            assert!(handled.limit > Millis::new(0));
            let answer = handled.answer(deadline).unwrap();
            Ok(to_text(&Answer::Ok(answer)).unwrap())
        }
    }

    use super::super::Answer;

    fn asked<A: DeserializeOwned>(carrier: &Says, kind: &str) -> Result<A, Lost> {
        let masks = Masks::of(&[Secret::of(b"correct-horse-7f3a")]);
        ask(carrier, (kind, &"four"), None, &masks, (&Deadline::after(Duration::from_secs(60)), false), 40)
    }

    #[test]
    fn a_request_finds_its_handler() {
        assert_eq!(asked::<usize>(&Says(None), "length"), Ok(6));
        assert!(matches!(asked::<usize>(&Says(None), "other"), Err(Lost::NotSent(Refusal::Unsupported(_)))));
        assert!(Handled::of("{\"interface\":\"x\"}", &[]).is_none(), "a call of a function");
    }

    #[test]
    fn an_answer_of_another_type_or_size_is_lost_and_secrets_are_masked() {
        let told = |text| asked::<String>(&Says(Some(text)), "length");
        assert_eq!(told(r#"{"ok":"is correct-horse-7f3a"}"#), Ok("is ***".into()));
        for text in [r#"{"ok":1}"#, r#"{"done":1}"#, r#"{"ok":"0123456789012345678901234567890123456789"}"#] {
            assert_eq!(told(text), Err(Lost::Unanswered(invalid())), "{text}");
        }
    }
}
