//! Reads what was recorded since a place in the audit log.

use ansai_audit::Reader;
use ansai_core::event::Record;
use ansai_notify::tell::{Heard, is_told};
use ansai_storage::Directory;

/// Events that are told in one transaction.
const BATCH: usize = 256;
/// The audit log of a state directory.
const LOG: &str = "audit";

/// Passes on what may be told, and at the end the place up to which it has read.
pub(super) fn reader(
    state_dir: Directory,
) -> impl Fn(u64, &mut dyn FnMut(Vec<Heard>)) -> Result<u64, String> + Send + Sync {
    move |place, pass_on| {
        let log = state_dir.subdirectory(LOG).map_err(|error| error.to_string())?;
        let (mut batch, mut last) = (Vec::new(), place);
        for entry in Reader::from_sequence(log, place.saturating_add(1)).map_err(|error| error.to_string())? {
            let entry = entry.map_err(|error| error.to_string())?;
            last = entry.sequence;
            // A record of another version.
            let Ok(record) = serde_json::from_slice::<Record>(&entry.payload) else { continue };
            if is_told(&record.event) {
                batch.push(Heard { sequence: entry.sequence, at: record.at, event: record.event });
            }
            if batch.len() >= BATCH {
                pass_on(std::mem::take(&mut batch));
            }
        }
        pass_on(batch);
        Ok(last)
    }
}
