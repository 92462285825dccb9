//! Between the generated types and those of `ansai-core`, which are the same. Text is moved, not copied.

use ansai_core as core;

use super::bindings::ansai::policy::types;

/// A number in an answer is infinite or not a number; with the path of its field, such as `[3].evidence[0].value`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a finite number")]
pub(crate) struct NotFinite(String);

impl NotFinite {
    /// The same below another part of the answer.
    fn below(self, part: impl std::fmt::Display) -> NotFinite {
        let dot = if self.0.starts_with('[') { "" } else { "." };
        NotFinite(format!("{part}{dot}{}", self.0))
    }
}

/// Converts a generated type that may have a number in it.
pub(crate) trait IntoFinite<T> {
    /// The value with a type of `ansai-core`.
    fn into_finite(self) -> Result<T, NotFinite>;
}

impl<T: IntoFinite<U>, U> IntoFinite<Vec<U>> for Vec<T> {
    fn into_finite(self) -> Result<Vec<U>, NotFinite> {
        let numbered = self.into_iter().enumerate();
        numbered.map(|(index, one)| one.into_finite().map_err(|error| error.below(format_args!("[{index}]")))).collect()
    }
}

impl IntoFinite<core::Observation> for types::Observation {
    fn into_finite(self) -> Result<core::Observation, NotFinite> {
        Ok(core::Observation {
            key: self.key,
            about: self.about.into(),
            status: self.status.into(),
            summary: self.summary,
            evidence: self.evidence.into_finite().map_err(|error| error.below("evidence"))?,
            related: self.related.into_iter().map(Into::into).collect(),
            distance: match self.distance {
                Some(distance) if !distance.is_finite() => return Err(NotFinite("distance".into())),
                distance => distance,
            },
        })
    }
}

impl From<&core::Observation> for types::Observation {
    fn from(observation: &core::Observation) -> Self {
        types::Observation {
            key: observation.key.clone(),
            about: (&observation.about).into(),
            status: (&observation.status).into(),
            summary: observation.summary.clone(),
            evidence: observation.evidence.iter().map(Into::into).collect(),
            related: observation.related.iter().map(Into::into).collect(),
            distance: observation.distance,
        }
    }
}

impl From<types::Subject> for core::Subject {
    fn from(subject: types::Subject) -> Self {
        core::Subject { kind: subject.kind, name: subject.name }
    }
}

impl From<&core::Subject> for types::Subject {
    fn from(subject: &core::Subject) -> Self {
        types::Subject { kind: subject.kind.clone(), name: subject.name.clone() }
    }
}

impl From<types::Relation> for core::Relation {
    fn from(relation: types::Relation) -> Self {
        core::Relation { how: relation.how.into(), about: relation.about.into() }
    }
}

impl From<&core::Relation> for types::Relation {
    fn from(relation: &core::Relation) -> Self {
        types::Relation { how: relation.how.into(), about: (&relation.about).into() }
    }
}

impl IntoFinite<core::Measure> for types::Measure {
    fn into_finite(self) -> Result<core::Measure, NotFinite> {
        let value = match self.value {
            types::Value::Count(count) => core::Value::Count(count),
            types::Value::Number(number) if number.is_finite() => core::Value::Number(number),
            types::Value::Number(_) => return Err(NotFinite("value".into())),
            types::Value::Text(text) => core::Value::Text(text),
            types::Value::Flag(flag) => core::Value::Flag(flag),
        };
        Ok(core::Measure { name: self.name, value, unit: self.unit.into() })
    }
}

impl From<&core::Measure> for types::Measure {
    fn from(measure: &core::Measure) -> Self {
        let value = match &measure.value {
            core::Value::Count(count) => types::Value::Count(*count),
            core::Value::Number(number) => types::Value::Number(*number),
            core::Value::Text(text) => types::Value::Text(text.clone()),
            core::Value::Flag(flag) => types::Value::Flag(*flag),
        };
        types::Measure { name: measure.name.clone(), value, unit: measure.unit.into() }
    }
}

impl From<types::Status> for core::Status {
    fn from(status: types::Status) -> Self {
        match status {
            types::Status::Healthy => core::Status::Healthy,
            types::Status::Unhealthy(severity) => core::Status::Unhealthy(severity.into()),
            types::Status::Unknown(why) => core::Status::Unknown(why),
            types::Status::Gone => core::Status::Gone,
        }
    }
}

impl From<&core::Status> for types::Status {
    fn from(status: &core::Status) -> Self {
        match status {
            core::Status::Healthy => types::Status::Healthy,
            core::Status::Unhealthy(severity) => types::Status::Unhealthy((*severity).into()),
            core::Status::Unknown(why) => types::Status::Unknown(why.clone()),
            core::Status::Gone => types::Status::Gone,
        }
    }
}

