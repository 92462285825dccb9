//! How much counters grew that begin again at 0.

use crate::{Host, Json, Span};

/// The window has at most so many samples, because they are at least a part of it apart.
const PARTS: u64 = 16;
/// Maximum length of the stored text, in bytes. The store refuses more than 64 KiB.
const MOST_BYTES: usize = 60_000;

/// A time in milliseconds, and the count then.
type Sample = (u64, u32);

/// How much the counter of each thing grew within a time: restarts of services, errors of network devices, kills of control
/// groups. Each counts since a start that the policy may not have seen, so the count is remembered from earlier evaluations and
/// the difference is taken. Things that never counted anything take no room in the store.
///
/// ```
/// use ansai_sdk::testing::StandIn;
/// use ansai_sdk::{Counters, Span};
///
/// let host = StandIn::default().remembers("restarts", "{}").host();
/// let mut restarts = Counters::recall(&host, "restarts", Span::from_hours(1));
/// assert_eq!(restarts.grown("nginx.service", 4), 4);
/// restarts.remember(&host);
/// // Nothing more since then.
/// assert_eq!(Counters::recall(&host, "restarts", Span::from_hours(1)).grown("nginx.service", 4), 4);
/// ```
#[derive(Debug)]
pub struct Counters {
    place: &'static str,
    now: u64,
    within: Span,
    /// `None` in the first evaluation: then nothing is known about earlier counts.
    since: Option<u64>,
    known: Vec<(String, Vec<Sample>)>,
    next: Vec<(String, Vec<Sample>)>,
}

impl Counters {
    /// Reads what the last evaluation stored under the key `place`.
    pub fn recall(host: &Host, place: &'static str, within: Span) -> Counters {
        let stored = host.recall(place).and_then(|text| Json::parse(&text));
        let since = stored.as_ref().map(|_| host.last_evaluated().unwrap_or(host.now()));
        let known = match stored {
            Some(Json::Object(fields)) => fields.into_iter().map(|(name, list)| (name, samples(&list))).collect(),
            _ => Vec::new(),
        };
        Counters { place, now: host.now(), within, since, known, next: Vec::new() }
    }

    /// How much the counter of a thing grew within the time. The first evaluation only learns it; a smaller count than before
    /// began again at 0.
    pub fn grown(&mut self, name: &str, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        let known = self.known.iter().find(|(one, _)| *one == name).map(|(_, samples)| samples.clone());
        let mut samples = known.filter(|samples| samples.last().is_some_and(|(_, before)| *before <= count));
        if samples.is_none() {
            // A thing without an entry had counted nothing when the policy looked last.
            let start = self.since.map_or((self.now, count), |at| (at, 0));
            samples = Some(vec![start]);
        }
        let mut samples = samples.unwrap_or_default();
        let is_apart = |at: u64| self.now.saturating_sub(at) >= self.within.0 / PARTS;
        if samples.last().is_some_and(|(at, before)| *before != count && is_apart(*at)) {
            samples.push((self.now, count));
        }
        // The oldest one that is left is the count when the window began.
        let begin = self.now.saturating_sub(self.within.0);
        while samples.get(1).is_some_and(|(at, _)| *at <= begin) {
            samples.remove(0);
        }
        let base = samples.first().map_or(count, |(_, before)| *before);
        self.next.push((name.to_owned(), samples));
        count.saturating_sub(base)
    }

    /// Remembers the counts for the next evaluation. Things that were not seen now are forgotten.
    pub fn remember(self, host: &Host) {
        if !host.keeps_what_is_stored() {
            return;
        }
        let mut text = written(&self.next);
        if text.len() > MOST_BYTES {
            let latest = |samples: Vec<Sample>| samples.last().copied().into_iter().collect();
            let latest: Vec<_> = self.next.into_iter().map(|(name, samples)| (name, latest(samples))).collect();
            text = written(&latest);
        }
        if host.recall(self.place).as_deref() != Some(&text) {
            host.remember(self.place, &text);
        }
    }
}

fn samples(list: &Json) -> Vec<Sample> {
    let sample = |one: &Json| {
        let [at, count] = one.list() else { return None };
        Some((at.count()?, u32::try_from(count.count()?).ok()?))
    };
    list.list().iter().filter_map(sample).collect()
}

