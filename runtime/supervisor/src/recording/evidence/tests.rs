#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use ansai_audit::{Log, Options};
use ansai_core::InstanceName;
use ansai_events::Stream;

use super::room::{MOST_OF_INCIDENT, MOST_OF_INSTANCE};
use super::treat::{MOST_KEPT, treated};
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

#[test]
fn what_is_closed_goes_after_a_week() {
    let dir = tempfile::tempdir().unwrap();
    let evidence = evidence(&dir);
    for (plan, incident) in [("p1", "one/open/1"), ("p2", "one/closed/1")] {
        let step = StepId { plan, step: 0, instance: &ONE };
        evidence.keep(step, Some(incident), &[Captured::new("n", "text")], &Redactor::new());
    }
    let open = BTreeSet::from(["one/open/1".to_owned()]);
    let now = Timestamp::from_millis(evidence.store().list()[0].modified_millis);
    for (later, left) in [(Millis::ZERO, 2), (KEPT, 2), (Millis::new(KEPT.get() + 60_000), 1)] {
        evidence.remove_closed(&open, now + later).unwrap();
        assert_eq!(ids(&evidence).len(), left);
    }
    assert!(ids(&evidence)[0].contains(".p1."));
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
