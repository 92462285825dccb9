//! A disk that is really full: a small tmpfs. Needs root.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use ansai_audit::{
    AppendError, Ballast, Class, Durability, Kept, Log, Options, PutRefusal, Recordings, Retention, verify,
};

use crate::fixture;

struct SmallDisk {
    directory: tempfile::TempDir,
}

impl SmallDisk {
    /// Mounts a file system of 1 MiB; `None`, with the reason printed, if that is not possible.
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs"])
            .arg(directory.path())
            .output();
        let reason = match mounted {
            Ok(output) if output.status.success() => return Some(Self { directory }),
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "cannot mount a tmpfs: {reason}");
        eprintln!("skipped, cannot mount a tmpfs: {reason}");
        None
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Fills the disk to the last byte.
    fn fill(&self, name: &str) -> PathBuf {
        let path = self.path().join(name);
        let mut file = File::create(&path).unwrap();
        while file.write(&[b'x'; 4096]).is_ok_and(|written| written > 0) {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("a tmpfs is left mounted at {}", self.path().display());
        }
    }
}

fn options(segment_bytes: u64) -> Options {
    Options { reserve_bytes: 64 * 1024, ..fixture::options(segment_bytes) }
}

#[test]
fn the_reserve_lets_the_log_be_written_on_a_full_disk() {
    let Some(disk) = SmallDisk::mount() else { return };
    let directory = disk.path().join("audit");
    let (mut log, recovery) = Log::open(&directory, options(1 << 20)).unwrap();
    recovery.reserve.unwrap();
    log.append(b"before", Durability::Synced).unwrap();
    let filler = disk.fill("filler");
    let payload = vec![b'r'; 10_000];
    log.append(&payload, Durability::Synced).unwrap();
    assert!(!log.has_reserve(), "the reserve was needed");
    assert!(log.replenish().is_err() || log.has_reserve());

    let again = disk.fill("filler again");
    let length = fs::metadata(&fixture::segments(&directory)[0]).unwrap().len();
    let refused = loop {
        match log.append(&payload, Durability::Synced) {
            Ok(_) => {}
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, AppendError::NoSpace(_)), "{refused}");
    assert!(fs::metadata(&fixture::segments(&directory)[0]).unwrap().len() >= length);
    let found = verify(&directory, Some(log.head())).unwrap();
    assert_eq!((found.head, found.torn_tail_bytes), (log.head(), 0), "the partial write was cut back");

    fs::remove_file(filler).unwrap();
    fs::remove_file(again).unwrap();
    log.replenish().unwrap();
    assert!(log.has_reserve());
    let head = log.append(&payload, Durability::Synced).unwrap();
    drop(log);
    let (log, recovery) = Log::open(&directory, options(1 << 20)).unwrap();
    assert!(recovery.cut.is_none() && log.head() == head);
}

#[test]
fn a_segment_that_cannot_be_begun_is_not_needed() {
    let Some(disk) = SmallDisk::mount() else { return };
    let directory = disk.path().join("audit");
    let (mut log, _) = Log::open(&directory, Options { reserve_bytes: 0, ..options(100) }).unwrap();
    log.append(&[b'a'; 100], Durability::Synced).unwrap();
    disk.fill("filler");
    // The last block of the old segment has room, but there is none for a new file.
    for _ in 0..3 {
        log.append(&[b'b'; 100], Durability::Synced).unwrap();
    }
    let found = verify(&directory, Some(log.head())).unwrap();
    assert_eq!((found.records, found.segments), (4, 1));
}

#[test]
fn a_torn_log_is_opened_on_a_full_disk() {
    let Some(disk) = SmallDisk::mount() else { return };
    let directory = disk.path().join("audit");
    let (log, recovery) = Log::open(&directory, options(1 << 20)).unwrap();
    recovery.reserve.unwrap();
    drop(log);
    let head = fixture::write(&directory, 1 << 20, 3);
    let tear = || {
        let mut segment = File::options().append(true).open(&fixture::segments(&directory)[0]).unwrap();
        segment.write_all(&[b't'; 600]).unwrap();
    };
    tear();
    disk.fill("filler");
    let (log, recovery) = Log::open(&directory, options(1 << 20)).unwrap();
    let kept = recovery.cut.unwrap().kept;
    assert!(matches!(&kept, Kept::At(path) if fs::read(path).unwrap() == [b't'; 600]), "{kept:?}");
    assert_eq!(log.head(), head);
    drop(log);
    // Without any room, the bytes are lost, the report says so, and the log opens.
    Ballast::new(directory.join("reserve"), 0).release().unwrap();
    disk.fill("filler again");
    tear();
    let (log, recovery) = Log::open(&directory, options(1 << 20)).unwrap();
    assert!(matches!(recovery.cut.unwrap().kept, Kept::Lost(_)));
    assert!(recovery.reserve.is_err());
    assert_eq!(verify(&directory, Some(log.head())).unwrap().torn_tail_bytes, 0);
}

