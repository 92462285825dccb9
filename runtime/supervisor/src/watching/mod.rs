//! What wakes instances between their scheduled evaluations: watches, and people with `ansai wake`.
//!
//! A source puts what happens into the [`Mailbox`] of its instance, which merges and bounds it. The schedule of the
//! instance takes it out at its [`Pace`]. A [`Keeper`] has each watch open, as long as it is permitted.

mod keeper;
mod mailbox;
mod pace;
mod requests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ansai_core::watch::Wanted;
use ansai_core::{Event, InstanceName, Measure, codes};
use ansai_kit::evaluation_state::{Context, Occurrence, Trigger};
use ansai_kit::watch::PING;
use tokio::time::Instant;

use self::keeper::Keeper;
use self::mailbox::From;
pub(crate) use self::mailbox::Mailbox;
pub(crate) use self::pace::Pace;
pub(crate) use self::requests::Requests;
pub use self::requests::{DIRECTORY as WAKE_DIRECTORY, UNKNOWN as WAKE_UNKNOWN};
use crate::clock;
use crate::instance::Instance;
use crate::pass::Passes;
use crate::stop::Stop;

/// As many lost events as there may be without a storm: each watch that is opened again causes one.
const MOST_WITHOUT_STORM: u64 = 16;

/// The mailboxes of all instances.
pub(crate) struct Mailboxes(HashMap<InstanceName, Arc<Mailbox>>);

impl Mailboxes {
    /// Of these instances, on the host with these facts.
    pub(crate) fn new<'a>(instances: impl IntoIterator<Item = &'a InstanceName>, facts: &[Measure]) -> Mailboxes {
        let host = Context::host_of(facts);
        let mailbox = |name: &InstanceName| (name.clone(), Arc::new(Mailbox::new(host.clone())));
        Mailboxes(instances.into_iter().map(mailbox).collect())
    }

    /// The mailbox of an instance. One that is not among them has a mailbox of its own.
    pub(crate) fn of(&self, instance: &InstanceName) -> Arc<Mailbox> {
        let own = || Arc::new(Mailbox::new(Context::host_of(&[])));
        self.0.get(instance).cloned().unwrap_or_else(own)
    }

    /// Whether there is an instance of this name.
    pub(crate) fn has(&self, instance: &str) -> bool {
        self.0.contains_key(instance)
    }

    /// Wakes an instance because someone asks for it; `false` if there is none of this name.
    pub(crate) fn ping(&self, instance: &str) -> bool {
        let Some(mailbox) = self.0.get(instance) else { return false };
        let (about, at) = (mailbox.host().clone(), clock::now());
        mailbox.put(None, Occurrence { what: PING.into(), about, at, facts: Vec::new() });
        true
    }
}

/// The events of one instance, for its schedule.
pub(crate) struct Events {
    instance: InstanceName,
    watches: Arc<[Wanted]>,
    mailbox: Arc<Mailbox>,
    pace: Mutex<Pace>,
    /// The watch with too many events, since the operator was told.
    storm: Mutex<Option<String>>,
}

/// What an evaluation is told, and since when it waited.
pub(crate) struct Batch {
    /// `None` if the grants of now permit none of it.
    pub(crate) trigger: Option<Trigger>,
    since: Option<Instant>,
}

impl Events {
    /// Of an instance with these watches, which is evaluated at this interval anyway.
    pub(crate) fn new(
        instance: InstanceName,
        watches: Arc<[Wanted]>,
        every: Duration,
        mailbox: Arc<Mailbox>,
    ) -> Events {
        Events { instance, watches, mailbox, pace: Mutex::new(Pace::new(every)), storm: Mutex::default() }
    }

    /// Waits until there is something to evaluate; the result is when it was due.
    pub(crate) async fn due(&self) -> Instant {
        let pace = *self.pace();
        self.mailbox.due(&pace).await
    }

    /// Takes out what happened, as far as the grants of now permit it.
    pub(crate) fn take(&self, passes: &Passes) -> Batch {
        let grants = passes.authority.effective_grants(&self.instance);
        let is_permitted = |from: From| {
            let Some(number) = from else { return true };
            let (Some(wanted), Ok(grants)) = (self.watches.get(number), &grants) else { return false };
            keeper::permitted(passes, &self.instance, wanted, grants).is_ok()
        };
        let since = self.mailbox.since();
        let taken = self.mailbox.take(is_permitted);
        self.tell_storm(passes, &taken.lost);
        let trigger = (!taken.occurrences.is_empty()).then_some(Trigger::Event(taken.occurrences));
        Batch { trigger, since }
    }

    /// The evaluation has ended.
    pub(crate) fn ended(&self, batch: &Batch) {
        let now = Instant::now();
        self.pace().ended(batch.since.unwrap_or(now), now);
    }

    /// Tells once that there are too many events, and once that this is over.
    fn tell_storm(&self, passes: &Passes, lost: &[(From, u64)]) {
        // One of each watch is no storm: it was opened again, or the kernel had no room once.
        let count: u64 = lost.iter().map(|(_, times)| *times).sum();
        let is_storm = count > MOST_WITHOUT_STORM;
        let mut storm = self.storm.lock().unwrap_or_else(PoisonError::into_inner);
        let (watch, error, kind) = match (storm.take(), is_storm) {
            (None, false) => return,
            (Some(watch), true) => return *storm = Some(watch),
            (Some(watch), false) => (watch, None, None),
            (None, true) => {
                let most = lost.iter().max_by_key(|(_, times)| *times).and_then(|(from, _)| *from);
                let watch = most.and_then(|number| self.watches.get(number));
                let watch = watch.map_or_else(|| PING.to_owned(), |wanted| wanted.watch.to_string());
                *storm = Some(watch.clone());
                let error = format!("an event storm: {count} events became one, `events-lost`");
                (watch, Some(error), Some(codes::EVENT_STORM.word().to_owned()))
            }
        };
        drop(storm);
        passes.journal.note(clock::now(), Event::Watch { instance: self.instance.clone(), watch, error, kind });
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One task for each watch of an instance.
pub(crate) fn keepers(
    passes: &Arc<Passes>,
    instance: &Instance,
    mailbox: &Arc<Mailbox>,
    stop: &Arc<Stop>,
) -> Vec<impl Future<Output = ()> + Send + 'static> {
    let keeper = |(number, wanted): (usize, &Wanted)| {
        let (passes, mailbox, stop) = (passes.clone(), mailbox.clone(), stop.clone());
        let keeper = Keeper::new(passes, mailbox, instance.name.clone(), wanted.clone(), number);
        async move {
            let _ = stop.or(keeper.run()).await;
        }
    };
    instance.watches.iter().enumerate().map(keeper).collect()
}
