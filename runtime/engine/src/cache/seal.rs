//! What is known about a file of compiled code: the code's MAC, and which file had it when it was last looked at.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

const MAC_BYTES: usize = 32;
const MOST_BYTES: u64 = 4 << 10;

/// Which file this is. Whatever writes to it changes the time of its last change, which nobody can set; after a boot it
/// may have come from another system, or not have reached the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity(String);

impl Identity {
    /// Of a regular file of this user's own that nobody else may open, of at most so many bytes.
    pub(super) fn of(file: &File, most_bytes: u64) -> Option<Identity> {
        let m = file.metadata().ok()?;
        let own = m.is_file() && m.uid() == rustix::process::geteuid().as_raw() && m.mode() & 0o077 == 0;
        if !own || m.len() > most_bytes {
            return None;
        }
        let boot = boot();
        let (changed, nanoseconds) = (m.ctime(), m.ctime_nsec());
        let (modified, fraction) = (m.mtime(), m.mtime_nsec());
        Some(Identity(format!(
            "{boot} {} {} {} {modified}.{fraction} {changed}.{nanoseconds}",
            m.dev(),
            m.ino(),
            m.len()
        )))
    }
}

/// Empty where it cannot be told: then every load verifies.
fn boot() -> String {
    let mut id = String::new();
    let read = super::open(Path::new("/proc/sys/kernel/random/boot_id"))
        .and_then(|file| file.take(64).read_to_string(&mut id));
    if read.is_ok() { id.trim().to_owned() } else { String::new() }
}

/// As it lies beside the code.
pub(super) struct Seal {
    /// MAC of the code.
    pub(super) code: [u8; MAC_BYTES],
    verified: Vec<u8>,
}

impl Seal {
    /// Its bytes: the code's MAC, the file that had it, the MAC of both.
    pub(super) fn bytes(code: [u8; MAC_BYTES], identity: &Identity, mac: Hmac<Sha256>) -> Vec<u8> {
        let mut bytes = code.to_vec();
        bytes.extend(identity.0.as_bytes());
        bytes.extend(mac.chain_update(&bytes).finalize().into_bytes());
        bytes
    }

    /// One of this user's making, or none.
    pub(super) fn read(path: &Path, mac: Hmac<Sha256>) -> Option<Seal> {
        let mut bytes = Vec::new();
        super::open(path).ok()?.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
        let signed = bytes.len().checked_sub(MAC_BYTES)?;
        let own = bytes.split_off(signed);
        mac.chain_update(&bytes).verify_slice(&own).ok()?;
        let (code, verified) = bytes.split_first_chunk::<MAC_BYTES>()?;
        Some(Seal { code: *code, verified: verified.to_vec() })
    }

    /// Whether this very file was found to have this code, since the machine has started.
    pub(super) fn was_verified(&self, identity: &Identity) -> bool {
        // It begins with the boot, and a space where that is unknown.
        !identity.0.starts_with(' ') && self.verified == identity.0.as_bytes()
    }
}
