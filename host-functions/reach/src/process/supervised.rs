//! The supervisor's side: starts the process, sends it calls, and ends it.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use ansai_core::{Refusal, codes};
use ansai_isolation::channel::{BlockingReceiver, BlockingSender};
use ansai_isolation::{ChannelError, Process, Profile, Report, Start};
use ansai_kit::carrier::{Carrier, Lost, RequestText};
use ansai_kit::host::Deadline;
use serde_json::value::RawValue;

use super::back_off::BackOff;
use super::calls::{Broken, Calls};
use super::frame::{FromChild, MOST_REPLY_FRAME, MOST_REQUEST_BYTES, call, cancel};
use super::wall::Wall;
use super::{CHILD, IDLE, LOOKUP_CHILD};

/// How long the process may take from its start to its report.
const STARTS: Duration = Duration::from_secs(5);
/// How long a frame may take to be read by the process, which reads all the time.
pub(super) const SENDS: Duration = Duration::from_secs(2);

/// Has servers called by a process of its own. The process is there only while it is needed. Cheap to clone.
#[derive(Clone)]
pub struct ReachProcess(Arc<Shared>);

struct Shared {
    start: Start,
    /// Looks up names for it; `None` for that process itself.
    names: Option<ReachProcess>,
    /// For messages.
    what: &'static str,
    idle: Duration,
    /// One that began longer ago gets no more calls.
    oldest: Duration,
    state: Mutex<State>,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    running: Option<Arc<Running>>,
    back_off: BackOff,
    /// Separations that are known not to be in force.
    missing: Option<String>,
}

/// A process that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) process: Process,
    pub(super) sender: Mutex<BlockingSender>,
    calls: Calls,
    pub(super) wall: Wall,
    /// How many are on their way.
    pub(super) lookups: AtomicUsize,
    what: &'static str,
    began: Instant,
    /// Another one gets all further calls.
    is_former: AtomicBool,
}

impl fmt::Debug for ReachProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReachProcess").finish_non_exhaustive()
    }
}

impl ReachProcess {
    /// Of the program of ansai at this path.
    pub fn of(program: &Path) -> ReachProcess {
        ReachProcess::for_purpose(program, CHILD, IDLE)
    }

    /// As [`ReachProcess::of`], for one purpose only: what takes over the process of another purpose sees nothing of this one.
    /// It has a user of its own unless `/etc/passwd` has one for all, and ends after being unused for `idle`.
    pub fn for_purpose(program: &Path, purpose: &str, idle: Duration) -> ReachProcess {
        let start = Start::new(CHILD, Profile::Reach, purpose);
        ReachProcess::new(Start { program: program.to_owned(), ..start }, idle)
    }

    /// Started this way, and ended after being unused for so long.
    pub fn new(start: Start, idle: Duration) -> ReachProcess {
        // The kernel counts the threads of one user together.
        let purpose = format!("{LOOKUP_CHILD}-{}", start.account.purpose);
        let lookup = Start { program: start.program.clone(), ..Start::new(LOOKUP_CHILD, Profile::Lookup, &purpose) };
        // It may open the files of the resolver that were there when it started. They are replaced by others from time to time.
        let names = ReachProcess::with(lookup, (idle, idle.min(IDLE)), None, "the process that looks up names");
        ReachProcess::with(start, (idle, Duration::MAX), Some(names), "the process that calls servers")
    }

    fn with(
        start: Start,
        (idle, oldest): (Duration, Duration),
        names: Option<ReachProcess>,
        what: &'static str,
    ) -> ReachProcess {
        let (state, next) = (Mutex::default(), AtomicU64::new(1));
        ReachProcess(Arc::new(Shared { start, names, what, idle, oldest, state, next }))
    }

    /// The number of the process that runs now; `None` if there is none.
    pub fn id(&self) -> Option<i32> {
        let state = self.0.state();
        state.running.as_ref().filter(|running| !running.calls.has_ended()).map(|running| running.process.id())
    }

    /// The number of the process that looks up names for it; `None` if there is none.
    pub fn lookup_id(&self) -> Option<i32> {
        self.0.names.as_ref().and_then(ReachProcess::id)
    }

    /// Calls that wait for their replies.
    pub fn calls(&self) -> usize {
        self.0.state().running.as_ref().map_or(0, |running| running.calls.waiting())
    }
}