#[test]
fn healthy_recordings_give_way_on_a_full_disk() {
    let Some(disk) = SmallDisk::mount() else { return };
    let directory = disk.path().join("recordings");
    let mut store = Recordings::open(&directory, Retention::default()).unwrap();
    for number in 0..3 {
        let id = format!("h{number}").parse().unwrap();
        store.put(&id, "one", Class::Healthy, b"healthy").unwrap();
    }
    disk.fill("filler");
    let stored = store.put(&"n0".parse().unwrap(), "one", Class::Notable, b"notable").unwrap();
    assert_eq!(stored.evicted, ["h0".parse().unwrap()]);
    for name in ["n1", "n2"] {
        store.put(&name.parse().unwrap(), "one", Class::Notable, b"notable").unwrap();
    }
    let refused = store.put(&"n3".parse().unwrap(), "one", Class::Notable, b"notable").unwrap_err();
    assert!(matches!(refused.refusal, PutRefusal::NoSpace(_)), "{refused}");
    assert_eq!(store.list().len(), 3);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 4, "nothing unfinished is left behind");
}

/// Would break: a store that tries for ever, half a sample, or a notable recording that finds no room beside samples.
#[test]
fn samples_give_way_on_a_full_disk() {
    let Some(disk) = SmallDisk::mount() else { return };
    let directory = disk.path().join("recordings");
    let mut store = Recordings::open(&directory, Retention::default()).unwrap();
    let put = |store: &mut Recordings, name: &str| store.put_sample(&name.parse().unwrap(), "one", name.as_bytes());
    put(&mut store, "s0").unwrap();
    store.put(&"h0".parse().unwrap(), "one", Class::Healthy, b"healthy").unwrap();
    disk.fill("filler");
    // The rest of the block is there; then the pack goes, then the healthy one.
    let mut evicted = Vec::new();
    for number in 1..200 {
        evicted.extend(put(&mut store, &format!("s{number}")).unwrap().evicted);
    }
    assert!(evicted.contains(&"s0".parse().unwrap()), "{evicted:?}");
    assert!(store.get(&"s199".parse().unwrap()).is_ok());
    for name in ["n0", "n1", "n2"] {
        match store.put(&name.parse().unwrap(), "one", Class::Notable, b"notable") {
            Ok(_) => assert_eq!(store.get(&name.parse().unwrap()).unwrap(), b"notable"),
            Err(error) => assert!(matches!(error.refusal, PutRefusal::NoSpace(_)), "{error}"),
        }
    }
    let kept = store.list();
    assert!(kept.iter().any(|one| one.class == Class::Notable), "{kept:?}");
    assert!(kept.iter().all(|one| one.class == Class::Notable), "{kept:?}");
    let refused = put(&mut store, "last").unwrap_err();
    assert!(matches!(refused.refusal, PutRefusal::NoSpace(_)), "{refused}");
    assert_eq!(store.list(), kept, "nothing is left of it");
    drop(store);
    assert_eq!(Recordings::open(&directory, Retention::default()).unwrap().list(), kept);
}

#[test]
fn a_ballast_that_does_not_fit_leaves_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    let ballast = Ballast::new(disk.path().join("ballast"), 2 << 20);
    assert!(ballast.ensure().is_err());
    assert!(!ballast.path().exists());
    let fitting = Ballast::new(disk.path().join("ballast"), 512 * 1024);
    fitting.ensure().unwrap();
    disk.fill("filler");
    assert!(File::create(disk.path().join("more")).unwrap().write_all(&[1; 4096]).is_err());
    fitting.release().unwrap();
    File::create(disk.path().join("more")).unwrap().write_all(&[1; 4096]).unwrap();
}
