#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]
use ansai_audit::{Log, Options};
use ansai_core::incident::Change;
use ansai_core::{InstanceName, Outcome};
use ansai_events::Stream;

use super::room::{MOST_OF_INCIDENT, MOST_OF_INSTANCE};
use super::treat::{MOST_KEPT, MOST_READ, treated};
use super::*;

static ONE: InstanceName = InstanceName::from_static("one");

fn evidence(dir: &tempfile::TempDir) -> Evidence {
    let (log, _) = Log::open(dir.path().join("audit"), Options::default()).unwrap();
    let directory = Directory::create(dir.path().join(EVIDENCE)).unwrap();
    Evidence::open(directory, Arc::new(Journal::new(log, Stream::new()))).unwrap()
}

fn ids(evidence: &Evidence) -> Vec<String> {
    evidence.store().list().iter().map(|one| one.id.to_string()).collect()
}

#[test]
fn secrets_are_masked_before_it_is_cut() {
    let redactor = Redactor::with_secrets([&b"hunter2-hunter2"[..]]);
    let text = treated(b"a hunter2-hunter2 \xff\\ password=topsecret9", &redactor);
    assert_eq!(text, "a *** \\xFF\\\\ password=***");
    // The secret is right where the cut is.
    let mut long = b"x".repeat(100_000);
    long.extend(b"\nhunter2-hunter2\n");
    let place = long.len() - 8;
    long.extend(b"y".repeat(MOST_KEPT - 8));
    assert!(place < long.len());
    let text = treated(&long, &redactor);
    assert!(text.len() <= MOST_KEPT && !text.contains("hunter2") && !text.contains("ter2"), "{}", text.len());
    // The secret is where the reading ends.
    for (secret, half) in [("hunter2-hunter2", "hunter"), ("password=topsecret9", "topse")] {
        let mut long = b"x ".repeat((MOST_READ - 8) / 2);
        long.truncate(MOST_READ - secret.len() + 3);
        long.extend(secret.as_bytes());
        long.extend(b" and more");
        let text = treated(&long, &redactor);
        assert!(!text.contains(half) && !text.is_empty(), "{}", &text[text.len() - 40..]);
    }
    let lines = "one line\n".repeat(20_000);
    let text = treated(lines.as_bytes(), &redactor);
    assert!(text.len() <= MOST_KEPT && text.starts_with("one line\n") && text.ends_with("one line\n"));
}

#[test]
fn each_step_has_its_items_and_a_crash_leaves_none_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let evidence = evidence(&dir);
    let captured: Vec<Captured> = (0..20).map(|number| Captured::new(format!("n{number}"), "text")).collect();
    let step = |plan, step| StepId { plan, step, instance: &ONE };
    let kept = evidence.keep(step("p-1", 0), Some("one/k/1"), &captured, &Redactor::new());
    assert_eq!((kept.items.len(), kept.lost.len()), (MOST_OF_STEP, 1));
    for (plan, number) in [("p-1", 1), ("p-1", 10), ("p-10", 1)] {
        let kept = evidence.keep(step(plan, number), Some("one/k/1"), &captured[..1], &Redactor::new());
        assert_eq!(kept.items.len(), 1);
    }
    evidence.remove_of_step("p-1", 1).unwrap();
    let left = ids(&evidence);
    assert_eq!(left.len(), MOST_OF_STEP + 2, "only that step");
    evidence.remove_of_plan("p-1").unwrap();
    assert!(matches!(&ids(&evidence)[..], [id] if id.contains(".p-10.1.0")));
}

fn closed(incident: &str) -> Event {
    Event::Incident {
        incident: incident.into(),
        instance: ONE.clone(),
        key: "k".into(),
        change: Change::Closed,
        severity: None,
        summary: String::new(),
        held_under: None,
        silenced: false,
    }
}

