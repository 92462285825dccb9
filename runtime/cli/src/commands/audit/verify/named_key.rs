//! Keys that the log itself names.

use ansai_audit::{Entry, LogId, PublicKey};
use ansai_core::Event;
use ansai_daemon::history;
use serde::Serialize;

/// A key that the log names.
#[derive(Debug, Serialize)]
pub(super) struct NamedKey {
    /// The record that names it.
    pub(super) sequence: u64,
    pub(super) public_key: String,
    pub(super) replaces: Option<String>,
    /// Whether the key that it replaces has signed it.
    pub(super) endorsed: bool,
    #[serde(skip)]
    endorsement: Option<String>,
}

impl NamedKey {
    /// The key that a record names. Looks at the beginning of a record first: few of them name a key.
    pub(super) fn of(entry: &Entry) -> Option<NamedKey> {
        const MARK: &[u8] = b"\"audit-key\"";
        let begin = entry.payload.get(..64).unwrap_or(&entry.payload);
        if !begin.windows(MARK.len()).any(|part| part == MARK) {
            return None;
        }
        match history::record(entry).ok()?.event {
            Event::AuditKey { public_key, replaces, endorsement } => {
                Some(NamedKey { sequence: entry.sequence, public_key, replaces, endorsed: false, endorsement })
            }
            _ => None,
        }
    }

    /// Whether the key that it replaces has signed it.
    pub(super) fn is_endorsed(&self, log: LogId) -> bool {
        let old = self.replaces.as_ref().and_then(|old| old.parse::<PublicKey>().ok());
        let new = self.public_key.parse::<PublicKey>().ok();
        let mut signature = [0; 64];
        let whole = self.endorsement.as_ref().is_some_and(|text| hex::decode_to_slice(text, &mut signature).is_ok());
        whole && old.zip(new).is_some_and(|(old, new)| old.endorsed(log, new, &signature))
    }
}
