//! Compiled components on disk. wasmtime trusts these bytes as native code, so each file carries a MAC under a
//! key that only this user can read, checked on the very bytes that are then loaded.
#![expect(clippy::disallowed_methods, reason = "an adapter to the cache directory")]

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

const MAC_BYTES: usize = 32;
/// Compiled code is some times larger than the component.
const MOST_BYTES: u64 = 512 << 20;

/// The cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// An I/O error on a path.
    #[error("cache of compiled components: {path}: {error}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What.
        error: std::io::Error,
    },
    /// Others could put native code there.
    #[error("cache of compiled components: {0} belongs to somebody else or can be written by others")]
    NotOurs(PathBuf),
}

/// A directory of compiled components.
#[derive(Clone)]
pub struct Cache {
    dir: PathBuf,
    key: [u8; 32],
    /// Compiled code fits one engine version, configuration and processor.
    engine: String,
}

impl Cache {
    /// Opens or makes it.
    pub fn open(dir: &Path, engine: &wasmtime::Engine) -> Result<Cache, CacheError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| CacheError::Io { path, error }
        };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at(dir))?;
        let metadata = std::fs::symlink_metadata(dir).map_err(at(dir))?;
        let ours =
            metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0;
        if !ours {
            return Err(CacheError::NotOurs(dir.to_owned()));
        }
        let key_file = dir.join("key");
        let key = match read_key(&key_file) {
            Ok(Some(key)) => key,
            _ => make_key(&key_file).map_err(at(&key_file))?,
        };
        Ok(Cache { dir: dir.to_owned(), key, engine: compatibility(engine) })
    }

    /// The compiled form, if it is there and its MAC is right. Anything else is as if it were not there.
    pub(crate) fn get(&self, digest: &str) -> Option<Vec<u8>> {
        let file = std::fs::File::open(self.file(digest)).ok()?;
        let size = file.metadata().ok()?.len();
        if size > MOST_BYTES {
            return None;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).ok()?);
        file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
        let code = bytes.len().checked_sub(MAC_BYTES)?;
        let mac = bytes.split_off(code);
        self.mac(digest, &bytes)?.verify_slice(&mac).ok()?;
        Some(bytes)
    }

    /// Keeps a compiled form. The caller goes on without when it fails: a full disk must not stop healing.
    pub(crate) fn put(&self, digest: &str, code: &[u8]) -> std::io::Result<()> {
        let mac = self.mac(digest, code).ok_or_else(|| std::io::Error::other("no MAC"))?.finalize().into_bytes();
        let path = self.file(digest);
        let temporary = self.dir.join(format!(".{digest}.{}", std::process::id()));
        let written = new_private(&temporary)
            .and_then(|mut file| file.write_all(code).and_then(|()| file.write_all(&mac)))
            .and_then(|()| std::fs::rename(&temporary, &path));
        if written.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        written
    }

    fn file(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}-{}.bin", self.engine))
    }

    /// Binds the code to its component and engine: a file renamed to another's name is refused.
    fn mac(&self, digest: &str, code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(digest.as_bytes());
        mac.update(self.engine.as_bytes());
        mac.update(code);
        Some(mac)
    }
}

fn compatibility(engine: &wasmtime::Engine) -> String {
    struct Sink(Sha256);
    impl std::hash::Hasher for Sink {
        fn finish(&self) -> u64 {
            0
        }
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
    }
    let mut sink = Sink(Sha256::new());
    std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut sink);
    let mut name = hex::encode(sink.0.finalize());
    name.truncate(16);
    name
}

fn new_private(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn read_key(path: &Path) -> std::io::Result<Option<[u8; 32]>> {
    let mut key = Vec::new();
    let file = std::fs::File::open(path)?;
    // A key that others could read or choose is no key.
    let metadata = file.metadata()?;
    if metadata.mode() & 0o077 != 0 || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Ok(None);
    }
    file.take(64).read_to_end(&mut key)?;
    Ok(key.try_into().ok())
}

/// A new key makes every file made under an old one worthless, which is what is wanted.
fn make_key(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut key = [0u8; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut key)?;
    let temporary = path.with_extension(std::process::id().to_string());
    let _ = std::fs::remove_file(&temporary);
    new_private(&temporary)?.write_all(&key)?;
    std::fs::rename(&temporary, path)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn open(dir: &Path) -> Result<Cache, CacheError> {
        Cache::open(dir, &wasmtime::Engine::default())
    }

    #[test]
    fn what_was_put_comes_back_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("cache");
        let cache = open(&dir).unwrap();
        assert_eq!(cache.get("aa"), None);
        cache.put("aa", b"code").unwrap();
        assert_eq!(open(&dir).unwrap().get("aa").unwrap(), b"code");
        // Changed, renamed, cut, or under another key: as if it were not there.
        std::fs::copy(cache.file("aa"), cache.file("bb")).unwrap();
        assert_eq!(cache.get("bb"), None);
        let mut bytes = std::fs::read(cache.file("aa")).unwrap();
        bytes[0] ^= 1;
        std::fs::write(cache.file("aa"), &bytes).unwrap();
        assert_eq!(cache.get("aa"), None);
        std::fs::write(cache.file("aa"), b"short").unwrap();
        assert_eq!(cache.get("aa"), None);
        cache.put("aa", b"code").unwrap();
        std::fs::set_permissions(dir.join("key"), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(open(&dir).unwrap().get("aa"), None, "a key that others could read is not used");
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(open(dir.path()), Err(CacheError::NotOurs(_))));
    }
}
