#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};

use std::path::Path;

use super::*;

fn open_cache(dir: &Path) -> Result<Cache, CacheError> {
    Cache::open(&dir, &wasmtime::Engine::default())
}

/// Where its files are.
impl Cache {
    fn code_file(&self, digest: &str) -> PathBuf {
        self.dir.path_of(self.code_name(digest))
    }

    fn mac_file(&self, digest: &str) -> PathBuf {
        self.dir.path_of(self.mac_name(digest))
    }

    fn verification_file(&self, digest: &str) -> PathBuf {
        self.dir.path_of(self.verification_name(digest))
    }
}

fn code(bytes: &[u8]) -> CompiledCode {
    CompiledCode::from_bytes(bytes).unwrap()
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
    std::fs::copy(cache.code_file("aa"), cache.code_file("bb")).unwrap();
    std::fs::copy(cache.mac_file("aa"), cache.mac_file("bb")).unwrap();
    std::fs::copy(cache.verification_file("aa"), cache.verification_file("bb")).unwrap();
    assert_eq!(got(&cache, "bb"), None);
    std::fs::write(cache.code_file("aa"), b"c0de").unwrap();
    assert_eq!(got(&cache, "aa"), None);
    std::fs::write(cache.code_file("aa"), b"co").unwrap();
    assert_eq!(got(&cache, "aa"), None);
    cache.put("aa", &code(b"code")).unwrap();
    std::fs::set_permissions(dir.join("key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(got(&open_cache(&dir).unwrap(), "aa"), None, "a key that others could read is not used");
}

#[test]
fn a_file_is_verified_once_and_again_when_it_was_touched() {
    let (_dir, cache) = fresh();
    cache.put("aa", &code(b"code")).unwrap();
    let seal = || std::fs::read(cache.verification_file("aa")).unwrap();
    let first = seal();
    assert_eq!(got(&cache, "aa").unwrap(), b"code");
    assert_eq!(seal(), first, "verified when it was written");
    // Another inode with the same bytes is verified by its bytes, and then remembered.
    let copy = cache.code_file("aa").with_extension("copy");
    std::fs::copy(cache.code_file("aa"), &copy).unwrap();
    std::fs::rename(&copy, cache.code_file("aa")).unwrap();
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
    let path = cache.code_file("aa");
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

/// A damaged verification file costs a verification, and code with a damaged MAC is not used.
#[test]
fn only_what_this_users_key_made_counts() {
    let (_dir, cache) = fresh();
    cache.put("aa", &code(b"code")).unwrap();
    let good = std::fs::read(cache.verification_file("aa")).unwrap();
    std::fs::write(cache.code_file("aa"), b"evil").unwrap();
    let evil = FileIdentity::of(&cache.dir.file(cache.code_name("aa"), Access::Read).unwrap(), MAX_BYTES).unwrap();
    let another_key = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
    let mut changed = good.clone();
    changed[IN_THE_IDENTITY] ^= 1;
    for forged in [verification::bytes(&evil, another_key), changed, Vec::new(), good.clone()] {
        std::fs::write(cache.verification_file("aa"), &forged).unwrap();
        assert_eq!(got(&cache, "aa"), None, "{}", String::from_utf8_lossy(&forged));
    }
    std::fs::write(cache.code_file("aa"), b"code").unwrap();
    for torn in [b"".as_slice(), &good[..good.len() - 1], &[0; 100]] {
        std::fs::write(cache.verification_file("aa"), torn).unwrap();
        assert_eq!(got(&cache, "aa").unwrap(), b"code");
        assert_ne!(std::fs::read(cache.verification_file("aa")).unwrap(), torn, "verified by its MAC");
    }
    for torn in [b"".as_slice(), &[0; 32]] {
        std::fs::remove_file(cache.verification_file("aa")).unwrap();
        std::fs::write(cache.mac_file("aa"), torn).unwrap();
        assert_eq!(got(&cache, "aa"), None);
        cache.put("aa", &code(b"code")).unwrap();
    }
}

/// A byte of the identity.
const IN_THE_IDENTITY: usize = 40;

#[test]
fn only_a_private_regular_file_is_code() {
    let (dir, cache) = fresh();
    cache.put("aa", &code(b"code")).unwrap();
    let path = cache.code_file("aa");
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
    assert!(matches!(open_cache(dir.path()), Err(CacheError::NotPrivate(_))));
}

#[test]
fn what_a_crash_left_is_removed_and_what_is_being_written_is_not() {
    let (place, cache) = fresh();
    let dir = place.path().join("cache");
    cache.put("aa", &code(b"code")).unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    let now = std::time::SystemTime::now();
    // As earlier versions called them: old ones go.
    let temporary = |path: &Path, suffix: &str| PathBuf::from(format!("{}.{suffix}", path.display()));
    let (code, seal) = (cache.code_file("aa"), cache.verification_file("aa"));
    let (old_code, old_seal, old_key) = (temporary(&code, "7.1"), temporary(&seal, "7.2"), dir.join("key.7"));
    let young = temporary(&code, "8.3");
    // As they are called now: gone at once, because no writer holds it.
    let left_over = dir.join(".ansai-7-7.tmp");
    let all = [(&old_code, long_ago), (&old_seal, long_ago), (&old_key, long_ago), (&left_over, now), (&young, now)];
    for (path, at) in all {
        std::fs::File::create(path).unwrap().set_modified(at).unwrap();
    }
    std::fs::File::options().append(true).open(&seal).unwrap().set_modified(long_ago).unwrap();
    drop(open_cache(&dir).unwrap());
    let left: Vec<_> = all.iter().map(|(path, _)| *path).filter(|path| path.exists()).collect();
    assert_eq!(left, [&young]);
    assert!(code.exists() && seal.exists() && dir.join("key").exists());
}

#[test]
fn what_was_not_used_for_longest_makes_room() {
    let (place, mut cache) = fresh();
    let dir = place.path().join("cache");
    let day = std::time::Duration::from_secs(24 * 3600);
    for (digest, days) in [("aa", 5), ("bb", 9), ("cc", 7), ("dd", 0)] {
        cache.put(digest, &code(&[1; 8192])).unwrap();
        let seal = std::fs::File::options().append(true).open(cache.verification_file(digest)).unwrap();
        seal.set_modified(std::time::SystemTime::now() - day * days).unwrap();
    }
    // The oldest, but for its being used now.
    assert!(got(&cache, "bb").is_some());
    let left = || {
        let mut left: Vec<String> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap()).map(name).collect();
        left.sort();
        left.retain(|name| name != "key");
        left
    };
    let named = |cache: &Cache, digests: &[&str]| -> Vec<String> {
        let files = digests
            .iter()
            .flat_map(|digest| [cache.code_file(digest), cache.mac_file(digest), cache.verification_file(digest)]);
        files.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    };
    cache.max_kept = 5 * 8192;
    cache.put("ee", &code(&[1; 8192])).unwrap();
    assert_eq!(left(), named(&cache, &["aa", "bb", "cc", "dd", "ee"]));
    cache.max_kept = 5 * 8192 - 1;
    cache.put("ee", &code(&[1; 8192])).unwrap();
    assert_eq!(left(), named(&cache, &["aa", "bb", "dd", "ee"]));
    assert!(got(&cache, "cc").is_none());
    cache.max_kept = 0;
    cache.put("ff", &code(&[1; 8192])).unwrap();
    assert_eq!(left(), named(&cache, &["ff"]), "what was put last stays, however large");
    assert!(got(&cache, "ff").is_some());
}

fn name(entry: std::fs::DirEntry) -> String {
    entry.file_name().into_string().unwrap()
}
