//! Masks secrets in every text that leaves a probe: log lines, command lines, output of programs, errors of databases.
//!
//! A [`Redactor`] knows two kinds of secrets: those with a documented form ([`RULES`]: key blocks, tokens, headers,
//! passwords in URLs, in settings and in command lines), and the secrets of a target, which it is given literally. Each
//! place becomes [`MASK`]. Time is linear in the length of the text, and any text is accepted.
//!
//! ```
//! use ansai_kit::redact::Redactor;
//! let redactor = Redactor::with_secrets([b"correct horse".as_slice()]);
//! let line = redactor.redact("auth=correct%20horse url=postgres://app:hunter22@db/app");
//! assert_eq!(line.text, "auth=*** url=postgres://app:***@db/app");
//! assert_eq!(line.masked, 2);
//! ```
//!
//! # Patterns match after masking
//!
//! A policy may count lines that match a pattern. Mask first, then match. If the pattern matched the original line, a
//! policy without access to the secret could learn it: it would count lines with `password=a`, `password=b` and so on.
//!
//! ```
//! use ansai_kit::redact::Redactor;
//! let redactor = Redactor::new();
//! let lines = ["login failed: password=hunter22", "login failed: password=tr0ub4dor"];
//! let count = |pattern: &str| lines.iter().filter(|line| redactor.redact(line).text.contains(pattern)).count();
//! assert_eq!(count("login failed"), 2);
//! // A guess and a wrong guess give the same answer.
//! assert_eq!(count("password=h"), count("password=x"));
//! ```
//!
//! # Limits
//!
//! It hides too much rather than too little. A value without quotes ends at the next space, or before something that
//! looks like the next setting.
//!
//! It does not find:
//! - a secret without a name or a documented form that was not given, as in `echo hunter22 | passwd --stdin`;
//! - a secret that is compressed, encrypted, reversed, in hexadecimal, or encoded twice (JSON in JSON is found);
//! - a secret of one line that is split over several lines;
//! - a DSN that is percent-encoded as a whole, unless its password was given.
//!
//! Memory: about 10 bytes for each byte of the text, and 30 if secrets were given and the text has escapes.

mod automaton;
mod block;
mod command;
mod forms;
mod header;
mod lines;
mod named;
mod redactor;
mod rules;
mod secrets;
mod shape;
mod text;
mod token;
mod url;
mod value;
mod view;

#[cfg(test)]
mod tests;

pub use lines::{MOST_BLOCK_LINES, RedactLines};
pub use redactor::{LOOK_AHEAD, MASK, Redacted, Redactor};
pub use rules::{RULES, Rule};
pub use secrets::{LEAST_SECRET, MOST_SECRET, Skipped, Why};
