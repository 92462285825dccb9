//! Removing a file by its name, where the name may lead to another file at any moment.
//!
//! No system call removes a name only while it leads to a given inode. So the file is first given a name of ours,
//! which nobody else uses; what has it then is looked at once more, and has its old name back if it is not the one.

use ansai_core::text::path_text;
use rustix::fd::{AsFd as _, BorrowedFd};
use rustix::io::Errno;

use super::beneath::Root;
use super::entry;
use super::guard::{changed, failed};
use super::identity::{File, Inode, Stat, split};
use ansai_kit::action::Fate;

/// What a target of a step is called while it is aside: always short enough, and known again after a crash.
pub(super) fn name(step: &[u8], number: usize) -> Vec<u8> {
    [b".ansai-", step, format!("-{number}-aside").as_bytes()].concat()
}

/// Removes the file of this name if it is the one; else it has its name back.
pub(super) fn remove(
    parent: BorrowedFd<'_>,
    name: &[u8],
    aside: &[u8],
    is_it: impl FnOnce(&Stat) -> Result<(), Fate>,
) -> Result<(), Fate> {
    let look = |name: &[u8]| Stat::at(parent, name).map_err(|error| failed("looking at it", error));
    match set(parent, name, aside) {
        // A full disk may have no room for one more name.
        Err(Errno::NOSPC | Errno::DQUOT) => {
            look(name).and_then(|stat| is_it(&stat))?;
            entry::remove(parent, name).map_err(|error| failed("removing it", error))
        }
        Err(error) => Err(setting(error)),
        Ok(()) => look(aside)
            .and_then(|stat| is_it(&stat))
            .and_then(|()| entry::remove(parent, aside).map_err(|error| failed("removing it", error)))
            .map_err(|why| back(parent, aside, name).map_or_else(|kept| kept, |()| why)),
    }
}

/// Gives a file its name of ours.
pub(super) fn set(parent: BorrowedFd<'_>, name: &[u8], aside: &[u8]) -> rustix::io::Result<()> {
    entry::rename_ours(parent, name, parent, aside)
}

/// Why a file could not be set aside.
pub(super) fn setting(error: Errno) -> Fate {
    match error {
        Errno::NOENT => changed("gone"),
        error => failed("setting it aside", error),
    }
}

/// Gives what is aside its name back; it stays where somebody has taken that meanwhile.
pub(super) fn back(parent: BorrowedFd<'_>, aside: &[u8], name: &[u8]) -> Result<(), Fate> {
    entry::rename_new(parent, aside, parent, name).map_err(|error| kept(&path_text(aside), error))
}

/// Where something is that could not go back.
pub(super) fn kept(place: &str, error: Errno) -> Fate {
    Fate::Failed(format!("its name was taken while it was looked at, it is kept as {place}: {error}"))
}

/// Removes what a step made, if it is still that.
pub(super) fn discard(parent: BorrowedFd<'_>, name: &[u8], aside: &[u8], made: Inode) {
    let _ = remove(parent, name, aside, |stat| only(made, stat));
}

/// The file with this inode and no other.
pub(super) fn only(inode: Inode, stat: &Stat) -> Result<(), Fate> {
    if stat.dev == inode.0 { only_number(inode.1, stat) } else { Err(changed("another file took its name just now")) }
}

/// The same of what an earlier run knew: its device may have another number after a restart.
pub(super) fn only_number(ino: u64, stat: &Stat) -> Result<(), Fate> {
    if stat.ino == ino && stat.is_file() { Ok(()) } else { Err(changed("another file took its name just now")) }
}

/// After a crash: what is aside goes back. Where its name is taken, it is the target that was to go: so it goes.
pub(super) fn settle(root: &Root, file: &File, aside: &[u8]) -> Result<(), Fate> {
    let Some(path) = file.path() else { return Ok(()) };
    let (parent, name) = split(&path);
    let Ok(parent) = root.directory(parent) else { return Ok(()) };
    let parent = parent.as_fd();
    let stat = match Stat::at(parent, aside) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(failed("looking at what was set aside", error)),
    };
    match entry::rename_new(parent, aside, parent, name) {
        Err(Errno::EXIST) if file.is_still(&stat) => {
            entry::remove(parent, aside).map_err(|error| failed("removing it", error))
        }
        done => done.map_err(|error| kept(&path_text(aside), error)),
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
        let no = |_: &Stat| Err(changed("x"));
        assert_eq!(remove(place.1.as_fd(), b"a", b"aside", no), Err(changed("x")));
        assert_eq!((place.text("a").unwrap(), place.text("aside")), ("a".into(), None));
        assert_eq!(remove(place.1.as_fd(), b"a", b"aside", |_| Ok(())), Ok(()));
        assert_eq!(remove(place.1.as_fd(), b"a", b"aside", |_| Ok(())), Err(changed("gone")));
        assert_eq!(std::fs::read_dir(place.0.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_name_that_is_taken_meanwhile_is_not_taken_back() {
        let place = Place::with(&["a", "b"]);
        let taken = |_: &Stat| {
            rename(place.0.path().join("b"), place.0.path().join("a")).unwrap();
            Err(changed("x"))
        };
        let fate = remove(place.1.as_fd(), b"a", b"aside", taken).unwrap_err();
        assert!(matches!(&fate, Fate::Failed(why) if why.contains("kept as aside")), "{fate:?}");
        assert_eq!((place.text("a").unwrap(), place.text("aside").unwrap()), ("b".into(), "a".into()));
        // What is aside already is not replaced either.
        assert!(matches!(remove(place.1.as_fd(), b"a", b"aside", |_| Ok(())), Err(Fate::Failed(_))));
        assert_eq!((place.text("a").unwrap(), place.text("aside").unwrap()), ("b".into(), "a".into()));
    }

    #[test]
    fn after_a_crash_what_is_aside_goes_back_or_if_it_is_the_target_away() {
        let place = Place::with(&["aside"]);
        let root = Root::open(&ansai_kit::host::Host::at(place.0.path()), "/").unwrap();
        let target = File::new(b"a", &Stat::at(place.1.as_fd(), b"aside").unwrap());
        assert_eq!(settle(&root, &target, b"aside"), Ok(()));
        assert_eq!((place.text("a").unwrap(), place.text("aside")), ("aside".into(), None));
        rename(place.0.path().join("a"), place.0.path().join("aside")).unwrap();
        write(place.0.path().join("a"), "new").unwrap();
        assert_eq!(settle(&root, &target, b"aside"), Ok(()));
        assert_eq!((place.text("a").unwrap(), place.text("aside")), ("new".into(), None));
        write(place.0.path().join("aside"), "another").unwrap();
        assert!(matches!(settle(&root, &target, b"aside"), Err(Fate::Failed(_))));
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
