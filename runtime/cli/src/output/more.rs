//! That there is more to know about an error: said once for each run of the program, at its end.

use std::sync::OnceLock;

use ansai_config::Diagnostics;
use ansai_core::{Code, codes};

use super::{colour, tell as line};

/// What was told first.
static FIRST: OnceLock<Code> = OnceLock::new();

/// A code was shown.
pub(crate) fn remember(code: Code) {
    if code != codes::OTHER && code != codes::UNKNOWN_CODE {
        // The first one stays.
        let _ = FIRST.set(code);
    }
}

/// Problems of a file were shown.
pub(crate) fn remember_first(problems: &Diagnostics) {
    if let Some(code) = problems.first_code() {
        remember(code);
    }
}

/// Says on standard error where more is, if a code was shown.
pub(crate) fn tell() {
    if let Some(code) = FIRST.get() {
        line(&colour::paint(colour::FAINT, &format!("`ansai explain {code}` tells more")));
    }
}
