//! Opening a state directory: who keeps what, and who knows whom.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use ansai_audit::{Ballast, CutTail, Kept, Log, ReadError, Recordings, RecordingsError};
use ansai_config::AuditLog;
use ansai_core::event::InstanceRef;
use ansai_core::text::inert;
use ansai_core::{Bytes, Event, Mode};
use ansai_events::Stream;
use ansai_kit::host_access::HostAccess;
use ansai_storage::{Access, Directory, Location, StorageError};

use crate::authority::Authority;
use crate::clock;
use crate::clock_watch::ClockWatch;
use crate::evaluate::{Evaluate, Guests};
use crate::execution::{Background, Executor, GuardedSteps, Pending, PlanFileError, Plans, QuarantineExpiry};
use crate::faults::Faults;
use crate::fights::Fights;
use crate::gate::Gate;
use crate::ids::Ids;
use crate::incidents::{HealingIncidents, Incidents};
use crate::instance::Instance;
use crate::orders::StandingOrders;
use crate::pass::{Lanes, Passes};
use crate::permits::{Budgets, Leases};
use crate::recording::export::HeadExport;
use crate::recording::heads::{self, HeadError, Heads};
use crate::recording::{self, EVIDENCE, Evaluator, Evidence, Journal, JournalError, RecordedDrop, Recorder, Retention};
use crate::repeats::Repeats;
use crate::safety::SafetyPolicy;
use crate::shares::Meters;
use crate::state::{State, StateError, Totals};
use crate::stop::Stop;
use crate::storm::StormBreaker;
use crate::supervisor::{Rooms, Supervisor};
use crate::tasks::Tasks;
use crate::track_record::TrackRecord;
use crate::watching::{Mailboxes, WAKE_DIRECTORY};

/// Released so that state and plans can be written on a full disk.
const BALLAST_BYTES: u64 = 1 << 20;
/// The same where no inode is left: for two files of SQLite, a plan and its outcome, the directories and the index of a
/// quarantine, and new files beside others.
const SPARE_INODES: u32 = 15;

/// The file of the state.
pub(crate) const DATABASE: &str = "state.db";

/// How a supervisor is opened.
pub struct Options {
    /// A directory of ansai's own.
    pub state_dir: Directory,
    /// The ceiling of this run.
    pub mode: Mode,
    /// Version of ansai, for the record.
    pub version: String,
    /// Whether the operator says that the time of day is right although it jumped.
    pub accept_clock: bool,
    /// How much of the audit log is kept.
    pub audit: AuditLog,
    /// What bounds all instances together.
    pub safety: SafetyPolicy,
    /// Where events go. Whoever subscribed to it sees all of them, from `started` on.
    pub events: Stream,
}

