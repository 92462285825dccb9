//! The scanner: everything below a root on the same mount, depth first, in the directories' own order.
//!
//! It keeps a handle per level, at most [`MOST_HANDLES`] of them: directories higher up are closed, and opened again
//! by name from the root where reading stopped. Its memory does not grow with the tree, only with its depth, which
//! is bounded. Where it stops early it has a cursor, and another walk goes on there.

use rustix::fs::FileType;
use rustix::io::Errno;

use super::beneath::{Mounts, Root, directory};
use super::identity::{Inode, Stat};
use super::listing::{Buffer, Listing, Piece};
use super::position::{Level, Position, Writer};
use super::protected::Protected;
use ansai_kit::host::Deadline;

/// Directories open at once.
const MOST_HANDLES: usize = 32;
/// Levels below the root.
const MOST_DEPTH: usize = 16_384;
/// Steps between two looks at the clock. The first look comes after so many: a walk that begins late gets further
/// all the same, so that one that is continued again and again ends.
const STEPS: u32 = 64;

/// What was found. Its path is valid until the walk goes on.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// Below the root, true bytes.
    pub(super) path: &'a [u8],
    pub(super) stat: Stat,
    /// Levels below the root: 1 for what is in the root itself.
    pub(super) depth: usize,
    /// A reason why nothing at or below it may be touched.
    pub(super) barred: Option<&'static str>,
}

struct Frame {
    listing: Option<Listing>,
    /// How much of the path leads to this directory.
    length: usize,
    inode: Inode,
    /// Where to go on reading.
    after: u64,
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
    buffer: Buffer,
    /// Of directories that were closed.
    pieces: Vec<Piece>,
    steps: u32,
    /// Directories that could not be read to the end.
    pub(super) skipped: u32,
}

impl<'a> Walk<'a> {
    /// From the beginning or from where another walk stopped. Directories of `protected` are yielded but not entered.
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

    /// Whether all from where it began was seen.
    pub(super) fn is_complete(&self) -> bool {
        self.frames.is_empty() && self.skipped == 0
    }

    /// Where another walk goes on; `None` when nothing is left. What is too deep to be told is given up and counted.
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

    /// The path of the directory so many levels below the root that the walk is in.
    pub(super) fn ancestor(&self, depth: usize) -> Option<&[u8]> {
        self.path.get(..self.frames.get(depth)?.length)
    }

    /// The next entry; a directory before what is in it. What is no directory is looked at only where `wants` says
    /// so of its type, if that is known, and its path.
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

    /// Ends with the innermost directory.
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
        // What is gone meanwhile, or cannot be looked at, is no candidate.
        let Ok(stat) = Stat::named(directory, found.name) else { return Ok(Step::Pass) };
        let asked = !matches!(found.kind, FileType::Directory | FileType::Unknown);
        Ok(if asked || stat.is_directory() || wants(stat.kind, &self.path) { Step::Yield(stat) } else { Step::Pass })
    }

    /// Why nothing at or below what the path leads to may be touched.
    fn barred(&self, stat: &Stat) -> Option<&'static str> {
        if !self.root.holds(stat) {
            Some("other-device")
        } else if stat.is_directory()
            && self.protected.is_some_and(|p| p.is(&self.root.absolute(&self.path), stat.inode()))
        {
            Some("protected")
        } else {
            None
        }
    }

    /// Goes on inside a directory of the innermost one, as another walk did; false where that is not possible any
    /// more. What the other walk was not allowed to enter, this one is not either.
    fn descend(&mut self, level: &Level) -> bool {
        let Some(Frame { listing: Some(parent), .. }) = self.frames.last() else { return false };
        let stat = match Stat::at(parent.fd(), &level.name) {
            Ok(stat) if stat.is_directory() => stat,
            // Removed meanwhile, or replaced by what would have been yielded before.
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

    /// Enters the directory that the path leads to.
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

    /// Makes room for one more handle.
    fn close_distant(&mut self) {
        if let Some(distant) = self.frames.len().checked_sub(MOST_HANDLES)
            && let Some(listing) = self.frames.get_mut(distant).and_then(|frame| frame.listing.take())
        {
            self.pieces.push(listing.close());
        }
    }

    /// From the handle of the directory that it was seen in, by its name alone.
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

    /// Opens the innermost directory again, and as many above it as may be open: the way back up is as long as the
    /// way down was.
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
    /// Nothing to tell.
    Pass,
    /// Of the innermost directory.
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
