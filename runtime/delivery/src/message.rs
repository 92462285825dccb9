//! What is sent.

/// Bytes with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What kind of message it is: `audit-head`.
    pub name: String,
    /// Tells it from others of its name: a receiver that gets it twice recognises it.
    pub id: String,
    /// `application/json`; for URLs.
    pub content_type: String,
    /// What the target gets. A file gets it as a line, so it should be one.
    pub body: Vec<u8>,
    /// Takes the place of waiting messages of the same name: only the newest matters.
    pub supersedes: bool,
}

impl Message {
    /// One that is delivered beside others of its name.
    pub fn new(name: &str, id: &str, content_type: &str, body: Vec<u8>) -> Message {
        let [name, id, content_type] = [name, id, content_type].map(str::to_owned);
        Message { name, id, content_type, body, supersedes: false }
    }

    /// The same, in place of waiting messages of its name.
    #[must_use]
    pub fn superseding(self) -> Message {
        Message { supersedes: true, ..self }
    }
}
