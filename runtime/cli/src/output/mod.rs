//! Everything that is printed. Text from policies, paths and errors is made safe for terminals here.

pub(crate) mod abilities;
pub(crate) mod budget;
pub(crate) mod colour;
pub(crate) mod contract;
pub(crate) mod details;
pub(crate) mod events;
pub(crate) mod history;
pub(crate) mod host_report;
pub(crate) mod incident;
pub(crate) mod incidents;
pub(crate) mod json;
pub(crate) mod ladder;
pub(crate) mod lines;
pub(crate) mod more;
pub(crate) mod notifications;
pub(crate) mod orders;
pub(crate) mod paragraphs;
pub(crate) mod phrases;
pub(crate) mod progress;
pub(crate) mod promotion;
pub(crate) mod report;
pub(crate) mod status;
pub(crate) mod stops;
pub(crate) mod table;
pub(crate) mod terminal;
pub(crate) mod tree;
pub(crate) mod unknown;

pub(crate) use ansai_notify::render::words::{count, time};

use std::io::{self, Write as _};

use ansai_core::codes;
use ansai_core::text::inert;
use ansai_daemon::Warning;

use crate::exit::Fault;
use crate::service_manager::journal::{self, Priority};

/// Longer messages are cut.
pub(crate) const MOST_TEXT: usize = 2_000;
/// Columns of what has no terminal.
const JOURNAL_WIDTH: usize = 120;

/// Prints to standard output, unchanged. Fails with [`io::ErrorKind::BrokenPipe`] when the reader is gone.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The same for the last output of a command: a reader that is gone does not change its exit code.
pub(crate) fn say_last(text: &str) -> io::Result<()> {
    match say(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        said => said,
    }
}

/// Prints a line to standard error. If that fails, there is nowhere to report it.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// Prints a warning to standard error.
pub(crate) fn warning(warning: &Warning) {
    let word = format!("warning[{}]:", warning.code);
    let message = inert(&warning.message, MOST_TEXT);
    if journal::tell(Priority::Warning, warning.code, &format!("{word} {message}")) {
        return;
    }
    tell(&format!("{} {message}", colour::paint(colour::WARNING, &word)));
}

/// Prints an error with its hint to standard error.
pub(crate) fn fault(fault: &Fault) {
    let word = match fault.code == codes::OTHER {
        true => "error:".to_owned(),
        false => format!("error[{}]:", fault.code),
    };
    if journal::tell(Priority::Error, fault.code, &plain(&word, fault)) {
        return;
    }
    tell(&format!("{} {}", colour::paint(colour::ERROR, &word), inert(&fault.message, MOST_TEXT)));
    more::remember(fault.diagnostics.as_ref().and_then(|problems| problems.first_code()).unwrap_or(fault.code));
    if let Some(diagnostics) = &fault.diagnostics {
        tell(diagnostics.render(colour::on_stderr(), terminal::stderr_width()).trim_end());
    }
    if let Some(hint) = &fault.hint {
        tell(&format!("{} {}", colour::paint(colour::HINT, "hint:"), multiline(hint)));
    }
}

/// A fault without colors, for the journal.
fn plain(word: &str, fault: &Fault) -> String {
    let mut text = format!("{word} {}", inert(&fault.message, MOST_TEXT));
    if let Some(diagnostics) = &fault.diagnostics {
        text += &format!("\n{}", diagnostics.render(false, JOURNAL_WIDTH).trim_end());
    }
    if let Some(hint) = &fault.hint {
        text += &format!("\nhint: {}", multiline(hint));
    }
    text
}

/// Several lines, each safe for terminals.
pub(crate) fn multiline(text: &str) -> String {
    text.lines().map(|line| inert(line, MOST_TEXT)).collect::<Vec<_>>().join("\n")
}