fn written(all: &[(String, Vec<Sample>)]) -> String {
    let list = |samples: &Vec<Sample>| {
        let pair = |(at, count): &Sample| Json::List(vec![Json::Count(*at), Json::Count((*count).into())]);
        Json::List(samples.iter().map(pair).collect())
    };
    Json::Object(all.iter().map(|(name, samples)| (name.clone(), list(samples))).collect()).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::testing::StandIn;

    const NOW: u64 = StandIn::NOW;
    const WINDOW: Span = Span(600_000);
    const KEY: &str = "restarts";

    /// The count, and what is stored afterwards.
    fn grown(stored: Option<&str>, restarts: u32) -> (u32, Option<String>) {
        let host = stored.map_or_else(StandIn::default, |text| StandIn::default().remembers(KEY, text)).host();
        let mut known = Counters::recall(&host, KEY, WINDOW);
        let grown = known.grown("a.service", restarts);
        known.remember(&host);
        (grown, host.recall(KEY))
    }

    fn entry(samples: &[(u64, u32)]) -> String {
        let one = |(ago, count): &(u64, u32)| format!("[{},{count}]", NOW - ago * 1000);
        format!(r#"{{"a.service":[{}]}}"#, samples.iter().map(one).collect::<Vec<_>>().join(","))
    }

    #[test]
    fn the_first_evaluation_learns_the_count() {
        assert_eq!(grown(None, 50), (0, Some(entry(&[(0, 50)]))));
        assert_eq!(grown(None, 0), (0, Some("{}".into())));
    }

    #[test]
    fn a_thing_without_an_entry_had_counted_nothing() {
        assert_eq!(grown(Some("{}"), 4), (4, Some(entry(&[(0, 0)]))));
    }

    #[test]
    fn what_grew_within_the_window() {
        for (samples, restarts, expected) in [
            (vec![(60, 2)], 2, 0),
            (vec![(60, 2)], 5, 3),
            // The first sample is before the window, the second one is the count when the window began.
            (vec![(1200, 1), (601, 4), (300, 6)], 7, 3),
            (vec![(1200, 1), (300, 6)], 7, 6),
            (vec![(1200, 7)], 7, 0),
            // It began again at 0 meanwhile.
            (vec![(60, 20)], 2, 2),
        ] {
            assert_eq!(grown(Some(&entry(&samples)), restarts).0, expected, "{samples:?} {restarts}");
        }
    }

    #[test]
    fn samples_are_few_and_old_ones_go() {
        let (_, stored) = grown(Some(&entry(&[(1200, 1), (601, 4), (300, 6)])), 7);
        assert_eq!(stored, Some(entry(&[(601, 4), (300, 6), (0, 7)])));
        // Too soon after the latest one: the difference is taken next time.
        assert_eq!(grown(Some(&entry(&[(30, 6)])), 7), (1, Some(entry(&[(30, 6)]))));
    }

    #[test]
    fn a_store_that_is_broken_is_as_none() {
        assert_eq!(grown(Some("nonsense"), 9), (0, Some(entry(&[(0, 9)]))));
        assert_eq!(
            grown(Some(r#"{"a.service":[[1],["x",2],3]}"#), 9),
            (9, Some(entry(&[(0, 0), (0, 9)]).replace(&format!("[{NOW},0],[{NOW},9]"), &format!("[{NOW},0]"))))
        );
    }

    #[test]
    fn many_things_fit_in_the_store() {
        let host = StandIn::default().remembers(KEY, "{}").host();
        let mut known = Counters::recall(&host, KEY, WINDOW);
        let list: Vec<Sample> = (0..17).map(|n| (NOW - 600_000 + n * 37_500, n as u32)).collect();
        known.known = (0..500).map(|n| (format!("service-{n}.service"), list.clone())).collect();
        for n in 0..500 {
            known.grown(&format!("service-{n}.service"), 20);
        }
        known.remember(&host);
        let text = host.recall(KEY).unwrap();
        assert!(text.len() < MOST_BYTES && text.contains("service-499.service"), "{}", text.len());
    }
}
