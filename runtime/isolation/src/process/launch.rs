//! Starts one process. Only the keeper's thread calls it.
#![expect(clippy::disallowed_methods, reason = "the adapter to programs")]

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use ansai_kit::program::{ENVIRONMENT, User, prepare_detached};
use rustix::fs::{CWD, Mode, OFlags, fcntl_getfl, fcntl_setfl, openat};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::{Start, StartError};
use crate::channel::pair;
use crate::confine::Job;

/// What is started.
pub(super) struct Launch {
    program: PathBuf,
    arguments: Vec<String>,
    /// For messages.
    pub(super) name: String,
    own_user: bool,
}

/// What was started.
pub(super) struct Launched {
    pub(super) id: Pid,
    pub(super) pidfd: OwnedFd,
    /// This end of the socket pair.
    pub(super) socket: OwnedFd,
    /// Its standard error. Reading never waits.
    pub(super) standard_error: OwnedFd,
}

impl Launch {
    /// `user` is `None` for the user of this process.
    pub(super) fn new(start: &Start, user: Option<User>) -> Launch {
        let job = Job::new(start.profile, user, start.limits);
        let mut arguments = start.arguments.clone();
        arguments.push(job.to_argument());
        let name = format!("{} ({})", start.account.name, start.account.purpose);
        Launch { program: start.program.clone(), arguments, name, own_user: user.is_some() }
    }

    pub(super) fn run(self) -> Result<Launched, StartError> {
        let program = self.program.clone();
        self.spawn().map_err(|error| StartError::Start { program, error })
    }

    fn spawn(self) -> std::io::Result<Launched> {
        let (socket, theirs) = pair()?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(ENVIRONMENT)
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        prepare_detached(&mut command);
        let mut child = if self.own_user { in_own_namespace(&mut command)? } else { command.spawn()? };
        follow(&mut child, socket).inspect_err(|_| {
            let _ = child.kill();
            let _ = child.wait();
        })
    }
}

fn follow(child: &mut Child, socket: OwnedFd) -> std::io::Result<Launched> {
    let id = Pid::from_child(child);
    // It was not waited for: the number is still its own.
    let pidfd = pidfd_open(id, PidfdFlags::empty())?;
    let standard_error = OwnedFd::from(child.stderr.take().ok_or(std::io::ErrorKind::BrokenPipe)?);
    fcntl_setfl(&standard_error, fcntl_getfl(&standard_error)? | OFlags::NONBLOCK)?;
    Ok(Launched { id, pidfd, socket, standard_error })
}

/// Starts it as the first process of a namespace, in which it sees no other; in this one where that is not permitted.
fn in_own_namespace(command: &mut Command) -> std::io::Result<Child> {
    // The way back is opened first.
    let own = openat(CWD, "/proc/thread-self/ns/pid", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let Ok(own) = own else { return command.spawn() };
    #[expect(deprecated, reason = "the other one is unsafe because of a flag that is not given here")]
    let entered = rustix::thread::unshare(UnshareFlags::NEWPID);
    if entered.is_err() {
        return command.spawn();
    }
    let child = command.spawn();
    // Only where the next children start is changed back and forth; this thread stays where it is.
    let back = move_into_link_name_space(own.as_fd(), Some(LinkNameSpaceType::ProcessID));
    match (child, back) {
        (Ok(mut child), Err(error)) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(error.into())
        }
        (child, _) => child,
    }
}
