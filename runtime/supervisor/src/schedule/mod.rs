//! Runs each instance by time and because of events, until ansai stops.

mod caught;
mod due;
mod splay;
mod ticks;
mod timer;

use std::sync::Arc;
use std::time::Duration;

use ansai_core::Millis;
use ansai_kit::evaluation_state::Trigger;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use self::caught::caught;
pub use self::due::CronDue;
pub(crate) use self::ticks::Board;
use self::ticks::{Clocks, HostClocks, Keep, Ticks};
use self::timer::Timer;
use crate::instance::Instance;
use crate::pass::{FollowUp, Passes, PlanWhat};
use crate::stop::Stop;
use crate::virtual_time::housekeeping;
use crate::watching::{self, Events, Mailboxes};

/// The first evaluations start one after the other, so that thousands are not due at the same time.
const APART: Duration = Duration::from_millis(1);

/// So many of them start at the same time: to wake up for each costs a tenth of what its evaluation does.
const TOGETHER: u32 = 10;

/// The shortest wait for a follow-up.
const SOONEST: Duration = Duration::from_secs(1);

/// Why an evaluation is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Schedule,
    FollowUp,
    Event,
}

/// All tasks that run until ansai stops.
pub(crate) struct Schedule {
    stop: Arc<Stop>,
    tasks: Vec<JoinHandle<()>>,
}

impl Schedule {
    pub(crate) fn new(stop: Arc<Stop>) -> Schedule {
        Schedule { stop, tasks: Vec::new() }
    }

    /// Runs passes over each instance by time, and when something that it watches happens.
    pub(crate) fn passes(&mut self, passes: &Arc<Passes>, instances: &[Instance], mailboxes: &Mailboxes) {
        let clocks: Arc<dyn Clocks> = Arc::new(HostClocks);
        let began = clocks.now().up;
        let count = u32::try_from(instances.len()).unwrap_or(u32::MAX).max(1);
        self.tasks.reserve(instances.len());
        for (place, instance) in (0u32..).zip(instances) {
            let every = Duration::from(instance.every.max(Millis::new(1)));
            let first = Millis::new(began.get().saturating_add(Millis::from(first(place, every, count)).get()));
            let follow_up = passes.lanes.of(&instance.name).follow_up.clone();
            let mailbox = mailboxes.of(&instance.name);
            for keeper in watching::keepers(passes, instance, &mailbox, &self.stop) {
                self.tasks.push(tokio::spawn(keeper));
            }
            let ticks = ticks_of(passes, instance, &clocks, (first, &mailbox.host().name));
            let (name, watches) = (instance.name.clone(), instance.watches.clone());
            let events = Arc::new(Events::new(name, watches, every, mailbox));
            let waits = Waits { ticks, follow_up, soonest: SOONEST, events: events.clone() };
            let (passes, instance) = (passes.clone(), Arc::new(instance.clone()));
            let pass =
                move |why: Why, due: Instant| run_pass(passes.clone(), instance.clone(), events.clone(), why, due);
            self.tasks.push(tokio::spawn(follow(self.stop.clone(), waits, pass)));
        }
    }

    /// Runs a task at an interval. `name` appears in the log.
    pub(crate) fn every<F>(&mut self, every: Duration, name: &'static str, work: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let work = move |_| {
            let working = tokio::spawn(work());
            async move {
                if let Err(error) = working.await {
                    tracing::error!("{name} panicked, ansai tries again in {} s: {error}", every.as_secs());
                }
            }
        };
        self.tasks.push(tokio::spawn(repeat(self.stop.clone(), ticks(Instant::now(), housekeeping(every)), work)));
    }

    /// Runs a task that ends by itself when ansai stops.
    pub(crate) fn task(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(tokio::spawn(task));
    }

    /// Returns when all tasks have ended.
    pub(crate) async fn finish(self) {
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!("a schedule panicked and does not run until ansai restarts: {error}");
            }
        }
    }
}

