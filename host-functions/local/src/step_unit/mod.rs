//! Programs that outlive ansai: a step that takes hours must not end because ansai is updated.
//!
//! Such a program runs as a transient unit of systemd, `ansai-step-ID.service`. A [`Handle`], the name of the unit and
//! its invocation, finds it again after a restart of ansai. If ansai was killed before it could store the handle,
//! [`Handle::find`] finds the unit by the id of the step.
//!
//! - The unit has the environment, directory, umask and time limit that
//!   [`Program`] gives, and nobody but root can change its program.
//! - It may run as another user, without any capability.
//! - Its exit code stays until [`Handle::forget`]: the unit remains after the program has ended.
//! - Its output goes to the journal, which bounds it. [`Handle::output`] returns the first and the last part, without
//!   secrets.
//! - It cannot get a secret: properties and arguments of a unit can be read by every user.
//!
//! It runs `systemd-run`, `systemctl` and `journalctl`. An action uses it so:
//! `begin` starts a unit and returns the handle, `poll` asks for its state, `cancel` ends it, `resolve` finds it, and
//! [`TypedAction::on_stop`](ansai_kit::action::TypedAction::on_stop) is `Leave`.

mod error;
mod state;
pub(crate) mod systemd;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use ansai_kit::host::Host;
use ansai_kit::program::{ENVIRONMENT, Output, Program, User, executable};
use ansai_kit::redact::Redactor;
use serde::{Deserialize, Serialize};

pub use error::UnitError;
pub use state::{End, State};
use systemd::{JOURNALCTL, SYSTEMCTL, SYSTEMD_RUN};

/// As long as the name of a unit may be, with room for what is added.
pub(crate) const MOST_ID_BYTES: usize = 200;
/// Variables that systemd sets for every service.
pub(crate) const UNSET: &str = "UnsetEnvironment=INVOCATION_ID JOURNAL_STREAM SYSTEMD_EXEC_PID HOME LOGNAME USER SHELL";

/// A program to run as a unit.
#[derive(Debug, Clone, Copy)]
pub struct StepUnit<'a> {
    /// The id of the step. Unique for ever, so a unit of this name is the one of this step.
    pub step_id: &'a str,
    /// Absolute path of the program.
    pub program: &'a Path,
    /// Its arguments, passed without a shell and as they are.
    pub arguments: &'a [&'a str],
    /// Time limit.
    pub limit: Duration,
    /// Time between SIGTERM and SIGKILL.
    pub patience: Duration,
    /// Another user, who must be in the database of users. systemd adds the groups that the database of groups has for
    /// them.
    pub user: Option<User>,
}

/// Finds a unit again. If somebody starts another unit under its name, it is not the same invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handle {
    /// The name of the unit.
    pub unit: String,
    /// The id that systemd gave this start of the unit, 32 hexadecimal digits.
    pub invocation: String,
}

impl StepUnit<'_> {
    /// Starts the unit. Returns when the program runs.
    ///
    /// # Errors
    /// No systemd runs here, the program cannot be trusted, or systemd refuses. A unit of this step exists already.
    pub fn start(&self, host: &Host) -> Result<Handle, UnitError> {
        if let Some(Handle { unit, .. }) = Handle::find(host, self.step_id)? {
            return Err(UnitError::Exists(unit));
        }
        let unit = name(self.step_id)?;
        let program = executable(self.program)?;
        let user = self.user.map(|user| user_properties(user, &unit)).transpose()?;
        let environment = ENVIRONMENT.map(|(name, value)| format!("{name}={value}")).join(" ");
        let properties = [
            // systemd-run waits until the program was executed, so it tells if that fails.
            "Type=exec".to_owned(),
            // The exit code is kept. A unit that fails stays without it; `--collect` would remove it with its exit code.
            "RemainAfterExit=yes".to_owned(),
            format!("Environment={environment}"),
            UNSET.to_owned(),
            "UMask=0077".to_owned(),
            "WorkingDirectory=/".to_owned(),
            format!("RuntimeMaxSec={}ms", self.limit.as_millis()),
            format!("TimeoutStopSec={}ms", self.patience.as_millis()),
        ];
        let mut arguments: Vec<OsString> = ["--quiet", "--no-ask-password"].map(OsString::from).into_iter().collect();
        arguments.push(format!("--unit={unit}").into());
        arguments.push(format!("--description=ansai step {}", self.step_id).into());
        let properties = properties.into_iter().chain(user.into_iter().flatten());
        arguments.extend(properties.map(|property| format!("--property={property}").into()));
        arguments.push("--".into());
        arguments.push(program.into());
        // systemd expands variables in arguments; a doubled sign stands for itself.
        arguments.extend(self.arguments.iter().map(|argument| argument.replace('$', "$$").into()));
        if let Err(error) = systemd::run(&Program::new(Path::new(SYSTEMD_RUN)).args(arguments), &unit) {
            // A unit that has failed to start must not be in the way of the next attempt. One that runs is left alone.
            let _ = systemd::run(&Program::new(Path::new(SYSTEMCTL)).args(["reset-failed", &unit]), &unit);
            return Err(error);
        }
        Handle::find(host, self.step_id)?.ok_or_else(|| UnitError::refused(&unit, "it has disappeared"))
    }
}

