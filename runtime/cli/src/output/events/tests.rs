//! A sample of each kind of event, by subject, and what holds for the line of each.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod incidents;
mod instances;
mod orders;
mod plans;
mod program;
mod steps;
mod values;

use std::collections::BTreeSet;

use ansai_core::Decision;
use ansai_core::event::{ApprovalDecision, SkipReason};
use ansai_harness::debug_text::is_debug_text;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

/// Every kind of event, with every part that has kinds of its own. No text has a word that begins with a capital.
fn samples() -> Vec<Event> {
    let subjects = [
        program::samples(),
        instances::samples(),
        incidents::samples(),
        plans::samples(),
        steps::samples(),
        orders::samples(),
    ];
    subjects.into_iter().flatten().collect()
}

/// The words of an enum in JSON, as serde lists them when it meets another.
fn words<T: DeserializeOwned>(unknown: Value) -> BTreeSet<String> {
    let Err(error) = serde_json::from_value::<T>(unknown) else { unreachable!("`?` is no word") };
    let text = error.to_string();
    let listed = text.split_once("expected").unwrap().1;
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The words that the samples have at one place.
fn used(samples: &[Value], place: &str) -> BTreeSet<String> {
    let word = |value: &Value| match value {
        Value::String(word) => word.clone(),
        value => value.as_object().unwrap().keys().next().unwrap().clone(),
    };
    samples.iter().filter_map(|event| event.pointer(place)).map(word).collect()
}

/// A kind that is new in an enum is missing here until there is a sample of it.
#[test]
fn there_is_a_sample_of_every_kind() {
    let samples: Vec<Value> = samples().iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    assert_eq!(used(&samples, "/event"), words::<Event>(json!({"event": "?"})));
    assert_eq!(used(&samples, "/result"), words::<EvaluationResult>(json!("?")));
    assert_eq!(used(&samples, "/change"), words::<Change>(json!("?")));
    let (of_people, of_policies): (Vec<Value>, Vec<Value>) =
        samples.iter().cloned().partition(|event| event["event"] == "approval");
    assert_eq!(used(&of_people, "/decision"), words::<ApprovalDecision>(json!("?")));
    assert_eq!(used(&of_policies, "/decision"), words::<Decision>(json!("?")));
    assert_eq!(used(&samples, "/verdict"), words::<Verdict>(json!("?")));
    assert_eq!(used(&samples, "/verdict/held"), words::<Permission>(json!("?")));
    assert_eq!(used(&samples, "/status"), words::<Status>(json!("?")));
    assert_eq!(used(&samples, "/outcome"), words::<Outcome>(json!("?")));
    let skipped: Vec<Value> = samples.iter().filter(|event| event["event"] == "skipped").cloned().collect();
    assert_eq!(used(&skipped, "/reason"), words::<SkipReason>(json!("?")));
}

/// Would break: a new event of an incident that the journal and lists do not find by it.
#[test]
fn the_incident_that_an_event_names_is_found() {
    for event in samples() {
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(event.incident(), json["incident"].as_str(), "{json}");
    }
}

#[test]
fn a_recommendation_names_what_to_change() {
    let named = "recommends for table main/public.orders: grow it";
    assert!(samples().iter().any(|event| line(event).contains(named)));
}

/// The samples have no capitals, so each word with one is the name of a variant.
#[test]
fn no_line_shows_what_only_programmers_read() {
    for event in samples() {
        let line = line(&event);
        let has_capital = line
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| word.starts_with(|c: char| c.is_uppercase()) && word.contains(|c: char| c.is_lowercase()));
        assert!(!has_capital && !is_debug_text(&line), "{line}");
        assert!(!line.contains(" null") && !line.contains("None"), "{line}");
    }
}
