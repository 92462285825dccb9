#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use ansai_audit::{Ballast, Log};
use ansai_events::Stream;

use super::*;

static ONE: InstanceName = InstanceName::from_static("one");
const MINUTE: u64 = 60_000;
const EVERY: Millis = Millis::new(MINUTE);

/// A host whose clock the test sets.
struct Host {
    dir: tempfile::TempDir,
    up: Arc<AtomicU64>,
}

impl Host {
    fn new() -> Host {
        Host { dir: tempfile::tempdir().unwrap(), up: Arc::default() }
    }

    /// One run of ansai, in which the one instance has this component.
    fn open(&self, component: &str) -> Faults {
        let path = self.dir.path();
        let state = State::open(&path.join("state.db"), Ballast::new(path.join("ballast"), 4096)).unwrap();
        let log = Log::open(path.join("audit"), Default::default()).unwrap().0;
        let up = self.up.clone();
        let uptime = Box::new(move || Millis::new(up.load(Ordering::SeqCst)));
        let components = HashMap::from([(&ONE, component)]);
        let journal = Arc::new(Journal::new(log, Stream::new()));
        Faults::with_clock(Arc::new(state), journal, &components, Timestamp::EPOCH, uptime).unwrap()
    }

    fn passes(&self, milliseconds: u64) {
        self.up.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

fn fail(faults: &Faults) {
    faults.failed((&ONE, "aa"), EVERY, ErrorKind::Trap, "wasm `unreachable`", Timestamp::EPOCH);
}

/// Events of a run, by name.
fn events(dir: &Path) -> Vec<String> {
    let reader = ansai_audit::Reader::open(dir.join("audit")).unwrap();
    let name = |payload: &[u8]| serde_json::from_slice::<ansai_core::event::Record>(payload).unwrap().event.name();
    reader.map(|entry| name(&entry.unwrap().payload).to_owned()).collect()
}

#[test]
fn the_pause_doubles_up_to_an_hour() {
    let minutes = |every: u64| [1, 2, 3, 4, 5, 8, 9, 99].map(|faults| pause(faults, Millis::new(every)).get() / MINUTE);
    assert_eq!(minutes(MINUTE), [0, 0, 2, 4, 8, 60, 60, 60]);
    assert_eq!(minutes(1_000), [0, 0, 2, 4, 8, 60, 60, 60], "at least a minute is doubled");
    assert_eq!(minutes(120 * MINUTE), [0, 0, 120, 120, 120, 120, 120, 120], "never more often than the interval");
}

/// Would break: a quarantine after faults that are not in a row, one that a restart ends, or one that is told again.
#[test]
fn ten_faults_in_a_row_are_a_quarantine_until_a_person_ends_it() {
    let host = Host::new();
    let faults = host.open("aa");
    for _ in 0..9 {
        fail(&faults);
    }
    assert_eq!(faults.standing(&ONE), Standing::BackedOff(Millis::new(60 * MINUTE)));
    host.passes(60 * MINUTE);
    assert_eq!(faults.standing(&ONE), Standing::Free);
    faults.answered(&ONE, Timestamp::EPOCH);
    assert_eq!(faults.in_a_row(&ONE), 0);
    for _ in 0..10 {
        fail(&faults);
    }
    let Standing::Quarantined(quarantine) = faults.standing(&ONE) else { panic!("not quarantined") };
    assert_eq!((quarantine.faults, quarantine.kind), (10, ErrorKind::Trap));
    // A verification that answers ends nothing.
    faults.answered(&ONE, Timestamp::EPOCH);
    drop(faults);
    let faults = host.open("aa");
    assert_eq!(faults.quarantines(), std::slice::from_ref(&quarantine));
    assert_eq!(events(host.dir.path()), ["backed-off", "released", "backed-off", "quarantined"]);
    let by = Person { uid: 0, name: None };
    assert_eq!(faults.release("other", &by, Timestamp::EPOCH).unwrap(), None);
    assert_eq!(faults.release("one", &by, Timestamp::EPOCH).unwrap(), Some(quarantine));
    assert_eq!(faults.release("one", &by, Timestamp::EPOCH).unwrap(), None);
    assert_eq!((faults.standing(&ONE), faults.in_a_row(&ONE)), (Standing::Free, 0));
    drop(faults);
    assert_eq!(host.open("aa").standing(&ONE), Standing::Free);
}

#[test]
fn another_component_ends_a_quarantine() {
    let host = Host::new();
    let faults = host.open("aa");
    (0..10).for_each(|_| fail(&faults));
    drop(faults);
    let faults = host.open("bb");
    assert_eq!((faults.standing(&ONE), faults.in_a_row(&ONE)), (Standing::Free, 0));
    drop(faults);
    assert_eq!(events(host.dir.path()).last().unwrap(), "released");
    assert_eq!(host.open("aa").standing(&ONE), Standing::Free, "for good");
}

/// Would break: a version that a person lets begin again, and that is held at once for its faults of before.
#[test]
fn an_instance_that_begins_again_has_no_faults() {
    for number in [1, 3, 10] {
        let host = Host::new();
        let faults = host.open("aa");
        faults.forget(&ONE, Timestamp::EPOCH);
        (0..number).for_each(|_| fail(&faults));
        drop(faults);
        let faults = host.open("aa");
        assert_eq!(faults.in_a_row(&ONE), number);
        faults.forget(&ONE, Timestamp::EPOCH);
        assert_eq!((faults.standing(&ONE), faults.in_a_row(&ONE)), (Standing::Free, 0));
        drop(faults);
        let faults = host.open("aa");
        assert_eq!((faults.standing(&ONE), faults.in_a_row(&ONE)), (Standing::Free, 0), "for good");
        drop(faults);
        assert_eq!(events(host.dir.path()).contains(&"released".to_owned()), number > 1);
    }
}

/// Time in which ansai did not run is not time in which a policy failed; a clock that is set is no time at all.
#[test]
fn a_day_of_faults_is_a_quarantine_if_ansai_ran() {
    let host = Host::new();
    let faults = host.open("aa");
    for _ in 0..3 {
        fail(&faults);
        host.passes(11 * 60 * MINUTE);
    }
    drop(faults);
    let faults = host.open("aa");
    host.passes(99 * 60 * MINUTE);
    fail(&faults);
    assert!(faults.quarantines().is_empty());
    host.passes(3 * 60 * MINUTE);
    fail(&faults);
    assert_eq!(faults.quarantines().len(), 1, "22 and 3 hours");
}

#[test]
fn what_a_policy_says_and_what_the_host_does_is_no_fault() {
    let faults: Vec<String> =
        ErrorKind::ALL.into_iter().filter(|kind| is_fault(*kind)).map(|kind| kind.to_string()).collect();
    assert_eq!(faults, ["fuel", "memory", "deadline", "stack", "trap", "abi", "budget", "contract", "worker-ended"]);
}
