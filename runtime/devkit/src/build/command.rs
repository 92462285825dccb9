//! The one place where a build starts programs and reads the environment.
#![expect(clippy::disallowed_methods, reason = "the adapter of builds for programs and the environment")]

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

use super::BuildError;

/// What a program wrote to standard output, and whether it ended well.
pub(super) struct Output {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) success: bool,
}

/// Where standard error goes.
#[derive(Clone, Copy)]
pub(super) enum Errors {
    /// To the person who builds.
    Shown,
    /// Into the output.
    Kept,
}

/// Runs a program in a directory to its end, with the environment of this process and more.
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

/// A variable of the environment that is set to something.
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
