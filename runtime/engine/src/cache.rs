//! Compiled components on disk: to load one takes a millisecond, to compile it up to seconds.
//!
//! wasmtime runs compiled code as it finds it, so the code is taken only from a directory that nobody but this user can
//! write to, and only with a message authentication code made with a key of this user's. That code is looked at once
//! for each file and boot of the machine (`seal`); after that the file is mapped as it lies there.
#![expect(clippy::disallowed_methods, reason = "an adapter to the cache directory")]

mod room;
mod seal;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, Mac as _};
use rustix::fs::{Mode, OFlags};
use sha2::{Digest as _, Sha256};

use crate::compiled_code::{At, Code};
use seal::{Identity, Seal};

/// Compiled code is some times larger than the component.
const MOST_BYTES: u64 = 512 << 20;
/// Read and authenticated at a time.
const PIECE: usize = 256 << 10;

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
    /// In bytes on disk.
    most_kept: u64,
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
        room::remove_abandoned(dir);
        let key_file = dir.join("key");
        let key = match read_key(&key_file) {
            Ok(Some(key)) => key,
            _ => make_key(&key_file).map_err(at(&key_file))?,
        };
        Ok(Cache { dir: dir.to_owned(), key, engine: compatibility(engine), most_kept: room::MOST_KEPT })
    }

    /// The same directory for compiled code of another configuration.
    pub(crate) fn of(&self, engine: &wasmtime::Engine) -> Cache {
        Cache { engine: compatibility(engine), ..self.clone() }
    }

    /// The file with the compiled form, if it is there and is what was put there. Anything else is as if it were not
    /// there.
    pub(crate) fn get(&self, digest: &str) -> Option<File> {
        let file = open(&self.file(digest)).ok()?;
        let identity = Identity::of(&file, MOST_BYTES)?;
        let seal = Seal::read(&self.seal(digest), self.authentication("seal", digest)?)?;
        if !seal.was_verified(&identity) {
            let mut mac = self.authentication("code", digest)?;
            pieces(&file, |piece| {
                mac.update(piece);
                Ok(())
            })
            .ok()?;
            // In constant time.
            mac.verify_slice(&seal.code).ok()?;
            // What changed while it was read is not what was verified.
            let verified = Identity::of(&file, MOST_BYTES).filter(|now| *now == identity)?;
            // Without it, the next load verifies again.
            let _ = self.remember(digest, seal.code, &verified);
        }
        room::used(&self.seal(digest));
        Some(file)
    }

    /// Keeps a compiled form. The caller goes on without when it fails: a full disk must not stop healing.
    pub(crate) fn put(&self, digest: &str, code: &Code) -> std::io::Result<()> {
        let mut mac = self.authentication("code", digest).ok_or_else(no_mac)?;
        let file = self.replace(&self.file(digest), |file| {
            pieces(code.file(), |piece| {
                mac.update(piece);
                file.write_all(piece)
            })
        })?;
        // Its own bytes, written just now: verified. Renaming has changed its identity, so it is asked for only here.
        let identity = Identity::of(&file, MOST_BYTES).ok_or_else(|| std::io::Error::other("no file of our own"))?;
        self.remember(digest, mac.finalize().into_bytes().into(), &identity)?;
        room::make(&self.dir, self.most_kept);
        Ok(())
    }

    fn remember(&self, digest: &str, code: [u8; 32], identity: &Identity) -> std::io::Result<()> {
        let seal = Seal::bytes(code, identity, self.authentication("seal", digest).ok_or_else(no_mac)?);
        self.replace(&self.seal(digest), |file| file.write_all(&seal)).map(|_| ())
    }

    /// A file appears whole or not at all, and none that may be mapped is ever written to.
    fn replace(&self, path: &Path, write: impl FnOnce(&mut File) -> std::io::Result<()>) -> std::io::Result<File> {
        // Of this attempt alone: two threads may keep the same component.
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

    fn file(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}-{}.bin", self.engine))
    }

    fn seal(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}-{}.seal", self.engine))
    }

    /// Binds what follows to its kind, component and engine: a file renamed to another's name is refused.
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

/// A whole file in order, a piece at a time: the file may be larger than what this process should ever hold.
fn pieces(file: &File, mut each: impl FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut reader = At { file, at: 0 };
    let mut buffer = vec![0u8; PIECE];
    loop {
        let count = reader.read(&mut buffer)?;
        match buffer.get(..count) {
            None | Some([]) => return Ok(()),
            Some(piece) => each(piece)?,
        }
    }
}

/// Opens a file of the cache for reading; a link is none.
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
mod tests;
