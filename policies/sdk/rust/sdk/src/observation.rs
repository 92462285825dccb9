//! Statements about things, and their evidence.

use crate::{Measure, Observation, Status, Subject, Unit, Value};

impl Observation {
    /// Without evidence yet. The key is stable over time: the same fault has the same key. The summary is one
    /// sentence for a person, without a full stop.
    ///
    /// ```
    /// use ansai_sdk::{Measure, Observation, Status, Subject};
    ///
    /// let about = Subject::new("filesystem", "/var");
    /// let seen = Observation::new("/var", about, Status::Healthy, "/var is 40 % full").with(Measure::ratio("used", 0.4));
    /// assert_eq!(seen.evidence.len(), 1);
    /// ```
    pub fn new(key: impl Into<String>, about: Subject, status: Status, summary: impl Into<String>) -> Observation {
        let (key, summary) = (key.into(), summary.into());
        Observation { key, about, status, summary, evidence: Vec::new(), related: Vec::new() }
    }

    /// With one more piece of evidence; the most important comes first.
    pub fn with(mut self, measure: Measure) -> Observation {
        self.evidence.push(measure);
        self
    }

    /// With one more thing that is touched by it.
    pub fn touching(mut self, subject: Subject) -> Observation {
        self.related.push(subject);
        self
    }
}

impl Subject {
    /// What a statement is about, in canonical form: `filesystem` and `/var`, `unit` and `nginx.service`.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Subject {
        Subject { kind: kind.into(), name: name.into() }
    }
}

impl Measure {
    /// A number of things.
    pub fn count(name: &str, count: u64) -> Measure {
        Measure { name: name.into(), value: Value::Count(count), unit: Unit::None }
    }

    /// A size.
    pub fn bytes(name: &str, bytes: u64) -> Measure {
        Measure { name: name.into(), value: Value::Count(bytes), unit: Unit::Bytes }
    }

    /// A time span.
    pub fn milliseconds(name: &str, milliseconds: u64) -> Measure {
        Measure { name: name.into(), value: Value::Count(milliseconds), unit: Unit::Milliseconds }
    }

    /// A share between 0 and 1.
    pub fn ratio(name: &str, ratio: f64) -> Measure {
        Measure { name: name.into(), value: Value::Number(ratio), unit: Unit::Ratio }
    }

    /// A text.
    pub fn text(name: &str, text: impl Into<String>) -> Measure {
        Measure { name: name.into(), value: Value::Text(text.into()), unit: Unit::None }
    }

    /// Yes or no.
    pub fn flag(name: &str, flag: bool) -> Measure {
        Measure { name: name.into(), value: Value::Flag(flag), unit: Unit::None }
    }
}
