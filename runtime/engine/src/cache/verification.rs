//! The verification file beside a file of compiled code: the MAC of the code, and the identity of the file whose bytes had
//! that MAC when they were last read. It is authenticated itself.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;

use ansai_storage::Directory;
use hmac::{Hmac, Mac as _};
use rustix::fs::{Mode, OFlags};
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
        let boot = boot();
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

/// The id of this boot; empty when it is unknown, and then every load verifies the code.
fn boot() -> String {
    let mut id = String::new();
    let read = rustix::fs::open("/proc/sys/kernel/random/boot_id", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(std::io::Error::from)
        .and_then(|file| File::from(file).take(64).read_to_string(&mut id));
    if read.is_ok() { id.trim().to_owned() } else { String::new() }
}

/// The content of a verification file.
pub(super) struct Verification {
    /// The MAC of the code.
    pub(super) code_mac: [u8; MAC_BYTES],
    identity: Vec<u8>,
}

impl Verification {
    /// The bytes to write: the MAC of the code, the identity of its file, the MAC of both.
    pub(super) fn bytes(code_mac: [u8; MAC_BYTES], identity: &FileIdentity, mac: Hmac<Sha256>) -> Vec<u8> {
        let mut bytes = code_mac.to_vec();
        bytes.extend(identity.0.as_bytes());
        bytes.extend(mac.chain_update(&bytes).finalize().into_bytes());
        bytes
    }

    /// Reads a verification file; `None` when this user's key did not make it.
    pub(super) fn read(dir: &Directory, name: &str, mac: Hmac<Sha256>) -> Option<Verification> {
        let mut bytes = dir.read(name, MAX_BYTES).ok()??.bytes;
        let authenticated = bytes.len().checked_sub(MAC_BYTES)?;
        let own = bytes.split_off(authenticated);
        mac.chain_update(&bytes).verify_slice(&own).ok()?;
        let (code_mac, identity) = bytes.split_first_chunk::<MAC_BYTES>()?;
        Some(Verification { code_mac: *code_mac, identity: identity.to_vec() })
    }

    /// Whether the bytes of this file, in this state, were verified since the last boot.
    pub(super) fn was_verified(&self, identity: &FileIdentity) -> bool {
        // The identity begins with the boot id, or with a space when that is unknown.
        !identity.0.starts_with(' ') && self.identity == identity.0.as_bytes()
    }
}
