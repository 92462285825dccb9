#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};

use super::*;

fn open_cache(dir: &Path) -> Result<Cache, CacheError> {
    Cache::open(dir, &wasmtime::Engine::default())
}

fn code(bytes: &[u8]) -> Code {
    Code::of(bytes).unwrap()
}

/// What is got, as bytes.
fn got(cache: &Cache, digest: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    cache.get(digest)?.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

fn fresh() -> (tempfile::TempDir, Cache) {
    let dir = tempfile::tempdir().unwrap();
    let cache = open_cache(&dir.path().join("cache")).unwrap();
    (dir, cache)
}

#[test]
fn what_was_put_comes_back_and_nothing_else_does() {
    let (dir, cache) = fresh();
    assert_eq!(got(&cache, "aa"), None);
    cache.put("aa", &code(b"code")).unwrap();
    let dir = dir.path().join("cache");
    assert_eq!(got(&open_cache(&dir).unwrap(), "aa").unwrap(), b"code");
    // Changed, renamed, cut, or under another key: as if it were not there.
    std::fs::copy(cache.file("aa"), cache.file("bb")).unwrap();
    std::fs::copy(cache.seal("aa"), cache.seal("bb")).unwrap();
    assert_eq!(got(&cache, "bb"), None);
    std::fs::write(cache.file("aa"), b"c0de").unwrap();
    assert_eq!(got(&cache, "aa"), None);
    std::fs::write(cache.file("aa"), b"co").unwrap();
    assert_eq!(got(&cache, "aa"), None);
    cache.put("aa", &code(b"code")).unwrap();
    std::fs::set_permissions(dir.join("key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(got(&open_cache(&dir).unwrap(), "aa"), None, "a key that others could read is not used");
}

#[test]
fn a_file_is_verified_once_and_again_when_it_was_touched() {
    let (_dir, cache) = fresh();
    cache.put("aa", &code(b"code")).unwrap();
    let seal = || std::fs::read(cache.seal("aa")).unwrap();
    let first = seal();
    assert_eq!(got(&cache, "aa").unwrap(), b"code");
    assert_eq!(seal(), first, "verified when it was written");
    // Another inode with the same bytes is verified by its bytes, and then remembered.
    let copy = cache.file("aa").with_extension("copy");
    std::fs::copy(cache.file("aa"), &copy).unwrap();
    std::fs::rename(&copy, cache.file("aa")).unwrap();
    assert_eq!(got(&cache, "aa").unwrap(), b"code");
    assert_ne!(seal(), first, "another file");
    let second = seal();
    assert_eq!(got(&cache, "aa").unwrap(), b"code");
    assert_eq!(seal(), second);
}

#[test]
fn a_change_behind_an_old_time_is_seen() {
    let (_dir, cache) = fresh();
    cache.put("aa", &code(b"code")).unwrap();
    let path = cache.file("aa");
    let before = std::fs::metadata(&path).unwrap();
    // File systems count in ticks of some milliseconds: one that has passed tells the two apart.
    while std::fs::metadata(&path).unwrap().ctime_nsec() == before.ctime_nsec() {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert_eq!(got(&cache, "aa").unwrap(), b"code");
    let remembered = std::fs::metadata(&path).unwrap();
    while std::fs::metadata(&path).unwrap().ctime_nsec() == remembered.ctime_nsec() {
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.write_all_at(b"evil", 0).unwrap();
        file.set_times(std::fs::FileTimes::new().set_modified(before.modified().unwrap())).unwrap();
    }
    let now = std::fs::metadata(&path).unwrap();
    assert_eq!((now.len(), now.ino(), now.mtime_nsec()), (before.len(), before.ino(), before.mtime_nsec()));
    assert_eq!(got(&cache, "aa"), None);
}

#[test]
fn a_seal_of_somebody_elses_making_is_none() {
    let (_dir, cache) = fresh();
    cache.put("aa", &code(b"code")).unwrap();
    let good = std::fs::read(cache.seal("aa")).unwrap();
    for at in [0, MAC_AT_END / 2, good.len() - 1] {
        let mut forged = good.clone();
        forged[at] ^= 1;
        std::fs::write(cache.seal("aa"), &forged).unwrap();
        assert_eq!(got(&cache, "aa"), None, "byte {at}");
    }
    std::fs::write(cache.seal("aa"), b"").unwrap();
    assert_eq!(got(&cache, "aa"), None);
    std::fs::write(cache.seal("aa"), &good).unwrap();
    assert_eq!(got(&cache, "aa").unwrap(), b"code");
}

/// Somewhere in the identity.
const MAC_AT_END: usize = 100;

#[test]
fn only_a_private_regular_file_is_code() {
    let (dir, cache) = fresh();
    cache.put("aa", &code(b"code")).unwrap();
    let path = cache.file("aa");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(got(&cache, "aa"), None, "others could have it open");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let elsewhere = dir.path().join("elsewhere");
    std::fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert_eq!(got(&cache, "aa"), None, "a link");
}

#[test]
fn a_directory_that_others_can_write_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(open_cache(dir.path()), Err(CacheError::NotOurs(_))));
}

#[test]
fn what_a_crash_left_is_removed_and_what_is_being_written_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("cache");
    drop(open_cache(&dir).unwrap());
    let long_ago = std::time::SystemTime::now() - ABANDONED * 2;
    for (name, at) in [(".aa.1", long_ago), ("key.1", long_ago), (".bb.2", std::time::SystemTime::now())] {
        std::fs::File::create(dir.join(name)).unwrap().set_modified(at).unwrap();
    }
    drop(open_cache(&dir).unwrap());
    let left: Vec<_> = [".aa.1", "key.1", ".bb.2"].into_iter().filter(|name| dir.join(name).exists()).collect();
    assert_eq!(left, [".bb.2"]);
}
