//! What a message says: one document, written as text of 80 columns, as HTML, or as short text for a chat.
//!
//! Names of files, units and keys come from the host or from a policy, so they may be hostile. [`document`] makes each
//! text inert, and each form escapes what is special in it.

mod document;
mod html;
mod json;
pub mod report;
mod subject;
mod text;
pub mod words;

pub use document::{Block, Document, Tone, document};
pub(crate) use document::{MOST_DETAILED, TIME_LINE, urgency};
pub use html::html;
pub use json::json;
pub use subject::subject;
pub use text::text;

#[cfg(test)]
pub(crate) mod tests;
