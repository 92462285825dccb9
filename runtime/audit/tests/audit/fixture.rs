//! Small logs, and functions to take their segments apart.

use std::fs;
use std::path::{Path, PathBuf};

use ansai_audit::{Durability, Head, Log, Options, Reader};

pub(crate) const SEGMENT_HEADER: usize = 8;
pub(crate) const FRAME_HEADER: usize = 48;

pub(crate) fn options(segment_bytes: u64) -> Options {
    Options { segment_bytes, reserve_bytes: 0, ..Options::default() }
}

pub(crate) fn open(directory: &Path) -> Log {
    let (log, recovery) = Log::open(directory, options(1 << 20)).unwrap();
    assert!(recovery.cut.is_none());
    log
}

/// Writes `count` records of different lengths.
pub(crate) fn write(directory: &Path, segment_bytes: u64, count: usize) -> Head {
    let (mut log, _) = Log::open(directory, options(segment_bytes)).unwrap();
    for number in 0..count {
        log.append(payload(number).as_bytes(), Durability::Buffered).unwrap();
    }
    log.head()
}

pub(crate) fn payload(number: usize) -> String {
    format!("{{\"event\":{number},\"filler\":\"{}\"}}", "x".repeat(number % 5))
}

pub(crate) fn payloads(directory: &Path) -> Vec<Vec<u8>> {
    Reader::open(directory).unwrap().map(|entry| entry.unwrap().payload).collect()
}

pub(crate) fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    paths.sort();
    paths
}

/// The whole frames of a segment.
pub(crate) fn frames(segment: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(segment).unwrap();
    let mut rest = &bytes[SEGMENT_HEADER..];
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
        let (frame, behind) = rest.split_at(FRAME_HEADER + length);
        frames.push(frame.to_vec());
        rest = behind;
    }
    frames
}

pub(crate) fn put_frames(segment: &Path, frames: &[Vec<u8>]) {
    let header = fs::read(segment).unwrap()[..SEGMENT_HEADER].to_vec();
    fs::write(segment, [header, frames.concat()].concat()).unwrap();
}

/// Sets the checksum of a frame to match its content, as a forger would.
pub(crate) fn reseal(frame: &mut [u8]) {
    let sum = crc32c::crc32c_append(crc32c::crc32c(&frame[..4]), &frame[8..]);
    frame[4..8].copy_from_slice(&sum.to_le_bytes());
}
