//! Whether a file shares its extents with another one, as reflinked copies and snapshots do: removing it then frees
//! nothing.
#![expect(unsafe_code, reason = "rustix has no FIEMAP; one ioctl(2) with a buffer whose size the structure has")]

use rustix::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{OFlags, fstatfs};

use super::beneath::{Mounts, open};
use super::guard::reopen_unmarked;
use super::identity::Stat;
use super::root::Root;

/// `f_type` of `statfs(2)` of the file systems that can share extents, and of the overlay, whose layers may be on one.
const SHARING: &[u64] = &[0x5846_5342, 0x9123_683e, 0xca45_1a4e, 0x7461_636f, 0x2fc1_2fc1, 0x794c_7630];

/// Why a file is skipped whose extents are shared.
pub(crate) const SHARED_EXTENTS: &str = "shared-extents";

/// Whether files of this file system can share extents: xfs, btrfs, bcachefs, ocfs2, zfs. There, only the file system
/// itself knows what a removal freed.
pub(crate) fn can_be_shared(on: impl AsFd) -> bool {
    fstatfs(on).is_ok_and(|stat| u64::try_from(stat.f_type).is_ok_and(|kind| SHARING.contains(&(kind & 0xffff_ffff))))
}

/// Whether most of an open file is shared with others. What cannot be told is not.
pub(crate) fn are_shared(file: BorrowedFd<'_>) -> bool {
    can_be_shared(file) && sum(file).is_some_and(|(all, shared)| shared > all / 2)
}

/// The same of a file below a root, for a preview: it is opened only on such a file system.
pub(crate) fn are_shared_at(root: &Root, path: &[u8], stat: &Stat) -> bool {
    let look = || -> Option<OwnedFd> {
        let handle = open(root.fd(), path, OFlags::PATH, Mounts::Stay).ok()?;
        let is_it = Stat::of(&handle).is_ok_and(|is| is.inode() == stat.inode() && is.is_file());
        is_it.then(|| reopen_unmarked(&handle).ok()).flatten()
    };
    can_be_shared(root.fd()) && look().is_some_and(|file| are_shared(file.as_fd()))
}

/// The most extents that are looked at, and how many of them at once.
const MOST: usize = 4096;
const AT_ONCE: usize = 64;

/// `struct fiemap` of `linux/fiemap.h`, with room for extents.
#[repr(C)]
#[allow(dead_code, reason = "the kernel reads and writes it")]
struct Request {
    start: u64,
    length: u64,
    flags: u32,
    mapped: u32,
    count: u32,
    reserved: u32,
    extents: [Extent; AT_ONCE],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
#[allow(dead_code, reason = "the kernel writes it")]
struct Extent {
    logical: u64,
    physical: u64,
    length: u64,
    reserved: [u64; 2],
    flags: u32,
    reserved_too: [u32; 3],
}

/// `FS_IOC_FIEMAP`: `_IOWR('f', 11, struct fiemap)` without the extents.
const FIEMAP: u64 = 0xc020_660b;
const LAST: u32 = 0x1;
const SHARED: u32 = 0x2000;

/// The bytes of the extents of a file, and of those that are shared.
fn sum(file: BorrowedFd<'_>) -> Option<(u64, u64)> {
    let (mut all, mut shared, mut start) = (0_u64, 0_u64, 0_u64);
    for _ in 0..MOST / AT_ONCE {
        let mut request = Request {
            start,
            length: u64::MAX - start,
            flags: 0,
            mapped: 0,
            count: AT_ONCE as u32,
            reserved: 0,
            extents: [Extent::default(); AT_ONCE],
        };
        // SAFETY: the descriptor is open as long as it is borrowed; the kernel writes at most `count` extents, for which
        // the request has room.
        let done = unsafe { libc::ioctl(file.as_raw_fd(), FIEMAP as _, std::ptr::from_mut(&mut request)) };
        if done != 0 {
            return None;
        }
        let extents = request.extents.get(..usize::try_from(request.mapped).ok()?)?;
        for extent in extents {
            all = all.saturating_add(extent.length);
            shared = shared.saturating_add(if extent.flags & SHARED != 0 { extent.length } else { 0 });
        }
        let last = extents.last()?;
        if last.flags & LAST != 0 {
            break;
        }
        start = last.logical.saturating_add(last.length);
    }
    Some((all, shared))
}
