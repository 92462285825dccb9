//! Reads the audit log from its end.

use std::ops::ControlFlow;

use ansai_audit::{Entry, ReadError, Reader, sealed};
use ansai_core::Timestamp;
use ansai_core::event::Record;
use ansai_storage::Directory;
use serde::Deserialize;

/// Maximum number of records that one question reads.
const MOST_READ: u64 = 300_000;

/// How far the log was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// All records since the wanted time.
    Since,
    /// Its beginning, at this time, if there is any record.
    Beginning(Option<Timestamp>),
    /// So many records were read that older ones, before this time, were not.
    Limit(Option<Timestamp>),
}

/// The part of a record that every version has.
#[derive(Deserialize)]
struct Peek<'a> {
    at: Timestamp,
    #[serde(borrow)]
    event: std::borrow::Cow<'a, str>,
}

/// Visits records since a time, the newest first, whose event is wanted, until the visitor breaks. Reads one segment at a time, and
/// verifies each. Records of an unknown form are left out.
pub(super) fn newest_first(
    directory: &Directory,
    since: Timestamp,
    is_wanted: impl Fn(&str) -> bool,
    mut visit: impl FnMut(u64, Record) -> ControlFlow<()>,
) -> Result<Reached, ReadError> {
    let sealed = sealed(directory)?;
    let active = sealed.last().map_or(1, |last| last.next.first_sequence());
    let firsts: Vec<u64> = sealed.iter().map(|one| one.name.first_sequence()).chain([active]).collect();
    let (mut read, mut end, mut oldest) = (0_u64, None::<u64>, None::<Timestamp>);
    for first in firsts.into_iter().rev() {
        let mut found: Vec<Entry> = Vec::new();
        let (mut has_recent, mut of_segment) = (false, 0_u64);
        for entry in Reader::from_sequence(directory, first)? {
            let entry = entry?;
            if end.is_some_and(|end| entry.sequence >= end) {
                break;
            }
            read += 1;
            of_segment += 1;
            let Ok(peek) = serde_json::from_slice::<Peek<'_>>(&entry.payload) else { continue };
            oldest = Some(oldest.map_or(peek.at, |oldest| oldest.min(peek.at)));
            has_recent |= peek.at >= since;
            if peek.at >= since && is_wanted(&peek.event) {
                found.push(entry);
            }
        }
        // Retention dropped it since the list was made, so what was read last is the beginning now.
        if of_segment == 0 && end.is_some() {
            return Ok(Reached::Beginning(oldest));
        }
        for entry in found.into_iter().rev() {
            if let Ok(record) = serde_json::from_slice::<Record>(&entry.payload)
                && visit(entry.sequence, record).is_break()
            {
                return Ok(Reached::Since);
            }
        }
        // The clock may have been set back in between, so all of a segment must be older.
        if !has_recent && read > 0 {
            return Ok(Reached::Since);
        }
        if read >= MOST_READ {
            return Ok(Reached::Limit(oldest));
        }
        end = Some(first);
    }
    Ok(match oldest {
        Some(oldest) if oldest < since => Reached::Since,
        oldest => Reached::Beginning(oldest),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_audit::{DropReason, DropRequest, Durability, Key, Log, Options, PendingDrop};
    use ansai_core::Event;

    use super::*;

    /// Would break: a report that claims to have all, although retention dropped older records while it read.
    #[test]
    fn what_retention_drops_meanwhile_is_not_claimed_to_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::create(dir.path().join("audit")).unwrap();
        let (mut log, _) = Log::open(&directory, Options { segment_bytes: 300, ..Options::default() }).unwrap();
        for number in 1..=40 {
            let event = Event::Stopping { why: number.to_string() };
            let record = Record { at: Timestamp::from_millis(number * 1_000), event };
            log.append(&serde_json::to_vec(&record).unwrap(), Durability::Synced).unwrap();
        }
        let first = sealed(&directory).unwrap().last().unwrap().next;
        let (mut is_dropped, mut oldest) = (false, None);
        let visit = |_, record: Record| {
            if !std::mem::replace(&mut is_dropped, true) {
                let request = DropRequest { first, reason: DropReason::Size, archive: None, at_ms: 1 };
                PendingDrop::begin(&directory, request, &Key::from_seed([1; 32])).unwrap().remove().unwrap();
            }
            oldest = Some(record.at);
            ControlFlow::Continue(())
        };
        let reached = newest_first(&directory, Timestamp::EPOCH, |_| true, visit).unwrap();
        assert_eq!(reached, Reached::Beginning(oldest));
        assert!(oldest > Some(Timestamp::from_millis(1_000)), "{oldest:?}");
    }
}
