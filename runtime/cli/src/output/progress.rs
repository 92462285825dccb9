//! A progress line on a terminal, removed when the work is done.

use std::io::Write as _;

use ansai_core::text::inert;

use super::terminal;

/// The line. Draws nothing if standard error is not a terminal.
pub(crate) struct Progress {
    wanted: bool,
    drawn: bool,
}

impl Progress {
    pub(crate) fn new(wanted: bool) -> Progress {
        Progress { wanted: wanted && terminal::is_stderr(), drawn: false }
    }

    /// Replaces the line.
    pub(crate) fn show(&mut self, text: &str) {
        if self.wanted {
            self.drawn = true;
            let text = inert(text, terminal::stderr_width().saturating_sub(2));
            let mut out = std::io::stderr().lock();
            // Ignore errors: nothing depends on this line.
            let _ = write!(out, "\r\x1b[2K{text}").and_then(|()| out.flush());
        }
    }

    /// Removes the line, so that something else can be printed in its place.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let mut out = std::io::stderr().lock();
            let _ = write!(out, "\r\x1b[2K").and_then(|()| out.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