/// How long after the start an instance begins, by its place among `count` of them: within its first interval.
fn first(place: u32, every: Duration, count: u32) -> Duration {
    (place - place % TOGETHER) * APART.min(every / count)
}

/// The runs of an instance by time. At an interval, the first one is due at `first` (milliseconds since boot), after the
/// splay.
fn ticks_of(passes: &Passes, instance: &Instance, clocks: &Arc<dyn Clocks>, (first, host): (Millis, &str)) -> Ticks {
    let (now, timing) = (clocks.now(), &instance.timing);
    let splay = splay::splay(host, instance.name.as_str(), timing.splay);
    let state = &passes.evaluator.state;
    let keep = timing.cron.as_ref().map(|cron| {
        let (state, instance) = (state.clone(), instance.name.clone());
        Keep { state, instance, cron: cron.to_string() }
    });
    let seen = keep.as_ref().and_then(|keep| match state.seen(&keep.instance, &keep.cron) {
        Ok(seen) => seen,
        Err(error) => {
            tracing::error!(instance = %keep.instance, "what `cron` missed is unknown, nothing is caught up: {error}");
            None
        }
    });
    let timer = Timer::new(timing, instance.every, splay, seen, (first, now));
    Ticks::new(timer, clocks.clone(), passes.lanes.of(&instance.name).board.clone(), keep)
}

