//! What a policy is told: subjects of the host and of targets, and a history that cannot be read.

use std::ops::Range;

use ansai_core::event::Phase;
use ansai_core::{Unit, Value as Number};

use super::*;
use crate::evaluation_state::{Context, InstanceTarget, Memory, NoMemory};
use crate::policy::aggregate::Aggregate;

/// A memory that cannot be read.
struct Broken;

impl Memory for Broken {
    fn get(&self, _: &str) -> Answer<Option<String>> {
        Err(broken())
    }
    fn keys(&self) -> Answer<Vec<(String, usize)>> {
        Err(broken())
    }
    fn samples(&self, _: &str, _: Range<Timestamp>) -> Answer<Vec<Aggregate>> {
        Err(broken())
    }
    fn series(&self) -> Answer<Vec<String>> {
        Err(broken())
    }
    fn history(&self, _: &Subject, _: Timestamp, _: usize) -> Answer<Vec<Attempt>> {
        Err(broken())
    }
}

fn broken() -> Refusal {
    Refusal::Unavailable("state: disk I/O error".into())
}

#[test]
fn the_host_has_the_name_of_its_facts() {
    let facts = [
        Measure::count("cpus", 4, Unit::None),
        Measure { name: "host-name".into(), value: Number::Count(7), unit: Unit::None },
        Measure::text("host-name", "web1.example.org"),
    ];
    assert_eq!(Context::host_of(&facts), Subject::new("host", "web1.example.org"));
    assert_eq!(Context::host_of(&[]), Subject::new("host", "localhost"));
    let context = Context { host: Context::host_of(&facts), ..Context::at(Timestamp::EPOCH) };
    for phase in [Phase::Detect, Phase::Plan] {
        let mut state = EvaluationState::new(phase, context.clone(), Arc::new(NoMemory));
        assert_eq!(host(&mut state, NoArguments {}), Ok(Subject::new("host", "web1.example.org")));
    }
}

#[test]
fn the_subject_of_a_target_follows_from_its_name() {
    let expected = Target::new("main-db", "postgresql", vec![]);
    assert_eq!(expected.about, Subject::new("target", "main-db"));
    let mut state = EvaluationState::new(Phase::Detect, Context::at(Timestamp::EPOCH), Arc::new(NoMemory));
    let known = InstanceTarget { target: expected.clone(), settings: Value::Null };
    state.context.targets = Arc::new(vec![known]);
    assert_eq!(targets(&mut state, NoArguments {}), Ok(vec![expected]));
}

#[test]
fn a_history_that_cannot_be_read_is_a_refusal() {
    let mut state = EvaluationState::new(Phase::Plan, Context::at(Timestamp::EPOCH), Arc::new(Broken));
    let of = History { about: Subject::new("filesystem", "/"), since: Timestamp::EPOCH };
    assert_eq!(history(&mut state, of), Err(broken()));
}
