//! Where the socket is, and making it.
#![expect(clippy::disallowed_methods, reason = "an adapter to the file of the socket")]

use std::fs::Permissions;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use ansai_storage::{Directory, Links, Problem, TrustError};

use super::access::Access;
use super::error::ControlError;
use crate::people;

/// The name of the socket in the state directory.
pub const SOCKET: &str = "control.sock";
/// The longest path of a socket, in bytes.
const MOST_PATH: usize = 107;

/// The socket of a daemon: as configured, else in its state directory.
pub fn socket_path(state_dir: &Path, configured: Option<&Path>) -> PathBuf {
    configured.map_or_else(|| state_dir.join(SOCKET), Path::to_owned)
}

/// A socket that listens. Its file is removed when this is dropped.
pub(crate) struct Listening {
    pub(crate) listener: Option<UnixListener>,
    directory: Directory,
    name: PathBuf,
}

/// Why there is no socket.
pub(crate) enum NoSocket {
    /// What must be fixed before the daemon starts.
    Refused(ControlError),
    /// The system refuses. The daemon heals without a socket.
    System(io::Error),
}

impl Listening {
    /// Listens at a path, in place of what a daemon that is gone left there. The caller has the lock of the state.
    pub(crate) fn at(path: &Path, access: &Access) -> Result<Listening, NoSocket> {
        let (directory, name) = parts(path).map_err(NoSocket::System)?;
        let is_new = std::fs::symlink_metadata(&directory).is_err();
        let directory = Directory::create_trusted(&directory, Links::Checked).map_err(|error| match error {
            TrustError::Untrusted(problem) => NoSocket::Refused(ControlError::Untrusted(problem)),
            TrustError::Access(error) => NoSocket::System(error.cause),
        })?;
        // Members of a group must be able to enter a directory that is made for them.
        if is_new && !access.is_private() {
            let mode = Permissions::from_mode(0o711);
            std::fs::set_permissions(directory.path(), mode).map_err(NoSocket::System)?;
        }
        check_old(&directory, path, &name)?;
        // What a daemon left that was killed in between.
        let mut new = std::ffi::OsString::from(".");
        new.push(name.as_os_str());
        new.push(".new");
        let new = PathBuf::from(new);
        check_old(&directory, &path.with_file_name(&new), &new)?;
        let system = |error: ansai_storage::StorageError| NoSocket::System(error.cause);
        directory.remove(&new).map_err(system)?;
        let at = address(&directory, &new);
        let listener = UnixListener::bind(&at).map_err(NoSocket::System)?;
        // The kernel tells who connects, and the daemon refuses everybody else. The mode is the first line of defence.
        let bound = permit(&at, access).and_then(|()| listener.set_nonblocking(true));
        // At once in place of the old one: there is no moment without a socket.
        let bound = bound.and_then(|()| directory.rename(&new, &name).map_err(|error| error.cause));
        if let Err(error) = bound {
            let _ = directory.remove(&new);
            return Err(NoSocket::System(error));
        }
        Ok(Listening { listener: Some(listener), directory, name })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Err(error) = self.directory.remove(&self.name) {
            tracing::debug!("the control socket stays: {error}");
        }
    }
}

/// Who may answer at the path of a socket: root, this user, and the owner of its directory.
pub(super) struct Answering {
    users: [Option<u32>; 3],
}

impl Answering {
    /// Of a link to a directory, the directory counts.
    pub(super) fn at(path: &Path) -> Answering {
        let owner = parts(path).ok().and_then(|(directory, _)| std::fs::metadata(directory).ok()).map(|one| one.uid());
        Answering { users: [Some(0), Some(rustix::process::geteuid().as_raw()), owner] }
    }

