#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]
use std::path::Path;
use std::time::Duration;

use ansai_audit::{Ballast, Log, Options};
use ansai_core::event::Verdict;
use ansai_core::incident::Change;
use ansai_core::{Decision, Measure, OnFailure, Outcome, Preview, Status, Subject, Unit};
use ansai_events::Stream;
use ansai_host_functions::live::LiveHost;
use ansai_kit::host::Host;
use ansai_kit::host_access::HostAccess;

use super::*;

const ONE: InstanceName = InstanceName::from_static("one");

/// One run over a directory.
struct Run {
    journal: Arc<Journal>,
    state: Arc<State>,
    record: TrackRecord,
}

fn run(dir: &Path) -> Run {
    run_with(dir, Options::default())
}

fn run_with(dir: &Path, options: Options) -> Run {
    let audit_dir = Directory::create(dir.join("audit")).unwrap();
    let journal = Arc::new(Journal::new(Log::open(&audit_dir, options).unwrap().0, Stream::new()));
    let state = Arc::new(State::open(&dir.join("state.db"), Ballast::new(dir.join("ballast"), 4096)).unwrap());
    let host: Arc<dyn HostAccess> = Arc::new(host());
    let clocks = Arc::new(ClockWatch::open(host, state.clone(), journal.clone(), true).unwrap());
    let record = TrackRecord::open(state.clone(), journal.clone(), clocks, audit_dir);
    Run { journal, state, record }
}

fn host() -> impl HostAccess {
    LiveHost::new(Host::at("/"), ansai_host_functions::builtin(), 1, Duration::from_secs(5))
}

/// The records of a plan that healed an incident.
fn healed(number: u32) -> Vec<Event> {
    let (plan, incident) = (format!("p{number}"), format!("one/k/{number}"));
    let about = Subject::new("filesystem", "/var");
    let step = PlannedStep {
        action: "a.remove".into(),
        reason: String::new(),
        preview: Preview::nothing(about),
        may_fail: false,
        undo_until: None,
        effectiveness: None,
        names: Arc::default(),
    };
    vec![
        Event::Incident {
            incident: incident.clone(),
            instance: ONE,
            key: "k".into(),
            change: Change::Opened,
            severity: None,
            summary: String::new(),
            held_under: None,
            silenced: false,
        },
        Event::Planned {
            plan: plan.clone(),
            incident: Some(incident.clone()),
            instance: ONE,
            decision: Decision::Apply(OnFailure::Stop),
            steps: vec![step],
            recommendations: vec![],
            distance: None,
        },
        Event::Decided { plan: plan.clone(), instance: ONE, verdict: Verdict::Approved, attempt: Some(1) },
        Event::Outcome {
            plan: plan.clone(),
            step: 0,
            instance: ONE,
            outcome: Outcome::Done,
            reason: None,
            detail: String::new(),
            measures: vec![Measure::count("freed-bytes", 10, Unit::Bytes)],
            items_sha256: None,
            evidence: vec![],
            after_crash: false,
        },
        Event::Verified {
            plan,
            incident,
            instance: ONE,
            status: Status::Healthy,
            distance: None,
            progress: None,
            evaluations: 1,
        },
    ]
}

fn achieved(state: &State) -> (u64, u64, u64) {
    let records = state.action_records(clock::now()).unwrap();
    records
        .first()
        .map_or((0, 0, 0), |one| (one.achieved.proposed, one.achieved.healed, one.achieved.freed_bytes.get()))
}

fn publish(journal: &Journal, numbers: std::ops::Range<u32>) {
    for event in numbers.flat_map(healed) {
        journal.record(clock::now(), event).unwrap();
    }
}

