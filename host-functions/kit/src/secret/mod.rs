//! Secrets of targets: read from files that nobody else can read, only when they are needed, and wiped after use.
//!
//! A [`Secret`] cannot be copied, compared, serialized or shown. [`SecretSource`] says where it is.

mod error;
mod source;

use std::fmt;

use zeroize::Zeroize as _;

pub use error::SecretError;
pub use source::{MOST_BYTES, SecretSource};

/// The bytes of a secret, wiped when it is dropped.
pub struct Secret(Wiped);

impl Secret {
    /// A copy of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Secret {
        Secret(Wiped(bytes.into()))
    }

    /// The bytes, for the call that needs them. Do not copy them.
    pub fn expose(&self) -> &[u8] {
        &self.0.0
    }

    /// The bytes as text; `None` if they are not UTF-8.
    pub fn expose_text(&self) -> Option<&str> {
        std::str::from_utf8(self.expose()).ok()
    }
}

/// Shows nothing of it.
impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// Shows nothing of it.
impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// A buffer that never moves: growing it would leave copies behind.
struct Wiped(Box<[u8]>);

impl Wiped {
    fn new(length: usize) -> Wiped {
        Wiped(vec![0; length].into())
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let mut wiped = Wiped::new(7);
        wiped.0.copy_from_slice(b"hunter2");
        let secret = Secret(wiped);
        assert_eq!(
            format!("{secret} {secret:?} {:#?} {:?}", Some(&secret), [&secret]),
            "*** *** Some(\n    ***,\n) [***]"
        );
        assert_eq!((secret.expose(), secret.expose_text()), (&b"hunter2"[..], Some("hunter2")));
    }
}
