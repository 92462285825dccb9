//! All rooms together: opened once per state directory.

use std::sync::Arc;
use std::time::Duration;

use ansai_audit::Head;
use ansai_config::Export;
use ansai_core::Event;
use ansai_events::{Stream, Subscription};
use ansai_kit::carrier::Carrier;
use ansai_kit::evaluation_state::Trigger;
use ansai_storage::Directory;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::clock;
use crate::execution::undo::UndoError;
use crate::execution::{Attached, Executor, PendingStep, QuarantineExpiry, Which};
use crate::fights::Fights;
use crate::incidents::{Healing, Incidents};
use crate::instance::Instance;
use crate::orders::StandingOrders;
use crate::pass::{Passes, PlanWhat};
use crate::pulse::{Part, Pulse};
use crate::recording::export::{self, HeadExport};
use crate::recording::heads::Heads;
use crate::recording::{Follower, Journal, Retention};
use crate::report::{InstanceReport, ReportBuilder, StepReport};
use crate::schedule::Schedule;
use crate::state::State;
use crate::status::QuarantineSize;
use crate::stop::Stop;
use crate::storm::StormBreaker;
use crate::tasks::Tasks;
use crate::track_record::TrackRecord;
use crate::watching::{Mailboxes, Requests};

/// Between two looks for quarantined files whose time is over, and for interrupted steps that wait.
const EXPIRE: Duration = Duration::from_secs(10 * 60);
/// Between two looks at steps that go back by themselves.
const GUARDS: Duration = Duration::from_secs(1);
/// Between two looks at the size and age of the audit log.
const RETAIN: Duration = Duration::from_secs(60);
/// Records and what policies remember are on the disk after so long at the latest.
const SETTLE: Duration = Duration::from_secs(1);
/// Between two beats of the pulse.
const BEAT: Duration = Duration::from_secs(1);
/// Between two looks for pauses and silences whose time is over.
const ORDERS: Duration = Duration::from_secs(1);
/// Between two looks for requests to wake an instance.
const REQUESTS: Duration = Duration::from_secs(1);
/// Events that wait for the report of a pass. It takes them as they come; a report that missed some says so.
const REPORT_CAPACITY: usize = 1 << 16;

/// What an open supervisor is made of.
pub(crate) struct Rooms {
    pub(crate) state_dir: Directory,
    pub(crate) journal: Arc<Journal>,
    pub(crate) state: Arc<State>,
    pub(crate) heads: Arc<Heads>,
    pub(crate) stop: Arc<Stop>,
    pub(crate) instances: Vec<Instance>,
    pub(crate) incidents: Arc<Incidents>,
    pub(crate) executor: Arc<Executor>,
    pub(crate) orders: Arc<StandingOrders>,
    pub(crate) expiry: Arc<QuarantineExpiry>,
    pub(crate) retention: Arc<Retention>,
    pub(crate) export: Arc<HeadExport>,
    pub(crate) passes: Arc<Passes>,
    /// What heals, and what waits for steps of an earlier run.
    pub(crate) tasks: Tasks,
    /// What wakes the instances.
    pub(crate) mailboxes: Arc<Mailboxes>,
    /// Stops healing when too much breaks at once.
    pub(crate) storm: Arc<StormBreaker>,
    /// Policies that undo what the other does.
    pub(crate) fights: Arc<Fights>,
    pub(crate) track_record: Arc<TrackRecord>,
    /// Whether the loop lives.
    pub(crate) pulse: Arc<Pulse>,
    /// How much is in quarantine, as far as it is known.
    pub(crate) quarantine: QuarantineSize,
}

/// The loop over one state directory; cheap to clone.
#[derive(Clone)]
pub struct Supervisor(pub(crate) Arc<Rooms>);

