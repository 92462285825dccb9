//! What another side answered, in words: safe for terminals, and without the secrets of the channel.

use ansai_core::text::prose;
use ansai_kit::redact::Redactor;
use ansai_kit::secret::{Secret, SecretError, SecretSource};

use super::Fault;

/// Longer answers are cut.
const MOST: usize = 300;

/// One line of an answer.
pub(super) fn shown(text: &str, redactor: &Redactor) -> String {
    prose(&redactor.redact(text).text, MOST)
}

/// The secret of now; it is read for each attempt, so that a new one needs no restart.
pub(super) fn secret(source: &SecretSource) -> Result<Secret, Fault> {
    source.read().map_err(|error| Fault::later(unreadable(&error)))
}

/// The secret of now as text.
pub(super) fn text(secret: &Secret) -> Result<&str, Fault> {
    secret.expose_text().ok_or_else(|| Fault::later("the secret of the channel is not UTF-8"))
}

fn unreadable(error: &SecretError) -> String {
    prose(&format!("the secret of the channel cannot be used: {error} ({}); {}", error.code(), error.hint()), MOST)
}
