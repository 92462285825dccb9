//! One worker process, and what it has loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ansai_core::codes;
use ansai_isolation::{BlockingChannel, Channel, ChannelError, Process, Profile, Report, Start};

use crate::compile::CompileError;
use crate::isolated::conversation::Broken;
use crate::isolated::protocol::{FromWorker, Load, MAX_LOADED, NotLoaded, ToWorker};
use crate::isolated::{Compartment, TrustLevel};
use crate::load::LoadError;
use crate::memory::MemoryInit;

/// How long a worker may take to start: it makes a WebAssembly engine. A busy host is slow.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long it may take to load one component: mapping takes a millisecond, linking a few.
const LOAD_LIMIT: Duration = Duration::from_secs(20);
/// How long it may take to read a frame that it waits for.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// Components that a worker has loaded at most. Then another takes its place.
const MAX_LOADED_COMPONENTS: usize = 64;

/// What starts a worker.
#[derive(Clone)]
pub struct WorkerProgram {
    start: Arc<dyn Fn(&str) -> Start + Send + Sync>,
    /// Trust levels whose workers are known to lack a separation.
    told: Arc<Mutex<BTreeSet<TrustLevel>>>,
    /// Workers that it started and that have not been dropped.
    started: Counts,
}

/// How many workers each compartment has; none of them has zero.
type Counts = Arc<Mutex<BTreeMap<Compartment, usize>>>;

/// Counts a worker as long as it lives.
pub(in crate::isolated) struct Started(Counts, Compartment);

impl Started {
    fn one_more(counts: &Counts, compartment: &Compartment) -> Started {
        let mut all = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(compartment.clone()).or_default();
        *count = count.saturating_add(1);
        Started(counts.clone(), compartment.clone())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.1) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                all.remove(&self.1);
            }
        }
    }
}

impl WorkerProgram {
    /// This program, which calls [`crate::isolated::worker::run`] when its first argument is that of `start`. `start` gets
    /// the name of a trust level: workers of different ones run as different users.
    pub fn new(start: impl Fn(&str) -> Start + Send + Sync + 'static) -> WorkerProgram {
        WorkerProgram { start: Arc::new(start), told: Arc::default(), started: Arc::default() }
    }

    /// This program, with `argument` as its first one.
    pub fn this_program() -> WorkerProgram {
        WorkerProgram::new(|level| Start::new(CHILD, Profile::Guest, level))
    }

    /// Counts a worker that is to be started.
    pub(in crate::isolated) fn announce(&self, compartment: &Compartment) -> Started {
        Started::one_more(&self.started, compartment)
    }

    /// How many of its workers there are, with those that are being started: all, or those of one compartment.
    pub(in crate::isolated) fn started(&self, of: Option<&Compartment>) -> usize {
        let all = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        of.map_or_else(|| all.values().sum(), |of| all.get(of).copied().unwrap_or_default())
    }
}

/// The argument with which ansai starts itself as a worker.
pub const CHILD: &str = "guest-worker";
/// Ticks of `/proc/PID/stat` in a second: the same on all platforms that ansai runs on (`USER_HZ`).
const TICKS: u64 = 100;
/// How old the time of all threads may be.
const READ_STAT: Duration = Duration::from_millis(50);

impl WorkerProgram {
    /// Warns of separations that are not in force: once for each level, since workers come and go.
    fn tell_missing(&self, trust: TrustLevel, level: &str, report: &Report) {
        if let Some(missing) = report.missing_names()
            && self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(trust)
        {
            let code = codes::ISOLATION_MISSING;
            tracing::warn!("worker processes for {level} policies lack {missing}: run `ansai explain {code}`");
        }
    }
}

/// A worker process. It is killed when this value is dropped.
pub(in crate::isolated) struct Worker {
    line: Line,
    process: Process,
    /// Processor time of its first thread, which runs the guest, in nanoseconds.
    schedstat: Option<File>,
    /// Processor time of all its threads, in ticks.
    stat: Option<File>,
    /// The time in `stat`, and when it was read.
    all: (Duration, Option<Instant>),
    /// Processor time that was charged already.
    charged: Duration,
    evaluations: u64,
    loaded: BTreeSet<String>,
    _started: Started,
}

