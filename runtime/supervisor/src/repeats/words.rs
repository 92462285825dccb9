//! Tells whether two texts say the same. Numbers in sentences may differ: a disk that is 91 % full and one that is 92 %
//! full get the same advice. Names must be the same, with their digits.

use ansai_core::event::{PlannedStep, Verdict};
use ansai_core::{Decision, Recommendation, Severity};
use ansai_kit::action::Proposed;
use serde_json::{Value, json};

/// What may stand before a number.
const OPENING: [char; 12] = ['(', '[', '<', '>', '=', '~', '+', '-', '≈', '≤', '≥', '−'];

/// A sentence with `#` for the digits of each number. A word that begins with another character is a name: `web-1`,
/// `/dev/sda2`. So is an address of four numbers.
pub(crate) fn without_numbers(text: &str) -> String {
    text.split_inclusive(char::is_whitespace)
        .map(|word| if is_number(word) { hash(word) } else { word.to_owned() })
        .collect()
}

fn is_number(word: &str) -> bool {
    let number = word.trim_start_matches(OPENING);
    number.starts_with(|c: char| c.is_ascii_digit()) && number.matches('.').count() < 3
}

/// One `#` for each number, with its fraction: `16`, `1.25` and `1,024` are one each.
fn hash(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word.chars().peekable();
    while let Some(c) = rest.next() {
        let is_in_number = out.ends_with('#');
        match c {
            '0'..='9' if is_in_number => {}
            '0'..='9' => out.push('#'),
            '.' | ',' if is_in_number && rest.peek().is_some_and(char::is_ascii_digit) => {}
            c => out.push(c),
        }
    }
    out
}

/// A value with all its sentences compared without numbers.
fn loosely(value: impl serde::Serialize) -> Value {
    map(serde_json::to_value(value).unwrap_or_default(), &without_numbers)
}

/// A value whose numbers may differ, and whose texts are names.
fn named(value: Value) -> Value {
    map(value, &str::to_owned)
}

fn map(value: Value, text: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::Number(_) => Value::from("#"),
        Value::String(string) => Value::from(text(&string)),
        Value::Array(list) => list.into_iter().map(|one| map(one, text)).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, one)| (name, map(one, text))).collect(),
        other => other,
    }
}

/// What a plan says that is not applied: the severity, what is to be done and why, and what the host decided.
pub(crate) fn said_of_plan(
    severity: Option<Severity>,
    decision: &Decision,
    steps: &[Proposed],
    planned: &[PlannedStep],
    recommendations: &[Recommendation],
    verdict: &Verdict,
) -> String {
    let arguments = |step: &Proposed| {
        let mut arguments: Value = serde_json::from_str(step.arguments.get()).unwrap_or_default();
        // A sentence: the planned step has it.
        arguments.as_object_mut().map(|fields| fields.remove("reason"));
        named(arguments)
    };
    let arguments: Vec<Value> = steps.iter().map(arguments).collect();
    let step = |step: &PlannedStep| json!([step.action, step.preview.about, loosely(&step.reason), step.may_fail]);
    let planned: Vec<Value> = planned.iter().map(step).collect();
    let advice = |one: &Recommendation| {
        let rest = Recommendation { about: None, ..one.clone() };
        json!([one.about, loosely(rest)])
    };
    let advice: Vec<Value> = recommendations.iter().map(advice).collect();
    json!([severity, loosely(decision), planned, arguments, advice, loosely(verdict)]).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_differ_and_names_may_not() {
        let same = [
            ("91.5 % full", "92 % full"),
            ("16 of 1,024 files", "9 of 3 files"),
            ("full in 3 h (12 MiB/s)", "full in 12 h (1.5 MiB/s)"),
            ("since 2026-11-21T03:02:09Z", "since 2026-11-22T14:00:00Z"),
            ("grew by ~12.", "grew by ~9."),
            ("free: 12MiB, used: 3GiB", "free: 9MiB, used: 4GiB"),
        ];
        for (one, other) in same {
            assert_eq!(without_numbers(one), without_numbers(other));
        }
        let different = [
            ("web-1 is down", "web-2 is down"),
            ("/dev/sda1 is full", "/dev/sda2 is full"),
            ("10.0.0.1 does not answer", "10.0.0.2 does not answer"),
            ("12 MiB", "12 GiB"),
            ("v2 is old", "v3 is old"),
            ("full", "empty"),
        ];
        for (one, other) in different {
            assert_ne!(without_numbers(one), without_numbers(other));
        }
    }

    #[test]
    fn arguments_keep_their_names() {
        let one = json!({"root": "/var/log 1", "max": 3, "list": [1, "a1"]});
        assert_eq!(named(one), json!({"root": "/var/log 1", "max": "#", "list": ["#", "a1"]}));
        assert_eq!(loosely(json!({"why": "9 files", "at": 5})), json!({"why": "# files", "at": "#"}));
    }
}
