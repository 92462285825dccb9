#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicBool, Ordering};

use ansai_core::event::Finding;
use ansai_core::{ErrorKind, Mode, Observation, Severity, Status, Subject};
use ansai_registry::{Digest, Locked, Shadow, ShadowRecord};

use super::*;
use crate::shadow::Shown;

const WEB: InstanceName = InstanceName::from_static("web");
const SOURCE: &str = "registry.example/acme/web@^1";
const SECOND: Duration = Duration::from_secs(1);

/// A watch over one instance, and what it is asked.
struct Bench {
    watched: Watched,
    over: UnboundedReceiver<ShadowOver>,
    now: Instant,
    _place: tempfile::TempDir,
}

fn locked(version: &str) -> Locked {
    Locked {
        source: SOURCE.to_owned(),
        resolved: format!("registry.example/acme/web:{version}"),
        digest: Digest::of(version.as_bytes()),
        component: Digest::of(version.as_bytes()),
        version: version.to_owned(),
        imports: Vec::new(),
        scopes: BTreeMap::new(),
        signers: Vec::new(),
    }
}

fn shadow() -> Shadow {
    let lasts_ms = Millis::new(10_000);
    let (began, policy) = (Timestamp::EPOCH, locked("1.1.0"));
    Shadow { lasts_ms, began, accepts_wider: false, accepts_differences: false, policy }
}

impl Bench {
    fn new(shadow: Shadow, judged: Judged) -> Bench {
        let place = tempfile::tempdir().unwrap();
        let (tell, over) = mpsc::unbounded_channel();
        let (pinned, began) = (locked("1.0.0"), shadow.began);
        let record = ShadowRecord::new(shadow.policy.digest.clone(), pinned.digest.clone(), began);
        let of = OfSource {
            shadowed: Shadowed { shadow, pinned, record },
            is_wider: false,
            pairs: BTreeMap::from([(WEB, Pair::new(Millis::new(1_000)))]),
            failures: 0,
            last: None,
            saved: None,
            waits: None,
        };
        let watched = Watched {
            sources: BTreeMap::from([(SOURCE.to_owned(), of)]),
            judge: Box::new(move |_| judged.clone()),
            is_paused: Box::new(|| false),
            state_dir: Directory::open(place.path()).unwrap(),
            tell,
        };
        Bench { watched, over, now: Instant::now(), _place: place }
    }

    fn of(&mut self) -> &mut OfSource {
        self.watched.sources.get_mut(SOURCE).unwrap()
    }

    fn hear(&mut self, side: Side, event: &Event) {
        // The clock of the machine jumps back and forth.
        let at = Timestamp::from_millis(if side == Side::New { 1 } else { 4_000_000_000_000 });
        self.watched.hear(side, event, self.now, at);
    }

    /// So many passes of both, a second apart.
    fn passes(&mut self, number: usize, old: Status, new: Status) {
        for _ in 0..number {
            self.now += SECOND;
            self.hear(Side::Pinned, &observed(old.clone()));
            self.hear(Side::New, &observed(new.clone()));
        }
    }

    fn end(&mut self) -> Option<ShadowEnd> {
        self.over.try_recv().ok().map(|over| over.end)
    }

    fn kept(&self) -> ShadowRecord {
        let store = Store::create(&self.watched.state_dir).unwrap();
        store.shadows().unwrap().remove(SOURCE).unwrap()
    }
}

fn observed(status: Status) -> Event {
    let observation = Observation {
        key: "a".to_owned(),
        about: Subject::new("unit", "a"),
        status,
        summary: String::new(),
        evidence: Vec::new(),
        related: Vec::new(),
        distance: None,
    };
    let finding = Finding {
        observation,
        incident: None,
        change: None,
        healing: false,
        held_under: None,
        not_held: None,
        silenced: false,
    };
    Event::Observed { instance: WEB, mode: Mode::Observe, findings: vec![finding], without_incident: 0 }
}

fn failed(error: &str) -> Event {
    Event::Failed { instance: WEB, mode: Mode::Observe, error: error.to_owned(), kind: None }
}

fn critical() -> Status {
    Status::Unhealthy(Severity::Critical)
}

/// Would break: shadows that vanish from the status when the second supervisor does not open.
#[test]
fn what_cannot_run_is_shown_with_the_reason() {
    let mut bench = Bench::new(shadow(), Judged::Fine);
    let (state_dir, shadowed) = (bench.watched.state_dir.clone(), bench.of().shadowed.clone());
    let failed = Some("the disk is full".to_owned());
    let shown = Shown { state_dir: Some(state_dir), all: vec![(WEB, shadowed)], failed };
    let problems: Vec<Option<String>> = shown.status().into_iter().map(|one| one.problem).collect();
    assert_eq!(problems, [Some("the disk is full".to_owned())]);
}

