//! Samples that are stored together.

use std::fs;
use std::path::{Path, PathBuf};

use ansai_audit::{Catalog, Class, GetError, PutRefusal, RecordingId, Recordings, Retention};

/// Blocks of a quota of which packs may take four.
const BLOCKS: u64 = 16;

fn open(directory: &Path) -> Recordings {
    Recordings::open(directory, Retention { healthy_per_instance: 64, quota_bytes: BLOCKS * 4096 }).unwrap()
}

fn id(text: &str) -> RecordingId {
    text.parse().unwrap()
}

/// Content that does not become smaller.
fn content(number: u32, bytes: u32) -> Vec<u8> {
    (0..bytes / 4)
        .flat_map(|at| crc32c::crc32c(&[number.to_le_bytes(), at.to_le_bytes()].concat()).to_le_bytes())
        .collect()
}

fn put(store: &mut Recordings, number: u32) -> Vec<RecordingId> {
    store.put_sample(&id(&format!("s{number}")), "one", &content(number, 1_000)).unwrap().evicted
}

fn packs(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "pack"));
    paths.sort();
    paths
}

#[test]
fn samples_are_read_also_after_reopening_and_by_others() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let stored = store.put_sample(&id("a"), "one", b"content").unwrap();
    put(&mut store, 1);
    store.put(&id("file"), "one", Class::Notable, b"x").unwrap();
    let refused = store.put_sample(&id("file"), "one", b"x").unwrap_err();
    assert!(matches!(refused.refusal, PutRefusal::Exists(_)));
    let refused = store.put_sample(&id("b"), "../x", b"x").unwrap_err();
    assert!(matches!(refused.refusal, PutRefusal::Instance(_)));
    let listed = store.list();
    let names: Vec<&str> = listed.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(names, ["file", "s1", "a"]);
    assert_eq!(
        (listed[2].instance.as_str(), listed[2].class, listed[2].bytes),
        ("one", Class::Healthy, stored.stored_bytes)
    );
    assert!(listed[2].modified_millis > 1_500_000_000_000);
    // While the writer has the store open, and after it was killed: nothing is written at its end.
    let catalog = Catalog::open(directory.path()).unwrap();
    assert_eq!(catalog.list(), listed);
    assert_eq!(catalog.get_verified(&id("a"), &stored.sha256).unwrap(), b"content");
    std::mem::forget(store);
    let elsewhere = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(directory.path()).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), elsewhere.path().join(entry.file_name())).unwrap();
    }
    let mut store = open(elsewhere.path());
    assert_eq!(store.get(&id("s1")).unwrap(), content(1, 1_000));
    put(&mut store, 2);
    assert_eq!(packs(elsewhere.path()).len(), 2, "a run appends only to its own");
    assert_eq!(store.list().len(), 4);
    store.remove(&id("a")).unwrap();
    assert!(store.get(&id("a")).is_ok(), "it goes with its file");
}

/// Would break: a file, and so a block and an inode, for each sample.
#[test]
fn samples_take_the_space_that_they_need_and_the_oldest_go_first() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Recordings::open(directory.path(), Retention::default()).unwrap();
    for number in 0..300 {
        assert!(put(&mut store, number).is_empty());
    }
    let sizes: Vec<u64> = packs(directory.path()).iter().map(|path| path.metadata().unwrap().len()).collect();
    assert_eq!(sizes.len(), 2, "{sizes:?}");
    assert!(sizes.iter().sum::<u64>() < 300 * 1_150 && sizes.iter().all(|bytes| *bytes <= 256 << 10), "{sizes:?}");
    drop(store);
    let quota_bytes = 2 << 20;
    let mut store = Recordings::open(directory.path(), Retention { healthy_per_instance: 64, quota_bytes }).unwrap();
    let mut evicted = Vec::new();
    for number in 300..900 {
        evicted.extend(put(&mut store, number));
    }
    let expected: Vec<RecordingId> = (0..evicted.len()).map(|number| id(&format!("s{number}"))).collect();
    assert!(evicted.len() > 300 && evicted == expected, "whole files, the oldest first");
    let used: u64 = packs(directory.path()).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(used <= quota_bytes / 4, "{used}");
    assert_eq!(store.list().len() + evicted.len(), 900);
}

/// Would break: a noisy instance that displaces the samples of all others, or samples that displace what was found.
#[test]
fn samples_and_files_have_parts_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    put(&mut store, 0);
    for number in 0..40 {
        store.put(&id(&format!("n{number}")), "noisy", Class::Notable, b"x").unwrap();
    }
    assert!(store.get(&id("s0")).is_ok());
    assert_eq!(store.list().len(), BLOCKS as usize, "15 files, and a pack of a block");
    // With 15 notable ones there is no room for another pack: the samples make room among themselves.
    for number in 1..40 {
        put(&mut store, number);
    }
    assert_eq!(store.list().iter().filter(|one| one.class == Class::Notable).count(), BLOCKS as usize - 1);
    // What takes the whole quota may displace them.
    let large = content(7, u32::try_from((BLOCKS - 1) * 4096).unwrap());
    store.put(&id("large"), "one", Class::Evidence, &large).unwrap();
    assert_eq!(store.get(&id("large")).unwrap(), large);
}

#[test]
fn a_large_sample_is_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let large = content(1, 40_000);
    store.put_sample(&id("large"), "one", &large).unwrap();
    assert!(packs(directory.path()).is_empty());
    assert_eq!(store.get(&id("large")).unwrap(), large);
}

/// Would break: one damaged file that hides all recordings, or a sample that is not the one that was recorded.
#[test]
fn a_damaged_pack_hides_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    let stored = store.put_sample(&id("a"), "one", &content(1, 1_000)).unwrap();
    put(&mut store, 2);
    store.put(&id("file"), "one", Class::Notable, b"x").unwrap();
    drop(store);
    let path = packs(directory.path()).remove(0);
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[500] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let catalog = Catalog::open(directory.path()).unwrap();
    assert!(catalog.get_verified(&id("a"), &stored.sha256).is_err());
    assert_eq!(catalog.get(&id("s2")).unwrap(), content(2, 1_000));
    fs::write(&path, &whole[..600]).unwrap();
    assert!(matches!(catalog.get(&id("a")), Err(GetError::Damaged { .. })), "shorter than when it was listed");
    fs::remove_file(&path).unwrap();
    assert!(matches!(catalog.get(&id("a")), Err(GetError::Unknown(_))));
    for put in [
        (|path: &Path| fs::create_dir(path).unwrap()) as fn(&Path),
        |path| std::os::unix::fs::symlink("/etc/passwd", path).unwrap(),
        |path| fs::write(path, b"rec1 and more").unwrap(),
        |path| fs::File::create(path).unwrap().set_len(1 << 40).unwrap(),
    ] {
        put(&path);
        let mut store = open(directory.path());
        assert_eq!(store.list().len(), 1);
        self::put(&mut store, 9);
        assert_eq!(store.get(&id("s9")).unwrap(), content(9, 1_000));
        drop(store);
        for path in packs(directory.path()) {
            fs::remove_file(&path).or_else(|_| fs::remove_dir(&path)).unwrap();
        }
    }
}
