//! Observations of a policy: the Rust types of `ansai:policy/types`.

use serde::{Deserialize, Serialize};

/// The thing that an observation describes, in canonical form: `filesystem` + `/var`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// Kind: `filesystem`, `unit`, `certificate`, …
    pub kind: String,
    /// Name, canonical within its kind.
    pub name: String,
}

impl Subject {
    /// Creates a subject of this kind and name.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Subject { kind: kind.into(), name: name.into() }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// The unit of a [`Measure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Unit {
    None,
    Bytes,
    Milliseconds,
    Instant,
    Ratio,
    PerSecond,
    BytesPerSecond,
    Celsius,
    Other,
}

/// The value of a [`Measure`]. Numbers are finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Value {
    Count(u64),
    Number(f64),
    Text(String),
    Flag(bool),
}

/// Evidence: a named value with its unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct Measure {
    pub name: String,
    pub value: Value,
    pub unit: Unit,
}

impl Measure {
    /// A size or another integer.
    pub fn count(name: impl Into<String>, value: u64, unit: Unit) -> Self {
        Measure { name: name.into(), value: Value::Count(value), unit }
    }
    /// A text without a unit.
    pub fn text(name: impl Into<String>, value: impl Into<String>) -> Self {
        Measure { name: name.into(), value: Value::Text(value.into()), unit: Unit::None }
    }
}

/// Severity of an unhealthy observation, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Severity {
    Notice,
    Warning,
    Critical,
    Emergency,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Severity::Notice => "notice",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
            Severity::Emergency => "emergency",
        })
    }
}

/// The state of a thing. `Unknown` holds the reason; `Gone` means that it no longer exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Status {
    Healthy,
    Unhealthy(Severity),
    Unknown(String),
    Gone,
}

impl Status {
    /// Whether an incident with this status is over.
    pub fn is_closing(&self) -> bool {
        matches!(self, Status::Healthy | Status::Gone)
    }
}

/// How the observed thing relates to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Relationship {
    CausedBy,
    DependsOn,
    PartOf,
    Affects,
    SameAs,
    Other,
}

/// A relation of the observed thing to another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Relation {
    pub how: Relationship,
    pub about: Subject,
}

/// An observation of one thing. `key` is stable over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Observation {
    pub key: String,
    pub about: Subject,
    pub status: Status,
    pub summary: String,
    pub evidence: Vec<Measure>,
    pub related: Vec<Relation>,
    pub distance: Option<f64>,
}

impl Observation {
    /// The things that it names as its cause: the first ones, each once.
    pub fn causes(&self) -> Vec<&Subject> {
        let named = self.related.iter().filter(|relation| relation.how == Relationship::CausedBy);
        let mut causes: Vec<&Subject> = Vec::new();
        for relation in named.take(crate::hold::MOST_CAUSES) {
            if !causes.contains(&&relation.about) {
                causes.push(&relation.about);
            }
        }
        causes
    }

    /// The severity, if it is unhealthy.
    pub fn severity(&self) -> Option<Severity> {
        match self.status {
            Status::Unhealthy(severity) => Some(severity),
            _ => None,
        }
    }
}