impl Handle {
    /// The unit of a step; `None` if it was never started, or forgotten, or the machine was restarted.
    ///
    /// # Errors
    /// No systemd runs here, or it does not answer.
    pub fn find(host: &Host, step_id: &str) -> Result<Option<Handle>, UnitError> {
        systemd::require(host)?;
        let unit = name(step_id)?;
        let shown = systemd::show(&unit)?;
        Ok(shown.is_loaded().then(|| Handle { invocation: shown.invocation().to_owned(), unit }))
    }

    /// What the unit does now.
    ///
    /// # Errors
    /// No systemd runs here, or it does not answer: then the state is unknown.
    pub fn state(&self, host: &Host) -> Result<State, UnitError> {
        systemd::require(host)?;
        Ok(systemd::show(&self.unit)?.state(&self.invocation))
    }

    /// What the program has written so far, on both streams, without secrets. It is still there after
    /// [`Handle::forget`], for as long as the journal keeps it.
    ///
    /// # Errors
    /// No systemd runs here, or the journal cannot be read.
    pub fn output(&self, host: &Host, redactor: &Redactor, kept_bytes: usize) -> Result<Output, UnitError> {
        systemd::require(host)?;
        let journalctl = || Program::new(Path::new(JOURNALCTL));
        // What was written just now. It is in the journal soon, even if this fails.
        let _ = journalctl().args(["--sync"]).run(&|| false);
        let of = format!("_SYSTEMD_INVOCATION_ID={}", self.invocation);
        let program = journalctl().args(["--output=cat", "--no-pager", "--quiet", &of]);
        systemd::run(&program.redactor(redactor.clone()).kept_bytes(kept_bytes), &self.unit)
    }

    /// Ends the program and all that it started, if it still runs, and removes the unit. Returns when they have ended.
    ///
    /// # Errors
    /// No systemd runs here, or it refuses.
    pub fn cancel(&self, host: &Host) -> Result<(), UnitError> {
        if self.state(host)? == State::Gone {
            return Ok(());
        }
        let systemctl = |arguments: [&str; 2]| systemd::run(&systemd::slow(SYSTEMCTL).args(arguments), &self.unit);
        systemctl(["stop", &self.unit])?;
        // Only a unit that failed is still there.
        match systemd::show(&self.unit)?.is_loaded() {
            true => systemctl(["reset-failed", &self.unit]).map(drop),
            false => Ok(()),
        }
    }

    /// Removes the unit of a program that has ended, after its outcome was stored. What it left running is ended.
    ///
    /// # Errors
    /// As [`Handle::cancel`].
    pub fn forget(&self, host: &Host) -> Result<(), UnitError> {
        self.cancel(host)
    }
}

/// The properties that make a unit run as another user.
fn user_properties(User { uid, gid }: User, unit: &str) -> Result<[String; 2], UnitError> {
    // The system calls take this number for "no change".
    match uid == u32::MAX || gid == u32::MAX {
        true => Err(UnitError::refused(unit, "not the number of a user or group")),
        false => Ok([format!("User={uid}"), format!("Group={gid}")]),
    }
}

/// The name of the unit of a step.
fn name(step_id: &str) -> Result<String, UnitError> {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    match !step_id.is_empty() && step_id.len() <= MOST_ID_BYTES && step_id.bytes().all(is_valid) {
        true => Ok(format!("ansai-step-{step_id}.service")),
        false => Err(UnitError::BadId(step_id.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_that_systemd_keeps_as_they_are_make_a_name() {
        assert_eq!(name("20261121t025616-123-0001-0").unwrap(), "ansai-step-20261121t025616-123-0001-0.service");
        for bad in ["", "a/b", "a b", "a@b", "é", "a\n", &"a".repeat(201)] {
            assert!(matches!(name(bad), Err(UnitError::BadId(_))), "{bad}");
        }
    }
}
