//! Temporary names: what is written gets its own name when it is whole.
//!
//! A writer holds a lock on its temporary file, and the lock ends with the process, however that ends. So a temporary
//! file without a lock was left by a crash.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::{OpenOptions, OpenOptionsExt as _};
use rustix::fs::{FlockOperation, flock, fstat};
use rustix::io::Errno;

use crate::access::no_follow;
use crate::{Access, Directory, GroupWrite, Result, StorageError};

const PREFIX: &str = ".ansai-";
const SUFFIX: &str = ".tmp";

/// Another process takes the names of this one only where their numbers are equal: after a crash, or in a container.
const TRIES: u32 = 1_000;

/// Whether a name is one that a file has while it is written: `.ansai-PROCESS-NUMBER.tmp`.
pub fn is_temporary(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)?.split_once('-'));
    numbers.is_some_and(|(process, number)| is_number(process) && is_number(number))
}

/// Creates a file under a temporary name, locked.
pub(crate) fn create(directory: &Directory, mode: u32) -> Result<(String, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(mode).custom_flags(no_follow());
    let mut tries = 0;
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}{SUFFIX}", std::process::id());
        tries += 1;
        match directory.dir().open_with(&name, &options).map(cap_std::fs::File::into_std) {
            Ok(file) if is_ours(&file) => return Ok((name, file)),
            // Whoever cleans up had it before its lock.
            Ok(_) if tries < TRIES => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => {}
            Ok(_) => return Err(StorageError::at("create", directory.path_of(name))(Errno::BUSY)),
            Err(error) => return Err(StorageError::at("create", directory.path_of(name))(error)),
        }
    }
}

/// Locks a new file, unless it is being removed as left over.
fn is_ours(file: &File) -> bool {
    match lock(file) {
        Ok(()) => has_name(file),
        // Without locks nothing is taken for left over.
        Err(error) => error != Errno::WOULDBLOCK,
    }
}

fn lock(file: &File) -> rustix::io::Result<()> {
    flock(file, FlockOperation::NonBlockingLockExclusive)
}

/// Whether nobody has removed it.
fn has_name(file: &File) -> bool {
    fstat(file).is_ok_and(|stat| stat.st_nlink > 0)
}

impl Directory {
    /// Removes the temporary files that a crash left in it, and answers how many. What is being written stays. In a
    /// directory that another user can change, nothing is removed.
    ///
    /// # Errors
    /// The directory cannot be listed, or a file not be removed.
    pub fn remove_left_over(&self) -> Result<usize> {
        if self.owned()?.exposure(GroupWrite::Private).is_some() {
            return Ok(0);
        }
        let mut removed = 0;
        for name in self.names()?.iter().filter(|name| is_temporary(name)) {
            // For writing, which some file systems want for a lock. What cannot be opened is not ours to remove.
            let Ok(file) = self.file(name, Access::Append) else { continue };
            if lock(&file).is_ok() && has_name(&file) && self.remove(name)? {
                removed += 1;
            }
        }
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_are_temporary() {
        for name in [".ansai-1-0.tmp", ".ansai-4194304-18446744073709551615.tmp"] {
            assert!(is_temporary(name), "{name}");
        }
        for name in
            [".ansai-1.tmp", ".ansai--1.tmp", ".ansai-1-.tmp", ".ansai-a-1.tmp", "ansai-1-1.tmp", ".ansai-1-1", "x"]
        {
            assert!(!is_temporary(name), "{name}");
        }
    }
}