impl Supervisor {
    /// Recovers, evaluates every instance once, side by side, and heals what may be healed. Waits for all of that, or
    /// until [`Supervisor::stop`]. The reports are made from the events of the passes.
    pub async fn run_once(&self) -> Vec<InstanceReport> {
        self.0.incidents.repeats.show_all();
        self.0.orders.expire();
        self.0.storm.look();
        self.recover().await;
        self.0.expiry.run().await;
        let names = self.0.instances.iter().map(|instance| (instance.name.clone(), instance.version.clone()));
        let subscription = self.events().subscribe("report", REPORT_CAPACITY);
        let (over, is_over) = oneshot::channel();
        let building = tokio::spawn(build(ReportBuilder::new(names), subscription, is_over));
        let passes: Vec<_> = self
            .0
            .instances
            .iter()
            .map(|instance| {
                let (passes, instance) = (self.0.passes.clone(), instance.clone());
                // Not `by-hand`, although a person may have started it: on a host without the daemon, cron runs this,
                // and it is the schedule. What policies store must be kept from one run to the next.
                tokio::spawn(async move { passes.pass(&instance, Trigger::Schedule, 0, PlanWhat::Everything).await })
            })
            .collect();
        for (pass, instance) in passes.into_iter().zip(&self.0.instances) {
            // A panic in one pass affects no other instance.
            if let Err(error) = pass.await {
                self.0.passes.panicked(instance, &error);
            }
        }
        self.0.tasks.finish().await;
        let _ = over.send(());
        let reports = building.await.unwrap_or_else(|error| {
            tracing::error!("the report of the pass panicked; the audit log has what was done: {error}");
            Vec::new()
        });
        self.0.settle();
        self.ended("every instance was evaluated once");
        retain(self.0.retention.clone()).await;
        self.0.export.run_once().await;
        reports
    }

    /// At most so many evaluations run at the same time. Called once, before the first pass.
    pub fn limit_evaluations(&self, most: usize) {
        self.0.passes.evaluator.gate.limit(most);
    }

    /// Publishes from now on also what is the same as before, for a subscriber that compares.
    pub fn show_all(&self) {
        self.0.incidents.repeats.show_all();
    }

    /// Records the end of this run, with the signal if one caused it.
    pub(crate) fn ended(&self, why: &str) {
        let rooms = &self.0;
        rooms.passes.evaluator.meters.end();
        let why = rooms.stop.asked_why().unwrap_or(why).to_owned();
        let unrecorded = rooms.passes.evaluator.recorder.unrecorded();
        if let Err(error) = rooms.journal.durable(clock::now(), Event::Stopped { why, unrecorded }) {
            tracing::error!("the end of this run is not recorded: {error}");
        }
    }

    /// Sends signed heads of the audit log to these targets from now on. Called once, before the first pass. `carrier` posts to
    /// URLs; without one, this process does.
    pub fn export_heads(&self, export: Export, carrier: Option<Arc<dyn Carrier>>) {
        match export::open(export, &self.0.state_dir, carrier) {
            Ok(delivery) => {
                if self.0.export.delivery.set(delivery).is_err() {
                    tracing::error!("export targets are already set; ignoring the new ones");
                }
            }
            Err(error) => tracing::error!("audit heads are not exported until ansai restarts: {error}"),
        }
    }

    /// A follower learns of each record of the audit log from now on. Called once.
    pub fn follow(&self, follower: Box<dyn Follower>) {
        self.0.journal.follow(follower);
    }

    /// Gives every interrupted step its outcome, and adds it to the attempts of its incident. Waits for steps that
    /// still run by themselves.
    pub async fn recover(&self) {
        self.begin_recovery(Which::All).await;
        self.0.tasks.finish().await;
        // Only now, if a step that was left running used what goes back.
        self.0.executor.clone().end_guarded_steps().await;
    }

    /// As [`Supervisor::recover`], but steps that may still run are waited for by tasks. Until such a step has ended, its
    /// incident counts as being healed.
    async fn begin_recovery(&self, which: Which) {
        let attached = self.0.executor.recover(which).await;
        let healing = &self.0.incidents.healing;
        let attached: Vec<(Attached, Option<Healing>)> = attached
            .into_iter()
            .map(|step| {
                let healing = step.incident.as_deref().map(|incident| healing.begin(incident));
                (step, healing)
            })
            .collect();
        let healed = healing.ids();
        // Later, passes change incidents: then the next start adds what is missing.
        if which == Which::All {
            self.restore_attempts(move |incident| !healed.contains(incident)).await;
        }
        for (step, healing) in attached {
            let supervisor = self.clone();
            self.0.tasks.spawn(async move { supervisor.attach(step, healing).await });
        }
    }

    /// Waits for a step of an earlier run. Afterwards its instance is evaluated: nobody else verifies what it has done.
    async fn attach(&self, step: Attached, healing: Option<Healing>) {
        let (instance, incident) = (step.instance().clone(), step.incident.clone());
        if !self.0.executor.clone().attach(step).await {
            return;
        }
        if let Some(incident) = incident {
            self.restore_attempts(move |id| id == incident).await;
        }
        drop(healing);
        self.0.passes.lanes.of(&instance).follow_up.ask(Instant::now());
    }