#[test]
fn what_is_recorded_is_counted_once_across_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let first = run(dir.path());
    publish(&first.journal, 0..3);
    assert_eq!(achieved(&first.state), (0, 0, 0), "not before it is on the disk");
    first.record.settle();
    first.record.settle();
    assert_eq!(achieved(&first.state), (3, 3, 30));
    drop(first);
    let second = run(dir.path());
    assert_eq!(achieved(&second.state), (3, 3, 30));
    publish(&second.journal, 3..4);
    second.record.settle();
    assert_eq!(achieved(&second.state), (4, 4, 40));
}

/// Would break: a run that counts only what it has seen itself.
#[test]
fn what_a_crash_cuts_off_is_counted_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let first = run(dir.path());
    publish(&first.journal, 0..2);
    first.record.settle();
    publish(&first.journal, 2..5);
    first.journal.sync().unwrap();
    // The records are on the disk, and the run ends before they are counted.
    drop(first);
    assert_eq!(achieved(&run(dir.path()).state), (5, 5, 50));
}

#[test]
fn a_state_of_before_counts_the_log_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let first = run(dir.path());
    publish(&first.journal, 0..3);
    first.journal.sync().unwrap();
    drop(first);
    for file in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join(file));
    }
    assert_eq!(achieved(&run(dir.path()).state), (3, 3, 30));
}

#[test]
fn more_than_there_is_room_for_is_counted_from_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let one = run(dir.path());
    publish(&one.journal, 0..2);
    // As if the queue had been full.
    one.record.waiting.lock().noted.pop_back();
    one.record.waiting.is_lost();
    publish(&one.journal, 2..3);
    one.record.settle();
    assert_eq!(achieved(&one.state), (3, 3, 30));
    assert!(one.record.waiting.lock().noted.is_empty(), "nothing is counted twice");
    one.record.settle();
    assert_eq!(achieved(&one.state), (3, 3, 30));
}

#[test]
fn a_log_that_was_replaced_by_a_shorter_one_counts_from_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let first = run(dir.path());
    publish(&first.journal, 0..3);
    first.record.settle();
    drop(first);
    std::fs::remove_dir_all(dir.path().join("audit")).unwrap();
    let second = run(dir.path());
    publish(&second.journal, 3..4);
    second.record.settle();
    assert_eq!(achieved(&second.state), (4, 4, 40));
}

/// Would break: one record that nobody can read is read again each second, and nothing after it is ever counted.
#[test]
fn a_damaged_record_is_passed_over_once() {
    let dir = tempfile::tempdir().unwrap();
    let one = run_with(dir.path(), Options { segment_bytes: 16 * 1024, ..Options::default() });
    publish(&one.journal, 0..200);
    one.journal.sync().unwrap();
    let audit_dir = dir.path().join("audit");
    let sealed = ansai_audit::sealed(&Directory::open(&audit_dir).unwrap()).unwrap();
    let last = sealed.last().unwrap();
    // Four facts of five records: more than are written at once are before it.
    assert!(last.name.first_sequence() > 750, "{last:?}");
    let file = audit_dir.join(last.name.to_string());
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    // As if the queue had been full.
    one.record.waiting.is_lost();
    one.record.settle();
    let before = achieved(&one.state);
    assert!(before.1 >= 150, "{before:?}");
    one.record.settle();
    assert_eq!(achieved(&one.state), before);
    assert_eq!(one.state.counted().unwrap(), one.journal.head().sequence);
    publish(&one.journal, 200..201);
    one.record.settle();
    assert_eq!(achieved(&one.state), (before.0 + 1, before.1 + 1, before.2 + 10));
}

#[test]
fn every_counted_event_is_recognized_by_the_beginning_of_its_record() {
    for event in healed(1) {
        let payload = serde_json::to_vec(&Record { at: clock::now(), event: event.clone() }).unwrap();
        assert!(Fact::of(&event).is_none() || Fact::may_be_in(&payload), "{event:?}");
    }
    let other = Record { at: clock::now(), event: Event::Stopping { why: "\"event\":\"planned\"".repeat(9) } };
    assert!(Fact::of(&other.event).is_none() && !Fact::may_be_in(br#"{"at":1,"event":"started"}"#));
}
