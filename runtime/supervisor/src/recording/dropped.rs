//! What a log itself says was dropped from its beginning: whoever puts an older or another signed record beside the log
//! contradicts it.

use ansai_audit::{Beginning, Corruption, Entry, Fault, PendingDrop, ReadError};
use ansai_core::Event;
use ansai_core::event::Record;
use ansai_storage::Directory;

/// Marks the records of interest, so that few are parsed.
const MARK: &[u8] = b"\"audit-dropped\"";

/// The newest drop that a log records.
#[derive(Debug, Default)]
pub struct RecordedDrop(Option<Recorded>);

#[derive(Debug)]
struct Recorded {
    first: u64,
    previous: String,
    public_key: String,
}

impl RecordedDrop {
    /// Looks at one record, in the order of the log.
    pub fn see(&mut self, entry: &Entry) {
        let begin = entry.payload.get(..64).unwrap_or(&entry.payload);
        if !begin.windows(MARK.len()).any(|part| part == MARK) {
            return;
        }
        if let Ok(Record { event: Event::AuditDropped { first, previous, public_key, .. }, .. }) =
            serde_json::from_slice(&entry.payload)
        {
            self.0 = Some(Recorded { first, previous, public_key });
        }
    }

    /// The key that signed the record of it.
    pub fn public_key(&self) -> Option<&str> {
        self.0.as_ref().map(|one| one.public_key.as_str())
    }

    /// Whether this drop is recorded.
    pub fn is_of(&self, beginning: &Beginning) -> bool {
        let dropped = &beginning.dropped;
        self.0.as_ref().is_some_and(|one| one.first == dropped.first && one.previous == hex::encode(dropped.previous))
    }

    /// Compares it with the signed record beside the log.
    ///
    /// # Errors
    /// They contradict each other, or the log cannot be read.
    pub fn check_log(&self, log: &Directory) -> Result<(), ReadError> {
        let beginning = Beginning::read(log)?;
        let is_interrupted = PendingDrop::interrupted(log)?.is_some();
        self.check(beginning.as_ref(), is_interrupted).map_err(|fault| {
            let first = beginning.map_or(1, |one| one.dropped.first);
            Corruption::at_the_beginning(first, fault).into()
        })
    }

    /// Compares it with a signed record. `is_interrupted`: the dropped segments are still there, because a crash came
    /// before the drop was recorded.
    ///
    /// # Errors
    /// They contradict each other.
    pub fn check(&self, beginning: Option<&Beginning>, is_interrupted: bool) -> Result<(), Fault> {
        let named = beginning.map_or(1, |one| one.dropped.first);
        let recorded = self.0.as_ref().map_or(1, |one| one.first);
        match beginning {
            _ if recorded > named => Err(Fault::BeginningReplayed { named, recorded }),
            Some(_) if recorded < named && is_interrupted => Ok(()),
            Some(_) if recorded < named => {
                Err(Fault::BeginningForged { why: "the log does not record this drop".to_owned() })
            }
            Some(beginning) if !self.is_of(beginning) => Err(Fault::BeginningForged {
                why: "the log records another hash of the last dropped record".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

/// The event that records a drop.
pub(crate) fn event(beginning: &Beginning) -> Event {
    let dropped = &beginning.dropped;
    Event::AuditDropped {
        from: dropped.from,
        first: dropped.first,
        previous: hex::encode(dropped.previous),
        reason: dropped.reason.to_string(),
        archived: dropped.to == ansai_audit::Destination::Archived,
        public_key: beginning.key.to_string(),
    }
}
