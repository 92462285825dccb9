//! Since when evidence of a closed incident is kept: by the audit log, because the time of a file can be set.

use std::collections::BTreeMap;

use ansai_audit::{ReadError, Reader};
use ansai_core::event::Record;
use ansai_core::{Event, Timestamp};
use ansai_storage::Directory;

use super::incident_part;

/// What the log has of the ends of incidents and of evidence.
#[derive(Default)]
pub(super) struct Since {
    /// When an incident closed, by the part of ids that names it.
    closed: BTreeMap<String, Timestamp>,
    /// When an item was recorded, by its id.
    recorded: BTreeMap<String, Timestamp>,
}

impl Since {
    /// Reads the whole log.
    ///
    /// # Errors
    /// It cannot be read, or was changed.
    pub(super) fn read(log: &Directory) -> Result<Since, ReadError> {
        let mut since = Since::default();
        for entry in Reader::open(log)? {
            let Ok(Record { at, event }) = serde_json::from_slice(&entry?.payload) else { continue };
            match event {
                Event::Incident { incident, change, .. } if change.is_closing() => {
                    since.closed.insert(incident_part(Some(&incident)), at);
                }
                Event::Outcome { evidence, .. } => {
                    since.recorded.extend(evidence.into_iter().map(|item| (item.id, at)));
                }
                _ => {}
            }
        }
        Ok(since)
    }

    /// The later of both; `None` if the log has neither.
    pub(super) fn of(&self, id: &str, incident: &str) -> Option<Timestamp> {
        self.closed.get(incident).copied().max(self.recorded.get(id).copied())
    }
}
