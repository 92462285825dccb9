//! Bounds and counts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use ansai_core::{Severity, Timestamp};

use super::*;

fn notice(number: u64, kind: Kind, severity: Severity) -> Notice {
    let at = Timestamp::from_millis(1_790_000_000_000 + number);
    Notice::new(&number.to_string(), kind, severity, "web1", at, "x")
}

#[test]
fn names_are_those_of_json() {
    for kind in Kind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}

#[test]
fn a_storm_keeps_the_worst_in_order_and_counts_all() {
    let mut notices: Vec<Notice> = (0..200).map(|n| notice(n, Kind::Opened, Severity::Notice)).collect();
    for at in [3, 150, 199] {
        notices[at] = notice(at as u64, Kind::RepairFailed, Severity::Critical);
    }
    let at = Timestamp::from_millis(1);
    let message = Message::new("1", "mail", "storm", "web1", at, notices).bounded();
    assert_eq!((message.notices.len(), message.total()), (MOST_NOTICES, 200));
    let kept: Vec<u64> = message.notices.iter().map(|notice| notice.id.parse().unwrap()).collect();
    assert!(kept.is_sorted() && [3, 150, 199].iter().all(|at| kept.contains(at)), "{kept:?}");
    assert_eq!(message.counts.iter().map(|count| count.number).collect::<Vec<_>>(), [197, 3]);
}

/// Would break: a policy that reports megabytes, in an outbox with a bound.
#[test]
fn every_text_and_list_has_a_bound() {
    let long = "ä".repeat(100_000);
    let mut one = notice(1, Kind::Healed, Severity::Warning);
    one.summary.clone_from(&long);
    one.evidence = vec![Measure::text(&long, &long); 500];
    let step = Step {
        state: StepState::Done,
        what: long.clone(),
        names: vec![long.clone(); 500],
        more_names: 7,
        frees_bytes: Some(u64::MAX),
        interrupts: None,
        can_undo: false,
        why: Some(long.clone()),
    };
    one.steps = vec![step; 2];
    one.timeline = (0..500).map(|at| Moment { at: Timestamp::from_millis(at), what: long.clone() }).collect();
    let bounded = one.bounded();
    assert_eq!((bounded.steps[0].names.len(), bounded.steps[0].more_names), (MOST_NAMES, 487));
    assert_eq!(bounded.freed_bytes(), Some(u64::MAX));
    let times: Vec<u64> = bounded.timeline.iter().map(|moment| moment.at.as_millis()).collect();
    assert_eq!(times, [0, 489, 490, 491, 492, 493, 494, 495, 496, 497, 498, 499]);
    assert!(serde_json::to_vec(&bounded).unwrap().len() < 150_000);
}
