//! The limit for each instance, the quota, dropped recordings, and changed recordings.

use std::fs;
use std::path::{Path, PathBuf};

use ansai_audit::{
    Catalog, Class, Durability, GetError, PutRefusal, RecordingId, Recordings, RecordingsError, Retention, Stored,
    verify,
};

use crate::fixture;

/// Size that one small recording counts against the quota.
const BLOCK: u64 = 4096;

fn open(directory: &Path, healthy_per_instance: usize, blocks: u64) -> Recordings {
    Recordings::open(directory, Retention { healthy_per_instance, quota_bytes: blocks * BLOCK }).unwrap()
}

fn id(text: &str) -> RecordingId {
    text.parse().unwrap()
}

fn put(store: &mut Recordings, name: &str, instance: &str, class: Class) -> Stored {
    store.put(&id(name), instance, class, name.as_bytes()).unwrap()
}

fn names(store: &Recordings) -> Vec<String> {
    store.list().into_iter().map(|listed| listed.id.to_string()).collect()
}

fn file_of(directory: &Path, name: &str) -> PathBuf {
    let wanted = format!("~{name}.zst");
    let mut paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths.find(|path| path.to_str().unwrap().ends_with(&wanted)).unwrap()
}

#[test]
fn recordings_are_listed_and_read_also_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let content = b"{\"calls\":[]}".repeat(1000);
    let mut store = open(directory.path(), 64, 100);
    let stored = store.put(&id("a.1"), "web-certs", Class::Notable, &content).unwrap();
    assert!(stored.stored_bytes < 500 && stored.evicted.is_empty());
    put(&mut store, "b", "disk", Class::Healthy);
    let listed = store.list();
    assert_eq!(names(&store), ["b", "a.1"]);
    assert_eq!((listed[1].instance.as_str(), listed[1].class), ("web-certs", Class::Notable));
    assert_eq!(listed[1].bytes, stored.stored_bytes);
    assert!(listed[1].modified_millis > 1_500_000_000_000);
    assert!(matches!(Recordings::open(directory.path(), Retention::default()), Err(RecordingsError::InUse(_))));
    // Read while the writer has the store open.
    let catalog = Catalog::open(directory.path()).unwrap();
    assert_eq!(catalog.list(), listed);
    assert_eq!(catalog.get_verified(&id("a.1"), &stored.sha256).unwrap(), content);
    drop(store);
    let mut store = open(directory.path(), 64, 100);
    assert_eq!(store.list(), listed);
    assert_eq!(store.get(&id("a.1")).unwrap(), content);
    put(&mut store, "c", "disk", Class::Healthy);
    assert_eq!(names(&store), ["c", "b", "a.1"]);
    assert!(matches!(store.get(&id("d")), Err(GetError::Unknown(_))));
}

#[test]
fn each_instance_has_a_ring_of_healthy_ones() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path(), 3, 100);
    put(&mut store, "other", "other", Class::Healthy);
    put(&mut store, "notable", "one", Class::Notable);
    for number in 0..6 {
        let stored = put(&mut store, &format!("h{number}"), "one", Class::Healthy);
        let expected = if number < 3 { vec![] } else { vec![id(&format!("h{}", number - 3))] };
        assert_eq!(stored.evicted, expected);
    }
    assert_eq!(names(&store), ["h5", "h4", "h3", "notable", "other"]);
    drop(store);
    let mut store = open(directory.path(), 1, 100);
    let stored = put(&mut store, "h6", "one", Class::Healthy);
    assert_eq!(stored.evicted, [id("h3"), id("h4"), id("h5")]);
}

#[test]
fn the_quota_drops_healthy_ones_first_and_then_the_oldest() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path(), 64, 4);
    put(&mut store, "n0", "one", Class::Notable);
    put(&mut store, "h0", "one", Class::Healthy);
    put(&mut store, "n1", "one", Class::Notable);
    put(&mut store, "h1", "one", Class::Healthy);
    assert_eq!(put(&mut store, "n2", "one", Class::Notable).evicted, [id("h0")]);
    assert_eq!(put(&mut store, "h2", "one", Class::Healthy).evicted, [id("h1")]);
    assert_eq!(put(&mut store, "n3", "one", Class::Notable).evicted, [id("h2")]);
    let refused = store.put(&id("h3"), "one", Class::Healthy, b"").unwrap_err();
    assert!(matches!(refused.refusal, PutRefusal::QuotaTaken { .. }) && refused.evicted.is_empty());
    assert_eq!(put(&mut store, "n4", "one", Class::Notable).evicted, [id("n0")]);
    assert_eq!(names(&store), ["n4", "n3", "n2", "n1"]);
    let bytes: Vec<u8> =
        (0..20_000u32).flat_map(|number| crc32c::crc32c(&number.to_le_bytes()).to_le_bytes()).collect();
    let refused = store.put(&id("large"), "one", Class::Notable, &bytes).unwrap_err();
    assert!(matches!(refused.refusal, PutRefusal::LargerThanQuota { .. }) && refused.evicted.is_empty());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 5, "four recordings and the lock");
}

