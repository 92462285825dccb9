//! The scanner: visits everything below a root on the same mount, depth first, in the order of the directories.
//!
//! It has one open handle per level, at most [`MOST_HANDLES`]. Directories higher up are closed; later they are opened
//! again by name from the root, and reading continues where it stopped. Memory grows only with the depth of the tree,
//! which is limited. If the walk stops early, another walk continues at its cursor.

use rustix::fs::FileType;
use rustix::io::Errno;

use super::listing::{Buffer, Listing, Piece};
use super::position::{Level, Position, Writer};
use crate::safety::beneath::{Mounts, directory};
use crate::safety::identity::{Inode, Stat};
use crate::safety::protected::Protected;
use crate::safety::reason::Reason;
use crate::safety::root::Root;
use ansai_kit::host::Deadline;

/// The most directories that are open at once.
const MOST_HANDLES: usize = 32;
/// The most levels below the root.
const MOST_DEPTH: usize = 16_384;
/// Steps between two checks of the deadline. The first check comes after this many, so that a walk whose deadline is
/// over still makes progress, and a search of several calls ends.
const STEPS: u32 = 64;

/// An entry that was found. Its path is valid until the next one.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// Below the root, as bytes.
    pub(super) path: &'a [u8],
    pub(super) stat: Stat,
    /// Levels below the root: 1 for what is in the root itself.
    pub(super) depth: usize,
    /// Why nothing at or below it may be touched.
    pub(super) barred: Option<Reason>,
}

struct Frame {
    listing: Option<Listing>,
    /// The length of its path, in bytes.
    length: usize,
    inode: Inode,
    /// Where reading continues.
    after: u64,
}

/// A walk; each [`Walk::next`] advances it.
pub(super) struct Walk<'a> {
    root: &'a Root,
    deadline: &'a Deadline,
    protected: Option<&'a Protected>,
    frames: Vec<Frame>,
    path: Vec<u8>,
    /// The directory that was returned last and is entered next.
    pending: Option<Inode>,
    buffer: Buffer,
    /// Buffers of closed directories, to be used again.
    pieces: Vec<Piece>,
    steps: u32,
    /// Directories that could not be read to the end.
    pub(super) skipped: u32,
}

impl<'a> Walk<'a> {
    /// Begins at the root or where another walk stopped. Directories of `protected` are returned but not entered.
    pub(super) fn new(
        root: &'a Root,
        deadline: &'a Deadline,
        protected: Option<&'a Protected>,
        from: &Position,
    ) -> Self {
        let mut walk = Walk {
            root,
            deadline,
            protected,
            frames: Vec::new(),
            path: Vec::new(),
            pending: None,
            buffer: Buffer::new(),
            pieces: Vec::new(),
            steps: 0,
            skipped: 0,
        };
        walk.enter(root.stat.inode(), from.levels().first().map_or(0, |level| level.after));
        for level in from.levels().iter().skip(1) {
            if !walk.descend(level) {
                break;
            }
        }
        walk
    }

    /// Whether everything from its beginning on was visited.
    pub(super) fn is_complete(&self) -> bool {
        self.frames.is_empty() && self.skipped == 0
    }

    /// Where another walk continues; `None` at the end. What is too deep for a cursor is skipped and counted.
    pub(super) fn cursor(&mut self) -> Option<String> {
        let mut writer = Writer::default();
        let mut begin = 0;
        let pending = self.pending.map(|_| (self.path.len(), 0));
        for (end, after) in self.frames.iter().map(|frame| (frame.length, frame.after)).chain(pending) {
            let name = self.path.get(begin..end).unwrap_or_default();
            if !writer.add(name.strip_prefix(b"/").unwrap_or(name), after) {
                self.skipped += 1;
                break;
            }
            begin = end;
        }
        (!self.frames.is_empty()).then(|| writer.finish())
    }

    /// The path of the directory at this depth that the walk is in; 0 is the root.
    pub(super) fn ancestor(&self, depth: usize) -> Option<&[u8]> {
        self.path.get(..self.frames.get(depth)?.length)
    }

