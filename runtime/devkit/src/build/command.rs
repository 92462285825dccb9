//! The only place where a build starts programs and reads the environment.
#![expect(clippy::disallowed_methods, reason = "the adapter of builds for programs and the environment")]

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

use super::BuildError;

/// What a program wrote to standard output, and whether it succeeded.
pub(super) struct Output {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) success: bool,
}

/// Where a program's standard error goes.
#[derive(Clone, Copy)]
pub(super) enum Errors {
    /// To the terminal of the person who builds.
    Shown,
    /// Captured with the output.
    Kept,
}

/// Runs a program in a directory until it exits, with the environment of this process and additional variables.
pub(super) fn run(
    program: &OsStr,
    arguments: &[&OsStr],
    environment: &[(&str, &OsStr)],
    dir: &Path,
    errors: Errors,
) -> Result<Output, BuildError> {
    let output = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(dir)
        .stdin(Stdio::null())
        .stderr(match errors {
            Errors::Shown => Stdio::inherit(),
            Errors::Kept => Stdio::piped(),
        })
        .stdout(Stdio::piped())
        .output()
        .map_err(|source| BuildError::Program { program: program.to_string_lossy().into_owned(), source })?;
    Ok(Output { stdout: output.stdout, stderr: output.stderr, success: output.status.success() })
}

/// Reads an environment variable; `None` if it is unset or empty.
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
