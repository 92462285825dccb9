//! The environment; this crate reads it here and nowhere else.
#![expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]

/// A variable that holds a whole number.
pub(crate) fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.trim().parse().ok()
}