    async fn restore_attempts(&self, is_wanted: impl Fn(&str) -> bool + Send + 'static) {
        let incidents = self.0.incidents.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || incidents.restore_attempts(is_wanted)).await {
            tracing::error!("restoring attempts panicked, ansai goes on without them: {error}");
        }
    }

    /// Recovers, then evaluates each instance at its interval until [`Supervisor::stop`]. Steps of an earlier run that
    /// still run hold nothing up.
    pub async fn run(&self) {
        self.0.pulse.recovers();
        self.begin_recovery(Which::All).await;
        let rooms = &self.0;
        rooms.pulse.runs();
        let mut schedule = Schedule::new(rooms.stop.clone());
        schedule.passes(&rooms.passes, &rooms.instances, &rooms.mailboxes);
        self.hear(&mut schedule);
        let expiry = rooms.expiry.clone();
        schedule.every(EXPIRE, "quarantine expiry", move || {
            let expiry = expiry.clone();
            async move { expiry.run().await }
        });
        let supervisor = self.clone();
        schedule.every(EXPIRE, "recovery of interrupted steps", move || {
            let supervisor = supervisor.clone();
            async move {
                // The operator may have set enforce mode, or granted something again.
                if !supervisor.0.executor.pending.is_empty() {
                    supervisor.begin_recovery(Which::Pending).await;
                }
            }
        });
        let executor = rooms.executor.clone();
        schedule.every(GUARDS, "ending steps that go back by themselves", move || {
            let executor = executor.clone();
            async move { executor.end_guarded_steps().await }
        });
        let settling = rooms.clone();
        schedule.every(SETTLE, "writing records to the disk", move || {
            let settling = settling.clone();
            async move {
                // It waits for the disk: beside the threads that evaluate.
                let rooms = settling.clone();
                let settled = tokio::task::spawn_blocking(move || rooms.settle()).await;
                match settled {
                    Ok(()) => settling.pulse.beat(Part::Records),
                    Err(error) => {
                        tracing::error!("writing records to the disk panicked, ansai tries again: {error}");
                    }
                }
            }
        });
        let pulse = rooms.pulse.clone();
        schedule.every(BEAT, "the pulse", move || {
            let pulse = pulse.clone();
            async move { pulse.beat(Part::Schedule) }
        });
        let supervisor = self.clone();
        schedule.every(ORDERS, "ending pauses and silences", move || {
            let supervisor = supervisor.clone();
            async move {
                let ended = tokio::task::spawn_blocking(move || supervisor.look_again(&supervisor.0.orders.expire()));
                if let Err(error) = ended.await {
                    tracing::error!("ending pauses and silences panicked, ansai tries again: {error}");
                }
            }
        });
        let storm = rooms.storm.clone();
        schedule.every(ORDERS, "the end of a storm", move || {
            let storm = storm.clone();
            async move {
                if let Err(error) = tokio::task::spawn_blocking(move || storm.look()).await {
                    tracing::error!("looking for the end of a storm panicked, ansai tries again: {error}");
                }
            }
        });
        let retention = rooms.retention.clone();
        schedule.every(RETAIN, "shortening the audit log", move || retain(retention.clone()));
        schedule.task(rooms.export.clone().run());
        schedule.finish().await;
        rooms.pulse.ends();
        rooms.tasks.finish().await;
        rooms.settle();
        self.ended("all schedules have ended");
        self.keep_head();
    }

    /// Wakes instances when `ansai wake` asks for it.
    fn hear(&self, schedule: &mut Schedule) {
        let requests = match Requests::open(&self.0.state_dir, self.0.mailboxes.clone()) {
            Ok(requests) => Arc::new(requests),
            Err(error) => return tracing::error!("`ansai wake` has no effect until ansai restarts: {error}"),
        };
        schedule.every(REQUESTS, "requests to wake an instance", move || {
            let requests = requests.clone();
            async move {
                let heard = tokio::task::spawn_blocking(move || requests.run()).await;
                if let Ok(Err(error)) = heard {
                    tracing::warn!("requests to wake an instance, ansai tries again: {error}");
                }
            }
        });
    }

    /// Wakes an instance as `ansai wake` does; `false` if there is none of this name.
    pub fn wake(&self, instance: &str) -> bool {
        self.0.mailboxes.ping(instance)
    }

    /// Asks for an orderly end: no new step begins, a short one ends at its next target, a long one as it declares.
    pub fn stop(&self, why: &str) {
        if self.0.stop.ask(why) {
            self.0.journal.note(clock::now(), Event::Stopping { why: why.to_owned() });
        }
    }

    /// Records an end that is not orderly: steps that are under way get their outcome at the next start.
    pub fn interrupted(&self, why: &str) {
        let event = Event::Stopped { why: why.to_owned(), unrecorded: self.0.passes.evaluator.recorder.unrecorded() };
        if let Err(error) = self.0.journal.durable(clock::now(), event) {
            tracing::error!("the end of this run is not recorded: {error}");
        }
    }

    /// Undoes a plan, newest step first, or one step of it. `by` is a person, for the record. The outcome of each
    /// report is `reverted`, or the detail says why not.
    ///
    /// # Errors
    /// When the plan is not known, or the audit log cannot be read.
    pub fn undo(&self, plan: &str, step: Option<u32>, by: &str) -> Result<Vec<StepReport>, UndoError> {
        let reports = self.0.executor.undo(plan, step, by);
        self.ended("the undoing ended");
        self.keep_head();
        reports
    }

    /// Writes the newest head of the audit log to its local file.
    pub fn keep_head(&self) {
        self.0.heads.keep(clock::now());
    }

    /// Records a policy that was not loaded; `kind` is the code of the reason.
    pub fn note_not_loaded(&self, name: &str, kind: &str, error: &str) {
        let text = |text: &str, most| ansai_core::text::inert(text, most);
        let event = Event::NotLoaded { name: text(name, 200), kind: kind.to_owned(), error: text(error, 2_000) };
        self.0.journal.note(clock::now(), event);
    }

    /// The stream of events, for subscribers.
    pub fn events(&self) -> &Stream {
        self.0.journal.stream()
    }

    /// By how many milliseconds the time of day jumped, while it is in doubt.
    pub fn clock_doubt(&self) -> Option<i64> {
        self.0.executor.clocks.doubt()
    }

    /// Why the configuration permits nothing now, whatever modes and grants say.
    pub fn halted(&self) -> Option<String> {
        self.0.passes.authority.problem()
    }

    /// Steps of an earlier run that wait until ansai may act.
    pub fn pending(&self) -> Vec<PendingStep> {
        self.0.executor.pending.list()
    }

    /// The newest audit record.
    pub fn head(&self) -> Head {
        self.0.journal.head()
    }

    /// The instances.
    pub fn instances(&self) -> &[Instance] {
        &self.0.instances
    }
}

