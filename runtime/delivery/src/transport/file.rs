//! Appends a message to a file as one line.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use ansai_storage::{TrustError, Trusted};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::Errno;

use super::SendError;

/// Maximum number of attempts to lock the file. Other programs that append lines hold the lock only briefly.
const TRIES: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(20);

/// Appends the line durably and atomically. A new file is accessible only to its owner; an existing one keeps its
/// permissions. The directories above it must be such that no other user can put another file in its place: then lines
/// would go where that user wants them, for instance into a file that root's shell reads.
pub(super) fn append(path: &Path, body: &[u8]) -> Result<(), SendError> {
    let missing = || SendError::Io(Errno::NOENT.into());
    let (parent, name) = (path.parent().ok_or_else(missing)?, path.file_name().ok_or_else(missing)?);
    let parent = Trusted::open(parent).map_err(|error| match error {
        TrustError::Untrusted((problem, fix)) => SendError::Untrusted { problem, fix },
        TrustError::Access(error) => SendError::Io(io::Error::other(error)),
    })?;
    // Non-blocking, because a FIFO would wait for a reader.
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = File::from(openat(&parent.handle, name, flags, Mode::RUSR | Mode::WUSR).map_err(io::Error::from)?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(SendError::NotAFile);
    }
    lock(&file)?;
    let before = file.metadata()?.len();
    // If a crash cut the last line short, start a new line.
    let mut last = *b"\n";
    if before > 0 {
        file.read_exact_at(&mut last, before.saturating_sub(1))?;
    }
    let start: &[u8] = if last == *b"\n" { b"" } else { b"\n" };
    let end: &[u8] = if body.ends_with(b"\n") { b"" } else { b"\n" };
    let written = file.write_all(&[start, body, end].concat()).and_then(|()| file.sync_all());
    if let Err(error) = written {
        file.set_len(before)?;
        return Err(error.into());
    }
    if before == 0 {
        sync_name(&parent)?;
    }
    Ok(())
}

fn lock(file: &File) -> Result<(), SendError> {
    for _ in 0..TRIES {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(BETWEEN),
            // Some file systems have no locks. The line is written with one call there too.
            Err(rustix::io::Errno::NOTSUP | rustix::io::Errno::NOLCK | rustix::io::Errno::INVAL) => return Ok(()),
            Err(error) => return Err(io::Error::from(error).into()),
        }
    }
    Err(SendError::Locked)
}

/// Without this, a power failure could lose the directory entry of a new file.
fn sync_name(directory: &Trusted) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    File::from(openat(&directory.handle, ".", flags, Mode::empty())?).sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn line(number: u64) -> Vec<u8> {
        format!("message {number} of a test").into_bytes()
    }

    fn lines(path: &Path) -> Vec<u64> {
        let text = std::fs::read_to_string(path).unwrap();
        let number = |line: &str| line.strip_prefix("message ")?.strip_suffix(" of a test")?.parse().ok();
        text.lines().filter_map(number).collect()
    }

    #[test]
    fn lines_are_added_and_the_file_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lines");
        for sequence in 1..=3 {
            append(&path, &line(sequence)).unwrap();
        }
        assert_eq!(lines(&path), [1, 2, 3]);
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        append(&path, &line(4)).unwrap();
        assert_eq!(mode(), 0o644, "they are the operator's");
    }

    #[test]
    fn an_unfinished_line_does_not_swallow_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lines");
        std::fs::write(&path, "message 1 of a test\nmessage 9 of").unwrap();
        append(&path, &line(2)).unwrap();
        assert_eq!(lines(&path), [1, 2]);
    }

    /// Would break: opening the file by its path.
    #[test]
    fn every_directory_above_must_be_safe_from_other_users() {
        let directory = tempfile::tempdir().unwrap();
        let above = directory.path().join("above");
        let path = above.join("below/lines");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        append(&path, &line(1)).unwrap();
        for (place, mode) in [(path.parent().unwrap(), 0o777), (path.parent().unwrap(), 0o1777), (&above, 0o777)] {
            set(place, mode);
            let refused = append(&path, &line(2)).unwrap_err();
            assert!(matches!(refused, SendError::Untrusted { .. }), "{mode:o}: {refused}");
            assert!(refused.to_string().contains(&place.display().to_string()), "{refused}");
            set(place, 0o755);
        }
        // Others may add entries to a directory with a sticky bit, and cannot exchange this one.
        set(&above, 0o1777);
        append(&path, &line(2)).unwrap();
        assert_eq!(lines(&path), [1, 2]);
    }

    #[test]
    fn other_than_regular_files_are_refused_without_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(matches!(append(&path, &line(1)), Err(SendError::NotAFile)));
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path().join("elsewhere"), &link).unwrap();
        assert!(matches!(append(&link, &line(1)), Err(SendError::Io(_))));
        assert!(matches!(append(&directory.path().join("missing/lines"), &line(1)), Err(SendError::Io(_))));
        let held = directory.path().join("held");
        let file = File::create(&held).unwrap();
        flock(&file, FlockOperation::LockExclusive).unwrap();
        assert!(matches!(append(&held, &line(1)), Err(SendError::Locked)));
    }
}
