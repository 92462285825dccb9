//! One seed: a life with everything that its setup has, in sessions of a supervisor that end in order or not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ansai_audit::Reader;
use ansai_config::AuditLog;
use ansai_core::approval::ApprovalState;
use ansai_core::control::{NewDecision, NewPause, NewSilence, Resume};
use ansai_core::event::{ApprovalDecision, Record};
use ansai_core::order::Person;
use ansai_core::{Millis, Mode};
use ansai_events::Stream;
use ansai_storage::Directory;
use ansai_supervisor::simulation::{Act, SimulatedHost, SimulatedPolicies, World};
use ansai_supervisor::virtual_time::VirtualTime;
use ansai_supervisor::{OpenError, Options, SafetyPolicy, Supervisor};
use tokio::time::sleep;

use crate::checks::{self, Facts};
use crate::crash::Crasher;
use crate::mail;
use crate::sabotage::Sabotage;
use crate::setup::{ACTION, BEGINS, Happening, LIFE, Setup};

/// Housekeeping of the supervisor: what it only looks after.
const HOUSEKEEPING: Duration = Duration::from_secs(20 * 60);
/// After the last fault is over. Longer than every interval.
const REST: Duration = Duration::from_secs(2 * 3_600);
/// A person of the harness.
pub(crate) const PERSON: Person = Person { uid: 1_000, name: None };

pub(crate) struct Life {
    seed: u64,
    setup: Setup,
    sabotage: Option<Sabotage>,
    time: VirtualTime,
    world: Arc<World>,
    /// One for all sessions: a thread of the session before may still use it.
    host: Arc<SimulatedHost>,
    crasher: Arc<Crasher>,
    accepts_clock: bool,
    facts: Facts,
    totals: Totals,
    directory: tempfile::TempDir,
}

/// How a session ended.
enum End {
    Over,
    Stopped,
    Crashed,
    Off { time: Millis, by_force: bool },
}

impl Life {
    pub(crate) fn new(seed: u64, sabotage: Option<Sabotage>) -> Life {
        let directory = ansai_harness::scene::memory_dir();
        let mut setup = Setup::draw(seed);
        let facts = Facts::new(&setup);
        if let Some(sabotage) = sabotage {
            setup.rules.iter_mut().for_each(|rules| sabotage.rules(rules));
        }
        let time = VirtualTime::start(BEGINS, HOUSEKEEPING);
        let is_blind = sabotage == Some(Sabotage::DurableIntents);
        let crasher = Crasher::new(directory.path().join("state/audit"), is_blind);
        let world = Arc::new(World::new(seed, setup.faults.clone()).watched(crasher.clone()));
        let registry = ansai_host_functions::builtin();
        let host = Arc::new(SimulatedHost::new(&directory.path().join("host"), &registry, world.clone()));
        let totals = Totals::default();
        Life { seed, setup, sabotage, time, world, host, crasher, accepts_clock: false, facts, totals, directory }
    }

    pub(crate) fn live(mut self) -> Ended {
        let mut waiting: Vec<(Millis, Happening)> = self.setup.happenings.clone();
        waiting.reverse();
        loop {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .event_interval(1)
                .max_blocking_threads(1)
                .build()
                .unwrap();
            let end = runtime.block_on(self.session(&mut waiting));
            runtime.shutdown_background();
            self.crasher.release();
            // A program takes time to start. Ids of plans have milliseconds, and count from 0 in each run.
            self.time.pass(Millis::new(1_500));
            match end {
                End::Over => break,
                End::Stopped => {}
                End::Crashed => self.totals.crashes += 1,
                End::Off { time, .. } => {
                    self.time.pass(time);
                    self.time.reboot();
                }
            }
        }
        self.ended()
    }