    /// The next entry; a directory comes before its content. Other entries are returned only if `wants` accepts their
    /// type (or [`FileType::Unknown`]) and their path.
    pub(super) fn next(&mut self, wants: impl Fn(FileType, &[u8]) -> bool) -> Option<Entry<'_>> {
        if let Some(inode) = self.pending.take() {
            self.enter(inode, 0);
        }
        loop {
            if self.frames.is_empty() || self.is_over() {
                return None;
            }
            match self.step(&wants) {
                Ok(Step::Yield(stat)) => {
                    let barred = self.barred(&stat);
                    if stat.is_directory() && barred.is_none() {
                        self.pending = Some(stat.inode());
                    }
                    return Some(Entry { path: &self.path, stat, depth: self.frames.len(), barred });
                }
                Ok(Step::Pass) => {}
                Ok(Step::End) => {
                    self.leave()?;
                }
                Err(_) => {
                    self.skipped += 1;
                    self.leave()?;
                }
            }
        }
    }

    fn is_over(&mut self) -> bool {
        self.steps = self.steps.wrapping_add(1);
        self.deadline.is_cancelled() || (self.steps.is_multiple_of(STEPS) && self.deadline.is_over())
    }

    /// Closes the innermost directory.
    fn leave(&mut self) -> Option<()> {
        let frame = self.frames.pop()?;
        self.pieces.extend(frame.listing.map(Listing::close));
        Some(())
    }

    /// Reads one name of the innermost directory.
    fn step(&mut self, wants: impl Fn(FileType, &[u8]) -> bool) -> rustix::io::Result<Step> {
        let Some(Frame { listing: Some(_), .. }) = self.frames.last() else {
            return self.reopen().map(|()| Step::Pass);
        };
        let Some(Frame { listing: Some(listing), length, after, .. }) = self.frames.last_mut() else {
            return Ok(Step::End);
        };
        let Some((directory, found)) = listing.next(&mut self.buffer)? else { return Ok(Step::End) };
        *after = found.after;
        self.path.truncate(*length);
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(found.name.to_bytes());
        if !matches!(found.kind, FileType::Directory | FileType::Unknown) && !wants(found.kind, &self.path) {
            return Ok(Step::Pass);
        }
        // An entry that was removed meanwhile or cannot be read is no candidate.
        let Ok(stat) = self.root.look(directory, found.name) else { return Ok(Step::Pass) };
        let asked = !matches!(found.kind, FileType::Directory | FileType::Unknown);
        Ok(if asked || stat.is_directory() || wants(stat.kind, &self.path) { Step::Yield(stat) } else { Step::Pass })
    }

    /// Why nothing at or below the current path may be touched.
    fn barred(&self, stat: &Stat) -> Option<Reason> {
        if !self.root.holds(stat) {
            Some(Reason::OtherDevice)
        } else if stat.is_directory()
            && self.protected.is_some_and(|p| p.is(&self.root.absolute(&self.path), stat.inode()))
        {
            Some(Reason::Protected)
        } else {
            None
        }
    }

    /// Enters a directory of the innermost one where another walk stopped; false if that is no longer possible. A
    /// protected directory is not entered, whatever a cursor says.
    fn descend(&mut self, level: &Level) -> bool {
        let Some(Frame { listing: Some(parent), .. }) = self.frames.last() else { return false };
        let stat = match Stat::at(parent.fd(), &level.name) {
            Ok(stat) if stat.is_directory() => stat,
            // Removed meanwhile, or replaced by something that is no directory.
            Ok(_) | Err(Errno::NOENT) => return false,
            Err(_) => {
                self.skipped += 1;
                return false;
            }
        };
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(&level.name);
        self.barred(&stat).is_none() && self.enter(stat.inode(), level.after)
    }

    /// Enters the directory at the current path.
    fn enter(&mut self, inode: Inode, after: u64) -> bool {
        if self.frames.len() >= MOST_DEPTH {
            self.skipped += 1;
            return false;
        }
        match self.open(after) {
            Ok(listing) => {
                self.close_distant();
                self.frames.push(Frame { listing: Some(listing), length: self.path.len(), inode, after });
                true
            }
            // Removed since it was seen.
            Err(Errno::NOENT) if !self.frames.is_empty() => false,
            Err(_) => {
                self.skipped += 1;
                false
            }
        }
    }

    /// Closes the uppermost open directory if there are too many.
    fn close_distant(&mut self) {
        if let Some(distant) = self.frames.len().checked_sub(MOST_HANDLES)
            && let Some(listing) = self.frames.get_mut(distant).and_then(|frame| frame.listing.take())
        {
            self.pieces.push(listing.close());
        }
    }

    /// Opens the directory at the current path, by name from the handle of its parent.
    fn open(&mut self, after: u64) -> rustix::io::Result<Listing> {
        let fd = match self.frames.last() {
            Some(Frame { listing: Some(parent), length, .. }) => {
                let name = self.path.get(*length..).unwrap_or_default();
                directory(parent.fd(), name.strip_prefix(b"/").unwrap_or(name), Mounts::Stay)?
            }
            _ => self.root.directory(&self.path)?,
        };
        if !self.root.holds(&Stat::of(&fd)?) {
            return Err(Errno::XDEV);
        }
        Listing::at(fd, after, self.pieces.pop().unwrap_or_default())
    }

    /// Opens the innermost directory again, and as many above it as may be open, because the walk returns through them.
    fn reopen(&mut self) -> rustix::io::Result<()> {
        let first = self.frames.len().saturating_sub(MOST_HANDLES);
        let mut begin = None;
        for frame in self.frames.iter_mut().skip(first) {
            let fd = match &begin {
                None => self.root.directory(self.path.get(..frame.length).unwrap_or_default())?,
                Some((parent, length)) => {
                    let name = self.path.get(*length..frame.length).unwrap_or_default();
                    directory(*parent, name.strip_prefix(b"/").unwrap_or(name), Mounts::Stay)?
                }
            };
            let stat = Stat::of(&fd)?;
            if stat.inode() != frame.inode || !self.root.holds(&stat) {
                return Err(Errno::STALE);
            }
            let listing = Listing::at(fd, frame.after, self.pieces.pop().unwrap_or_default())?;
            begin = Some((frame.listing.insert(listing).fd(), frame.length));
        }
        Ok(())
    }
}