/// The state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The audit log is in use by another ansai, damaged or not readable.
    #[error(transparent)]
    Audit(#[from] ansai_audit::OpenError),
    /// The store of recordings.
    #[error(transparent)]
    Recordings(#[from] RecordingsError),
    /// The database.
    #[error(transparent)]
    State(#[from] StateError),
    /// The directory of plans.
    #[error(transparent)]
    Plans(#[from] PlanFileError),
    /// A directory or file in the state directory.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The first record.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The key of the log, or its local head.
    #[error(transparent)]
    Head(#[from] HeadError),
}

impl OpenError {
    /// How to fix it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            OpenError::Audit(error) => error.hint(),
            OpenError::Head(error) => error.hint(),
            OpenError::State(error) => error.hint(),
            _ => None,
        }
    }
}

impl Supervisor {
    /// Opens the state. Refuses when another ansai has it open. [`Supervisor::recover`], with which every run begins,
    /// resolves steps that a crash interrupted.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        options: Options,
        host: Arc<dyn HostAccess>,
        authority: Arc<dyn Authority>,
        instances: Vec<Instance>,
    ) -> Result<Supervisor, OpenError> {
        Supervisor::open_evaluating(options, host, authority, instances, Arc::new(Guests))
    }

    /// The same, with something else than the guests of the instances to evaluate them: a simulation.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_evaluating(
        options: Options,
        host: Arc<dyn HostAccess>,
        authority: Arc<dyn Authority>,
        instances: Vec<Instance>,
        policies: Arc<dyn Evaluate>,
    ) -> Result<Supervisor, OpenError> {
        let dir = &options.state_dir;
        let kept = heads::known(dir)?;
        let known = kept.as_ref().map(|kept| kept.head);
        dir.remove_left_over()?;
        let audit_dir = dir.create_subdirectory(heads::LOG)?;
        let (log, recovery) = open_log(&audit_dir, known, &options.audit)?;
        let journal = Arc::new(Journal::new(log, options.events));
        let now = clock::now();
        let heads = Arc::new(Heads::open(dir, kept, journal.clone(), now)?);
        let ballast = Ballast::new(Location::new(dir, "ballast"), BALLAST_BYTES).with_spare_inodes(SPARE_INODES);
        let state = Arc::new(State::open(&private_database(dir)?, ballast.clone())?);
        for reserved in [state.replenish(), recovery.reserve.map_err(|error| error.to_string())] {
            if let Err(error) = reserved {
                tracing::warn!("cannot reserve emergency disk space, ansai tries again: {error}");
            }
        }
        if let Some(cut) = recovery.cut {
            journal.record(now, torn_tail(cut))?;
        }
        let references = instances.iter().map(|instance| InstanceRef {
            instance: instance.name.clone(),
            component: instance.policy.info().digest.clone(),
            version: instance.version.clone(),
            mode: authority.grants_of_a_pass(&instance.name).map_or(Mode::Observe, |grants| grants.mode),
        });
        // Before anybody hears that it started: a request that is made then waits there.
        dir.create_subdirectory(WAKE_DIRECTORY)?;
        let started = Event::Started { version: options.version, mode: options.mode, instances: references.collect() };
        journal.durable(now, started)?;

        let clocks = ClockWatch::open(host.clone(), state.clone(), journal.clone(), options.accept_clock)?;
        let clocks = Arc::new(clocks);
        let orders = Arc::new(StandingOrders::open(state.clone(), journal.clone(), clocks.clone())?);
        let track_record = TrackRecord::open(state.clone(), journal.clone(), clocks.clone(), audit_dir.clone());
        let track_record = Arc::new(track_record);
        let stop = Arc::new(Stop::new());
        let ids = Arc::new(Ids::of_run(&journal.head()));
        let recordings = Recordings::open(dir.create_subdirectory("recordings")?, ansai_audit::Retention::default())?;
        let repeats = Arc::new(Repeats::open(journal.clone(), state.clone())?);
        let meters = Arc::new(Meters::open(state.clone(), &instances)?);
        journal.count_in(meters.clone());
        let recorder =
            Recorder::new(journal.clone(), repeats.clone(), meters.clone(), recordings, ids.clone(), instances.len());
        let evaluator = Evaluator {
            policies,
            facts: Arc::new(host.facts()),
            host: host.clone(),
            state: state.clone(),
            journal: journal.clone(),
            recorder,
            stop: stop.clone(),
            meters: meters.clone(),
            gate: Gate::new(),
        };
        let incidents = Arc::new(Incidents {
            journal: journal.clone(),
            state: state.clone(),
            audit_dir: audit_dir.clone(),
            healing: HealingIncidents::default(),
            repeats,
            instances: instances.iter().map(|instance| instance.name.clone()).collect(),
            holding: Mutex::default(),
            orders: orders.clone(),
            silent: Mutex::default(),
        });
        let SafetyPolicy { storm, host: host_budget, instances: instance_budgets } = options.safety;
        let totals = Totals { host: host_budget, instances: instance_budgets };
        let storm = Arc::new(StormBreaker::open(host.clone(), state.clone(), journal.clone(), storm)?);
        let fights = Arc::new(Fights::open(state.clone(), journal.clone(), authority.clone(), &instances)?);
        let tasks = Tasks::new();
        let candidates = QuarantineExpiry::candidates(&instances, host.quarantine_expiry());
        let leases = Leases::default();
        let executor = Arc::new(Executor {
            host,
            authority: authority.clone(),
            journal: journal.clone(),
            state: state.clone(),
            plans: Plans::open(dir.create_subdirectory("plans")?, ballast)?,
            evidence: Evidence::open(dir.create_subdirectory(EVIDENCE)?, journal.clone())?,
            background: Background::new(leases.clone()),
            pending: Pending::default(),
            guarded: GuardedSteps::default(),
            leases,
            clocks: clocks.clone(),
            orders: orders.clone(),
            budgets: Budgets::open(state.clone(), totals)?,
            stop: stop.clone(),
            audit_dir: audit_dir.clone(),
        });
        executor.keep_interrupted()?;
        let expiry = QuarantineExpiry {
            authority: authority.clone(),
            executor: executor.clone(),
            ids: ids.clone(),
            instances: candidates,
            pending: Mutex::default(),
            vouched: Arc::default(),
        };
        let retention = Retention {
            settings: options.audit,
            audit_dir,
            heads: heads.clone(),
            journal: journal.clone(),
            executor: executor.clone(),
            incidents: incidents.clone(),
            told: Mutex::default(),
        };
        let export = HeadExport {
            heads: heads.clone(),
            journal: journal.clone(),
            stop: stop.clone(),
            delivery: OnceLock::new(),
        };
        let faults = Faults::open(state.clone(), journal.clone(), &instances, now)?;
        let passes = Passes {
            authority,
            evaluator,
            incidents: incidents.clone(),
            executor: executor.clone(),
            journal: journal.clone(),
            ids,
            stop: stop.clone(),
            faults: Arc::new(faults),
            lanes: Lanes::new(instances.iter().map(|instance| &instance.name)),
            tasks: tasks.clone(),
            storm: storm.clone(),
            fights: fights.clone(),
        };
        let mailboxes = Mailboxes::new(instances.iter().map(|instance| &instance.name), &passes.evaluator.facts);
        Ok(Supervisor(Arc::new(Rooms {
            mailboxes: Arc::new(mailboxes),
            track_record,
            state_dir: options.state_dir,
            journal,
            state,
            heads,
            stop,
            instances,
            incidents,
            executor,
            orders,
            expiry: Arc::new(expiry),
            retention: Arc::new(retention),
            export: Arc::new(export),
            passes: Arc::new(passes),
            tasks,
            storm,
            fights,
            pulse: Arc::new(crate::pulse::Pulse::new()),
            quarantine: Default::default(),
        })))
    }
}

