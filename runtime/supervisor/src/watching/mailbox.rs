//! What happened since the last evaluation because of events: merged and bounded, however much comes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ansai_core::{Measure, Subject, Timestamp, Unit};
use ansai_kit::evaluation_state::Occurrence;
use ansai_kit::watch::EVENTS_LOST;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::pace::Pace;

/// The most occurrences of one evaluation that are told apart. Others only count.
const MOST: usize = 64;

/// What an occurrence came from: the number of a watch; `None` for a person.
pub(crate) type From = Option<usize>;

/// The occurrences that wait for the next evaluation of one instance. Its size is bounded: what happens to the same
/// thing again is counted, and what happens to too many things becomes one occurrence, [`EVENTS_LOST`].
pub(crate) struct Mailbox {
    host: Subject,
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    slots: Vec<Slot>,
    /// When the first one came.
    since: Option<Instant>,
}

struct Slot {
    from: From,
    occurrence: Occurrence,
    times: u64,
}

/// Occurrences for one evaluation.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Taken {
    /// Oldest first.
    pub(crate) occurrences: Vec<Occurrence>,
    /// How many of each watch were lost, or could not be told apart.
    pub(crate) lost: Vec<(From, u64)>,
}

impl Mailbox {
    /// An empty one of an instance on this host.
    pub(crate) fn new(host: Subject) -> Mailbox {
        Mailbox { host, waiting: Mutex::default(), arrived: Notify::new() }
    }

    /// The host as a whole.
    pub(crate) fn host(&self) -> &Subject {
        &self.host
    }

    /// Puts in what happened.
    pub(crate) fn put(&self, from: From, occurrence: Occurrence) {
        let mut waiting = self.waiting();
        let is_first = waiting.slots.is_empty();
        waiting.put(from, occurrence, &self.host);
        if is_first {
            waiting.since = Some(Instant::now());
            self.arrived.notify_one();
        }
    }

    /// Puts in that occurrences were lost.
    pub(crate) fn put_lost(&self, from: From, at: Timestamp) {
        self.put(from, lost(&self.host, at));
    }

    /// Takes everything out, and drops what comes from watches that are not permitted any more.
    pub(crate) fn take(&self, is_permitted: impl Fn(From) -> bool) -> Taken {
        let Waiting { slots, .. } = std::mem::take(&mut *self.waiting());
        let mut taken = Taken::default();
        for Slot { from, mut occurrence, times } in slots {
            if !is_permitted(from) {
                continue;
            }
            if occurrence.what == EVENTS_LOST {
                taken.lost.push((from, times));
            }
            if times > 1 {
                occurrence.facts.push(Measure::count("times", times, Unit::None));
            }
            taken.occurrences.push(occurrence);
        }
        taken.occurrences.sort_by_key(|occurrence| occurrence.at);
        taken
    }

    /// When the first of those that wait came.
    pub(crate) fn since(&self) -> Option<Instant> {
        self.waiting().since
    }

    /// Waits until something waits and the pace permits an evaluation.
    pub(crate) async fn due(&self, pace: &Pace) -> Instant {
        loop {
            match self.since() {
                Some(since) => {
                    let due = pace.due(since);
                    tokio::time::sleep_until(due).await;
                    return due;
                }
                None => self.arrived.notified().await,
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn put(&mut self, from: From, occurrence: Occurrence, host: &Subject) {
        let is_same = |slot: &&mut Slot| {
            let known = &slot.occurrence;
            slot.from == from && known.what == occurrence.what && known.about == occurrence.about
        };
        if let Some(slot) = self.slots.iter_mut().find(is_same) {
            slot.times = slot.times.saturating_add(1);
            // The newest facts.
            slot.occurrence.facts = occurrence.facts;
            return;
        }
        if self.slots.len() < MOST || occurrence.what == EVENTS_LOST {
            return self.slots.push(Slot { from, occurrence, times: 1 });
        }
        // There is at most one for each watch.
        match self.slots.iter_mut().find(|slot| slot.from == from && slot.occurrence.what == EVENTS_LOST) {
            Some(slot) => slot.times = slot.times.saturating_add(1),
            None => self.slots.push(Slot { from, occurrence: lost(host, occurrence.at), times: 1 }),
        }
    }
}

fn lost(host: &Subject, at: Timestamp) -> Occurrence {
    Occurrence { what: EVENTS_LOST.into(), about: host.clone(), at, facts: Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(number: u64) -> Timestamp {
        Timestamp::EPOCH + ansai_core::Millis::new(number)
    }

    fn changed(path: &str, number: u64) -> Occurrence {
        Occurrence { what: "file-changed".into(), about: Subject::new("file", path), at: at(number), facts: vec![] }
    }

    fn mailbox() -> Mailbox {
        Mailbox::new(Subject::new("host", "web-1"))
    }

    fn times(occurrence: &Occurrence) -> u64 {
        let times = occurrence.facts.iter().find(|fact| fact.name == "times").map(|fact| &fact.value);
        match times {
            Some(ansai_core::Value::Count(times)) => *times,
            _ => 1,
        }
    }

    /// Would break: a list without a bound, or occurrences that are dropped without a number.
    #[test]
    fn a_storm_is_merged_and_bounded_and_its_number_is_told() {
        let mailbox = mailbox();
        for second in 0..10 {
            for number in 0..10_000 {
                mailbox.put(Some(0), changed(&format!("/var/spool/{number}"), second));
            }
        }
        mailbox.put(Some(1), changed("/etc/hosts", 11));
        let taken = mailbox.take(|_| true);
        assert_eq!(taken.occurrences.len(), MOST + 2);
        assert_eq!(taken.occurrences.iter().map(times).sum::<u64>(), 100_001, "each is counted once");
        assert_eq!(taken.lost, [(Some(0), 100_000 - 10 * MOST as u64), (Some(1), 1)]);
        let lost = taken.occurrences.last().cloned();
        assert_eq!(lost.map(|lost| (lost.what, lost.about.name)), Some((EVENTS_LOST.into(), "web-1".into())));
        assert_eq!(mailbox.take(|_| true), Taken::default(), "nothing is told twice");
    }

    #[test]
    fn the_same_is_counted_from_when_it_first_happened() {
        let mailbox = mailbox();
        for (path, number) in [("/b", 5), ("/a", 3), ("/b", 9)] {
            mailbox.put(Some(0), changed(path, number));
        }
        let occurrences = mailbox.take(|_| true).occurrences;
        let seen: Vec<_> = occurrences.iter().map(|one| (one.about.name.as_str(), one.at, times(one))).collect();
        assert_eq!(seen, [("/a", at(3), 1), ("/b", at(5), 2)]);
    }

    #[test]
    fn what_is_not_permitted_any_more_is_dropped() {
        let mailbox = mailbox();
        mailbox.put(Some(0), changed("/secret", 1));
        mailbox.put_lost(Some(0), at(1));
        mailbox.put(None, changed("/etc/hosts", 2));
        let taken = mailbox.take(|from| from.is_none());
        assert_eq!((taken.occurrences.len(), taken.lost.len()), (1, 0));
    }

    #[tokio::test]
    async fn it_is_due_once_something_waits() {
        let (mailbox, pace) = (mailbox(), Pace::new(Duration::from_secs(3_600)));
        let put = async { mailbox.put(None, changed("/a", 1)) };
        let (due, ()) = tokio::join!(mailbox.due(&pace), put);
        assert_eq!(Some(due), mailbox.since().map(|since| pace.due(since)));
        mailbox.take(|_| true);
        assert_eq!(mailbox.since(), None);
    }
}
