//! Observations and their evidence.

use crate::{Measure, Observation, Severity, Status, Subject, Unit, Value, text};

impl Observation {
    /// Creates an observation without evidence. The key is stable over time: the same problem has the same key. A key
    /// of more than 200 bytes is cut, and a hash keeps it unique. The summary is one sentence for a person, without a
    /// full stop.
    ///
    /// ```
    /// use ansai_sdk::{Measure, Observation, Status, Subject};
    ///
    /// let about = Subject::new("filesystem", "/var");
    /// let seen = Observation::new("/var", about, Status::Healthy, "/var is 40 % full").with(Measure::ratio("used", 0.4));
    /// assert_eq!(seen.evidence.len(), 1);
    /// ```
    pub fn new(key: impl Into<String>, about: Subject, status: Status, summary: impl Into<String>) -> Observation {
        let (key, summary) = (text::key(&key.into()), summary.into());
        Observation { key, about, status, summary, evidence: Vec::new(), related: Vec::new() }
    }

    /// Creates an unknown observation with the reason, a complete sentence.
    pub fn unknown(key: impl Into<String>, about: Subject, why: impl Into<String>) -> Observation {
        let why = why.into();
        Observation::new(key, about, Status::Unknown(why.clone()), why)
    }

    /// The severity; `None` if it is healthy or unknown.
    pub fn severity(&self) -> Option<Severity> {
        match self.status {
            Status::Unhealthy(severity) => Some(severity),
            _ => None,
        }
    }

    /// Adds a piece of evidence. Add the most important one first.
    pub fn with(mut self, measure: Measure) -> Observation {
        self.evidence.push(measure);
        self
    }

    /// Adds something that the problem affects.
    pub fn touching(mut self, subject: Subject) -> Observation {
        self.related.push(subject);
        self
    }
}

impl Subject {
    /// Creates a subject in canonical form: `filesystem` and `/var`, `unit` and `nginx.service`.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Subject {
        Subject { kind: kind.into(), name: name.into() }
    }
}

impl Measure {
    /// An integer.
    pub fn count(name: &str, count: u64) -> Measure {
        Measure { name: name.into(), value: Value::Count(count), unit: Unit::None }
    }

    /// A size in bytes.
    pub fn bytes(name: &str, bytes: u64) -> Measure {
        Measure { name: name.into(), value: Value::Count(bytes), unit: Unit::Bytes }
    }

    /// A duration in milliseconds.
    pub fn milliseconds(name: &str, milliseconds: u64) -> Measure {
        Measure { name: name.into(), value: Value::Count(milliseconds), unit: Unit::Milliseconds }
    }

    /// A ratio between 0 and 1.
    pub fn ratio(name: &str, ratio: f64) -> Measure {
        Measure { name: name.into(), value: Value::Number(ratio), unit: Unit::Ratio }
    }

    /// A rate per second.
    pub fn per_second(name: &str, rate: f64) -> Measure {
        Measure { name: name.into(), value: Value::Number(rate), unit: Unit::PerSecond }
    }

    /// A text.
    pub fn text(name: &str, text: impl Into<String>) -> Measure {
        Measure { name: name.into(), value: Value::Text(text.into()), unit: Unit::None }
    }

    /// A boolean.
    pub fn flag(name: &str, flag: bool) -> Measure {
        Measure { name: name.into(), value: Value::Flag(flag), unit: Unit::None }
    }
}
