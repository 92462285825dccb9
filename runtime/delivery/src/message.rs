//! Messages.

/// Bytes with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Kind of the message: `audit-head`.
    pub name: String,
    /// Distinguishes it from others of the same name, so that a receiver can recognize a repeated one.
    pub id: String,
    /// Content type, used for URLs: `application/json`.
    pub content_type: String,
    /// The content. A file receives it as a line, so it should be one line.
    pub body: Vec<u8>,
    /// Whether it replaces waiting messages of the same name, because only the newest is useful.
    pub supersedes: bool,
}

impl Message {
    /// Creates a message that does not replace others.
    pub fn new(name: &str, id: &str, content_type: &str, body: Vec<u8>) -> Message {
        let [name, id, content_type] = [name, id, content_type].map(str::to_owned);
        Message { name, id, content_type, body, supersedes: false }
    }

    /// Makes the message replace waiting messages of the same name.
    #[must_use]
    pub fn superseding(self) -> Message {
        Message { supersedes: true, ..self }
    }
}