/// After a slow task, the next one starts a whole interval later, and not several times immediately.
fn ticks(first: Instant, every: Duration) -> Interval {
    let mut ticks = interval_at(first, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

async fn repeat<F: Future<Output = ()>>(stop: Arc<Stop>, mut ticks: Interval, work: impl Fn(Instant) -> F) {
    while let Some(due) = stop.or(ticks.tick()).await {
        work(due).await;
    }
}

/// What the schedule of one instance waits for.
struct Waits {
    ticks: Ticks,
    follow_up: Arc<FollowUp>,
    /// The shortest wait for a follow-up.
    soonest: Duration,
    events: Arc<Events>,
}

/// Repeats work by time, and in between when it is asked for or something happens. The times are not moved by that.
async fn follow<F: Future<Output = ()>>(stop: Arc<Stop>, waits: Waits, work: impl Fn(Why, Instant) -> F) {
    let Waits { mut ticks, follow_up, soonest, events } = waits;
    // Before the first evaluation, there is nothing to follow.
    let mut not_before = None;
    let mut in_a_row = 0;
    loop {
        let next = async {
            tokio::select! {
                // What is due by the schedule comes first, and makes a follow-up at the same time unnecessary. Events
                // come last: no storm of them keeps anything else waiting.
                biased;
                due = ticks.tick() => (Why::Schedule, due),
                due = follow_up.due(not_before) => (Why::FollowUp, due),
                due = events.due() => (Why::Event, due),
            }
        };
        let Some((why, due)) = stop.or(next).await else { return };
        in_a_row = if why == Why::FollowUp { in_a_row + 1 } else { 0 };
        // A pass forgets what was asked for when it begins. What the share refuses stays asked for.
        if why == Why::FollowUp {
            follow_up.clear();
        }
        work(why, due).await;
        // A stop may have cut it short: then the next start catches it up. At worst it runs once more.
        if why == Why::Schedule && !stop.is_asked() {
            ticks.done();
        }
        not_before = Instant::now().checked_add(pause(in_a_row, soonest));
    }
}

/// The shortest pause before a follow-up, after so many others in a row. It doubles each time, so that a policy that
/// always asks for the next one does not set the pace: the operator's interval does.
fn pause(in_a_row: u32, soonest: Duration) -> Duration {
    soonest.saturating_mul(1_u32.checked_shl(in_a_row).unwrap_or(u32::MAX))
}

async fn run_pass(passes: Arc<Passes>, instance: Arc<Instance>, events: Arc<Events>, why: Why, due: Instant) {
    let late_ms = u64::try_from(due.elapsed().as_millis()).unwrap_or(u64::MAX);
    let batch = (why == Why::Event).then(|| events.take(&passes));
    let why = match (why, &batch) {
        (Why::Schedule, _) => Some(Trigger::Schedule),
        (Why::FollowUp, _) => Some(Trigger::FollowUp),
        (Why::Event, batch) => batch.as_ref().and_then(|batch| batch.trigger.clone()),
    };
    if let Some(why) = why {
        pass(&passes, &instance, why, late_ms).await;
    }
    if let Some(batch) = batch {
        events.ended(&batch);
    }
}

async fn pass(passes: &Arc<Passes>, instance: &Instance, why: Trigger, late_ms: u64) {
    // A panic in one pass affects neither other instances nor the next pass.
    if let Err(error) = caught(passes.pass(instance, why, late_ms, PlanWhat::News)).await {
        passes.panicked(instance, &error);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::atomic::{AtomicU32, Ordering};

    use ansai_core::InstanceName;

    use super::timer::Now;
    use super::*;
    use crate::watching::Mailbox;

    /// Clocks that go on as the test's do.
    struct Tokio(Instant);

    impl Clocks for Tokio {
        fn now(&self) -> Now {
            Now { up: Millis::from(self.0.elapsed()), wall: ansai_core::Timestamp::EPOCH }
        }
    }

    /// At an interval, from now on.
    fn ticks_each(every: Duration) -> Ticks {
        let clocks = Arc::new(Tokio(Instant::now()));
        let first = (Millis::ZERO, clocks.now());
        let timer = Timer::new(&ansai_config::Timing::default(), every.into(), Millis::ZERO, None, first);
        Ticks::new(timer, clocks, Arc::default(), None)
    }

    const HOUR: Duration = Duration::from_secs(3_600);

    fn mailbox() -> Arc<Mailbox> {
        Arc::new(Mailbox::new(ansai_core::Subject::new("host", "web-1")))
    }

    fn events(mailbox: &Arc<Mailbox>) -> Arc<Events> {
        Arc::new(Events::new(InstanceName::from_static("one"), Arc::new([]), HOUR, mailbox.clone()))
    }

    /// The first evaluations at this interval, of a policy that asks for another one after so long each time.
    async fn first_three(every: Duration, after: Option<Millis>) -> Vec<Why> {
        let stop = Arc::new(Stop::new());
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let follow_up = Arc::new(FollowUp::default());
        let (seeing, stopping, asking) = (seen.clone(), stop.clone(), follow_up.clone());
        let work = move |why: Why, _: Instant| {
            let mut seen = seeing.lock().unwrap();
            seen.push(why);
            if seen.len() == 3 {
                stopping.ask("done");
            }
            if let Some(after) = after {
                asking.ask(Instant::now() + Duration::from(after));
            }
            std::future::ready(())
        };
        let (ticks, events) = (ticks_each(every), events(&mailbox()));
        let waits = Waits { ticks, follow_up, soonest: Duration::from_millis(1), events };
        follow(stop, waits, work).await;
        let seen = seen.lock().unwrap();
        seen.clone()
    }

    /// There is always an event that waits. Would break: events before the schedule or a follow-up.
    #[tokio::test]
    async fn no_storm_of_events_keeps_the_schedule_or_a_follow_up_waiting() {
        let (stop, mailbox, follow_up) = (Arc::new(Stop::new()), mailbox(), Arc::new(FollowUp::default()));
        mailbox.put_lost(None, ansai_core::Timestamp::EPOCH);
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (seeing, stopping, asking, storm) = (seen.clone(), stop.clone(), follow_up.clone(), mailbox.clone());
        let work = move |why: Why, _: Instant| {
            let mut seen = seeing.lock().unwrap();
            seen.push(why);
            let count = |wanted| seen.iter().filter(|why| **why == wanted).count();
            if count(Why::Schedule) >= 3 && count(Why::FollowUp) >= 1 && count(Why::Event) >= 3 {
                stopping.ask("done");
            }
            if why == Why::Event {
                storm.take(|_| true);
                storm.put_lost(None, ansai_core::Timestamp::EPOCH);
                asking.ask(Instant::now());
            }
            async { tokio::task::yield_now().await }
        };
        let (ticks, events) = (ticks_each(Duration::from_millis(50)), events(&mailbox));
        let waits = Waits { ticks, follow_up, soonest: Duration::ZERO, events };
        follow(stop, waits, work).await;
        assert_eq!(seen.lock().unwrap().first(), Some(&Why::Schedule));
    }

    /// Where both are due. Events have a pace, so a storm alone shows no order.
    #[tokio::test]
    async fn what_is_due_by_the_schedule_comes_before_events() {
        let (stop, mailbox) = (Arc::new(Stop::new()), mailbox());
        let events = events(&mailbox);
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (seeing, stopping, due) = (seen.clone(), stop.clone(), events.clone());
        let work = move |why: Why, _: Instant| {
            seeing.lock().unwrap().push(why);
            if seeing.lock().unwrap().len() == 2 {
                stopping.ask("done");
            }
            mailbox.put_lost(None, ansai_core::Timestamp::EPOCH);
            let due = due.clone();
            // Longer than the interval, and until the event is due.
            async move { _ = tokio::join!(due.due(), tokio::time::sleep(Duration::from_millis(20))) }
        };
        let (ticks, follow_up) = (ticks_each(Duration::from_millis(10)), Arc::new(FollowUp::default()));
        follow(stop, Waits { ticks, follow_up, soonest: Duration::ZERO, events }, work).await;
        assert_eq!(*seen.lock().unwrap(), [Why::Schedule; 2]);
    }

    /// Would break: a wake-up for each of thousands of instances, or all of them at the same time.
    #[test]
    fn ten_instances_start_together_and_thousands_one_ten_after_the_other() {
        let interval = Duration::from_secs(10);
        let starts = |count: u32| (0..count).map(|place| first(place, interval, count).as_millis()).collect::<Vec<_>>();
        assert_eq!(starts(10), [0; 10]);
        let many = starts(10_000);
        assert!(many.chunks(10).zip((0..).step_by(10)).all(|(ten, at)| *ten == [at; 10]));
        // More than one a millisecond: all begin within the interval.
        assert!(starts(100_000).iter().all(|start| *start < interval.as_millis()));
    }

    #[test]
    fn follow_ups_in_a_row_become_rare() {
        let second = Duration::from_secs(1);
        let pauses = [0, 1, 2, 10, 31, 32, 99].map(|row| pause(row, second).as_secs());
        assert_eq!(pauses, [1, 2, 4, 1_024, 1 << 31, u64::from(u32::MAX), u64::from(u32::MAX)]);
    }

    #[tokio::test]
    async fn a_follow_up_comes_between_and_the_schedule_goes_on() {
        let soon = Duration::from_millis(1);
        let followed = first_three(HOUR, Some(Millis::new(1))).await;
        assert_eq!(followed, [Why::Schedule, Why::FollowUp, Why::FollowUp]);
        for after in [None, Some(Millis::from_hours(24))] {
            assert_eq!(first_three(soon, after).await, [Why::Schedule; 3]);
        }
    }

    #[tokio::test]
    async fn tasks_repeat_also_after_a_panic_and_end_with_the_stop() {
        let stop = Arc::new(Stop::new());
        let mut schedule = Schedule::new(stop.clone());
        let times = Arc::new(AtomicU32::new(0));
        let (counted, stopping) = (times.clone(), stop.clone());
        schedule.every(Duration::from_millis(1), "a test", move || {
            let time = counted.fetch_add(1, Ordering::SeqCst);
            let stopping = stopping.clone();
            async move {
                assert!(time != 1, "on purpose");
                if time == 3 {
                    stopping.ask("done");
                }
            }
        });
        let waits = stop.clone();
        schedule.task(async move { assert_eq!(waits.or(std::future::pending::<()>()).await, None) });
        schedule.finish().await;
        assert_eq!(times.load(Ordering::SeqCst), 4);
    }
}
