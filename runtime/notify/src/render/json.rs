//! A message as a JSON document, for programs and webhooks.

use serde_json::{Value, json as value};

use super::document::document;
use super::text::text;
use super::words::time;
use crate::message::Message;

/// Version of the document.
const FORMAT: u32 = 1;

/// The document: all fields of the message, with its subject and its text for people.
pub fn json(message: &Message) -> Value {
    let mut fields = serde_json::to_value(message).unwrap_or_default();
    let document = document(message);
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("format".to_owned(), value!(FORMAT));
        fields.insert("time".to_owned(), value!(time::rfc3339(message.at)));
        fields.insert("subject".to_owned(), value!(document.subject));
        fields.insert("text".to_owned(), value!(text(&document)));
        fields.insert("resolved".to_owned(), value!(message.is_resolving()));
    }
    fields
}
