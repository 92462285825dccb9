//! Removing a file by its name, although the name may lead to another file at any moment.
//!
//! No system call removes a name only if it leads to a given inode. So the file is first renamed to a name that only
//! ansai uses ("aside"), then checked once more, and only then unlinked. If it is another file, it is renamed back.

use ansai_core::text::path_text;
use rustix::fd::{AsFd as _, BorrowedFd};
use rustix::io::Errno;

use super::entry;
use super::guard::GONE;
use super::identity::{Identity, Inode, Stat};
use super::names::split;
use super::reason::Blocked;
use super::root::Root;

/// The name of a target while it is aside: always short enough, and the same after a crash.
pub(crate) fn name(step: &[u8], number: usize) -> Vec<u8> {
    [b".ansai-", step, format!("-{number}-aside").as_bytes()].concat()
}

/// Removes the file of this name if `is_it` says so of it while it is aside; else the file gets its name back.
pub(crate) fn remove(
    parent: BorrowedFd<'_>,
    name: &[u8],
    aside: &[u8],
    is_it: impl FnOnce(&Stat) -> Result<(), Blocked>,
) -> Result<(), Blocked> {
    let look = |name: &[u8]| Stat::at(parent, name).map_err(|error| Blocked::failed("looking at it", error));
    match set(parent, name, aside) {
        // A full disk may have no space for one more name.
        Err(Errno::NOSPC | Errno::DQUOT) => {
            look(name).and_then(|stat| is_it(&stat))?;
            entry::remove(parent, name).map_err(|error| Blocked::failed("removing it", error))
        }
        Err(error) => Err(setting(error)),
        Ok(()) => look(aside)
            .and_then(|stat| is_it(&stat))
            .and_then(|()| entry::remove(parent, aside).map_err(|error| Blocked::failed("removing it", error)))
            .map_err(|why| back(parent, aside, name).map_or_else(|kept| kept, |()| why)),
    }
}

/// Sets a file aside.
pub(crate) fn set(parent: BorrowedFd<'_>, name: &[u8], aside: &[u8]) -> rustix::io::Result<()> {
    entry::rename_ours(parent, name, parent, aside)
}

/// Why a file could not be set aside.
pub(crate) fn setting(error: Errno) -> Blocked {
    match error {
        Errno::NOENT => Blocked::changed(GONE),
        error => Blocked::failed("setting it aside", error),
    }
}

/// Gives what is aside its name back. It stays aside if another file has the name by now.
pub(crate) fn back(parent: BorrowedFd<'_>, aside: &[u8], name: &[u8]) -> Result<(), Blocked> {
    entry::rename_new(parent, aside, parent, name).map_err(|error| kept(&path_text(aside), error))
}

/// Tells where a file is that could not get its name back.
pub(crate) fn kept(place: &str, error: Errno) -> Blocked {
    Blocked::Failed(format!("its name was taken while it was looked at, it is kept as {place}: {error}"))
}

/// Removes a file that a step created, if the name still leads to it.
pub(crate) fn discard(parent: BorrowedFd<'_>, name: &[u8], aside: &[u8], made: Inode) {
    let _ = remove(parent, name, aside, |stat| only(made, stat));
}

/// Whether this is the file with this inode.
pub(crate) fn only(inode: Inode, stat: &Stat) -> Result<(), Blocked> {
    if stat.dev == inode.0 {
        only_number(inode.1, stat)
    } else {
        Err(Blocked::changed("another file took its name just now"))
    }
}

/// The same for a file that an earlier run knew: its device may have another number after a restart.
pub(crate) fn only_number(ino: u64, stat: &Stat) -> Result<(), Blocked> {
    if stat.ino == ino && stat.is_file() {
        Ok(())
    } else {
        Err(Blocked::changed("another file took its name just now"))
    }
}

/// After a crash: what is aside gets its name back. If another file has the name and this is the target, it is removed,
/// as the step was about to do.
pub(crate) fn settle(root: &Root, path: &[u8], target: Identity, aside: &[u8]) -> Result<(), Blocked> {
    let (parent, name) = split(path);
    let Ok(parent) = root.directory(parent) else { return Ok(()) };
    let parent = parent.as_fd();
    let stat = match Stat::at(parent, aside) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(Blocked::failed("looking at what was set aside", error)),
    };
    match entry::rename_new(parent, aside, parent, name) {
        Err(Errno::EXIST) if target.is_still(&stat) => {
            entry::remove(parent, aside).map_err(|error| Blocked::failed("removing it", error))
        }
        done => done.map_err(|error| kept(&path_text(aside), error)),
    }
}

