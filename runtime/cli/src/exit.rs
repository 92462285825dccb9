//! Errors as exit codes, messages and hints.

use std::process::ExitCode;

use ansai_config::Diagnostics;
use ansai_core::{Code, codes, exit};

use crate::output;

/// An error with its exit code and hint.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// The exit code.
    pub(crate) exit: u8,
    /// A word that stays the same from version to version; `ansai explain` has more.
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// Problems with file, line and caret.
    pub(crate) diagnostics: Option<Box<Diagnostics>>,
}

impl Fault {
    pub(crate) fn new(exit: u8, code: Code, message: impl Into<String>) -> Fault {
        Fault { exit, code, message: message.into(), hint: None, diagnostics: None }
    }

    /// Wrong usage, or an invalid manifest or configuration.
    pub(crate) fn usage(code: Code, message: impl Into<String>) -> Fault {
        Fault::new(exit::USAGE, code, message)
    }

    /// Refused by authorization or verification.
    pub(crate) fn refused(code: Code, message: impl Into<String>) -> Fault {
        Fault::new(exit::REFUSED, code, message)
    }

    /// Any other error.
    pub(crate) fn other(code: Code, message: impl Into<String>) -> Fault {
        Fault::new(exit::OTHER, code, message)
    }

    /// An invalid file, with places.
    pub(crate) fn invalid(message: impl Into<String>, diagnostics: Diagnostics) -> Fault {
        Fault { diagnostics: Some(Box::new(diagnostics)), ..Fault::usage(codes::INVALID, message) }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Fault {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn maybe_hint(self, hint: Option<impl Into<String>>) -> Fault {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl From<&ansai_daemon::Error> for Fault {
    fn from(error: &ansai_daemon::Error) -> Fault {
        Fault {
            exit: error.exit_code(),
            code: error.code(),
            message: error.to_string(),
            hint: error.hint(),
            diagnostics: error.diagnostics().cloned().map(Box::new),
        }
    }
}

impl From<ansai_daemon::Error> for Fault {
    fn from(error: ansai_daemon::Error) -> Fault {
        Fault::from(&error)
    }
}

/// The fault in an error, if it is one.
pub(crate) fn fault(error: &anyhow::Error) -> Option<Fault> {
    let of_daemon = || error.downcast_ref::<ansai_daemon::Error>().map(Fault::from);
    error.downcast_ref::<Fault>().cloned().or_else(of_daemon)
}

/// Prints the error, if any, and returns the exit code of the program.
pub(crate) fn code(result: anyhow::Result<u8>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) if is_closed_pipe(&error) => ExitCode::from(exit::FINE),
        Err(error) => match fault(&error) {
            Some(fault) => {
                output::fault(&fault);
                ExitCode::from(fault.exit)
            }
            None => {
                output::fault(&Fault::other(codes::OTHER, format!("{error:#}")));
                ExitCode::from(exit::OTHER)
            }
        },
    }
}

/// Whether the reader of standard output is gone, as with `| head`.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The exit code of a run from those of its parts: usage errors and other errors first, then refusals, then unhealthy,
/// then unknown.
pub(crate) fn worst(codes: impl IntoIterator<Item = u8>) -> u8 {
    const ORDER: [u8; 5] = [exit::USAGE, exit::OTHER, exit::REFUSED, exit::UNHEALTHY, exit::UNKNOWN];
    let codes: Vec<u8> = codes.into_iter().collect();
    ORDER.into_iter().find(|code| codes.contains(code)).unwrap_or(exit::FINE)
}

/// The meaning of an exit code.
pub(crate) fn meaning(code: u8) -> &'static str {
    exit::ALL.iter().find(|(known, _)| *known == code).map_or("", |(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides() {
        assert_eq!(worst([exit::FINE, exit::UNKNOWN, exit::UNHEALTHY]), exit::UNHEALTHY);
        assert_eq!(worst([exit::UNHEALTHY, exit::REFUSED]), exit::REFUSED);
        assert_eq!(worst([exit::REFUSED, exit::USAGE]), exit::USAGE);
        assert_eq!(worst([]), exit::FINE);
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
        let pipe = anyhow::Error::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe)).context("writing");
        assert!(is_closed_pipe(&pipe));
        assert!(!is_closed_pipe(&anyhow::anyhow!("broken pipe")));
    }
}
