//! The cache of compiled components on disk. Loading a compiled component takes a millisecond, compiling it takes up to
//! seconds.
//!
//! wasmtime runs compiled code without checking it. So the cache uses only a directory that no other user can write to,
//! and only files whose message authentication code (MAC) was made with this user's key. The MAC is verified once for each
//! file and boot (`verification`); after that the file is mapped directly.

mod eviction;
mod verification;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use ansai_storage::{Access, Directory, Durability, GroupWrite, Owned, StorageError, ToDirectory, WriteOptions};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::compiled_code::{CompiledCode, OffsetReader};
use verification::FileIdentity;

/// Maximum size of one file of compiled code, which is several times larger than its component.
const MAX_BYTES: u64 = 512 << 20;
/// The file with the key of this user.
const KEY: &str = "key";
/// Compiled code is made again when a loss of power damages it.
const OPTIONS: WriteOptions = WriteOptions { durability: Durability::Atomic, ..WriteOptions::PRIVATE };
/// Size of a file with a MAC.
const MAC_BYTES: u64 = 32;
/// Bytes that are read and authenticated at a time.
const CHUNK: usize = 256 << 10;

/// Why the cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The system refused.
    #[error("cache of compiled components: {0}")]
    Storage(#[from] StorageError),
    /// Another user could write native code into the directory.
    #[error("cache of compiled components: {0} belongs to another user or is writable by another user")]
    NotPrivate(PathBuf),
}

/// A directory of compiled components.
#[derive(Clone)]
pub struct Cache {
    dir: Directory,
    key: [u8; 32],
    /// Engine version, configuration and processor that the code is for, as a hash.
    engine: String,
    /// Maximum size, in bytes on disk.
    max_kept: u64,
}

impl Cache {
    /// Opens the cache in this directory, and makes the directory if it is missing.
    pub fn open(dir: &dyn ToDirectory, engine: &wasmtime::Engine) -> Result<Cache, CacheError> {
        let dir = dir.to_created_directory()?;
        let owned = dir.owned()?;
        if !is_own(owned) || owned.exposure(GroupWrite::Refused).is_some() {
            return Err(CacheError::NotPrivate(dir.path().to_owned()));
        }
        eviction::remove_abandoned(&dir);
        let key = match read_key(&dir) {
            Ok(Some(key)) => key,
            _ => make_key(&dir)?,
        };
        Ok(Cache { dir, key, engine: compatibility(engine), max_kept: eviction::MAX_KEPT })
    }

    /// A cache in the same directory for another configuration of wasmtime.
    pub(crate) fn with_engine(&self, engine: &wasmtime::Engine) -> Cache {
        Cache { engine: compatibility(engine), ..self.clone() }
    }

    /// The file with the compiled component; `None` when it is missing or is not what was put there.
    pub(crate) fn get(&self, digest: &str) -> Option<File> {
        let file = self.dir.file(self.code_name(digest), Access::Read).ok()?;
        let identity = FileIdentity::of(&file, MAX_BYTES)?;
        let verification = self.verification_name(digest);
        if !verification::was_verified(
            &self.dir,
            &verification,
            &identity,
            self.authentication("verification", digest)?,
        ) {
            let mut mac = self.authentication("code", digest)?;
            for_each_chunk(&file, |chunk| {
                mac.update(chunk);
                Ok(())
            })
            .ok()?;
            // In constant time.
            mac.verify_slice(&self.dir.read(self.mac_name(digest), MAC_BYTES).ok()??.bytes).ok()?;
            // A file that changed while it was read was not verified.
            let verified = FileIdentity::of(&file, MAX_BYTES).filter(|now| *now == identity)?;
            // When this fails, the next load verifies again.
            let _ = self.remember(digest, &verified);
        }
        eviction::touch(&self.dir, &verification);
        Some(file)
    }

    /// Writes compiled code to the cache. When it fails the caller continues without: a full disk must not stop healing.
    pub(crate) fn put(&self, digest: &str, code: &CompiledCode) -> std::io::Result<()> {
        let mut mac = self.authentication("code", digest).ok_or_else(no_mac)?;
        let file = self.dir.replace_with(self.code_name(digest), OPTIONS, |file| {
            for_each_chunk(code.file(), |chunk| {
                mac.update(chunk);
                file.write_all(chunk)
            })
        })?;
        // These are the bytes that were written just now, so they are verified. Renaming changes the ctime, so the identity
        // is read after it.
        let identity = FileIdentity::of(&file, MAX_BYTES)
            .ok_or_else(|| std::io::Error::other("the file is not private to this user"))?;
        self.dir.replace(self.mac_name(digest), &mac.finalize().into_bytes(), OPTIONS)?;
        self.remember(digest, &identity)?;
        eviction::evict(&self.dir, self.max_kept);
        Ok(())
    }

    /// Writes down that this file was verified. A loss of power may damage what is written here, at each boot; the MAC of
    /// the code is written only with the code. So the code is then verified again, not compiled again.
    fn remember(&self, digest: &str, identity: &FileIdentity) -> std::io::Result<()> {
        let mac = self.authentication("verification", digest).ok_or_else(no_mac)?;
        Ok(self.dir.replace(self.verification_name(digest), &verification::bytes(identity, mac), OPTIONS)?)
    }

    fn code_name(&self, digest: &str) -> String {
        format!("{digest}-{}{}", self.engine, eviction::CODE)
    }

    fn mac_name(&self, digest: &str) -> String {
        format!("{digest}-{}{}", self.engine, eviction::MAC)
    }

    fn verification_name(&self, digest: &str) -> String {
        format!("{digest}-{}{}", self.engine, eviction::VERIFICATION)
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

fn is_own(owned: Owned) -> bool {
    owned.uid == rustix::process::geteuid().as_raw()
}

fn read_key(dir: &Directory) -> Result<Option<[u8; 32]>, StorageError> {
    let Some(content) = dir.read(KEY, 64)? else { return Ok(None) };
    // Another user must not be able to read or choose the key.
    if content.owned.mode & 0o077 != 0 || !is_own(content.owned) {
        return Ok(None);
    }
    Ok(content.bytes.try_into().ok())
}

/// Makes a new key. Files that were made with an old key are then invalid.
fn make_key(dir: &Directory) -> Result<[u8; 32], StorageError> {
    let key = ansai_storage::random()?;
    dir.replace(KEY, &key, WriteOptions::PRIVATE)?;
    Ok(key)
}

#[cfg(test)]
mod tests;
