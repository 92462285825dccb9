//! Pieces of evidence.

use crate::{Measure, Unit, Value};

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

    /// A point in time, in milliseconds since the Unix epoch.
    pub fn instant(name: &str, instant: u64) -> Measure {
        Measure { name: name.into(), value: Value::Count(instant), unit: Unit::Instant }
    }

    /// A rate in bytes per second.
    pub fn bytes_per_second(name: &str, rate: f64) -> Measure {
        Measure { name: name.into(), value: Value::Number(rate), unit: Unit::BytesPerSecond }
    }

    /// A ratio: a share between 0 and 1, or a factor.
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

impl Value {
    /// The integer; `None` if it is something else.
    ///
    /// ```
    /// use ansai_sdk::Value;
    ///
    /// assert_eq!([Value::Count(2).as_count(), Value::Flag(true).as_count()], [Some(2), None]);
    /// ```
    pub fn as_count(&self) -> Option<u64> {
        match self {
            Value::Count(count) => Some(*count),
            _ => None,
        }
    }
}