/// A noisy instance floods the store for long: the others keep everything.
#[test]
fn a_noisy_instance_displaces_only_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path(), 64, 12);
    // While nobody else needs it, one instance may use the whole quota.
    for number in 0..30 {
        put(&mut store, &format!("noise{number}"), "noisy", Class::Notable);
    }
    assert_eq!(names(&store).len(), 12);
    for (name, class) in [("good-sample", Class::Notable), ("good-evidence", Class::Evidence)] {
        let evicted = put(&mut store, name, "good", class).evicted;
        assert!(evicted.len() == 1 && evicted[0].as_str().starts_with("noise"), "{evicted:?}");
    }
    // A healthy recording displaces no notable one, not even of another instance.
    let refused = store.put(&id("quiet"), "quiet", Class::Healthy, b"").unwrap_err();
    assert!(matches!(refused.refusal, PutRefusal::QuotaTaken { .. }));
    for number in 30..200 {
        let class = [Class::Notable, Class::Evidence][number % 2];
        let evicted = put(&mut store, &format!("noise{number}"), "noisy", class).evicted;
        assert!(evicted.iter().all(|id| id.as_str().starts_with("noise")), "{evicted:?}");
    }
    let kept = names(&store);
    for name in ["good-sample", "good-evidence"] {
        assert!(kept.iter().any(|one| one == name), "{kept:?}");
    }
    // The same after a restart, from the names of the files alone.
    drop(store);
    let mut store = open(directory.path(), 64, 12);
    assert_eq!(put(&mut store, "noise-again", "noisy", Class::Notable).evicted.len(), 1);
    assert!(names(&store).iter().any(|one| one == "good-sample"));
}

#[test]
fn evidence_of_acts_outlives_samples() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path(), 64, 3);
    for (name, class) in [("act", Class::Evidence), ("found", Class::Notable), ("well", Class::Healthy)] {
        put(&mut store, name, "one", class);
    }
    assert_eq!(put(&mut store, "found2", "one", Class::Notable).evicted, [id("well")]);
    assert_eq!(put(&mut store, "found3", "one", Class::Notable).evicted, [id("found")]);
    assert_eq!(put(&mut store, "act2", "one", Class::Evidence).evicted, [id("found2")]);
    assert_eq!(put(&mut store, "act3", "one", Class::Evidence).evicted, [id("found3")]);
    // An older act goes only for a newer one.
    assert_eq!(put(&mut store, "act4", "one", Class::Evidence).evicted, [id("act")]);
}

#[test]
fn invalid_recordings_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path(), 64, 100);
    put(&mut store, "a", "one", Class::Healthy);
    for instance in ["", "..", "../x", "a~b", "a/b", &"x".repeat(65)] {
        let refused = store.put(&id("b"), instance, Class::Notable, b"").unwrap_err();
        assert!(matches!(refused.refusal, PutRefusal::Instance(_)), "{refused}");
    }
    let refused = store.put(&id("a"), "two", Class::Notable, b"").unwrap_err();
    assert!(matches!(refused.refusal, PutRefusal::Exists(_)));
    let refused = store.put(&id("b"), "one", Class::Notable, &vec![0; ansai_audit::MAX_CONTENT_BYTES + 1]);
    assert!(matches!(refused.unwrap_err().refusal, PutRefusal::TooLarge { .. }));
    assert_eq!(names(&store), ["a"]);
}

#[test]
fn changed_recordings_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path(), 64, 100);
    let sound = put(&mut store, "sound", "one", Class::Notable);
    put(&mut store, "other", "one", Class::Notable);
    let file = file_of(directory.path(), "sound");
    let stored = fs::read(&file).unwrap();

    fs::copy(file_of(directory.path(), "other"), &file).unwrap();
    assert_eq!(store.get(&id("sound")).unwrap(), b"other");
    let error = store.catalog().get_verified(&id("sound"), &sound.sha256).unwrap_err();
    assert!(matches!(error, GetError::Tampered { .. }), "{error}");

    fs::write(&file, &stored[..stored.len() - 1]).unwrap();
    assert!(matches!(store.get(&id("sound")), Err(GetError::Damaged { .. })));
    fs::write(&file, b"").unwrap();
    assert!(store.catalog().get_verified(&id("sound"), &sound.sha256).is_err());
    fs::write(&file, &stored).unwrap();
    assert_eq!(store.catalog().get_verified(&id("sound"), &sound.sha256).unwrap(), b"sound");
    fs::remove_file(&file).unwrap();
    assert!(matches!(store.get(&id("sound")), Err(GetError::Unknown(_))));
}

#[test]
fn leftovers_of_a_crash_are_removed_and_foreign_files_are_not() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path(), 64, 100));
    let partial = directory.path().join(".ansai-7-7.tmp");
    let foreign = directory.path().join("README");
    fs::write(&partial, b"half").unwrap();
    fs::write(&foreign, b"not ours").unwrap();
    let store = open(directory.path(), 64, 100);
    assert!(!partial.exists() && foreign.exists() && store.list().is_empty());
}

#[test]
fn dropping_a_recording_leaves_the_log_verifiable() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = fixture::open(&directory.path().join("audit"));
    let mut store = open(&directory.path().join("recordings"), 1, 100);
    for number in 0..3 {
        let stored = put(&mut store, &format!("r{number}"), "one", Class::Healthy);
        log.append(hex::encode(stored.sha256).as_bytes(), Durability::Buffered).unwrap();
    }
    assert_eq!(names(&store), ["r2"]);
    assert_eq!(verify(directory.path().join("audit"), Some(log.head())).unwrap().records, 3);
}