#[test]
fn it_takes_over_after_the_time_in_which_both_ran_and_not_before() {
    let mut bench = Bench::new(shadow(), Judged::Fine);
    bench.passes(6, critical(), critical());
    assert_eq!(bench.end(), None);
    // Ansai sees nothing of the new version for an hour: that does not count.
    bench.hear(Side::New, &failed("the store is full"));
    bench.now += SECOND * 3_600;
    bench.passes(5, Status::Healthy, Status::Healthy);
    assert_eq!(bench.end(), None);
    bench.passes(1, Status::Healthy, Status::Healthy);
    assert_eq!(bench.end(), Some(ShadowEnd::TookOver));
    assert_eq!(bench.kept().end, Some(ShadowEnd::TookOver), "it is recorded before anybody is told");
    bench.passes(1, Status::Healthy, Status::Healthy);
    assert_eq!(bench.end(), None, "it is told once");
}

#[test]
fn it_is_held_if_it_differs_or_can_do_more_unless_a_person_accepted_that() {
    for (accepts, is_wider, new, expected) in [
        (false, false, critical(), Some("decide differently about 1 finding")),
        (true, false, critical(), None),
        (false, true, Status::Healthy, Some("it can do more")),
        (true, true, Status::Healthy, None),
    ] {
        let accepted = Shadow { accepts_wider: accepts, accepts_differences: accepts, ..shadow() };
        let mut bench = Bench::new(accepted, Judged::Fine);
        bench.of().is_wider = is_wider;
        bench.passes(11, Status::Healthy, new);
        match (bench.end().unwrap(), expected) {
            (ShadowEnd::Held(why), Some(expected)) => assert!(why.contains(expected), "{why}"),
            (end, expected) => assert_eq!((end, expected), (ShadowEnd::TookOver, None)),
        }
    }
}

#[test]
fn what_keeps_failing_or_is_revoked_ends_early_and_what_only_waits_waits() {
    let faulty = Event::BackedOff { instance: WEB, faults: 3, kind: ErrorKind::Trap, until: Timestamp::EPOCH };
    let mut bench = Bench::new(shadow(), Judged::Fine);
    bench.hear(Side::Pinned, &faulty);
    assert_eq!(bench.end(), None, "the pinned version is not on trial");
    bench.hear(Side::New, &faulty);
    assert!(matches!(bench.end(), Some(ShadowEnd::Held(why)) if why.contains("trap")));

    let mut bench = Bench::new(shadow(), Judged::Fine);
    for _ in 0..2 {
        bench.hear(Side::New, &failed("version 1.1.0 is revoked"));
    }
    assert_eq!((bench.end(), bench.kept().problem.as_deref()), (None, Some("version 1.1.0 is revoked")));
    bench.hear(Side::New, &failed("version 1.1.0 is revoked"));
    assert!(matches!(bench.end(), Some(ShadowEnd::Held(why)) if why.contains("revoked")));

    let mut bench = Bench::new(shadow(), Judged::Refused("a key is revoked".to_owned()));
    bench.passes(11, Status::Healthy, Status::Healthy);
    assert_eq!(bench.end(), Some(ShadowEnd::Held("a key is revoked".to_owned())));

    let mut bench = Bench::new(shadow(), Judged::Waits("the list has expired".to_owned()));
    bench.passes(80, Status::Healthy, Status::Healthy);
    assert_eq!((bench.end(), bench.kept().problem.as_deref()), (None, Some("the list has expired")));

    let paused = Arc::new(AtomicBool::new(true));
    let asked = paused.clone();
    let mut bench = Bench::new(shadow(), Judged::Fine);
    bench.watched.is_paused = Box::new(move || asked.load(Ordering::SeqCst));
    bench.passes(20, Status::Healthy, Status::Healthy);
    assert_eq!(bench.end(), None);
    paused.store(false, Ordering::SeqCst);
    bench.passes(1, Status::Healthy, Status::Healthy);
    assert_eq!(bench.end(), Some(ShadowEnd::TookOver));
}

#[test]
fn another_shadow_that_began_meanwhile_is_not_overwritten() {
    let mut bench = Bench::new(shadow(), Judged::Fine);
    bench.passes(2, Status::Healthy, Status::Healthy);
    let other = ShadowRecord::new(Digest::of(b"1.2.0"), Digest::of(b"1.0.0"), Timestamp::from_millis(7));
    Store::create(&bench.watched.state_dir).unwrap().note_shadow(SOURCE, Some(other.clone())).unwrap();
    bench.passes(20, Status::Healthy, Status::Healthy);
    assert_eq!((bench.kept(), bench.end()), (other, None));
}

#[test]
fn one_that_begins_again_on_another_host_runs_to_its_end_here() {
    let began = Timestamp::from_millis(7);
    let mut bench = Bench::new(Shadow { began, ..shadow() }, Judged::Fine);
    let mut earlier = ShadowRecord::new(Digest::of(b"1.1.0"), Digest::of(b"1.0.0"), Timestamp::EPOCH);
    earlier.end = Some(ShadowEnd::Held("it can do more".to_owned()));
    Store::create(&bench.watched.state_dir).unwrap().note_shadow(SOURCE, Some(earlier)).unwrap();
    bench.passes(11, Status::Healthy, Status::Healthy);
    assert_eq!(bench.end(), Some(ShadowEnd::TookOver));
    assert_eq!((bench.kept().began, bench.kept().end), (began, Some(ShadowEnd::TookOver)));
}
