//! POSIX access lists (`setfacl`): they can let a user write a file although the mode shows only its group.

use std::os::fd::{AsRawFd as _, BorrowedFd};

use rustix::fs::{fgetxattr, getxattr};
use rustix::io::Errno;

use crate::Owned;

const NAME: &str = "system.posix_acl_access";
const VERSION: [u8; 4] = [2, 0, 0, 0];
/// More than the kernel stores on any file system.
const MOST_BYTES: usize = 64 << 10;

/// The write bit of the group, which is the mask of a list where there is one.
const GROUP_WRITES: u32 = 0o020;
/// Kinds of entries.
const USER: u16 = 0x02;
const GROUP: u16 = 0x08;
/// The write bit of an entry.
const WRITES: u16 = 0o2;

/// Whether the access list of a file lets somebody write it who is neither root nor the user who runs. A list that cannot
/// be read counts as one.
pub(crate) fn lets_others_write(file: BorrowedFd<'_>, owned: Owned) -> bool {
    // Without it, the mask of the list lets nobody but the owner write.
    if owned.mode & GROUP_WRITES == 0 {
        return false;
    }
    match read(file) {
        Ok(list) => names_a_writer(&list, rustix::process::geteuid().as_raw()),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => false,
        Err(_) => true,
    }
}

fn read(file: BorrowedFd<'_>) -> rustix::io::Result<Vec<u8>> {
    let mut list = vec![0; MOST_BYTES];
    let length = match fgetxattr(file, NAME, list.as_mut_slice()) {
        // The file is only opened as a path.
        Err(Errno::BADF) => {
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            getxattr(path, NAME, list.as_mut_slice())?
        }
        length => length?,
    };
    list.truncate(length);
    Ok(list)
}

/// Whether an entry of the list lets another user write, or a group other than the one that the mode is about.
fn names_a_writer(list: &[u8], user: u32) -> bool {
    let Some(entries) = list.strip_prefix(&VERSION) else { return true };
    let (entries, rest) = entries.as_chunks::<8>();
    let writes = |[tag0, tag1, bits0, bits1, id @ ..]: &[u8; 8]| {
        let (tag, bits) = (u16::from_le_bytes([*tag0, *tag1]), u16::from_le_bytes([*bits0, *bits1]));
        let is_other = match tag {
            USER => ![0, user].contains(&u32::from_le_bytes(*id)),
            GROUP => true,
            _ => false,
        };
        is_other && bits & WRITES != 0
    };
    !rest.is_empty() || entries.iter().any(writes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let entry = |(tag, bits, id): &(u16, u16, u32)| {
            [tag.to_le_bytes().as_slice(), &bits.to_le_bytes(), &id.to_le_bytes()].concat()
        };
        [VERSION.to_vec(), entries.iter().flat_map(entry).collect()].concat()
    }

    #[test]
    fn only_a_named_user_or_group_that_may_write_counts() {
        let own = [(0x01, 6, u32::MAX), (0x04, 6, u32::MAX), (0x10, 6, u32::MAX), (0x20, 4, u32::MAX)];
        assert!(!names_a_writer(&list(&own), 7));
        for (entry, counts) in [
            ((USER, 6, 8), true),
            ((USER, 4, 8), false),
            ((USER, 6, 7), false),
            ((USER, 6, 0), false),
            ((GROUP, 2, 7), true),
        ] {
            assert_eq!(names_a_writer(&list(&[own.as_slice(), &[entry]].concat()), 7), counts, "{entry:?}");
        }
        assert!(names_a_writer(b"", 7) && names_a_writer(&[2, 0, 0, 0, 1], 7), "an unknown form");
    }
}
