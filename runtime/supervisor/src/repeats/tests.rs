#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

const ONE: InstanceName = InstanceName::from_static("one");
const TWO: InstanceName = InstanceName::from_static("two");

fn at(hours: u64) -> Timestamp {
    Timestamp::EPOCH + Millis::from_hours(hours)
}

fn say(known: &mut Known, instance: &InstanceName, text: &str, hours: u64) -> Result<(u32, u64), Option<u32>> {
    let counted = known.count(instance, "disk".into(), text.into(), Some("p"), at(hours));
    counted
        .map(|counted| (counted.times, counted.since.as_millis() / 3_600_000))
        .map_err(|before| before.map(|said| said.times))
}

/// Without the comparison of texts, or of times, one of these lines differs.
#[test]
fn what_changes_or_is_old_is_told_and_the_rest_is_counted() {
    let mut known = Known::default();
    assert_eq!(say(&mut known, &ONE, "full", 0), Err(None), "the first time");
    assert_eq!(say(&mut known, &ONE, "full", 1), Ok((1, 0)));
    assert_eq!(say(&mut known, &TWO, "full", 1), Err(None), "another instance");
    assert_eq!(say(&mut known, &ONE, "full", 2), Ok((2, 0)));
    assert_eq!(say(&mut known, &ONE, "full of logs", 3), Err(Some(2)), "it changed");
    assert_eq!(say(&mut known, &ONE, "full of logs", 26), Ok((1, 3)));
    assert_eq!(say(&mut known, &ONE, "full of logs", 27), Err(Some(1)), "a day later");
    assert_eq!(say(&mut known, &ONE, "full of logs", 5), Err(Some(0)), "the clock was set back");
    assert_eq!(known.remove(&ONE, "disk".into()).map(|said| said.times), Some(0));
    assert_eq!(say(&mut known, &ONE, "full of logs", 6), Err(None), "it ended, and came again");
}

/// A policy that invents keys displaces what was told of its own, and nothing of others.
#[test]
fn what_is_remembered_of_an_instance_is_bounded() {
    let mut known = Known::default();
    let _ = say(&mut known, &TWO, "full", 0);
    for number in 0..MOST + 10 {
        let _ = known.count(&ONE, number.to_string(), "x".into(), None, Timestamp::from_millis(number as u64));
    }
    assert_eq!(known.said.get(&ONE).unwrap().len(), MOST);
    assert!(known.said.get(&ONE).unwrap().contains_key(&(MOST + 9).to_string()), "the newest stays");
    assert_eq!(say(&mut known, &TWO, "full", 1), Ok((1, 0)));
    assert!(known.changed.contains(&(ONE, "0".to_owned())), "the state forgets it too");
}