impl IntoFinite<core::Decision> for types::Decision {
    fn into_finite(self) -> Result<core::Decision, NotFinite> {
        Ok(match self {
            types::Decision::Apply(on_failure) => core::Decision::Apply(on_failure.into()),
            types::Decision::ApplyThenReplan(on_failure) => core::Decision::ApplyThenReplan(on_failure.into()),
            types::Decision::Wait(why) => core::Decision::Wait(why),
            types::Decision::Recommend(recommendations) => {
                core::Decision::Recommend(recommendations.into_finite().map_err(|error| error.below("recommend"))?)
            }
            types::Decision::GiveUp(why) => core::Decision::GiveUp(why),
        })
    }
}

impl IntoFinite<core::Recommendation> for types::Recommendation {
    fn into_finite(self) -> Result<core::Recommendation, NotFinite> {
        Ok(core::Recommendation {
            about: self.about.map(Into::into),
            summary: self.summary,
            detail: self.detail,
            measures: self.measures.into_finite().map_err(|error| error.below("measures"))?,
        })
    }
}

impl From<types::Failure> for core::Failure {
    fn from(failure: types::Failure) -> Self {
        match failure {
            types::Failure::CouldNotTell(why) => core::Failure::CouldNotTell(why),
            types::Failure::InvalidSettings(why) => core::Failure::InvalidSettings(why),
            types::Failure::Other(why) => core::Failure::Other(why),
        }
    }
}

/// Converts cases without payload; `both` converts them in both directions.
macro_rules! cases {
    ($name:ident, $($case:ident),+) => {
        impl From<types::$name> for core::$name {
            fn from(case: types::$name) -> Self {
                match case {
                    $(types::$name::$case => core::$name::$case),+
                }
            }
        }
    };
    (both $name:ident, $($case:ident),+) => {
        cases!($name, $($case),+);

        impl From<core::$name> for types::$name {
            fn from(case: core::$name) -> Self {
                match case {
                    $(core::$name::$case => types::$name::$case),+
                }
            }
        }
    };
}

cases!(both Severity, Notice, Warning, Critical, Emergency);
cases!(both Unit, None, Bytes, Milliseconds, Instant, Ratio, PerSecond, BytesPerSecond, Celsius, Other);
cases!(both Relationship, CausedBy, DependsOn, PartOf, Affects, SameAs, Other);
cases!(OnFailure, UndoApplied, Stop);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_core::{Measure, Observation, Relation, Relationship, Severity, Status, Subject, Unit, Value};

    use super::*;

    fn observation(status: Status, number: f64) -> Observation {
        let measure = |name: &str, value, unit| Measure { name: name.into(), value, unit };
        let subject = Subject::new("filesystem", "/\"\n\u{1f600}");
        Observation {
            key: "/".into(),
            about: subject.clone(),
            status,
            summary: String::new(),
            evidence: vec![
                measure("count", Value::Count(u64::MAX), Unit::None),
                measure("number", Value::Number(number), Unit::PerSecond),
                measure("text", Value::Text("é".into()), Unit::Other),
                measure("flag", Value::Flag(true), Unit::Celsius),
            ],
            related: [
                Relationship::CausedBy,
                Relationship::DependsOn,
                Relationship::PartOf,
                Relationship::Affects,
                Relationship::SameAs,
                Relationship::Other,
            ]
            .map(|how| Relation { how, about: subject.clone() })
            .into(),
            distance: Some(number),
        }
    }

    #[test]
    fn an_observation_is_the_same_there_and_back() {
        let unhealthy = [Severity::Notice, Severity::Warning, Severity::Critical, Severity::Emergency];
        let unhealthy = unhealthy.map(Status::Unhealthy);
        for status in [Status::Healthy, Status::Gone, Status::Unknown("why".into())].into_iter().chain(unhealthy) {
            let observation = observation(status, 0.1 + 0.2);
            assert_eq!(types::Observation::from(&observation).into_finite(), Ok(observation));
        }
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused_and_its_field_is_named() {
        fn refused<T: std::fmt::Debug>(given: impl IntoFinite<T>) -> String {
            given.into_finite().unwrap_err().to_string()
        }
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let given = types::Observation::from(&observation(Status::Healthy, number));
            let measures = given.evidence.clone();
            let far = types::Observation { evidence: vec![], ..given.clone() };
            assert_eq!(refused(vec![far.clone()]), "[0].distance is not a finite number");
            assert_eq!(refused(far), "distance is not a finite number");
            assert_eq!(refused(given), "evidence[1].value is not a finite number");
            let (summary, detail) = (String::new(), String::new());
            let recommendation = types::Recommendation { about: None, summary, detail, measures };
            let decision = types::Decision::Recommend(vec![recommendation]);
            assert_eq!(refused(decision), "recommend[0].measures[1].value is not a finite number");
        }
    }
}
