//! Changes to a file between two moments of a step.

use std::any::Any;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use rustix::fs::{CWD, FileType, FlockOperation, Mode, Timespec, Timestamps};

use crate::arena::{Ground, exchange};
use crate::files_scene::{age, mode};

/// Changes to one file.
pub(crate) const TO_A_FILE: &[&str] = &[
    "appended to",
    "written to, its times as before",
    "truncated, its times as before",
    "given other times",
    "given another mode",
    "replaced by its twin",
    "exchanged with its twin",
    "gone",
    "called otherwise",
    "linked",
    "a link to a precious file",
    "a symbolic link to a precious file",
    "a symbolic link to its twin",
    "a directory",
    "a socket",
    "a device",
    "a pipe",
    "open for reading",
    "open for writing",
    "locked",
];

/// Changes to the directory of all files.
pub(crate) const TO_THE_DIRECTORY: &[&str] =
    &["a link to the precious files", "another one with the twins", "gone", "a file"];

/// Makes the change. The caller keeps the returned value until the step is over.
pub(crate) fn to_a_file(what: &str, ground: &Ground, file: &Path) -> Option<Box<dyn Any>> {
    let (twin, aside) = (ground.dir.join("x1"), ground.dir.join("l1"));
    let node = |kind| {
        std::fs::remove_file(file).unwrap();
        rustix::fs::mknodat(CWD, file, kind, Mode::RUSR | Mode::WUSR, rustix::fs::makedev(1, 3)).unwrap();
    };
    let link = |to: &Path| {
        std::fs::remove_file(file).unwrap();
        symlink(to, file).unwrap();
    };
    let open = || OpenOptions::new().read(true).open(file).unwrap();
    match what {
        "appended to" => OpenOptions::new().append(true).open(file).unwrap().write_all(b"x").unwrap(),
        "written to, its times as before" => with_its_times(file, || {
            let mut open = OpenOptions::new().write(true).open(file).unwrap();
            open.write_all(b"other").unwrap();
        }),
        "truncated, its times as before" => {
            with_its_times(file, || OpenOptions::new().write(true).open(file).unwrap().set_len(0).unwrap());
        }
        "given other times" => age(file, 1_000_000),
        "given another mode" => mode(file, 0o4755),
        "replaced by its twin" => std::fs::rename(twin, file).unwrap(),
        "exchanged with its twin" => assert!(exchange(&twin, file)),
        "gone" => std::fs::remove_file(file).unwrap(),
        "called otherwise" => std::fs::rename(file, aside).unwrap(),
        "linked" => std::fs::hard_link(file, aside).unwrap(),
        "a link to a precious file" => {
            std::fs::remove_file(file).unwrap();
            std::fs::hard_link(ground.precious.join("f1"), file).unwrap();
        }
        "a symbolic link to a precious file" => link(&ground.precious.join("f1")),
        "a symbolic link to its twin" => link(Path::new("x1")),
        "a directory" => {
            std::fs::remove_file(file).unwrap();
            std::fs::create_dir(file).unwrap();
        }
        "a socket" => {
            std::fs::remove_file(file).unwrap();
            return Some(Box::new(UnixListener::bind(file).unwrap()));
        }
        // Without root, a pipe replaces the device.
        "a device" if rustix::process::geteuid().is_root() => node(FileType::CharacterDevice),
        "a device" => node(FileType::Fifo),
        "a pipe" => {
            node(FileType::Fifo);
            return Some(Box::new(Waiting::to_write(file)));
        }
        "open for reading" => return Some(Box::new(open())),
        "open for writing" => return Some(Box::new(OpenOptions::new().write(true).open(file).unwrap())),
        "locked" => {
            let open = open();
            rustix::fs::flock(&open, FlockOperation::LockShared).unwrap();
            return Some(Box::new(open));
        }
        other => panic!("{other}"),
    }
    None
}

/// Makes the change without losing any file.
pub(crate) fn to_the_directory(what: &str, ground: &Ground) {
    let away = ground.root.join("away");
    std::fs::rename(&ground.dir, &away).unwrap();
    match what {
        "a link to the precious files" => symlink(&ground.precious, &ground.dir).unwrap(),
        "another one with the twins" => {
            std::fs::create_dir(&ground.dir).unwrap();
            for number in 0..crate::arena::FILES {
                std::fs::rename(away.join(format!("x{number}")), ground.file(number)).unwrap();
            }
        }
        "gone" => {}
        "a file" => std::fs::write(&ground.dir, "a file").unwrap(),
        other => panic!("{other}"),
    }
}

fn with_its_times(file: &Path, change: impl FnOnce()) {
    let data = file.metadata().unwrap();
    change();
    let time = |seconds, nanos| Timespec { tv_sec: seconds, tv_nsec: nanos };
    let times = Timestamps {
        last_access: time(data.atime(), data.atime_nsec()),
        last_modification: time(data.mtime(), data.mtime_nsec()),
    };
    rustix::fs::utimensat(CWD, file, &times, rustix::fs::AtFlags::empty()).unwrap();
    // The ctime shows the change as soon as the kernel's clock has advanced.
    while file.metadata().map(|now| (now.ctime(), now.ctime_nsec())).unwrap() == (data.ctime(), data.ctime_nsec()) {
        rustix::fs::utimensat(CWD, file, &times, rustix::fs::AtFlags::empty()).unwrap();
    }
}

/// A thread that waits to write to a pipe, until somebody opens it for reading.
pub(crate) struct Waiting {
    /// A handle that needs no name.
    pipe: File,
    thread: Option<JoinHandle<()>>,
}

impl Waiting {
    pub(crate) fn to_write(pipe: &Path) -> Waiting {
        let pipe = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(pipe).unwrap();
        let way = way(&pipe);
        let thread = std::thread::spawn(move || drop(OpenOptions::new().write(true).open(way)));
        Waiting { pipe, thread: Some(thread) }
    }
}

fn way(handle: &File) -> PathBuf {
    format!("/proc/self/fd/{}", handle.as_raw_fd()).into()
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let thread = self.thread.take().unwrap();
        let released = thread.is_finished();
        let _reader = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(way(&self.pipe));
        thread.join().unwrap();
        assert!(!released, "somebody opened the pipe");
    }
}

/// A file of the host that ansai reads, replaced by a pipe: ansai waits there until it may continue.
pub(crate) struct Stop(PathBuf);

impl Stop {
    /// At the mappings of processes: they are read after the root is opened and before any file below it is.
    pub(crate) fn at_the_maps(ground: &Ground) -> Stop {
        let maps = ground.root.parent().unwrap().join("proc/1/maps");
        std::fs::remove_file(&maps).unwrap();
        rustix::fs::mknodat(CWD, &maps, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        Stop(maps)
    }

    /// Runs `what` while ansai waits.
    pub(crate) fn meanwhile<T>(&self, what: impl FnOnce() -> T) -> T {
        let door = File::options().write(true).open(&self.0).unwrap();
        let done = what();
        drop(door);
        done
    }
}
