//! The size and kind of the terminal.

use std::io::IsTerminal as _;

use rustix::fd::AsFd;

use crate::environment;

/// If the width is unknown: wide enough for a table, narrow enough for a mail.
const USUAL: usize = 120;

/// Columns of standard output.
pub(crate) fn stdout_width() -> usize {
    width(&std::io::stdout())
}

/// Columns of standard error.
pub(crate) fn stderr_width() -> usize {
    width(&std::io::stderr())
}

/// Whether standard output is a terminal.
pub(crate) fn is_stdout() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether standard error is a terminal.
pub(crate) fn is_stderr() -> bool {
    std::io::stderr().is_terminal()
}

fn width(stream: &impl AsFd) -> usize {
    let of_terminal = rustix::termios::tcgetwinsize(stream).ok().map(|size| usize::from(size.ws_col));
    let known = of_terminal.filter(|columns| *columns > 0).or_else(|| environment::number("COLUMNS"));
    known.unwrap_or(USUAL).clamp(20, 500)
}
