//! The scanner: everything below a root on the same mount, depth first, in the directories' own order.
//!
//! It keeps a handle per level, at most [`MOST_HANDLES`] of them: directories higher up are closed and opened
//! again at the place where reading stopped. Its memory does not grow with the tree.

use rustix::fs::Dir;

use super::beneath::{Mounts, Root, directory};
use super::identity::{Inode, LONGEST_PATH, Stat};
use super::protected::Protected;
use crate::host::Deadline;

/// Directories open at once.
const MOST_HANDLES: usize = 32;
/// Levels below the root.
const MOST_DEPTH: usize = 1024;

/// What was found.
#[derive(Debug)]
pub(super) struct Entry {
    /// Below the root, true bytes.
    pub(super) path: Vec<u8>,
    pub(super) stat: Stat,
    /// Levels below the root: 1 for what is in the root itself.
    pub(super) depth: usize,
    /// A reason why nothing at or below it may be touched.
    pub(super) barred: Option<&'static str>,
}

struct Frame {
    dir: Option<Dir>,
    /// How much of the path leads to this directory.
    length: usize,
    inode: Inode,
    /// Where to go on reading.
    place: i64,
}

/// A walk that goes on with each [`Walk::next`].
pub(super) struct Walk<'a> {
    root: &'a Root,
    deadline: &'a Deadline,
    protected: Option<&'a Protected>,
    frames: Vec<Frame>,
    path: Vec<u8>,
    /// Yielded, not yet entered.
    pending: Option<Inode>,
    begun: bool,
    /// Directories that could not be read to the end.
    pub(super) skipped: u32,
    /// False when time was over.
    pub(super) in_time: bool,
}

impl<'a> Walk<'a> {
    /// Directories of `protected` are yielded but not entered.
    pub(super) fn new(root: &'a Root, deadline: &'a Deadline, protected: Option<&'a Protected>) -> Self {
        Walk {
            root,
            deadline,
            protected,
            frames: Vec::new(),
            path: Vec::new(),
            pending: Some(root.stat.inode()),
            begun: false,
            skipped: 0,
            in_time: true,
        }
    }

    /// Whether all was seen.
    pub(super) fn is_complete(&self) -> bool {
        self.in_time && self.skipped == 0
    }

    /// The next entry; a directory before what is in it.
    pub(super) fn next(&mut self) -> Option<Entry> {
        if let Some(inode) = self.pending.take() {
            self.enter(inode);
        }
        loop {
            if self.deadline.is_over() {
                self.in_time = false;
                return None;
            }
            let length = self.frames.last()?.length;
            self.path.truncate(length);
            match self.read() {
                Ok(Some((name, stat))) => {
                    if let Some(entry) = self.entry(&name, stat) {
                        return Some(entry);
                    }
                }
                Ok(None) => {
                    self.frames.pop();
                }
                Err(_) => {
                    self.skipped += 1;
                    self.frames.pop();
                }
            }
        }
    }

    /// The next name of the innermost directory that still exists.
    fn read(&mut self) -> rustix::io::Result<Option<(Vec<u8>, Stat)>> {
        let Some(frame) = self.frames.last_mut() else {
            return Ok(None);
        };
        let dir = match &mut frame.dir {
            Some(dir) => dir,
            closed => {
                let fd = self.root.directory(&self.path)?;
                if Stat::of(&fd)?.inode() != frame.inode {
                    return Err(rustix::io::Errno::STALE);
                }
                let mut dir = Dir::new(fd)?;
                dir.seek(frame.place)?;
                closed.insert(dir)
            }
        };
        loop {
            let Some(entry) = dir.read() else {
                return Ok(None);
            };
            let entry = entry?;
            frame.place = entry.offset();
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            // What is gone meanwhile, or cannot be looked at, is no candidate.
            if let Ok(stat) = Stat::at(dir.fd()?, name) {
                return Ok(Some((name.to_vec(), stat)));
            }
        }
    }

    fn entry(&mut self, name: &[u8], stat: Stat) -> Option<Entry> {
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
        if self.path.len() > LONGEST_PATH {
            self.skipped += 1;
            return None;
        }
        let barred = if !self.root.holds(&stat) {
            Some("other-device")
        } else if stat.is_directory()
            && self.protected.is_some_and(|p| p.is(&self.root.absolute(&self.path), stat.inode()))
        {
            Some("protected")
        } else {
            None
        };
        if stat.is_directory() && barred.is_none() {
            self.pending = Some(stat.inode());
        }
        Some(Entry { path: self.path.clone(), stat, depth: self.frames.len(), barred })
    }

    fn enter(&mut self, inode: Inode) {
        if self.frames.len() >= MOST_DEPTH {
            self.skipped += 1;
            return;
        }
        match self.open() {
            Ok(dir) => {
                if let Some(distant) = self.frames.len().checked_sub(MOST_HANDLES)
                    && let Some(frame) = self.frames.get_mut(distant)
                {
                    frame.dir = None;
                }
                self.frames.push(Frame { dir: Some(dir), length: self.path.len(), inode, place: 0 });
            }
            // Removed since it was seen.
            Err(rustix::io::Errno::NOENT) if self.begun => {}
            Err(_) => self.skipped += 1,
        }
        self.begun = true;
    }

    /// From the handle of the directory that it was seen in, by its name alone.
    fn open(&self) -> rustix::io::Result<Dir> {
        let fd = match self.frames.last() {
            Some(Frame { dir: Some(parent), length, .. }) => {
                let name = self.path.get(*length..).unwrap_or_default();
                directory(parent.fd()?, name.strip_prefix(b"/").unwrap_or(name), Mounts::Stay)?
            }
            _ => self.root.directory(&self.path)?,
        };
        if !self.root.holds(&Stat::of(&fd)?) {
            return Err(rustix::io::Errno::XDEV);
        }
        Dir::new(fd)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;
    use crate::host::Host;
    use std::time::Duration;

    #[test]
    fn a_tree_deeper_than_the_handles_is_seen_whole() {
        let tree = tempfile::tempdir().unwrap();
        let mut at = tree.path().to_owned();
        for level in 0..3 * MOST_HANDLES {
            for file in 0..4 {
                std::fs::write(at.join(format!("f{file}")), "x").unwrap();
            }
            std::fs::create_dir_all(at.join("other/d")).unwrap();
            at.push(format!("d{level}"));
            std::fs::create_dir(&at).unwrap();
        }
        let root = Root::open(&Host::at(tree.path()), "/").unwrap();
        let deadline = Deadline::after(Duration::from_secs(60));
        let mut walk = Walk::new(&root, &deadline, None);
        let (mut files, mut directories, mut open) = (0, 0, 0);
        while let Some(entry) = walk.next() {
            if entry.stat.is_file() {
                files += 1
            } else {
                directories += 1
            }
            open = open.max(walk.frames.iter().filter(|frame| frame.dir.is_some()).count());
        }
        assert!(walk.is_complete());
        assert_eq!((files, directories), (12 * MOST_HANDLES, 9 * MOST_HANDLES));
        assert!(open <= MOST_HANDLES + 1, "{open} handles");
    }

    #[test]
    fn time_that_is_over_is_said() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::write(tree.path().join("f"), "x").unwrap();
        let root = Root::open(&Host::at(tree.path()), "/").unwrap();
        let deadline = Deadline::after(Duration::from_secs(60));
        deadline.cancel();
        let mut walk = Walk::new(&root, &deadline, None);
        assert!(walk.next().is_none());
        assert!(!walk.is_complete());
    }
}
