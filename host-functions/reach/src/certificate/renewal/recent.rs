//! What was answered within the last minute, so that it is not asked again, and how many requests a server had. The process
//! that calls servers lives for a minute after its last call, so this holds there, too.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ansai_core::Refusal;

/// How long an answer is given again, and a request counts.
const KEPT: Duration = Duration::from_secs(60);
/// The most answers, and the most servers; an answer has less than 2 KiB.
const MOST: usize = 1_024;
/// The most requests to one server within [`KEPT`]: enough for 256 certificates in one call.
const MOST_REQUESTS: usize = 300;

/// Answers, the oldest first.
pub(super) struct Recent<T>(Mutex<VecDeque<(String, Instant, T)>>);

impl<T: Clone> Recent<T> {
    pub(super) const fn new() -> Recent<T> {
        Recent(Mutex::new(VecDeque::new()))
    }

    pub(super) fn get(&self, key: &str) -> Option<T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(other, since, _)| other == key && since.elapsed() < KEPT);
        found.map(|(_, _, answer)| answer.clone())
    }

    pub(super) fn put(&self, key: String, answer: T) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(other, since, _)| *other != key && since.elapsed() < KEPT);
        // A policy that asks about that many things gets its answers, and the oldest others are asked again.
        if known.len() >= MOST {
            known.pop_front();
        }
        known.push_back((key, Instant::now(), answer));
    }
}

/// When each server had its requests. A policy can invent certificates and directories, so [`Recent`] alone bounds nothing.
pub(super) struct Requests(Mutex<BTreeMap<String, VecDeque<Instant>>>);

impl Requests {
    pub(super) const fn new() -> Requests {
        Requests(Mutex::new(BTreeMap::new()))
    }

    /// Counts one more request to a server.
    ///
    /// # Errors
    /// `busy` if it had too many.
    pub(super) fn count(&self, server: &str, now: Instant) -> Result<(), Refusal> {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        servers.retain(|_, times| {
            times.retain(|time| now.saturating_duration_since(*time) < KEPT);
            !times.is_empty()
        });
        // Nothing is forgotten to make room: a policy that asks many servers could lift the bound of one.
        if servers.len() >= MOST && !servers.contains_key(server) {
            return Err(Refusal::Busy(format!("this host has asked {MOST} authorities within a minute")));
        }
        let times = servers.entry(server.to_owned()).or_default();
        if times.len() >= MOST_REQUESTS {
            return Err(Refusal::Busy(format!("this host has sent it {MOST_REQUESTS} requests within a minute")));
        }
        times.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_so_many_are_kept() {
        // The oldest has the largest key.
        let recent = Recent::new();
        (0..MOST + 3).for_each(|number| recent.put(format!("{:06}", 9_999 - number), number));
        let known: Vec<bool> =
            [0, 2, 3, MOST + 2].iter().map(|one| recent.get(&format!("{:06}", 9_999 - one)).is_some()).collect();
        assert_eq!(known, [false, false, true, true]);
    }

    #[test]
    fn what_is_put_again_takes_no_more_room() {
        let recent = Recent::new();
        (0..MOST).for_each(|number| recent.put(number.to_string(), 0));
        recent.put("7".into(), 1);
        assert_eq!((recent.get("0"), recent.get("7")), (Some(0), Some(1)));
    }

    #[test]
    fn a_server_has_no_more_than_so_many_requests_in_any_minute() {
        let requests = Requests::new();
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let is_busy = |server: &str, seconds| matches!(requests.count(server, at(seconds)), Err(Refusal::Busy(_)));
        assert!((0..200).all(|_| !is_busy("a:443", 0)));
        assert!((200..MOST_REQUESTS).all(|_| !is_busy("a:443", 50)));
        assert!(is_busy("a:443", 59));
        assert!(!is_busy("a:444", 59), "another server");
        assert!((0..200).all(|_| !is_busy("a:443", 60)), "those of the start count no more");
        assert!(is_busy("a:443", 61));
    }

    #[test]
    fn many_servers_do_not_lift_the_bound_of_one() {
        let requests = Requests::new();
        let now = Instant::now();
        assert!((0..MOST_REQUESTS).all(|_| requests.count("a:443", now).is_ok()));
        let others = (0..MOST).filter(|number| requests.count(&format!("{number}:443"), now).is_ok()).count();
        assert_eq!((others, requests.count("a:443", now).is_err()), (MOST - 1, true));
    }
}
