//! The cache of compiled components on disk. Loading a compiled component takes a millisecond, compiling it takes up to
//! seconds.
//!
//! wasmtime runs compiled code without checking it. So the cache uses only a directory that no other user can write to,
//! and only files whose message authentication code (MAC) was made with this user's key. The MAC is verified once for each
//! file and boot (`verification`); after that the file is mapped directly.
#![expect(clippy::disallowed_methods, reason = "an adapter to the cache directory")]

mod eviction;
mod verification;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, Mac as _};
use rustix::fs::{Mode, OFlags};
use sha2::{Digest as _, Sha256};

use crate::compiled_code::{CompiledCode, OffsetReader};
use verification::{FileIdentity, Verification};

/// Maximum size of one file of compiled code, which is several times larger than its component.
const MAX_BYTES: u64 = 512 << 20;
/// Bytes that are read and authenticated at a time.
const CHUNK: usize = 256 << 10;

/// Why the cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// An I/O error on a path.
    #[error("cache of compiled components: {path}: {error}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        error: std::io::Error,
    },
    /// Another user could write native code into the directory.
    #[error("cache of compiled components: {0} belongs to another user or is writable by another user")]
    NotPrivate(PathBuf),
}

/// A directory of compiled components.
#[derive(Clone)]
pub struct Cache {
    dir: PathBuf,
    key: [u8; 32],
    /// Engine version, configuration and processor that the code is for, as a hash.
    engine: String,
    /// Maximum size, in bytes on disk.
    max_kept: u64,
}

impl Cache {
    /// Opens the cache in this directory, and makes the directory if it is missing.
    pub fn open(dir: &Path, engine: &wasmtime::Engine) -> Result<Cache, CacheError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| CacheError::Io { path, error }
        };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at(dir))?;
        let metadata = std::fs::symlink_metadata(dir).map_err(at(dir))?;
        let private =
            metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0;
        if !private {
            return Err(CacheError::NotPrivate(dir.to_owned()));
        }
        eviction::remove_abandoned(dir);
        let key_file = dir.join("key");
        let key = match read_key(&key_file) {
            Ok(Some(key)) => key,
            _ => make_key(&key_file).map_err(at(&key_file))?,
        };
        Ok(Cache { dir: dir.to_owned(), key, engine: compatibility(engine), max_kept: eviction::MAX_KEPT })
    }

    /// A cache in the same directory for another configuration of wasmtime.
    pub(crate) fn with_engine(&self, engine: &wasmtime::Engine) -> Cache {
        Cache { engine: compatibility(engine), ..self.clone() }
    }

    /// The file with the compiled component; `None` when it is missing or is not what was put there.
    pub(crate) fn get(&self, digest: &str) -> Option<File> {
        let file = open(&self.code_file(digest)).ok()?;
        let identity = FileIdentity::of(&file, MAX_BYTES)?;
        let known = Verification::read(&self.verification_file(digest), self.authentication("verification", digest)?)?;
        if !known.was_verified(&identity) {
            let mut mac = self.authentication("code", digest)?;
            for_each_chunk(&file, |chunk| {
                mac.update(chunk);
                Ok(())
            })
            .ok()?;
            // In constant time.
            mac.verify_slice(&known.code_mac).ok()?;
            // A file that changed while it was read was not verified.
            let verified = FileIdentity::of(&file, MAX_BYTES).filter(|now| *now == identity)?;
            // When this fails, the next load verifies again.
            let _ = self.remember(digest, known.code_mac, &verified);
        }
        eviction::touch(&self.verification_file(digest));
        Some(file)
    }

    /// Writes compiled code to the cache. When it fails the caller continues without: a full disk must not stop healing.
    pub(crate) fn put(&self, digest: &str, code: &CompiledCode) -> std::io::Result<()> {
        let mut mac = self.authentication("code", digest).ok_or_else(no_mac)?;
        let file = self.replace(&self.code_file(digest), |file| {
            for_each_chunk(code.file(), |chunk| {
                mac.update(chunk);
                file.write_all(chunk)
            })
        })?;
        // These are the bytes that were written just now, so they are verified. Renaming changes the ctime, so the identity
        // is read after it.
        let identity = FileIdentity::of(&file, MAX_BYTES)
            .ok_or_else(|| std::io::Error::other("the file is not private to this user"))?;
        self.remember(digest, mac.finalize().into_bytes().into(), &identity)?;
        eviction::evict(&self.dir, self.max_kept);
        Ok(())
    }

    fn remember(&self, digest: &str, code: [u8; 32], identity: &FileIdentity) -> std::io::Result<()> {
        let known =
            Verification::bytes(code, identity, self.authentication("verification", digest).ok_or_else(no_mac)?);
        self.replace(&self.verification_file(digest), |file| file.write_all(&known)).map(|_| ())
    }

    /// Writes a file and renames it to its path: a reader sees all of it or none, and a file that may be mapped is never
    /// written to.
    fn replace(&self, path: &Path, write: impl FnOnce(&mut File) -> std::io::Result<()>) -> std::io::Result<File> {
        // A name for this attempt: two threads may write the same component.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}.{now}", std::process::id()));
        let written = new_private(Path::new(&temporary)).and_then(|mut file| {
            write(&mut file)?;
            std::fs::rename(&temporary, path)?;
            Ok(file)
        });
        if written.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        written
    }

    fn code_file(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}-{}.bin", self.engine))
    }

    fn verification_file(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}-{}.verified", self.engine))
    }

    /// A MAC that covers the kind of file, the component and the engine, so that a renamed file is refused.
    fn authentication(&self, kind: &str, digest: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(kind.as_bytes());
        mac.update(digest.as_bytes());
        mac.update(self.engine.as_bytes());
        Some(mac)
    }
}

fn no_mac() -> std::io::Error {
    std::io::Error::other("no message authentication code")
}

/// Reads a whole file in chunks: the file may be larger than the memory that this process should use.
fn for_each_chunk(file: &File, mut each: impl FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut reader = OffsetReader { file, offset: 0 };
    let mut buffer = vec![0u8; CHUNK];
    loop {
        let count = reader.read(&mut buffer)?;
        match buffer.get(..count) {
            None | Some([]) => return Ok(()),
            Some(chunk) => each(chunk)?,
        }
    }
}

/// Opens a file of the cache for reading; a symbolic link is refused.
fn open(path: &Path) -> std::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
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
    // Another user must not be able to read or choose the key.
    let metadata = file.metadata()?;
    if metadata.mode() & 0o077 != 0 || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Ok(None);
    }
    file.take(64).read_to_end(&mut key)?;
    Ok(key.try_into().ok())
}

/// Makes a new key. Files that were made with an old key are then invalid.
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
mod tests;
