//! Starts a program.
#![expect(clippy::disallowed_methods, reason = "the adapter to programs")]

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Gid, Uid, getegid, geteuid, getgid, getpid, getuid};
use rustix::thread::{CapabilitySet, capabilities};

use super::child::Child;
use super::executable::executable;
use super::group::Group;
use super::secret_file::sealed;
use super::streams::Streams;
use super::{Argument, ENVIRONMENT, ITSELF, Program, ProgramError, User};

pub(super) fn start<'a>(program: &Program<'a>) -> Result<(Group, Streams<'a>), ProgramError> {
    let path = match program.path.to_str() {
        // Nobody can exchange what runs already, also if the path to its file is not open to the other user.
        Some(ITSELF) => program.path.to_owned(),
        _ => executable(program.path)?,
    };
    let user = match program.user {
        Some(user) => switch(program, user)?,
        None => None,
    };
    let failed = |error: io::Error| match program.user {
        Some(User { uid, .. }) if error.kind() == io::ErrorKind::PermissionDenied => {
            ProgramError::User { path: program.path.to_owned(), uid, why: error.to_string() }
        }
        _ => ProgramError::Start { path: program.path.to_owned(), error },
    };
    let (arguments, given) = arguments(program).map_err(|error| failed(error.into()))?;
    let mut command = Command::new(&path);
    command
        .arg0(program.path)
        .args(arguments)
        .env_clear()
        .envs(ENVIRONMENT)
        .current_dir("/")
        .stdin(if program.input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Child { parent: Some(getpid()), user, given }.prepare(&mut command);
    let mut child = command.spawn().map_err(failed)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // From here on, it is ended if anything fails.
    let group = Group::of(child);
    let streams = Streams::new(
        (stdin.map(OwnedFd::from), program.input),
        stdout.map(OwnedFd::from),
        stderr.map(OwnedFd::from),
        program.kept_bytes,
    );
    Ok((group, streams.map_err(failed)?))
}

/// The arguments, and the files that they name.
fn arguments(program: &Program<'_>) -> rustix::io::Result<(Vec<OsString>, Vec<OwnedFd>)> {
    let mut given = Vec::new();
    let mut texts = Vec::new();
    for argument in &program.arguments {
        texts.push(match argument {
            Argument::Text(text) => text.clone(),
            Argument::SecretFile { before, content } => {
                let file = sealed(content)?;
                let text = format!("{before}/proc/self/fd/{}", file.as_raw_fd());
                given.push(file);
                text.into()
            }
        });
    }
    Ok((texts, given))
}

/// The user to become; `None` if ansai is that user. Whoever may not change all of it is refused here, because a
/// program that keeps a group of root's could do what that user must not.
fn switch(program: &Program<'_>, user: User) -> Result<Option<(Uid, Gid)>, ProgramError> {
    let refused =
        |why: &str| Err(ProgramError::User { path: program.path.to_owned(), uid: user.uid, why: why.to_owned() });
    // The system calls take this number for "no change": the program would run as root.
    if user.uid == u32::MAX || user.gid == u32::MAX {
        return refused("not the number of a user or group");
    }
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    if uid != Uid::ROOT && [getuid(), geteuid()] == [uid; 2] && [getgid(), getegid()] == [gid; 2] {
        return Ok(None);
    }
    let needed = CapabilitySet::SETUID | CapabilitySet::SETGID;
    match capabilities(None) {
        Ok(sets) if sets.effective.contains(needed) => Ok(Some((uid, gid))),
        Ok(_) => refused("CAP_SETUID and CAP_SETGID are missing"),
        Err(error) => refused(&error.to_string()),
    }
}
