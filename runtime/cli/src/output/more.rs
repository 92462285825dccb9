//! Points to `ansai explain` for the first code that was shown, once at the end of the program.

use std::sync::OnceLock;

use ansai_config::Diagnostics;
use ansai_core::{Code, codes};

use super::{colour, tell as line};

/// The first code that was shown.
static FIRST: OnceLock<Code> = OnceLock::new();

/// Remembers that a code was shown.
pub(crate) fn remember(code: Code) {
    if code != codes::OTHER && code != codes::UNKNOWN_CODE {
        // Only the first one is kept.
        let _ = FIRST.set(code);
    }
}

/// Remembers that problems of a file were shown.
pub(crate) fn remember_first(problems: &Diagnostics) {
    if let Some(code) = problems.first_code() {
        remember(code);
    }
}

/// Prints where to read more to standard error, if a code was shown.
pub(crate) fn tell() {
    if let Some(code) = FIRST.get() {
        line(&colour::paint(colour::FAINT, &format!("for more information, run `ansai explain {code}`")));
    }
}
