//! One line on a terminal while something takes long; gone when it is over.

use std::io::Write as _;

use ansai_core::text::inert;

use super::terminal;

/// The line. Draws nothing where standard error is no terminal.
pub(crate) struct Progress {
    wanted: bool,
    drawn: bool,
}

impl Progress {
    pub(crate) fn new(wanted: bool) -> Progress {
        Progress { wanted: wanted && terminal::is_stderr(), drawn: false }
    }

    /// Draws it, over what was there.
    pub(crate) fn show(&mut self, text: &str) {
        if self.wanted {
            self.drawn = true;
            let text = inert(text, terminal::stderr_width().saturating_sub(2));
            let mut out = std::io::stderr().lock();
            // A picture only: nothing depends on it.
            let _ = write!(out, "\r\x1b[2K{text}").and_then(|()| out.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn {
            let mut out = std::io::stderr().lock();
            let _ = write!(out, "\r\x1b[2K").and_then(|()| out.flush());
        }
    }
}