    fn open(&self) -> Supervisor {
        loop {
            let state_dir = Directory::create(self.directory.path().join("state")).unwrap();
            let options = Options {
                state_dir,
                mode: Mode::Enforce,
                version: "0.0.0".into(),
                accept_clock: self.accepts_clock,
                audit: AuditLog::default(),
                safety: SafetyPolicy::default(),
                events: Stream::new(),
            };
            let registry = ansai_host_functions::builtin();
            let mut policies = SimulatedPolicies::new(&registry, self.world.clone());
            for rules in &self.setup.rules {
                policies = policies.proposing(rules.name.as_str(), [ACTION.to_owned()]);
            }
            let authority = Arc::new(self.setup.authority());
            let opened = Supervisor::open_evaluating(
                options,
                self.host.clone(),
                authority,
                self.setup.instances(),
                Arc::new(policies),
            );
            match opened {
                Ok(supervisor) => return supervisor,
                // A thread of the session before still unwinds.
                Err(OpenError::Audit(ansai_audit::OpenError::InUse(_))) => {
                    self.crasher.release();
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("seed {}: {error}", self.seed),
            }
        }
    }

    /// Runs a supervisor until something ends it.
    async fn session(&mut self, waiting: &mut Vec<(Millis, Happening)>) -> End {
        self.totals.sessions += 1;
        // Threads of the session before may run until the state can be opened: for them, time stands still. The clock of
        // their runtime is another one.
        let supervisor = self.open();
        self.time.enter();
        self.accepts_clock = false;
        let running = tokio::spawn({
            let supervisor = supervisor.clone();
            async move { supervisor.run().await }
        });
        let crasher = self.crasher.clone();
        let living = async {
            while let Some((at, happening)) = waiting.pop() {
                sleep_until(&self.time, at).await;
                self.totals.happenings += 1;
                if let Some(end) = self.happen(&supervisor, happening).await {
                    return end;
                }
            }
            sleep_until(&self.time, LIFE).await;
            self.rest().await;
            supervisor.stop("the life is over");
            End::Over
        };
        let end = tokio::select! {
            biased;
            () = crasher.crashed.notified() => End::Crashed,
            end = living => end,
        };
        let is_orderly = match end {
            End::Over | End::Stopped => true,
            End::Off { by_force, .. } => !by_force,
            End::Crashed => false,
        };
        if is_orderly {
            supervisor.stop("restart");
            // A step may be held meanwhile.
            tokio::select! {
                biased;
                () = crasher.crashed.notified() => {}
                ended = running => ended.unwrap(),
            }
        }
        self.time.leave();
        end
    }

    /// Nothing breaks any more, nobody orders anything, and everything is looked at twice: then no incident may be open.
    async fn rest(&mut self) {
        self.crasher.want_nothing();
        sleep(self.setup.longest_interval().into()).await;
        sleep(self.setup.longest_interval().into()).await;
        let since = self.time.elapsed().get().saturating_sub(2 * self.setup.longest_interval().get());
        let lasting = self.world.lasting().into_iter().filter(|(_, _, from)| from.get() <= since);
        self.facts.lasting = lasting.map(|(instance, key, _)| (instance, key)).collect();
        self.facts.rest = self.records().len();
        self.world.calm();
        sleep(REST).await;
    }

    async fn happen(&mut self, supervisor: &Supervisor, happening: Happening) -> Option<End> {
        match happening {
            Happening::Crash { polls } => {
                for _ in 0..polls {
                    tokio::task::yield_now().await;
                }
                return Some(End::Crashed);
            }
            Happening::CrashAtStep { after } => self.crasher.want(after),
            Happening::Restart => return Some(End::Stopped),
            Happening::AcceptClock => {
                self.accepts_clock = true;
                self.facts.accepted.push(self.time.elapsed());
                return Some(End::Stopped);
            }
            Happening::Reboot { off, by_force } => return Some(End::Off { time: off, by_force }),
            Happening::Jump { milliseconds } => {
                self.facts.small_jumps += milliseconds.unsigned_abs().min(10 * 60_000);
                self.time.jump(milliseconds);
            }
            Happening::Suspend { time } => self.time.pass(time),
            Happening::Pause { instance, time } => {
                let new = NewPause { instance, duration: time, reason: "a test".into() };
                supervisor.pause(&new, &PERSON).unwrap();
            }
            Happening::Resume => {
                let orders = supervisor.orders();
                if orders.pauses.iter().any(|pause| pause.instance.is_none()) {
                    supervisor.resume(&Resume::All, &PERSON).unwrap();
                }
            }
            Happening::Silence { fault, time } => {
                let fault = &self.setup.faults[fault];
                let (instance, key) = (Some(fault.instance.clone()), fault.key.clone());
                let new = NewSilence { instance, key, duration: time, reason: "a test".into() };
                supervisor.silence(&new, &PERSON).unwrap();
            }
            Happening::Decide { approve } => self.decide(supervisor, approve),
        }
        None
    }

    fn decide(&self, supervisor: &Supervisor, approve: bool) {
        let decision = if approve { ApprovalDecision::Approved } else { ApprovalDecision::Rejected };
        for waiting in supervisor.approvals().unwrap().into_iter().filter(|one| one.state == ApprovalState::Open) {
            let reason = Some("a test".to_owned());
            // It may have expired, or the clock is in doubt: then nothing is decided.
            let _ = supervisor.decide(&NewDecision { plan: waiting.plan, decision, reason }, &PERSON);
        }
    }

    fn records(&self) -> Vec<Record> {
        let entries = Reader::open(self.directory.path().join("state/audit")).unwrap();
        entries.map(|entry| serde_json::from_slice(&entry.unwrap().payload).unwrap()).collect()
    }

    fn ended(self) -> Ended {
        let mut log = self.records();
        let mut broken = self.crasher.broken();
        let mut facts = Facts { acts: self.world.acts(), ..self.facts };
        if let Some(sabotage) = self.sabotage {
            sabotage.log(&mut log, &mut facts);
        }
        broken.extend(checks::all(&log, &facts));
        let (mail, lost) = mail::tell(self.seed, &log, self.sabotage);
        broken.extend(lost);
        let mut totals = self.totals;
        totals.mail = mail;
        totals.count(&log, &facts.acts);
        totals.virtual_hours += self.time.elapsed().get() / 3_600_000;
        Ended { setup: self.setup, log, broken, totals }
    }
}

async fn sleep_until(time: &VirtualTime, at: Millis) {
    let left = at.get().saturating_sub(time.elapsed().get());
    sleep(Duration::from_millis(left)).await;
}

/// What a life left.
pub(crate) struct Ended {
    setup: Setup,
    log: Vec<Record>,
    pub(crate) broken: Vec<String>,
    pub(crate) totals: Totals,
}

impl Ended {
    pub(crate) fn setup(&self) -> String {
        format!("{} invariants with {:#?}", self.broken.len(), self.setup)
    }