/// Whether nothing, or another file, has the name of a target that an earlier run may have removed.
pub(crate) fn is_gone(root: &Root, path: &[u8], ino: u64) -> rustix::io::Result<bool> {
    let (parent, name) = split(path);
    match root.directory(parent).and_then(|parent| Stat::at(parent.as_fd(), name)) {
        Ok(stat) => Ok(stat.ino != ino),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;
    use rustix::fs::{Mode, OFlags};
    use std::fs::{read_to_string, rename, write};

    struct Place(tempfile::TempDir, rustix::fd::OwnedFd);

    impl Place {
        fn with(names: &[&str]) -> Place {
            let dir = tempfile::tempdir().unwrap();
            names.iter().for_each(|name| write(dir.path().join(name), name).unwrap());
            let fd = rustix::fs::open(dir.path(), OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
            Place(dir, fd)
        }

        fn text(&self, name: &str) -> Option<String> {
            read_to_string(self.0.path().join(name)).ok()
        }
    }

    #[test]
    fn what_is_not_the_one_has_its_name_back() {
        let place = Place::with(&["a"]);
        let no = |_: &Stat| Err(Blocked::changed("x"));
        assert_eq!(remove(place.1.as_fd(), b"a", b"aside", no), Err(Blocked::changed("x")));
        assert_eq!((place.text("a").unwrap(), place.text("aside")), ("a".into(), None));
        assert_eq!(remove(place.1.as_fd(), b"a", b"aside", |_| Ok(())), Ok(()));
        assert_eq!(remove(place.1.as_fd(), b"a", b"aside", |_| Ok(())), Err(Blocked::changed(GONE)));
        assert_eq!(std::fs::read_dir(place.0.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_name_that_is_taken_meanwhile_is_not_taken_back() {
        let place = Place::with(&["a", "b"]);
        let taken = |_: &Stat| {
            rename(place.0.path().join("b"), place.0.path().join("a")).unwrap();
            Err(Blocked::changed("x"))
        };
        let fate = remove(place.1.as_fd(), b"a", b"aside", taken).unwrap_err();
        assert!(matches!(&fate, Blocked::Failed(why) if why.contains("kept as aside")), "{fate:?}");
        assert_eq!((place.text("a").unwrap(), place.text("aside").unwrap()), ("b".into(), "a".into()));
        // What is aside already is not replaced either.
        assert!(matches!(remove(place.1.as_fd(), b"a", b"aside", |_| Ok(())), Err(Blocked::Failed(_))));
        assert_eq!((place.text("a").unwrap(), place.text("aside").unwrap()), ("b".into(), "a".into()));
    }

    #[test]
    fn after_a_crash_what_is_aside_goes_back_or_if_it_is_the_target_away() {
        let place = Place::with(&["aside"]);
        let root = Root::open(&ansai_kit::host::Host::at(place.0.path()), "/").unwrap();
        let target = Identity::of(&Stat::at(place.1.as_fd(), b"aside").unwrap());
        assert_eq!(settle(&root, b"a", target, b"aside"), Ok(()));
        assert_eq!((place.text("a").unwrap(), place.text("aside")), ("aside".into(), None));
        rename(place.0.path().join("a"), place.0.path().join("aside")).unwrap();
        write(place.0.path().join("a"), "new").unwrap();
        assert_eq!(settle(&root, b"a", target, b"aside"), Ok(()));
        assert_eq!((place.text("a").unwrap(), place.text("aside")), ("new".into(), None));
        write(place.0.path().join("aside"), "another").unwrap();
        assert!(matches!(settle(&root, b"a", target, b"aside"), Err(Blocked::Failed(_))));
        assert_eq!((place.text("a").unwrap(), place.text("aside").unwrap()), ("new".into(), "another".into()));
    }

    #[test]
    fn only_what_was_made_is_discarded() {
        let place = Place::with(&["made", "other"]);
        let made = Stat::at(place.1.as_fd(), b"made").unwrap().inode();
        discard(place.1.as_fd(), b"other", b"aside", made);
        assert!(place.text("other").is_some());
        discard(place.1.as_fd(), b"made", b"aside", made);
        assert!(place.text("made").is_none());
    }
}