/// The path of the database. SQLite opens it by path and gives new files of its log the mode of the database; so all of
/// them are checked and made private before.
fn private_database(dir: &Directory) -> Result<PathBuf, StorageError> {
    for name in [DATABASE, "state.db-wal", "state.db-shm", "state.db-journal"] {
        dir.make_private(name)?;
    }
    dir.file(DATABASE, Access::AppendOrCreate)?;
    Ok(dir.path_of(DATABASE))
}

/// Opens the log, if what it records of its beginning agrees with the signed record.
fn open_log(
    audit_dir: &Directory,
    known: Option<ansai_audit::Head>,
    settings: &AuditLog,
) -> Result<(Log, ansai_audit::Recovery), ansai_audit::OpenError> {
    let segment_bytes = recording::segment_bytes(settings);
    let log_options = ansai_audit::Options { known, segment_bytes, ..Default::default() };
    let mut recorded = RecordedDrop::default();
    let opened = Log::open_seeing(audit_dir, log_options, |entry| recorded.see(entry))?;
    recorded.check_log(audit_dir).map_err(|error| match error {
        ReadError::Corrupt(corruption) => {
            ansai_audit::OpenError::Corrupt { directory: audit_dir.path().to_owned(), corruption: Box::new(corruption) }
        }
        ReadError::Storage(error) => ansai_audit::OpenError::Storage(error),
    })?;
    Ok(opened)
}

fn torn_tail(CutTail { torn, kept }: CutTail) -> Event {
    let (moved_to, error) = match kept {
        Kept::At(path) => (Some(inert(&path.display().to_string(), 500)), None),
        Kept::Lost(error) => (None, Some(inert(&error.to_string(), 500))),
        Kept::Nothing => (None, None),
    };
    Event::TornTail {
        segment: torn.segment.to_string(),
        offset: torn.offset,
        bytes: Bytes::new(torn.bytes),
        sequence: torn.sequence,
        moved_to,
        error,
    }
}