enum Step {
    Yield(Stat),
    /// Nothing to return.
    Pass,
    /// The end of the innermost directory.
    End,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;
    use ansai_kit::host::Host;
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
        let mut walk = Walk::new(&root, &deadline, None, &Position::default());
        let (mut files, mut directories, mut open) = (0, 0, 0);
        while let Some(entry) = walk.next(|_, _| true) {
            if entry.stat.is_file() {
                files += 1
            } else {
                directories += 1
            }
            open = open.max(walk.frames.iter().filter(|frame| frame.listing.is_some()).count());
        }
        assert!(walk.is_complete());
        assert_eq!((files, directories), (12 * MOST_HANDLES, 9 * MOST_HANDLES));
        assert!(open <= MOST_HANDLES + 1, "{open} handles");
    }

    /// After each entry, and before it is known what comes next, another walk goes on.
    #[test]
    fn a_walk_goes_on_where_another_stopped() {
        let tree = tempfile::tempdir().unwrap();
        for outer in ["a", "b:1", "empty", "c\n"] {
            for inner in ["x", "empty", "y"] {
                std::fs::create_dir_all(tree.path().join(outer).join(inner)).unwrap();
                (0..3).for_each(|file| {
                    std::fs::write(tree.path().join(outer).join(format!("f{file}")), "x").unwrap();
                    if inner != "empty" {
                        std::fs::write(tree.path().join(outer).join(inner).join(format!("g{file}")), "x").unwrap();
                    }
                });
            }
        }
        let root = Root::open(&Host::at(tree.path()), "/").unwrap();
        let deadline = Deadline::after(Duration::from_secs(60));
        let mut whole = Vec::new();
        let mut walk = Walk::new(&root, &deadline, None, &Position::default());
        while let Some(entry) = walk.next(|_, _| true) {
            whole.push(entry.path.to_vec());
        }
        assert_eq!((whole.len(), walk.cursor()), (4 * (1 + 3 + 3 + 6), None));
        for each in 1..whole.len() {
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let from = Position::read(cursor.as_deref()).unwrap();
                let mut walk = Walk::new(&root, &deadline, None, &from);
                for _ in 0..each {
                    seen.extend(walk.next(|_, _| true).map(|entry| entry.path.to_vec()));
                }
                cursor = walk.cursor();
                assert!(walk.skipped == 0 && seen.len() <= whole.len(), "{each} at a time: {seen:?}");
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, whole, "{each} at a time");
        }
    }

    #[test]
    fn time_that_is_over_is_said() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::write(tree.path().join("f"), "x").unwrap();
        let root = Root::open(&Host::at(tree.path()), "/").unwrap();
        let deadline = Deadline::after(Duration::from_secs(60));
        deadline.cancel();
        let mut walk = Walk::new(&root, &deadline, None, &Position::default());
        assert!(walk.next(|_, _| true).is_none());
        assert_eq!(walk.cursor().as_deref(), Some("0"));
        assert!(!walk.is_complete());
    }
}
