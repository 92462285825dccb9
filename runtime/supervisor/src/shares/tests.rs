#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use ansai_audit::Ballast;
use ansai_core::ErrorKind;

use super::*;

pub(super) const ONE: InstanceName = InstanceName::from_static("one");
pub(super) const TWO: InstanceName = InstanceName::from_static("two");
const MINUTE: u64 = 60_000;

/// A clock that the test sets.
#[derive(Clone, Default)]
pub(super) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(super) fn set(&self, minutes: u64) {
        self.0.store(minutes * MINUTE, Ordering::SeqCst);
    }

    pub(super) fn pass(&self, milliseconds: u64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

pub(super) fn open(dir: &Path, boot: &str, clock: &Clock) -> Meters {
    let state = State::open(&dir.join("state.db"), Ballast::new(dir.join("ballast"), 4096)).unwrap();
    let shares = [ONE, TWO].map(|name| (name, Shares::default()));
    let clock = clock.clone();
    let uptime = Box::new(move || Millis::new(clock.0.load(Ordering::SeqCst)));
    Meters::with_clock(Arc::new(state), shares, boot.into(), uptime).unwrap()
}

pub(super) fn standing(meters: &Meters, name: &InstanceName) -> Standing {
    meters.look(name).unwrap().standing
}

/// Every share slows down, suspends with its own reason, and comes back; and the neighbour is free all the time.
#[test]
fn each_share_is_of_one_instance_and_has_its_reason() {
    for share in Share::ALL {
        let (dir, clock) = (tempfile::tempdir().unwrap(), Clock::default());
        let meters = open(dir.path(), "b", &clock);
        let limit = Shares::default().limit(share);
        meters.charge("one", share, limit as f64 / 2.0);
        assert_eq!(standing(&meters, &ONE), Standing::Free, "{share:?}");
        meters.charge("one", share, limit as f64 / 10.0);
        let look = meters.look(&ONE).unwrap();
        assert_eq!((look.standing, look.is_due, look.is_news), (Standing::Slow, false, true), "{share:?}");
        assert!(!meters.look(&ONE).unwrap().is_news, "told once");
        meters.charge("one", share, limit as f64);
        let look = meters.look(&ONE).unwrap();
        assert_eq!((look.standing, look.most, look.is_news), (Standing::Suspended, ShareLimit { share, limit }, true));
        assert_eq!(look.most.share.kind(), share.kind());
        assert_eq!(meters.look(&TWO).map(|look| (look.standing, look.is_due)), Some((Standing::Free, true)));
        clock.0.store(look.wait.get(), Ordering::SeqCst);
        let look = meters.look(&ONE).unwrap();
        assert_eq!((look.standing, look.is_due, look.is_news), (Standing::Slow, true, true), "{share:?}");
        clock.0.fetch_add(share.window().get(), Ordering::SeqCst);
        assert_eq!(standing(&meters, &ONE), Standing::Free);
    }
}

/// Without the rows of the state, a restart would be a way out; and a reboot is none either.
#[test]
fn a_restart_forgets_nothing() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Clock::default());
    clock.set(600);
    let meters = open(dir.path(), "b", &clock);
    meters.charge("one", Share::AuditBytes, Shares::default().audit_bytes.get() as f64 + 1.0);
    meters.store();
    drop(meters);
    let meters = open(dir.path(), "b", &clock);
    let look = meters.look(&ONE).unwrap();
    assert_eq!((look.standing, look.is_news), (Standing::Suspended, true), "nobody was told yet");
    meters.store();
    drop(meters);
    clock.set(610);
    let meters = open(dir.path(), "b", &clock);
    let look = meters.look(&ONE).unwrap();
    assert_eq!((look.standing, look.is_news), (Standing::Suspended, false), "it was told before");
    meters.store();
    drop(meters);
    // The host booted a minute ago: only this minute counts.
    clock.set(1);
    let meters = open(dir.path(), "c", &clock);
    assert_eq!(standing(&meters, &ONE), Standing::Suspended);
    clock.set(31);
    let look = meters.look(&ONE).unwrap();
    assert_eq!((look.standing, look.is_news), (Standing::Slow, true));
}

#[test]
fn who_is_not_configured_has_no_share() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Clock::default());
    let meters = open(dir.path(), "b", &clock);
    meters.charge("three", Share::Plans, f64::MAX);
    assert_eq!(meters.look(&InstanceName::from_static("three")), None);
    assert_eq!(meters.look(&ONE).map(|look| look.standing), Some(Standing::Free));
    assert_ne!(Share::Plans.kind(), ErrorKind::Incidents);
}