    /// Refuses the file of somebody who may make sockets there, and has no right to answer. What is not there is no matter of
    /// this check.
    pub(super) fn check_file(&self, path: &Path) -> Result<(), ControlError> {
        let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(()) };
        match self.may(found.uid()) {
            true => Ok(()),
            false => Err(ControlError::Untrusted(of_another(path, found.uid()))),
        }
    }

    /// Refuses whoever listens without a right to answer. The file may be another one by now, so the kernel is asked.
    pub(super) fn check_peer(&self, path: &Path, stream: &UnixStream) -> Result<(), ControlError> {
        let uid = peer(stream).map_err(|error| ControlError::Access { path: path.to_owned(), error })?;
        match self.may(uid) {
            true => Ok(()),
            false => Err(ControlError::Untrusted((
                format!("user {uid} listens on {}", path.display()),
                format!("end that program, then remove {}", path.display()),
            ))),
        }
    }

    fn may(&self, uid: u32) -> bool {
        self.users.contains(&Some(uid))
    }
}

/// The user who listens at the other end. tokio reads it right also if that process has no number in this namespace.
fn peer(stream: &UnixStream) -> io::Result<u32> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    stream.set_nonblocking(true)?;
    let uid = tokio::net::UnixStream::from_std(stream.try_clone()?)?.peer_cred()?.uid();
    stream.set_nonblocking(false)?;
    Ok(uid)
}

/// What is wrong with a socket of another user, and how to fix it.
fn of_another(path: &Path, uid: u32) -> Problem {
    (format!("{} belongs to user {uid}", path.display()), format!("look at it, then remove {}", path.display()))
}

/// Connects to the socket at a path.
pub(super) fn connect(path: &Path) -> io::Result<UnixStream> {
    if path.as_os_str().len() <= MOST_PATH {
        return UnixStream::connect(path);
    }
    let (directory, name) = parts(path)?;
    let directory = Directory::open(directory).map_err(|error| error.cause)?;
    UnixStream::connect(address(&directory, &name))
}

fn parts(path: &Path) -> io::Result<(PathBuf, PathBuf)> {
    match (path.parent(), path.file_name()) {
        // A name alone is in the current directory.
        (Some(directory), Some(name)) if directory.as_os_str().is_empty() => Ok((".".into(), PathBuf::from(name))),
        (Some(directory), Some(name)) => Ok((directory.to_owned(), PathBuf::from(name))),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "not the path of a file")),
    }
}

/// A path that is short enough for the kernel.
fn address(directory: &Directory, name: &Path) -> PathBuf {
    let path = directory.path_of(name);
    if path.as_os_str().len() <= MOST_PATH {
        return path;
    }
    PathBuf::from(format!("/proc/self/fd/{}", directory.as_fd().as_raw_fd())).join(name)
}

/// What has the name must be a socket of this user or root on which nobody listens.
fn check_old(directory: &Directory, path: &Path, name: &Path) -> Result<(), NoSocket> {
    let found = match directory.metadata(name) {
        Err(error) if error.is_not_found() => return Ok(()),
        found => found.map_err(|error| NoSocket::System(error.cause))?,
    };
    let refused = |error| Err(NoSocket::Refused(error));
    if found.is_file || found.is_directory || found.is_link {
        return refused(ControlError::Occupied(path.to_owned()));
    }
    let uid = found.owned.uid;
    if uid != 0 && uid != rustix::process::geteuid().as_raw() {
        return refused(ControlError::Untrusted(of_another(path, uid)));
    }
    match connect(path) {
        Ok(_) => refused(ControlError::Listening(path.to_owned())),
        Err(_) => Ok(()),
    }
}

/// Only this user, or also the groups that may connect.
fn permit(path: &Path, access: &Access) -> io::Result<()> {
    let groups = [&access.readers, &access.operators];
    let groups: Vec<u32> = groups.into_iter().flatten().filter_map(|name| people::group(name)).collect();
    let mode = match *groups {
        [] => 0o600,
        [first, ref rest @ ..] if rest.iter().all(|one| *one == first) => {
            std::os::unix::fs::chown(path, None, Some(first))?;
            0o660
        }
        // A file has only one group. The daemon asks the kernel who connects.
        _ => 0o666,
    };
    std::fs::set_permissions(path, Permissions::from_mode(mode))
}