/// The channel: for threads until the first evaluation, since components are loaded before there is a runtime.
enum Line {
    Threads(BlockingChannel),
    Tokio(Channel),
    /// It could not be changed from one to the other.
    Lost,
}

impl Worker {
    /// Starts one, and waits until it has limited itself.
    ///
    /// # Errors
    /// One line that says why it did not start.
    pub(in crate::isolated) fn start(program: &WorkerProgram, compartment: &Compartment) -> Result<Worker, String> {
        let level = match compartment.trust {
            TrustLevel::BuiltIn => "built-in",
            TrustLevel::Operator => "operator",
            TrustLevel::Unsigned => "unsigned",
        };
        let started = program.announce(compartment);
        let (process, mut channel, report) = Process::start_reported(&(program.start)(level), START_LIMIT)?;
        channel.over_pipes(Some(SEND_LIMIT)).map_err(|error| error.to_string())?;
        tracing::debug!(level, pid = process.id(), ?report, "a worker process started");
        program.tell_missing(compartment.trust, level, &report);
        let [schedstat, stat] = ["schedstat", "stat"].map(|file| of_process(&process, file));
        let line = Line::Threads(channel);
        let (all, charged) = ((Duration::ZERO, None), Duration::ZERO);
        let loaded = BTreeSet::new();
        let mut worker =
            Worker { line, process, schedstat, stat, all, charged, evaluations: 0, loaded, _started: started };
        // Its start is nobody's.
        worker.charge();
        Ok(worker)
    }

    /// Whether it has not ended.
    pub(in crate::isolated) fn is_alive(&self) -> bool {
        self.process.ended().is_none()
    }

    /// Number of the process.
    pub(in crate::isolated) fn id(&self) -> i32 {
        self.process.id()
    }

    /// Whether it has not been used in a runtime yet.
    pub(in crate::isolated) fn is_for_threads(&self) -> bool {
        matches!(self.line, Line::Threads(_))
    }

    pub(in crate::isolated) fn has_loaded(&self, digest: &str) -> bool {
        self.loaded.contains(digest)
    }

    /// Whether it can load a component with this memory: a worker makes memory files only until it has run guest code, which
    /// could fill memory with them.
    pub(in crate::isolated) fn can_load(&self, memory: MemoryInit) -> bool {
        memory == MemoryInit::Copied || self.evaluations == 0
    }

    /// Whether it has loaded as many components as one should.
    pub(in crate::isolated) fn is_full(&self) -> bool {
        self.loaded.len() >= MAX_LOADED_COMPONENTS
    }

    /// The number of the next evaluation.
    pub(in crate::isolated) fn next_number(&mut self) -> u64 {
        self.evaluations = self.evaluations.saturating_add(1);
        self.evaluations
    }

    /// Processor time since it was asked last: of the guest, and of the work around it. The kernel says it, not the worker. An
    /// honest worker has one thread, whose time is exact. The time of others, which a worker that was taken over may start,
    /// is in ticks, and the kernel takes long to say it: so it is read once in a few ticks, and charged later.
    pub(in crate::isolated) fn charge(&mut self) -> Duration {
        let first = text_of(self.schedstat.as_ref()).and_then(|text| text.split(' ').next()?.parse().ok());
        let (all, read) = self.all;
        let now = Instant::now();
        if read.is_none_or(|read| now.duration_since(read) >= READ_STAT) {
            let ticks = text_of(self.stat.as_ref()).and_then(|text| ticks(&text));
            let read = ticks.map(|ticks| Duration::from_millis(ticks.saturating_mul(1_000 / TICKS)));
            self.all = (read.unwrap_or(all), Some(now));
        }
        let spent = first.map_or(Duration::ZERO, Duration::from_nanos).max(self.all.0);
        let since = spent.saturating_sub(self.charged);
        self.charged = self.charged.max(spent);
        since
    }

    /// What it used since it was asked last was for nobody, since it had no work.
    pub(in crate::isolated) fn charge_nobody(&mut self) {
        let read = self.all.1;
        self.charge();
        if self.all.1 != read {
            // Otherwise the time of other threads would not be read after an evaluation that is shorter than `READ_STAT`.
            self.all.1 = None;
        }
    }