impl Rooms {
    /// Makes durable what waits, and reserves space again.
    fn settle(&self) {
        // A jump is told when it happens, and what is known of the clocks stays fresh for the next start.
        let _ = self.executor.clocks.doubt();
        // Whoever publishes waits for it too.
        let _ = self.journal.stream().has_subscribers();
        if let Err(error) = self.journal.sync() {
            tracing::error!("records wait for the disk, no step is applied meanwhile: {error}");
        }
        self.track_record.settle();
        self.executor.budgets.note_uptime();
        self.incidents.repeats.store();
        self.passes.evaluator.meters.store();
        if let Err(error) = self.state.flush() {
            self.passes.evaluator.meters.are_lost();
            tracing::error!("what policies stored waits for the disk, ansai tries again: {error}");
        }
        for reserved in [self.journal.replenish(), self.state.replenish()] {
            if let Err(error) = reserved {
                tracing::debug!("cannot reserve emergency disk space, ansai tries again: {error}");
            }
        }
    }
}

/// Beside the threads that evaluate: it reads and copies files.
async fn retain(retention: Arc<Retention>) {
    if let Err(error) = tokio::task::spawn_blocking(move || retention.run()).await {
        tracing::error!("shortening the audit log panicked, ansai tries again: {error}");
    }
}

/// Takes events as they come until the passes are over and nothing waits.
async fn build(
    mut builder: ReportBuilder,
    mut subscription: Subscription,
    mut is_over: oneshot::Receiver<()>,
) -> Vec<InstanceReport> {
    loop {
        tokio::select! {
            biased;
            item = subscription.next() => match item {
                Some(item) => builder.take(&item),
                None => break,
            },
            _ = &mut is_over => break,
        }
    }
    subscription.close();
    builder.finish()
}
