//! A statement that takes minutes, while it runs: in a connection of its own, which the server goes on with if ansai ends.
//!
//! How it ended is told by the task that waits for it; after a restart of ansai, by the catalogue of the server.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ansai_core::{Millis, Refusal};
use ansai_kit::action::{Applied, Begun, Progress, StepContext, read_handle};
use ansai_kit::call::to_text;
use ansai_kit::target::Reach;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a step may take beyond the limit of its statement.
const MARGIN: Millis = Millis::new(30_000);
const AGAIN: Millis = Millis::new(500);
/// While the server does not answer.
const LATER: Millis = Millis::new(5_000);
/// How long a cancelled statement may take to end.
const END: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// How a statement ended.
pub(crate) type Ended = Result<(), Refusal>;

/// `None` while they run.
type Known<B> = HashMap<B, Option<Ended>>;

/// How statements of this process ended. One whose connection was lost is not among them: nobody waits for it, as after a
/// restart.
pub(crate) struct Statements<B>(LazyLock<Mutex<Known<B>>>);

impl<B: Eq + Hash> Statements<B> {
    pub(crate) const fn new() -> Self {
        Statements(LazyLock::new(Mutex::default))
    }

    fn known(&self) -> MutexGuard<'_, Known<B>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it knows of any: then another process would know less.
    pub(crate) fn any(&self) -> bool {
        !self.known().is_empty()
    }

    /// A statement begins.
    pub(crate) fn begin(&self, backend: B) {
        self.known().insert(backend, None);
    }

    /// A statement ended, or its connection was lost. Its session must be open until this is called: while a session is
    /// there, its end is not looked for.
    pub(crate) fn end(&self, backend: B, ended: Option<Ended>) {
        let mut known = self.known();
        let Some(ended) = ended else {
            known.remove(&backend);
            return;
        };
        // One that was cancelled is not among them any more.
        if let Some(known) = known.get_mut(&backend) {
            *known = Some(ended);
        }
    }
}

/// What a statement treats, and how its engine tells of the statement.
pub(crate) trait Treated: Serialize + DeserializeOwned {
    type Server;
    /// A session of the server, by what no other session ever has.
    type Backend: Copy + Eq + Hash + Serialize + DeserializeOwned + 'static;

    fn statements() -> &'static Statements<Self::Backend>;
    fn server(&self, reach: &Reach) -> Result<Self::Server, Refusal>;
    /// What the server says of a statement: its progress, or nothing if it is over.
    fn progress(server: &Self::Server, backend: Self::Backend) -> Result<Option<String>, Refusal>;
    /// Whether a session is still there.
    fn is_there(server: &Self::Server, backend: Self::Backend) -> Result<bool, Refusal>;
    /// Ends a session. Only one of ansai; it may be over already.
    fn terminate(server: &Self::Server, backend: Self::Backend) -> Result<(), Refusal>;
    /// That it was not treated: `app.orders was not rebuilt`.
    fn not_done(&self) -> String;
    /// The outcome, as the catalogue shows it. `ended` is how the statement ended, if that is known.
    fn conclude(&self, server: &Self::Server, ended: Option<Ended>) -> Applied;
}

/// Finds a statement again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Handle<B, T> {
    backend: B,
    target: T,
}

/// What a step may take whose statement the server ends after this time.
pub(crate) fn longest(within: Millis) -> Millis {
    Millis::new(within.get().saturating_add(MARGIN.get()))
}

/// A step whose statement has begun.
pub(crate) fn running<T: Treated>(backend: T::Backend, target: T, limit: Millis) -> Result<Begun, Refusal> {
    Ok(Begun::Running { handle: to_text(&Handle { backend, target })?, limit })
}

pub(crate) fn poll<T: Treated>(doing: &StepContext<'_>, handle: &RawValue) -> Progress {
    let Handle { backend, target } = match read_handle::<Handle<T::Backend, T>>(handle) {
        Ok(handle) => handle,
        Err(why) => return Progress::Finished(Applied::unknown(why)),
    };
    let server = match target.server(doing.reach) {
        Ok(server) => server,
        Err(why) => return Progress::Finished(Applied::unknown(why.to_string())),
    };
    let known = T::statements().known().get(&backend).cloned();
    match (known, T::progress(&server, backend)) {
        (Some(Some(ended)), _) => {
            T::statements().known().remove(&backend);
            Progress::Finished(target.conclude(&server, Some(ended)))
        }
        (_, Ok(Some(note))) => Progress::Running { note, again_in: AGAIN },
        (_, Err(why)) => Progress::Running { note: why.to_string(), again_in: LATER },
        // The task is about to tell how it ended.
        (Some(None), Ok(None)) => Progress::Running { note: String::new(), again_in: AGAIN },
        // Of an earlier run of ansai, or its connection was lost.
        (None, Ok(None)) => Progress::Finished(target.conclude(&server, None)),
    }
}

/// Ends a statement, with its session: so one that has not begun yet does not begin.
pub(crate) fn cancel<T: Treated>(doing: &StepContext<'_>, handle: &RawValue) -> Applied {
    let Ok(Handle { backend, target }) = read_handle::<Handle<T::Backend, T>>(handle) else {
        return Applied::unknown("the handle of the step is invalid");
    };
    let server = match target.server(doing.reach) {
        Ok(server) => server,
        Err(why) => return Applied::unknown(why.to_string()),
    };
    if let Err(why) = T::terminate(&server, backend) {
        return Applied::unknown(format!("the statement cannot be cancelled: {why}"));
    }
    let asked = Instant::now();
    loop {
        match T::is_there(&server, backend) {
            Ok(false) => break,
            Ok(true) if asked.elapsed() < END => std::thread::sleep(PAUSE),
            Ok(true) => return Applied::unknown("the statement was cancelled, and still goes on"),
            Err(why) => return Applied::unknown(format!("nobody knows whether the statement ended: {why}")),
        }
    }
    let known = T::statements().known().remove(&backend);
    let why = Refusal::TimedOut(format!("{} in time", target.not_done()));
    // It may have been done just before.
    let ended = known.flatten().filter(Result::is_ok).unwrap_or(Err(why));
    target.conclude(&server, Some(ended))
}