impl Drop for Shared {
    /// Ends the process, and so the thread that reads what it sends.
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = &state.running {
            running.process.kill();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process that runs, or a new one. Who comes meanwhile waits for the start, five seconds at most.
    fn running(self: &Arc<Self>) -> Result<Arc<Running>, Refusal> {
        let mut state = self.state();
        let is_of_use = |running: &&Arc<Running>| !running.calls.has_ended() && running.began.elapsed() < self.oldest;
        if let Some(running) = state.running.as_ref().filter(is_of_use) {
            return Ok(running.clone());
        }
        let began = Instant::now();
        if let Some((pause, ends)) = state.back_off.pause(began) {
            let pause = pause.as_millis();
            let why = format!("{} ended {ends} times; it starts again in {pause} ms", self.what);
            return Err(Refusal::Unavailable(why));
        }
        let failed = |state: &mut State, why: String| {
            state.back_off.ended(began, Instant::now());
            tracing::warn!("{} cannot be started: {why}", self.what);
            Refusal::Unavailable(format!("{} cannot be started; the log of ansai has why", self.what))
        };
        let (running, receiver, report) = match Running::start(&self.start, self.what, began) {
            Ok((running, receiver, report)) => (Arc::new(running), receiver, report),
            Err(why) => return Err(failed(&mut state, why)),
        };
        state.tell_missing(self.what, &report);
        let (shared, reads) = (Arc::downgrade(self), running.clone());
        let idle = self.idle;
        let thread = std::thread::Builder::new().name("ansai-reach-replies".into());
        if let Err(error) = thread.spawn(move || reads.read(receiver, idle, &shared)) {
            return Err(failed(&mut state, error.to_string()));
        }
        if let Some(former) = state.running.replace(running.clone()) {
            former.is_former.store(true, Ordering::SeqCst);
            former.end_if_former();
        }
        Ok(running)
    }
}

impl State {
    /// Warns of separations that are not in force, unless the last process lacked the same: it is started often.
    fn tell_missing(&mut self, what: &str, report: &Report) {
        let missing = report.missing_names();
        if let Some(missing) = missing.as_ref().filter(|_| missing != self.missing) {
            let code = codes::ISOLATION_MISSING;
            tracing::warn!("{what} lacks {missing}: run `ansai explain {code}`");
        }
        self.missing = missing;
    }
}

impl Running {
    fn start(start: &Start, what: &'static str, began: Instant) -> Result<(Running, BlockingReceiver, Report), String> {
        let (process, channel, report) = Process::start_reported(start, STARTS)?;
        let (sender, receiver) = channel.into_split();
        let (sender, calls, wall) = (Mutex::new(sender), Calls::new(), Wall::default());
        let (lookups, is_former) = (AtomicUsize::new(0), AtomicBool::new(false));
        Ok((Running { process, sender, calls, wall, lookups, what, began, is_former }, receiver, report))
    }

    /// Reads replies until the process ends, is idle, or breaks a rule.
    fn read(self: &Arc<Self>, mut receiver: BlockingReceiver, idle: Duration, shared: &Weak<Shared>) {
        let mut look = idle;
        let why = loop {
            match receiver.receive(MOST_REPLY_FRAME, Some(look)) {
                Ok(frame) => {
                    if let Err(Broken(why)) = self.take(&frame.payload, shared) {
                        break format!("protocol violation: {why}");
                    }
                    if self.end_if_former() {
                        return;
                    }
                }
                Err(ChannelError::TimedOut) => match self.calls.end_if_idle(idle) {
                    Some(next) => look = next.max(Duration::from_millis(1)),
                    None => {
                        self.process.kill();
                        return;
                    }
                },
                Err(ChannelError::Closed) => break "it ended".to_owned(),
                Err(error) => break error.to_string(),
            }
        };
        // First, so that who is told of the end finds the pause before the next start. One that was ended on purpose has no
        // fault.
        if let Some(shared) = shared.upgrade()
            && !self.calls.has_ended()
        {
            shared.state().back_off.ended(self.began, Instant::now());
            tracing::warn!(pid = self.process.id(), "{} is replaced: {why}", self.what);
        }
        self.end();
    }

    fn take(self: &Arc<Self>, payload: &[u8], shared: &Weak<Shared>) -> Result<(), Broken> {
        if let Ok(FromChild { number, busy, answer }) = serde_json::from_slice(payload) {
            self.wall.end(number);
            return self.calls.replied(number, busy, answer.to_owned());
        }
        let names = shared.upgrade().and_then(|shared| shared.names.clone());
        match (serde_json::from_slice(payload), names) {
            (Ok(asks), Some(names)) => self.asked(asks, names),
            _ => Err(Broken("invalid reply")),
        }
    }

    /// Ends it if another one gets all further calls and nobody waits for one of its own.
    fn end_if_former(&self) -> bool {
        let ends = self.is_former.load(Ordering::SeqCst) && self.calls.end_if_unused();
        if ends {
            self.process.kill();
        }
        ends
    }

    fn end(&self) {
        self.calls.end(&Refusal::Unavailable(format!("{} ended during the call", self.what)));
        self.process.kill();
    }

    fn send(&self, frame: &[u8]) -> Result<(), ChannelError> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).send(frame, None, Some(SENDS))
    }
}

impl Carrier for ReachProcess {
    fn carry(&self, request: RequestText, deadline: &Deadline, ends: bool) -> Result<Box<RawValue>, Lost> {
        if request.len() > MOST_REQUEST_BYTES {
            let why = format!("the request has more than {MOST_REQUEST_BYTES} bytes");
            return Err(Lost::NotSent(Refusal::OverBudget(why)));
        }
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        // The process may be ended as idle just now; then another one is started.
        for _ in 0..2 {
            let running = self.0.running().map_err(Lost::NotSent)?;
            // First, so that a reply which comes too early leaves nothing that can be reached.
            running.wall.begin(number, request.endpoints());
            let Some(waits) = running.calls.begin(number) else {
                running.wall.end(number);
                continue;
            };
            if let Err(error) = running.send(&call(number, &request)) {
                waits.forget();
                // It has a part of the frame at most, so it does nothing. Its reader sees the end.
                running.process.kill();
                let why = format!("{} does not take requests: {error}", self.0.what);
                return Err(Lost::NotSent(Refusal::Unavailable(why)));
            }
            drop(request);
            return waits.wait(deadline, |abandoned| match abandoned {
                Ok(()) if ends => running.end(),
                Ok(()) => {
                    running.wall.abandon(number);
                    if !running.end_if_former() {
                        drop(running.send(&cancel(number)));
                    }
                }
                Err(Broken(why)) => {
                    tracing::warn!(pid = running.process.id(), "{} is ended: {why}", running.what);
                    running.process.kill();
                }
            });
        }
        Err(Lost::NotSent(Refusal::Unavailable(format!("{} ends again and again", self.0.what))))
    }
}