    /// Loads a component, from a thread that may wait. The second result is why the component does not load.
    pub(in crate::isolated) fn load_waiting(
        &mut self,
        load: Load,
        code: &File,
    ) -> Result<Result<(), LoadError>, Broken> {
        let Line::Threads(channel) = &mut self.line else { return Err(ChannelError::Closed.into()) };
        let digest = load.digest.clone();
        channel.send(&text(&ToWorker::Load(load))?, Some(code.as_fd()), Some(SEND_LIMIT))?;
        let frame = channel.receive(MAX_LOADED, Some(LOAD_LIMIT))?;
        self.loaded(digest, read(&frame.payload)?)
    }

    /// The same in a runtime.
    pub(in crate::isolated) async fn load(&mut self, load: Load, code: &File) -> Result<Result<(), LoadError>, Broken> {
        let digest = load.digest.clone();
        self.send(&ToWorker::Load(load), Some(code)).await?;
        let frame = self.receive(MAX_LOADED, LOAD_LIMIT).await?;
        self.loaded(digest, frame)
    }

    fn loaded(&mut self, digest: String, frame: FromWorker) -> Result<Result<(), LoadError>, Broken> {
        let FromWorker::Loaded(loaded) = frame else { return Err(Broken::Protocol("no answer to `load`".into())) };
        if loaded.is_ok() {
            self.loaded.insert(digest);
        }
        Ok(loaded.map_err(NotLoaded::into_error))
    }

    pub(in crate::isolated) async fn send(&mut self, frame: &ToWorker, code: Option<&File>) -> Result<(), Broken> {
        let text = text(frame)?;
        let code = code.map(std::os::fd::AsFd::as_fd);
        Ok(self.channel()?.send(&text, code, SEND_LIMIT).await?)
    }

    /// The next frame. Waits as long as an evaluation may take; who calls it has a shorter limit.
    pub(in crate::isolated) async fn receive(&mut self, most: usize, limit: Duration) -> Result<FromWorker, Broken> {
        read(&self.channel()?.receive(most, limit).await?)
    }

    fn channel(&mut self) -> Result<&mut Channel, ChannelError> {
        self.line = match std::mem::replace(&mut self.line, Line::Lost) {
            Line::Threads(channel) => Line::Tokio(channel.into_async()?),
            line => line,
        };
        match &mut self.line {
            Line::Tokio(channel) => Ok(channel),
            Line::Threads(_) | Line::Lost => Err(ChannelError::Closed),
        }
    }
}

fn text(frame: &ToWorker) -> Result<Vec<u8>, Broken> {
    frame.write().map_err(|error| Broken::Protocol(error.to_string()))
}

fn read(frame: &[u8]) -> Result<FromWorker, Broken> {
    serde_json::from_slice(frame).map_err(|error| Broken::Protocol(format!("invalid frame: {error}")))
}

impl NotLoaded {
    /// As when this process loads it. The worker says it, so the texts are bounded.
    fn into_error(self) -> LoadError {
        let cut = |text: String| ansai_core::text::inert(&text, 1_000);
        match self {
            NotLoaded::Signature { interface, function, declared, expected } => LoadError::Signature {
                interface: cut(interface),
                function: cut(function),
                declared: cut(declared),
                expected: cut(expected),
            },
            NotLoaded::NotAccepted(why) => CompileError::NotAccepted(cut(why)).into(),
            NotLoaded::Unusable(why) => CompileError::Unusable(cut(why)).into(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "an adapter to /proc of a child")]
fn of_process(process: &Process, file: &str) -> Option<File> {
    File::open(format!("/proc/{}/{file}", process.id())).ok()
}

/// The beginning of a file of /proc, as it is now.
fn text_of(file: Option<&File>) -> Option<String> {
    let mut text = [0; 512];
    let count = file?.read_at(&mut text, 0).ok()?;
    std::str::from_utf8(text.get(..count)?).ok().map(str::to_owned)
}

/// Ticks in user mode and in the kernel, of all threads, also of those that ended.
fn ticks(stat: &str) -> Option<u64> {
    // The name of the program, in parentheses, may have spaces. The state follows it.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let (user, kernel): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    user.checked_add(kernel)
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn ticks_are_those_of_user_mode_and_of_the_kernel() {
        let stat =
            "4242 (a) b (c) S 1 4242 4242 0 -1 4194560 120 0 0 0 17 25 0 0 20 0 3 0 8714 1000 200 18446744073709551615";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("4242 (a) S 1"), None);
        assert_eq!(ticks(""), None);
    }
}
