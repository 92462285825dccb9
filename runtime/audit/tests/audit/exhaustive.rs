//! Makes every small change to a small log, and checks each with the newest head and without one.
//!
//! With the head, every change is found at its place, except bytes added after the head. Without a head, the changes
//! that remain undetected are listed in the decision about heads, and counted here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ansai_audit::{Corruption, Fault, Head, ReadError, verify};

use crate::fixture;

/// Bytes that are inserted at every place.
const INSERTED: [u8; 4] = [0x00, 0xff, b'{', 0x30];

/// The file names and contents of a log.
type Files = BTreeMap<String, Vec<u8>>;

/// A log, with what is known about it.
struct Subject {
    directory: tempfile::TempDir,
    head: Head,
    sound: Files,
    segments: Vec<PathBuf>,
    /// For each segment, the offsets of its header, of its frames, and of its end.
    starts: Vec<Vec<usize>>,
}

/// The place of a change: number of the segment, and offset in it.
#[derive(Clone, Copy, Debug)]
struct Place {
    segment: usize,
    byte: usize,
}

/// Undetected changes by kind: (with the head, without).
#[derive(Debug, Default, PartialEq, Eq)]
struct Exceptions(BTreeMap<&'static str, (usize, usize)>);

impl Exceptions {
    fn count(&mut self, kind: &'static str, with_head: bool) {
        let counts = self.0.entry(kind).or_default();
        *(if with_head { &mut counts.0 } else { &mut counts.1 }) += 1;
    }
}

impl Subject {
    /// Creates four segments with two records each.
    fn new() -> Self {
        let directory = ansai_harness::scene::memory_dir();
        let head = fixture::write(directory.path(), 210, 8);
        let segments = fixture::segments(directory.path());
        let starts: Vec<_> = segments.iter().map(|segment| starts(segment)).collect();
        assert_eq!(starts.iter().map(Vec::len).collect::<Vec<_>>(), [4; 4], "two records in each, and header and end");
        fs::remove_file(directory.path().join("lock")).unwrap();
        let sound = read(directory.path());
        Self { directory, head, sound, segments, starts }
    }

    fn last(&self) -> usize {
        self.segments.len() - 1
    }

    fn bytes(&self, segment: usize) -> &[u8] {
        &self.sound[&name(&self.segments[segment])]
    }

    /// Offset of the frame or header that contains a byte; the end, for a byte after the last frame.
    fn start(&self, place: Place) -> usize {
        *self.starts[place.segment].iter().rev().find(|start| **start <= place.byte).unwrap()
    }

    /// Sequence number of the record whose frame contains a byte. For the header, that of the first record; for the
    /// end, that of the next record.
    fn sequence(&self, place: Place) -> u64 {
        let before: usize = self.starts[..place.segment].iter().map(|starts| starts.len() - 2).sum();
        let start = self.start(place);
        let within = self.starts[place.segment].iter().position(|known| *known == start).unwrap();
        (before + within.max(1)) as u64
    }

    /// Replaces a segment with a changed one, checks the log, and restores the segment.
    fn change(&self, kind: &'static str, place: Place, bytes: &[u8], exceptions: &mut Exceptions) {
        let segment = &self.segments[place.segment];
        fs::write(segment, bytes).unwrap();
        self.check(kind, place, exceptions);
        fs::write(segment, self.bytes(place.segment)).unwrap();
    }

    /// Checks the log, and that the damage is reported at the place of the change.
    fn check(&self, kind: &'static str, place: Place, exceptions: &mut Exceptions) {
        for expected in [Some(self.head), None] {
            match verify(self.directory.path(), expected) {
                Err(ReadError::Corrupt(found)) => self.expect_at(kind, place, &found),
                Err(error) => panic!("{kind} at {place:?}: {error}"),
                Ok(_) => exceptions.count(kind, expected.is_some()),
            }
        }
    }

    fn expect_at(&self, kind: &str, place: Place, found: &Corruption) {
        let at = || format!("{kind} at {place:?}: {found}");
        if found.fault == Fault::OverlappingSegment && place.byte == *self.starts[place.segment].last().unwrap() {
            // Bytes inserted at the end equal the beginning of the next segment; then that segment is the repeated one.
            assert!(self.segments[place.segment + 1].ends_with(found.segment.to_string()), "{}", at());
            assert_eq!((found.offset, found.sequence), (0, self.sequence(place) + 1), "{}", at());
            return;
        }
        assert_eq!(found.sequence, self.sequence(place), "{}", at());
        let is_gone = |fault: &Fault| {
            matches!(
                fault,
                Fault::MissingSegment { .. } | Fault::BeginningMissing { .. } | Fault::CutBelowHead { torn: false, .. }
            )
        };
        if is_gone(&found.fault) {
            // The place itself is gone; the missing record identifies it.
            return;
        }
        assert!(self.segments[place.segment].ends_with(found.segment.to_string()), "{}", at());
        assert_eq!(found.offset, self.start(place) as u64, "{}", at());
    }

    fn check_files(&self, kind: &'static str, place: Place, files: &Files, exceptions: &mut Exceptions) {
        write(self.directory.path(), files);
        self.check(kind, place, exceptions);
        write(self.directory.path(), &self.sound);
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(read(self.directory.path()), self.sound, "every change was taken back");
            verify(self.directory.path(), [self.head]).unwrap();
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn starts(segment: &Path) -> Vec<usize> {
    let mut starts = vec![0, fixture::SEGMENT_HEADER];
    for frame in fixture::frames(segment) {
        starts.push(starts.last().unwrap() + frame.len());
    }
    starts
}

fn read(directory: &Path) -> Files {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (name(&path), fs::read(path).unwrap())).collect()
}

fn write(directory: &Path, files: &Files) {
    for path in fixture::segments(directory) {
        fs::remove_file(path).unwrap();
    }
    for (name, bytes) in files {
        fs::write(directory.join(name), bytes).unwrap();
    }
}

#[test]
fn every_flipped_bit() {
    let subject = Subject::new();
    let mut exceptions = Exceptions::default();
    for segment in 0..subject.segments.len() {
        for bit in 0..subject.bytes(segment).len() * 8 {
            let mut bytes = subject.bytes(segment).to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            subject.change("flip", Place { segment, byte: bit / 8 }, &bytes, &mut exceptions);
        }
    }
    assert_eq!(exceptions, Exceptions::default(), "found with a head and without");
}

#[test]
fn every_cut() {
    let subject = Subject::new();
    let mut exceptions = Exceptions::default();
    for segment in 0..subject.segments.len() {
        for byte in 0..subject.bytes(segment).len() {
            subject.change("cut", Place { segment, byte }, &subject.bytes(segment)[..byte], &mut exceptions);
        }
    }
    // Without a head: every cut in the last segment.
    let without = subject.bytes(subject.last()).len();
    assert_eq!(exceptions.0, BTreeMap::from([("cut", (0, without))]));
}

#[test]
fn every_byte_put_in_or_taken_out() {
    let subject = Subject::new();
    let mut exceptions = Exceptions::default();
    for segment in 0..subject.segments.len() {
        let sound = subject.bytes(segment);
        for byte in 0..=sound.len() {
            for inserted in INSERTED {
                let bytes = [&sound[..byte], &[inserted], &sound[byte..]].concat();
                // Inserting a byte next to an equal one gives the same result as inserting it before that one.
                let first = (0..byte).rev().take_while(|at| sound[*at] == inserted).last().unwrap_or(byte);
                // Following bytes that equal their neighbours stay the same when they move.
                let same = (byte..sound.len()).take_while(|at| bytes[*at] == sound[*at]).count();
                let place = Place { segment, byte: first.max(byte + same) };
                subject.change("byte in", place, &bytes, &mut exceptions);
            }
            if byte < sound.len() {
                let bytes = [&sound[..byte], &sound[byte + 1..]].concat();
                let same = (byte..bytes.len()).take_while(|at| bytes[*at] == sound[*at]).count();
                subject.change("byte out", Place { segment, byte: byte + same }, &bytes, &mut exceptions);
            }
        }
    }
    let starts = &subject.starts[subject.last()];
    let last_frame = starts[starts.len() - 1] - starts[starts.len() - 2];
    // With the head: bytes after it. Without a head: also bytes in the last record, which then looks unfinished.
    let behind = INSERTED.len();
    let within = exceptions.0["byte in"].1;
    assert!(within <= behind * (last_frame + 1) && within >= behind * (last_frame - 8), "{within}");
    assert_eq!(exceptions.0["byte in"].0, behind);
    assert_eq!(exceptions.0["byte out"], (0, last_frame));
}

#[test]
fn every_swap_duplicate_insertion_and_removal_of_records() {
    let subject = Subject::new();
    let mut exceptions = Exceptions::default();
    let frames: Vec<Vec<Vec<u8>>> = subject.segments.iter().map(|path| fixture::frames(path)).collect();
    let all: Vec<(usize, usize)> =
        frames.iter().enumerate().flat_map(|(segment, list)| (0..list.len()).map(move |n| (segment, n))).collect();
    let place = |(segment, frame): (usize, usize)| Place { segment, byte: subject.starts[segment][frame + 1] };
    let mut check = |kind, at, frames: &[Vec<Vec<u8>>]| {
        let bytes = frames.iter().map(|frames| [b"ANSAILG\x01".to_vec(), frames.concat()].concat());
        let names = subject.segments.iter().map(|path| name(path));
        subject.check_files(kind, place(at), &names.zip(bytes).collect(), &mut exceptions);
    };
    for (index, &one) in all.iter().enumerate() {
        for &other in &all[index + 1..] {
            let mut swapped = frames.clone();
            swapped[one.0][one.1] = frames[other.0][other.1].clone();
            swapped[other.0][other.1] = frames[one.0][one.1].clone();
            check("swap", one, &swapped);
        }
        let mut without = frames.clone();
        without[one.0].remove(one.1);
        check("removal", one, &without);
        for (segment, list) in frames.iter().enumerate() {
            for at in 0..=list.len() {
                let mut with = frames.clone();
                with[segment].insert(at, frames[one.0][one.1].clone());
                // Before itself, the copy is in its place, and the second of the two is the repeated one.
                let behind = if (segment, at) == one { at + 1 } else { at };
                check("duplicate or insertion", (segment, behind), &with);
                // The same with a matching number and checksum; the chain detects it.
                let sequence = subject.sequence(place((segment, at)));
                let mut forged = frames[one.0][one.1].clone();
                forged[8..16].copy_from_slice(&sequence.to_le_bytes());
                fixture::reseal(&mut forged);
                let mut with = frames.clone();
                with[segment].insert(at, forged);
                check("forged insertion", (segment, behind), &with);
            }
        }
    }
    // Removing the last record, without a head.
    assert_eq!(exceptions.0, BTreeMap::from([("removal", (0, 1))]));
}

#[test]
fn every_swap_duplicate_and_removal_of_segments() {
    let subject = Subject::new();
    let mut exceptions = Exceptions::default();
    let names: Vec<String> = subject.segments.iter().map(|path| name(path)).collect();
    let first = |segment| Place { segment, byte: fixture::SEGMENT_HEADER };
    for one in 0..names.len() {
        let mut without = subject.sound.clone();
        without.remove(&names[one]);
        subject.check_files("removal", first(one), &without, &mut exceptions);
        let mut empty = subject.sound.clone();
        empty.insert(names[one].clone(), Vec::new());
        subject.check_files("emptied", Place { segment: one, byte: 0 }, &empty, &mut exceptions);
        for other in 0..names.len() {
            if other == one {
                continue;
            }
            let mut copied = subject.sound.clone();
            copied.insert(names[other].clone(), subject.bytes(one).to_vec());
            subject.check_files("copied over another", first(other), &copied, &mut exceptions);
            if other > one {
                copied.insert(names[one].clone(), subject.bytes(other).to_vec());
                subject.check_files("swap", first(one), &copied, &mut exceptions);
            }
        }
    }
    // Removing or emptying the last segment, without a head.
    assert_eq!(exceptions.0, BTreeMap::from([("emptied", (0, 1)), ("removal", (0, 1))]));
}

#[test]
fn every_segment_put_in() {
    let subject = Subject::new();
    let (mut with, mut without) = (0, 0);
    let next = subject.head.sequence + 1;
    for sequence in 1..=next + 2 {
        let added = format!("{sequence:020}.log");
        if subject.sound.contains_key(&added) {
            continue;
        }
        for content in subject.sound.values().map(Vec::as_slice).chain([&b""[..], b"ANSAILG\x01", b"rubbish"]) {
            let mut files = subject.sound.clone();
            files.insert(added.clone(), content.to_vec());
            write(subject.directory.path(), &files);
            for expected in [Some(subject.head), None] {
                match verify(subject.directory.path(), expected) {
                    Err(ReadError::Corrupt(found)) => assert!(
                        found.sequence <= next && (found.segment.first_sequence() == sequence || sequence > next),
                        "{added}: {found}"
                    ),
                    Err(error) => panic!("{added}: {error}"),
                    Ok(_) if expected.is_some() => with += 1,
                    Ok(_) => without += 1,
                }
            }
        }
        write(subject.directory.path(), &subject.sound);
        fs::remove_file(subject.directory.path().join(&added)).ok();
    }
    // A segment that is only begun, after the head: with its whole header or a part of it, and no record.
    assert_eq!((with, without), (2, 2));
}