    pub(crate) fn show(&self) {
        for Record { at, event } in &self.log {
            eprintln!(
                "{} {}",
                at.as_millis() as i64 - BEGINS.as_millis() as i64,
                serde_json::to_string(event).unwrap()
            );
        }
    }
}

/// What happened in all lives: a harness in which nothing happens breaks nothing.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) sessions: u64,
    pub(crate) crashes: u64,
    pub(crate) happenings: u64,
    pub(crate) virtual_hours: u64,
    acts: u64,
    mail: mail::Totals,
    events: BTreeMap<String, u64>,
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Totals) {
        self.sessions += other.sessions;
        self.crashes += other.crashes;
        self.happenings += other.happenings;
        self.virtual_hours += other.virtual_hours;
        self.acts += other.acts;
        self.mail.add(other.mail);
        for (name, count) in &other.events {
            *self.events.entry(name.clone()).or_default() += count;
        }
    }

    fn count(&mut self, log: &[Record], acts: &[Act]) {
        self.acts += acts.len() as u64;
        for Record { event, .. } in log {
            *self.events.entry(checks::name(event)).or_default() += 1;
        }
    }

    /// Each of them happened.
    pub(crate) fn check(&self) {
        for name in checks::EXPECTED {
            assert!(self.events.contains_key(*name), "{name} never happened: {:?}", self.events);
        }
        assert!(self.crashes > 0 && self.acts > 0);
        assert!(self.mail.has_seen_all(), "{:?}", self.mail);
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals { sessions, crashes, happenings, virtual_hours, acts, mail, events } = self;
        write!(f, "{virtual_hours} virtual hours, {sessions} sessions, {crashes} crashes, {happenings} happenings, ")?;
        write!(f, "{acts} acts; {mail:?}; {events:?}")
    }
}
