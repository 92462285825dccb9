//! Reads single frames from a segment, and searches for frames after a place that cannot be read.

use crate::corruption::Fault;
use crate::flip;
use crate::frame::{FrameHeader, HEADER_BYTES, MAX_PAYLOAD_BYTES};
use crate::storage::{ReadFile, StorageError};

/// Number of bytes that the search reads at once.
const WINDOW_BYTES: usize = 64 * 1024;

/// How many possible frames the search examines before it accepts the next one unchecked. A crash leaves none, and a
/// forger who writes thousands must not keep the reader busy for hours.
const MAX_CANDIDATES: usize = 1024;

/// The content at the place where a frame should begin.
pub(crate) enum Scanned {
    Frame(FrameHeader, Vec<u8>),
    Bad(Fault),
    End,
}

/// Reads the frame at the current place. Checks its length before it reads the payload.
pub(crate) fn read_frame(file: &mut ReadFile) -> Result<Scanned, StorageError> {
    let head = file.read(HEADER_BYTES as u64)?;
    if head.is_empty() {
        return Ok(Scanned::End);
    }
    let Some(header) = FrameHeader::decode(&head) else {
        return Ok(Scanned::Bad(Fault::Cut { present: head.len() as u64, needed: HEADER_BYTES as u64 }));
    };
    if !header.length_is_possible() {
        return Ok(Scanned::Bad(Fault::Length { found: header.length }));
    }
    let payload = file.read(header.length.into())?;
    if payload.len() as u64 != u64::from(header.length) {
        let present = (HEADER_BYTES + payload.len()) as u64;
        return Ok(Scanned::Bad(Fault::Cut { present, needed: header.frame_bytes() }));
    }
    if !header.checksum_matches(&payload) {
        return Ok(Scanned::Bad(Fault::Checksum));
    }
    Ok(Scanned::Frame(header, payload))
}

/// Whether a whole valid frame begins anywhere in `from..end`. Then no crash damaged what is before it, because a log
/// is written from front to back.
///
/// `next_sequence` is the record expected at the bad place; it limits the sequence numbers that can follow.
pub(crate) fn has_frame_behind(file: &ReadFile, from: u64, end: u64, next_sequence: u64) -> Result<bool, StorageError> {
    let most_records = end.saturating_sub(from) / HEADER_BYTES as u64 + 1;
    let last_sequence = next_sequence.saturating_add(most_records);
    let mut candidates = 0;
    let mut offset = from;
    while offset.saturating_add(HEADER_BYTES as u64) <= end {
        let window = file.read_at(offset, WINDOW_BYTES)?;
        for (place, bytes) in (offset..).zip(window.windows(HEADER_BYTES)) {
            let Some(header) = FrameHeader::decode(bytes) else { continue };
            let fits = place.saturating_add(header.frame_bytes()) <= end;
            if !fits || !header.length_is_possible() || !(1..=last_sequence).contains(&header.sequence) {
                continue;
            }
            candidates += 1;
            if candidates > MAX_CANDIDATES || is_frame(file, place, &header)? {
                return Ok(true);
            }
        }
        // Windows overlap by a header minus one byte, so that every position is covered.
        let step = window.len().saturating_sub(HEADER_BYTES - 1);
        if step == 0 {
            break;
        }
        offset = offset.saturating_add(step as u64);
    }
    Ok(false)
}

/// Whether the rest of a segment, from a bad place on, is one frame with one flipped bit.
pub(crate) fn is_flipped_frame(file: &ReadFile, from: u64, end: u64) -> Result<bool, StorageError> {
    match usize::try_from(end.saturating_sub(from)) {
        Ok(left) if left <= HEADER_BYTES + MAX_PAYLOAD_BYTES => Ok(flip::is_flipped_frame(&file.read_at(from, left)?)),
        _ => Ok(false),
    }
}

fn is_frame(file: &ReadFile, place: u64, header: &FrameHeader) -> Result<bool, StorageError> {
    let payload = file.read_at(place.saturating_add(HEADER_BYTES as u64), header.length as usize)?;
    Ok(payload.len() == header.length as usize && header.checksum_matches(&payload))
}
