//! What a step captured, for a person who looks at the incident later.

use serde::{Deserialize, Serialize};

/// A text or a bounded piece of data, such as the last lines of a journal or a dump of a state. The host masks secrets in
/// it, keeps the end of a long one, and records its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// What it is, for a person: `last lines of nginx.service`.
    pub name: String,
    /// As it was found. A byte that is not UTF-8 is kept as `\xNN`.
    pub content: Vec<u8>,
}

impl Captured {
    /// Something of this name.
    pub fn new(name: impl Into<String>, content: impl Into<Vec<u8>>) -> Captured {
        Captured { name: name.into(), content: content.into() }
    }
}
