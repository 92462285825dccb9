//! Whether a body has a text. The answer is one bit of the body, so secrets are masked first: a policy that may search for
//! any text could find out a secret that the server repeats, letter by letter.

use ansai_core::Refusal;
use ansai_kit::redact::Redactor;
use ansai_kit::secret::Secret;

/// The most bytes of a masked form of one byte of a secret: percent-encoded, in base64, or escaped.
const LONGEST_FORM: usize = 8;

/// Searches for texts in what a server sent.
pub(super) struct Search<'t> {
    text: &'t str,
    redactor: Redactor,
    secret_bytes: usize,
}

impl<'t> Search<'t> {
    /// For this text, in the body of a server that gets this secret.
    ///
    /// # Errors
    /// `unsupported` if the secret cannot be masked, because it is too short or too long.
    pub(super) fn new(text: &'t str, secret: Option<&Secret>) -> Result<Search<'t>, Refusal> {
        let redactor = Redactor::with_secrets(secret.map(Secret::expose));
        if !redactor.skipped().is_empty() {
            let why = "`contains` needs a secret that can be masked: this one is too short or too long";
            return Err(Refusal::Unsupported(why.to_owned()));
        }
        Ok(Search { text, redactor, secret_bytes: secret.map_or(0, |secret| secret.expose().len()) })
    }

    /// Whether the body has the text. If more of the body follows, its end may be the beginning of a secret, so that part
    /// is not searched.
    pub(super) fn finds_in(&self, body: &[u8], is_complete: bool) -> bool {
        let cut = if is_complete { 0 } else { self.secret_bytes.saturating_mul(LONGEST_FORM) };
        let body = body.get(..body.len().saturating_sub(cut)).unwrap_or_default();
        self.redactor.redact(&String::from_utf8_lossy(body)).text.contains(self.text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use std::os::unix::fs::PermissionsExt as _;

    use ansai_kit::secret::SecretSource;

    use super::*;

    fn secret(text: &str) -> Secret {
        let place = tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o700)).tempdir_in("/var/tmp");
        let place = place.unwrap();
        let file = place.path().join("secret");
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        SecretSource::File(file).read().unwrap()
    }

    #[test]
    fn a_secret_that_the_server_repeats_is_not_found() {
        let secret = secret("correct-horse-battery");
        let finds = |text: &str, body: &str, is_complete| {
            Search::new(text, Some(&secret)).unwrap().finds_in(body.as_bytes(), is_complete)
        };
        assert!(finds("all fine", "it is all fine", true));
        assert!(!finds("correct-h", "you sent correct-horse-battery", true));
        // The end of the body was not read, so the secret in it is not whole and is not masked.
        assert!(finds("correct-horse", "you sent correct-horse", true), "this test needs a text that is not masked");
        assert!(!finds("correct-horse", "you sent correct-horse", false));
    }

    #[test]
    fn a_secret_that_is_not_masked_permits_no_search() {
        assert!(matches!(Search::new("x", Some(&secret("abc"))), Err(Refusal::Unsupported(_))));
    }
}
