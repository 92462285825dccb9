//! An upper bound of the size of an answer in bytes of JSON, without writing it.

use ansai_core::{Decision, Failure, Measure, Observation, Recommendation, Relation, Status, Subject, Value};

/// The names and punctuation of a record or a case, and its numbers, enums and flags.
const FRAME: usize = 128;

/// Something with an upper bound of its size.
pub(super) trait MaxJsonBytes {
    /// The bound.
    fn max_json_bytes(&self) -> usize;
}

impl MaxJsonBytes for str {
    /// Each byte may become `\u001f`.
    fn max_json_bytes(&self) -> usize {
        6 * self.len() + 2
    }
}

impl<T: MaxJsonBytes> MaxJsonBytes for Vec<T> {
    fn max_json_bytes(&self) -> usize {
        self.iter().map(|item| item.max_json_bytes() + 1).sum::<usize>() + 2
    }
}

impl<T: MaxJsonBytes, E: MaxJsonBytes> MaxJsonBytes for Result<T, E> {
    fn max_json_bytes(&self) -> usize {
        FRAME + self.as_ref().map_or_else(E::max_json_bytes, T::max_json_bytes)
    }
}

impl MaxJsonBytes for Observation {
    fn max_json_bytes(&self) -> usize {
        FRAME
            + self.key.max_json_bytes()
            + self.about.max_json_bytes()
            + self.status.max_json_bytes()
            + self.summary.max_json_bytes()
            + self.evidence.max_json_bytes()
            + self.related.max_json_bytes()
    }
}

impl MaxJsonBytes for Relation {
    fn max_json_bytes(&self) -> usize {
        FRAME + self.about.max_json_bytes()
    }
}

impl MaxJsonBytes for Subject {
    fn max_json_bytes(&self) -> usize {
        FRAME + self.kind.max_json_bytes() + self.name.max_json_bytes()
    }
}

impl MaxJsonBytes for Status {
    fn max_json_bytes(&self) -> usize {
        match self {
            Status::Healthy | Status::Unhealthy(_) | Status::Gone => FRAME,
            Status::Unknown(why) => FRAME + why.max_json_bytes(),
        }
    }
}

impl MaxJsonBytes for Measure {
    fn max_json_bytes(&self) -> usize {
        let value = match &self.value {
            Value::Count(_) | Value::Number(_) | Value::Flag(_) => 0,
            Value::Text(text) => text.max_json_bytes(),
        };
        FRAME + self.name.max_json_bytes() + value
    }
}

impl MaxJsonBytes for Decision {
    fn max_json_bytes(&self) -> usize {
        match self {
            Decision::Apply(_) | Decision::ApplyThenReplan(_) => FRAME,
            Decision::Wait(why) | Decision::GiveUp(why) => FRAME + why.max_json_bytes(),
            Decision::Recommend(recommendations) => FRAME + recommendations.max_json_bytes(),
        }
    }
}

impl MaxJsonBytes for Recommendation {
    fn max_json_bytes(&self) -> usize {
        FRAME
            + self.about.as_ref().map_or(0, Subject::max_json_bytes)
            + self.summary.max_json_bytes()
            + self.detail.max_json_bytes()
            + self.measures.max_json_bytes()
    }
}

impl MaxJsonBytes for Failure {
    fn max_json_bytes(&self) -> usize {
        match self {
            Failure::CouldNotTell(why) | Failure::InvalidSettings(why) | Failure::Other(why) => {
                FRAME + why.max_json_bytes()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_core::{OnFailure, Relationship, Severity, Unit};

    use super::*;

    fn holds(value: &(impl MaxJsonBytes + serde::Serialize)) {
        let exact = serde_json::to_string(value).unwrap();
        let bound = value.max_json_bytes();
        assert!(bound >= exact.len(), "{exact}: {bound} < {}", exact.len());
    }

    #[test]
    fn the_upper_bound_is_one() {
        let long = "\u{1}\u{1f}\"\\\u{1f600}".repeat(40);
        for text in [String::new(), long] {
            let measure = |value| Measure { name: text.clone(), value, unit: Unit::Milliseconds };
            let measures = vec![
                measure(Value::Count(u64::MAX)),
                measure(Value::Number(-1.234_567_890_123_456_7e-300)),
                measure(Value::Text(text.clone())),
                measure(Value::Flag(false)),
            ];
            let statuses = [Status::Healthy, Status::Unhealthy(Severity::Emergency), Status::Unknown(text.clone())];
            for status in statuses {
                let observation = Observation {
                    key: text.clone(),
                    about: Subject::new(text.clone(), text.clone()),
                    status,
                    summary: text.clone(),
                    evidence: measures.clone(),
                    related: vec![
                        Relation {
                            how: Relationship::CausedBy,
                            about: Subject::new(text.clone(), text.clone())
                        };
                        3
                    ],
                    distance: Some(-1.234_567_890_123_456_7e-300),
                };
                measures.iter().for_each(holds);
                holds(&observation.about);
                holds(&observation.status);
                holds(&observation);
                holds(&Ok::<_, Failure>(vec![observation.clone(), observation]));
            }
            let about = Some(Subject::new(text.clone(), text.clone()));
            let recommendation = Recommendation { about, summary: text.clone(), detail: text.clone(), measures };
            for decision in [
                Decision::Apply(OnFailure::UndoApplied),
                Decision::ApplyThenReplan(OnFailure::UndoApplied),
                Decision::Wait(text.clone()),
                Decision::Recommend(vec![recommendation.clone(), recommendation]),
                Decision::GiveUp(text.clone()),
            ] {
                holds(&decision);
                holds(&Ok::<_, Failure>(decision));
            }
            for failure in
                [Failure::CouldNotTell(text.clone()), Failure::InvalidSettings(text.clone()), Failure::Other(text)]
            {
                holds(&Err::<Decision, _>(failure));
            }
        }
    }
}
