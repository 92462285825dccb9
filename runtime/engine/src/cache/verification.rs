//! The verification file beside a file of compiled code: the identity of the file whose bytes had the right MAC when they
//! were last read. It is authenticated itself.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;

use ansai_kit::host_clock::boot_id;
use ansai_storage::Directory;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

const MAC_BYTES: usize = 32;
const MAX_BYTES: u64 = 4 << 10;

/// Which file this is, and in which state. Every write changes the ctime, which no program can set. The identity holds
/// until the next boot: after that, the file may come from another system, or its last writes may be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileIdentity(String);

impl FileIdentity {
    /// The identity of a regular file that belongs to this user, that no other user can open, and that has at most
    /// `max_bytes`.
    pub(super) fn of(file: &File, max_bytes: u64) -> Option<FileIdentity> {
        let m = file.metadata().ok()?;
        let own = m.is_file() && m.uid() == rustix::process::geteuid().as_raw() && m.mode() & 0o077 == 0;
        if !own || m.len() > max_bytes {
            return None;
        }
        // Empty if it is unknown: then every load verifies the code.
        let boot = boot_id();
        let (changed, nanoseconds) = (m.ctime(), m.ctime_nsec());
        let (modified, fraction) = (m.mtime(), m.mtime_nsec());
        Some(FileIdentity(format!(
            "{boot} {} {} {} {modified}.{fraction} {changed}.{nanoseconds}",
            m.dev(),
            m.ino(),
            m.len()
        )))
    }
}

/// The bytes to write: the identity of the file, and the MAC of that.
pub(super) fn bytes(identity: &FileIdentity, mac: Hmac<Sha256>) -> Vec<u8> {
    let mut bytes = identity.0.clone().into_bytes();
    bytes.extend(mac.chain_update(identity.0.as_bytes()).finalize().into_bytes());
    bytes
}

/// Whether the bytes of this file, in this state, were verified since the last boot, according to a verification file
/// that this user's key made.
pub(super) fn was_verified(dir: &Directory, name: &str, identity: &FileIdentity, mac: Hmac<Sha256>) -> bool {
    let Ok(Some(content)) = dir.read(name, MAX_BYTES) else { return false };
    let Some((known, own)) = content.bytes.split_last_chunk::<MAC_BYTES>() else { return false };
    // The identity begins with the boot id, or with a space when that is unknown.
    mac.chain_update(known).verify_slice(own).is_ok() && !identity.0.starts_with(' ') && known == identity.0.as_bytes()
}
