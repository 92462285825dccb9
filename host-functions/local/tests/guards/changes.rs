//! Changes to a previewed file before it is removed. After each of them the step must not touch the name.

use std::any::Any;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, FlockOperation, Mode, Timespec, Timestamps};

use crate::scene::mode;
use crate::users::Mapping;

/// The change, and how the reason to skip the file begins.
pub(crate) const CHANGES: &[(&str, &str)] = &[
    ("appended to", "changed"),
    ("rewritten, its times as before", "changed"),
    ("given another mode", "changed"),
    ("linked", "changed"),
    ("linked and unlinked again", "changed"),
    ("replaced by a copy with its times", "changed"),
    ("a symbolic link to a copy", "changed"),
    ("a directory", "changed"),
    ("a pipe", "changed"),
    ("open for writing", "open"),
    ("mapped for writing", "open"),
    ("locked", "locked"),
];

/// Makes the change. The caller keeps the returned value until the step is over. `aside` is a free path on the same
/// file system.
pub(crate) fn make(what: &str, file: &Path, aside: &Path) -> Option<Box<dyn Any>> {
    match what {
        "appended to" => OpenOptions::new().append(true).open(file).unwrap().write_all(b"x").unwrap(),
        "rewritten, its times as before" => {
            let data = file.metadata().unwrap();
            let mut open = OpenOptions::new().write(true).open(file).unwrap();
            open.write_all(b"precious").unwrap();
            drop(open);
            // The kernel's clock ticks every few milliseconds.
            while file.metadata().map(|now| (now.ctime(), now.ctime_nsec())).unwrap()
                == (data.ctime(), data.ctime_nsec())
            {
                set_times(file, &data);
            }
            set_times(file, &data);
        }
        "given another mode" => mode(file, 0o400),
        "linked" => std::fs::hard_link(file, aside).unwrap(),
        "linked and unlinked again" => {
            std::fs::hard_link(file, aside).unwrap();
            std::fs::remove_file(aside).unwrap();
        }
        "replaced by a copy with its times" => {
            let data = file.metadata().unwrap();
            std::fs::copy(file, aside).unwrap();
            set_times(aside, &data);
            std::fs::rename(aside, file).unwrap();
        }
        "a symbolic link to a copy" => {
            std::fs::rename(file, aside).unwrap();
            symlink(aside, file).unwrap();
        }
        "a directory" => {
            std::fs::remove_file(file).unwrap();
            std::fs::create_dir(file).unwrap();
        }
        "a pipe" => {
            std::fs::remove_file(file).unwrap();
            rustix::fs::mknodat(CWD, file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        }
        "open for writing" => return Some(Box::new(OpenOptions::new().append(true).open(file).unwrap())),
        "mapped for writing" => return Some(Box::new(Mapping::shared_writable(file))),
        "locked" => {
            let open = File::open(file).unwrap();
            rustix::fs::flock(&open, FlockOperation::LockShared).unwrap();
            return Some(Box::new(open));
        }
        other => panic!("{other}"),
    }
    None
}

fn set_times(path: &Path, like: &std::fs::Metadata) {
    let time = |seconds, nanos| Timespec { tv_sec: seconds, tv_nsec: nanos };
    let times = Timestamps {
        last_access: time(like.atime(), like.atime_nsec()),
        last_modification: time(like.mtime(), like.mtime_nsec()),
    };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::empty()).unwrap();
}

/// A file of the host that the step reads after it opened the directory and before it checks any file in it, replaced
/// by a pipe: the step waits there until it may continue.
pub(crate) struct Stop(PathBuf);

impl Stop {
    pub(crate) fn at_the_maps(scene: &crate::scene::Scene) -> Stop {
        let maps = scene.path("proc/1/maps");
        std::fs::remove_file(&maps).unwrap();
        rustix::fs::mknodat(CWD, &maps, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        Stop(maps)
    }

    /// Runs `what` while the step waits.
    pub(crate) fn meanwhile<T>(&self, what: impl FnOnce() -> T) -> T {
        let door = OpenOptions::new().write(true).open(&self.0).unwrap();
        let done = what();
        drop(door);
        done
    }
}
