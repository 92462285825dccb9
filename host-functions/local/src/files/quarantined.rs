//! How much is in quarantine, for the status of the host.

use ansai_core::Timestamp;
use ansai_core::control::Quarantined;
use ansai_kit::host::Host;

use super::reclaim::{Found, look};

/// Counts the files in quarantine below these directories. Blocks as long as the file systems do.
pub fn quarantined(host: &Host, roots: &[String], now: Timestamp) -> Quarantined {
    let Found { files, complete, .. } = look(host, roots);
    Quarantined {
        at: now,
        files: files.len() as u64,
        bytes: files.iter().fold(0, |sum, (_, file)| sum.saturating_add(file.bytes)),
        first_expires: files.iter().map(|(_, file)| file.until).min(),
        complete,
    }
}
