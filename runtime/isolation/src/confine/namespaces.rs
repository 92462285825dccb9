//! Namespaces: what the kernel shows to this process only.
#![expect(clippy::disallowed_methods, reason = "an adapter to /proc/self")]

use std::io;

use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount};
use rustix::process::{DumpableBehavior, chdir, chroot, getegid, geteuid, pivot_root, set_dumpable_behavior};
use rustix::thread::UnshareFlags;

use super::notes::Notes;
use crate::report::{Profile, Separation};

/// A directory that every host has, for the moment before the empty one in it becomes the root.
const PLACE: &str = "/proc";

/// Leaves the namespaces of the host. With the rights of root, or in a namespace of users of its own.
pub(super) fn leave(profile: Profile, notes: &mut Notes) {
    for (flag, separation) in [
        (UnshareFlags::NEWIPC, Separation::Ipc),
        (UnshareFlags::NEWUTS, Separation::HostName),
        (UnshareFlags::NEWNET, Separation::Network),
    ] {
        if separation.is_of(profile) {
            notes.unless(separation, unshare(flag));
        }
    }
    if Separation::RootDirectory.is_of(profile) {
        notes.unless(Separation::RootDirectory, unshare(UnshareFlags::NEWNS).and_then(|()| empty_root()));
    }
}

/// A namespace of users in which this process has all rights, over nothing but the namespaces that it makes. For one that
/// has no rights outside.
pub(super) fn own_users() -> io::Result<()> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    // After a change of the user, its files in /proc belong to root.
    set_dumpable_behavior(DumpableBehavior::Dumpable)?;
    unshare(UnshareFlags::NEWUSER)?;
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
}

fn unshare(flags: UnshareFlags) -> io::Result<()> {
    #[expect(deprecated, reason = "the other one is unsafe because of a flag that is not given here")]
    Ok(rustix::thread::unshare(flags)?)
}

/// An empty directory that cannot be written becomes the root, and the old one is gone.
fn empty_root() -> io::Result<()> {
    // Nothing of what follows reaches the host.
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("ansai", PLACE, "tmpfs", flags, c"size=4k,nr_inodes=2,mode=555")?;
    chdir(PLACE)?;
    match pivot_root(".", ".") {
        // The old root is now over the new one.
        Ok(()) => unmount(".", UnmountFlags::DETACH)?,
        // The first file system of the kernel cannot be exchanged. A process without rights and without an open directory
        // does not come back from here either.
        Err(rustix::io::Errno::INVAL) => chroot(".")?,
        Err(error) => return Err(error.into()),
    }
    Ok(chdir("/")?)
}
