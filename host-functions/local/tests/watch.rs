//! Real inotify and real pressure stall information.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests"
)]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ansai_core::watch::{Pressure, Resource};
use ansai_core::{Measure, Millis, Refusal, Subject, Watch};
use ansai_kit::host::Host;
use ansai_kit::watch::{Sink, Source, WatchError};
use ansai_local::watch::{Watches, open};

/// How long something may take that surely happens.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, PartialEq)]
enum Seen {
    Occurred(&'static str, Subject),
    Lost,
    Ended(WatchError),
}

/// Passes everything on. Each event waits for `gate`, if there is one.
struct Passing {
    seen: Sender<Seen>,
    gate: Option<Mutex<Receiver<()>>>,
}

impl Sink for Passing {
    fn occurred(&self, what: &'static str, about: Subject, _: Vec<Measure>) {
        self.seen.send(Seen::Occurred(what, about)).ok();
        if let Some(gate) = &self.gate {
            // Open for good once the other end is gone.
            gate.lock().unwrap().recv().ok();
        }
    }
    fn lost(&self) {
        self.seen.send(Seen::Lost).ok();
    }
    fn ended(&self, why: WatchError) {
        self.seen.send(Seen::Ended(why)).ok();
    }
}

struct Scene {
    watches: Watches,
    host: Host,
    root: tempfile::TempDir,
}

struct Watched {
    source: Box<dyn Source>,
    seen: Receiver<Seen>,
}

impl Scene {
    fn new() -> Scene {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        Scene { watches: Watches::default(), host: Host::at(root.path()), root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn gated(&self, watch: &Watch, gate: Option<Receiver<()>>) -> Result<Watched, WatchError> {
        let (sender, seen) = channel();
        let sink = Arc::new(Passing { seen: sender, gate: gate.map(Mutex::new) });
        Ok(Watched { source: open(&self.host, &self.watches, watch, sink)?, seen })
    }

    fn watch(&self, watch: &Watch) -> Watched {
        self.gated(watch, None).map_err(|error| error.to_string()).unwrap()
    }

    fn refused(&self, watch: &Watch) -> WatchError {
        self.gated(watch, None).err().unwrap()
    }
}

impl Watched {
    #[track_caller]
    fn next(&self) -> Seen {
        self.seen.recv_timeout(PATIENCE).expect("something is seen")
    }

    /// The next occurrence of this name. Others of the same file may come before: creating and writing are several.
    #[track_caller]
    fn until(&self, wanted: &str, path: &str) {
        loop {
            match self.next() {
                Seen::Occurred(what, about) if what == wanted => {
                    return assert_eq!(about, Subject::new("file", path));
                }
                Seen::Occurred(_, about) => assert_eq!(about, Subject::new("file", path)),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn file(path: &str) -> Watch {
    Watch::File(path.into())
}

fn directory(path: &str) -> Watch {
    Watch::Directory(path.into())
}

fn write(path: &Path) {
    std::fs::write(path, "content").unwrap();
}

/// Would break: watching the file itself, which a rename replaces by another one.
#[test]
fn a_file_is_seen_when_it_is_made_written_replaced_and_removed_and_no_other_file_is() {
    let scene = Scene::new();
    let watched = scene.watch(&file("/etc/hosts"));
    write(&scene.path("etc/other"));
    write(&scene.path("etc/hosts"));
    watched.until("file-created", "/etc/hosts");
    for _ in 0..3 {
        write(&scene.path("etc/.hosts.new"));
        std::fs::rename(scene.path("etc/.hosts.new"), scene.path("etc/hosts")).unwrap();
        watched.until("file-created", "/etc/hosts");
    }
    std::fs::OpenOptions::new().append(true).open(scene.path("etc/hosts")).unwrap().set_len(3).unwrap();
    watched.until("file-changed", "/etc/hosts");
    std::fs::remove_file(scene.path("etc/hosts")).unwrap();
    watched.until("file-removed", "/etc/hosts");
    assert!(watched.source.is_current());
}

#[test]
fn every_entry_of_a_directory_is_seen_by_its_canonical_path() {
    let scene = Scene::new();
    let watched = scene.watch(&directory("/etc"));
    use std::os::unix::ffi::OsStrExt as _;
    write(&scene.path("etc").join(std::ffi::OsStr::from_bytes(b"a\xff")));
    watched.until("file-created", "/etc/a\\xff");
    std::fs::create_dir(scene.path("etc/sub")).unwrap();
    loop {
        match watched.next() {
            Seen::Occurred("file-created", about) => break assert_eq!(about, Subject::new("directory", "/etc/sub")),
            Seen::Occurred(..) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Would break: a path that is opened by its name.
#[test]
fn no_link_is_followed() {
    let (scene, outside) = (Scene::new(), tempfile::tempdir().unwrap());
    symlink(outside.path(), scene.path("link")).unwrap();
    for watch in [directory("/link"), file("/link/hosts")] {
        let error = scene.refused(&watch);
        assert!(matches!(&error, WatchError::Unavailable(Refusal::Invalid(why)) if why.contains("link")), "{error}");
    }
    assert!(matches!(scene.refused(&directory("/none")), WatchError::Unavailable(Refusal::NotFound(_))));
    assert!(matches!(scene.refused(&file("/etc/../etc/a")), WatchError::Unavailable(Refusal::Invalid(_))));
}

#[test]
fn the_end_of_a_directory_ends_its_watch_and_only_that() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("etc/sub")).unwrap();
    let (inner, outer) = (scene.watch(&directory("/etc/sub")), scene.watch(&directory("/etc")));
    std::fs::remove_dir(scene.path("etc/sub")).unwrap();
    assert!(matches!(inner.next(), Seen::Ended(WatchError::Ended(_))));
    assert!(!inner.source.is_current());
    drop(inner);
    write(&scene.path("etc/a"));
    loop {
        match outer.next() {
            Seen::Occurred("file-created", about) => break assert_eq!(about, Subject::new("file", "/etc/a")),
            Seen::Occurred(..) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The kernel does not tell. Would break: a watch that goes on in a directory that is elsewhere now.
#[test]
fn a_directory_above_that_is_replaced_is_noticed() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("etc/sub")).unwrap();
    let watched = scene.watch(&file("/etc/sub/a"));
    std::fs::rename(scene.path("etc"), scene.path("old")).unwrap();
    assert!(!watched.source.is_current());
    std::fs::create_dir_all(scene.path("etc/sub")).unwrap();
    assert!(!watched.source.is_current(), "another directory of the same path");
}

/// While nobody reads, the kernel keeps a bounded number of events. Would break: an overflow that is not told.
#[test]
fn an_overflow_of_the_kernel_is_told() {
    let scene = Scene::new();
    let (open_gate, gate) = channel();
    let watched = scene.gated(&directory("/etc"), Some(gate)).map_err(|error| error.to_string()).unwrap();
    let most: usize =
        std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap().trim().parse().unwrap();
    let files = ["etc/a", "etc/b"].map(|name| std::fs::File::create(scene.path(name)).unwrap());
    // The same event twice in a row would be one. Twice as many, because the thread may have read some before it waits.
    for number in 0..=2 * most {
        files[number % 2].set_len(number as u64).unwrap();
    }
    drop(open_gate);
    while watched.next() != Seen::Lost {}
}

/// Would break: a thread that outlives its sources, as after each change of the configuration.
#[test]
fn the_thread_ends_with_the_host() {
    let threads = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().filter_map(Result::ok);
        let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        tasks.map(name).filter(|name| name.trim() == "ansai-watch").count()
    };
    let scene = Scene::new();
    let watched = [scene.watch(&directory("/etc")), scene.watch(&file("/etc/a"))];
    // A thread has its name a moment after it was started.
    let wait_for = |number| {
        let began = Instant::now();
        while threads() != number {
            assert!(began.elapsed() < PATIENCE, "{} threads in place of {number}", threads());
            std::thread::yield_now();
        }
    };
    wait_for(1);
    drop((watched, scene));
    wait_for(0);
}

fn pressure(of: Resource, stall: u64, window: u64) -> Watch {
    Watch::Pressure(Pressure { of, stall: Millis::new(stall), window: Millis::new(window) })
}

/// More threads than processors wait for a processor.
#[test]
fn tasks_that_wait_for_a_processor_are_seen() {
    let scene = Scene { host: Host::at("/"), ..Scene::new() };
    for of in [Resource::Memory, Resource::Io] {
        drop(scene.watch(&pressure(of, 150, 2_000)));
    }
    let watched = scene.watch(&pressure(Resource::Cpu, 1, 2_000));
    let is_over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let busy = || {
        let is_over = is_over.clone();
        std::thread::spawn(move || {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        })
    };
    let count = std::thread::available_parallelism().unwrap().get() + 2;
    let threads: Vec<_> = (0..count).map(|_| busy()).collect();
    let seen = watched.next();
    is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(matches!(&seen, Seen::Occurred("cpu-pressure", about) if about.kind == "host"), "{seen:?}");
}

#[test]
fn what_the_kernel_does_not_measure_is_unsupported_and_a_bad_window_is_refused() {
    let scene = Scene::new();
    let unsupported = scene.refused(&pressure(Resource::Cpu, 1, 2_000));
    assert!(matches!(unsupported, WatchError::Unavailable(Refusal::Unsupported(_))), "{unsupported}");
    let scene = Scene { host: Host::at("/"), ..scene };
    // Longer than the kernel's window. The configuration refuses that before.
    let refused = scene.refused(&pressure(Resource::Cpu, 1, 60_000));
    assert!(matches!(&refused, WatchError::Unavailable(Refusal::Unavailable(why)) if why.contains("multiples of 2 s")));
}
