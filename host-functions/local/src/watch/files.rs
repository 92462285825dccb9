//! Files and directories, by inotify. A directory is watched by its handle, so no link is followed and a file that is
//! replaced by a rename is seen.

use std::mem::MaybeUninit;
use std::os::fd::AsRawFd as _;
use std::sync::Arc;

use ansai_core::text::{path_bytes, path_text};
use ansai_core::{Refusal, Subject};
use ansai_kit::host::Host;
use ansai_kit::watch::{Sink, Source, WatchError};
use rustix::event::epoll::EventFlags;
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use super::failed;
use super::poller::{Ready, Registration, Watches};
use crate::safety::identity::Inode;
use crate::safety::root::Root;

/// Read at once; the rest stays in the kernel until the next round.
const BUFFER: usize = 16 << 10;

/// Reading a file is no event: the policy itself does that.
const EVENTS: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// An open watch of a directory.
struct Watched {
    host: Host,
    directory: String,
    inode: Inode,
    _registration: Registration,
}

struct Queue {
    inotify: OwnedFd,
    /// Path of the directory, without a slash at the end.
    directory: Vec<u8>,
    /// The one name that counts, or all.
    name: Option<Vec<u8>>,
}

/// Directory and name of a path as text.
pub(super) fn split(path: &str) -> Option<(&str, Vec<u8>)> {
    let (parent, name) = path.rsplit_once('/')?;
    let name = path_bytes(name).filter(|name| !name.is_empty())?;
    Some((if parent.is_empty() { "/" } else { parent }, name))
}

pub(super) fn open(
    host: &Host,
    watches: &Watches,
    directory: &str,
    name: Option<Vec<u8>>,
    sink: Arc<dyn Sink>,
) -> Result<Box<dyn Source>, WatchError> {
    let root = Root::open(host, directory).map_err(WatchError::Unavailable)?;
    // One for each watch: the kernel bounds the queue of an instance, so what happens in one directory would push out what
    // happens in others.
    let queue =
        inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(|error| too_many(error, directory))?;
    // By the handle: the path could lead elsewhere by now.
    let handle = format!("/proc/self/fd/{}", root.fd().as_raw_fd());
    inotify::add_watch(&queue, handle, EVENTS).map_err(|error| match error {
        Errno::NOSPC => too_many(error, directory),
        error => failed(directory, error),
    })?;
    let queue = Queue { inotify: queue, directory: root.path.clone(), name };
    let registration = watches.add(Box::new(queue), sink)?;
    let (host, directory, inode) = (host.clone(), directory.to_owned(), root.stat.inode());
    Ok(Box::new(Watched { host, directory, inode, _registration: registration }))
}

/// The limits of inotify are those of a user.
fn too_many(error: Errno, what: &str) -> WatchError {
    match error {
        Errno::MFILE | Errno::NOSPC => {
            let limit = if error == Errno::MFILE { "max_user_instances" } else { "max_user_watches" };
            WatchError::Unavailable(Refusal::Unavailable(format!(
                "{what}: this user has no more inotify watches: raise /proc/sys/fs/inotify/{limit}"
            )))
        }
        error => failed(what, error),
    }
}

impl Source for Watched {
    /// The kernel does not tell if a directory above was replaced.
    fn is_current(&self) -> bool {
        Root::open(&self.host, &self.directory).is_ok_and(|root| root.stat.inode() == self.inode)
    }
}

impl Ready for Queue {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }

    fn interest(&self) -> EventFlags {
        EventFlags::IN
    }

    fn take(&self, _: EventFlags, sink: &dyn Sink) -> Result<(), WatchError> {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => self.event(event.events(), event.file_name().map(std::ffi::CStr::to_bytes), sink)?,
                Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
                Err(error) => return Err(WatchError::Ended(format!("inotify: {error}"))),
            }
            if reader.is_buffer_empty() {
                return Ok(());
            }
        }
    }
}

impl Queue {
    fn event(&self, flags: ReadFlags, name: Option<&[u8]>, sink: &dyn Sink) -> Result<(), WatchError> {
        let shown = || path_text(if self.directory.is_empty() { b"/" } else { &self.directory });
        if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            sink.lost();
            return Ok(());
        }
        if flags.contains(ReadFlags::UNMOUNT) {
            return Err(WatchError::Ended(format!("{} was unmounted", shown())));
        }
        if flags.intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED) {
            return Err(WatchError::Ended(format!("{} was moved or removed", shown())));
        }
        // Without a name, it is about the directory itself.
        let Some(name) = name.filter(|name| self.name.as_deref().is_none_or(|wanted| wanted == *name)) else {
            return Ok(());
        };
        let what = if flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
            "file-created"
        } else if flags.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM) {
            "file-removed"
        } else {
            "file-changed"
        };
        let kind = if flags.contains(ReadFlags::ISDIR) { "directory" } else { "file" };
        let path = [&self.directory, name].join(&b'/');
        sink.occurred(what, Subject::new(kind, path_text(&path)), Vec::new());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limits are those of a user, and other programs use them too. Would break: an error without the limit to raise.
    #[test]
    fn a_limit_of_the_kernel_is_an_unavailable_watch_that_names_it() {
        for (error, limit) in [(Errno::MFILE, "max_user_instances"), (Errno::NOSPC, "max_user_watches")] {
            let refused = too_many(error, "/srv/uploads");
            assert!(matches!(&refused, WatchError::Unavailable(Refusal::Unavailable(_))), "{refused}");
            let text = refused.to_string();
            assert!(text.contains("/srv/uploads") && text.contains(limit), "{text}");
        }
    }
}