/// Would break: a week that counts from when it was captured, or from the time of the file, which can be set.
#[test]
fn what_is_closed_goes_a_week_after_the_record_of_its_closing() {
    let dir = tempfile::tempdir().unwrap();
    let (evidence, captured) = (evidence(&dir), Timestamp::from_millis(1_795_000_000_000));
    let log = Directory::open(dir.path().join("audit")).unwrap();
    let days = |count: u64| Millis::from_hours(24 * count);
    let mut open = BTreeSet::new();
    for (plan, incident) in [("p1", "one/open/1"), ("p2", "one/closed/1"), ("p3", "one/closed/3")] {
        let step = StepId { plan, step: 0, instance: &ONE };
        let kept = evidence.keep(step, Some(incident), &[Captured::new("n", "text")], &Redactor::new());
        evidence.journal.durable(captured, outcome(plan, kept.items)).unwrap();
        open.insert(incident.to_owned());
    }
    // Somebody has made the files look old; and they look young enough again when they should go.
    set_times(&dir, captured - days(400));
    let left = |open: &BTreeSet<String>, now| {
        evidence.remove_closed(open, &log, now).unwrap();
        ids(&evidence).len()
    };
    let closing = captured + days(30);
    assert_eq!(left(&open, closing), 3, "the incidents are open");
    evidence.journal.durable(closing, closed("one/closed/1")).unwrap();
    open.remove("one/closed/1");
    assert_eq!(left(&open, closing + Millis::new(1)), 3, "it was just closed");
    set_times(&dir, closing + days(400));
    evidence.journal.durable(closing + days(1), closed("one/closed/3")).unwrap();
    open.remove("one/closed/3");
    assert_eq!(left(&open, closing + KEPT), 3, "a week is not over");
    assert_eq!(left(&open, closing + KEPT + Millis::new(1)), 2);
    assert_eq!(left(&open, closing + KEPT + days(1) + Millis::new(1)), 1);
    assert!(ids(&evidence)[0].contains(".p1."));
}

/// Its record says nothing of an incident, or there is none: it counts from what is known.
#[test]
fn without_a_closing_the_record_of_the_step_counts_or_the_first_look() {
    let dir = tempfile::tempdir().unwrap();
    let (evidence, captured) = (evidence(&dir), Timestamp::from_millis(1_795_000_000_000));
    let log = Directory::open(dir.path().join("audit")).unwrap();
    for plan in ["p1", "p2"] {
        let step = StepId { plan, step: 0, instance: &ONE };
        let kept = evidence.keep(step, None, &[Captured::new("n", "text")], &Redactor::new());
        if plan == "p1" {
            evidence.journal.durable(captured, outcome(plan, kept.items)).unwrap();
        }
    }
    set_times(&dir, Timestamp::EPOCH);
    let (first, open) = (captured + KEPT, BTreeSet::new());
    for (now, left) in [(first, 2), (first + Millis::new(1), 1), (first + KEPT, 1), (first + KEPT + Millis::new(1), 0)]
    {
        evidence.remove_closed(&open, &log, now).unwrap();
        assert_eq!(ids(&evidence).len(), left, "{now:?}");
    }
}

/// Sets the time of all files, and opens the store again.
fn set_times(dir: &tempfile::TempDir, at: Timestamp) {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(at.as_millis());
    for file in std::fs::read_dir(dir.path().join(EVIDENCE)).unwrap() {
        let file = std::fs::File::options().append(true).open(file.unwrap().path()).unwrap();
        file.set_modified(time).unwrap();
    }
}

fn outcome(plan: &str, evidence: Vec<EvidenceRef>) -> Event {
    Event::Outcome {
        plan: plan.into(),
        step: 0,
        instance: ONE.clone(),
        outcome: Outcome::Done,
        reason: None,
        detail: String::new(),
        measures: vec![],
        items_sha256: None,
        evidence,
        after_crash: false,
    }
}

#[test]
fn the_oldest_of_whoever_has_most_goes() {
    let item = |number: u64, instance: &str, incident: &str, bytes| {
        Item::new(format!("{number:04}").parse().unwrap(), instance, incident, bytes)
    };
    let victims = |kept: Vec<Item>, new: &Item| -> Vec<String> {
        room::victims(kept, new).iter().map(ToString::to_string).collect()
    };
    // An incident that is full displaces only its own.
    let kept = || (0..16).map(|number| item(number, "one", if number == 0 { "b" } else { "a" }, 64 << 10)).collect();
    assert_eq!(victims(kept(), &item(99, "one", "a", MOST_OF_INCIDENT / 16)), [""; 0]);
    assert_eq!(victims(kept(), &item(99, "one", "a", MOST_OF_INCIDENT / 16 + 1)), ["0001"]);
    // The same for an instance.
    let kept = || (0..16).map(|number| item(number, "one", &number.to_string(), 1 << 20)).collect();
    assert_eq!(victims(kept(), &item(99, "two", "x", 1)), [""; 0]);
    assert_eq!(victims(kept(), &item(99, "one", "x", MOST_OF_INSTANCE / 16)), ["0000"]);
    // All together: the instance that has most gives, also if another one asks.
    let most = MOST_IN_ALL >> 20;
    let kept = || -> Vec<Item> {
        let of = |number: u64| match number {
            0..10 => "few",
            10..16 => "other",
            _ => ["a", "b", "c"][usize::try_from(number % 3).unwrap()],
        };
        (0..most).map(|number| item(number, of(number), &number.to_string(), 1 << 20)).collect()
    };
    assert_eq!(victims(kept(), &item(99, "new", "x", 1)), ["0017"], "of `c`, which has as many as two others");
}
