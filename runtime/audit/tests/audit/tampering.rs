//! Changes by somebody who knows the format are found at their place.

use std::fs;
use std::path::Path;

use ansai_audit::{Corruption, Durability, Fault, Head, Log, ReadError, Reader, verify};

use crate::fixture;

fn corruption(directory: &Path, expected: Option<Head>) -> Corruption {
    match verify(directory, expected) {
        Err(ReadError::Corrupt(corruption)) => corruption,
        other => panic!("{other:?}"),
    }
}

#[test]
fn moved_frames_are_found() {
    let directory = tempfile::tempdir().unwrap();
    fixture::write(directory.path(), 1 << 20, 5);
    let segment = &fixture::segments(directory.path())[0];
    let sound = fixture::frames(segment);
    let offset = |frame: usize| (8 + sound[..frame].iter().map(Vec::len).sum::<usize>()) as u64;
    let expect = |frames: &[Vec<u8>], place: usize, sequence: u64, fault: Fault| {
        fixture::put_frames(segment, frames);
        let found = corruption(directory.path(), None);
        assert_eq!((found.offset, found.sequence, &found.fault), (offset(place), sequence, &fault));
    };

    let mut swapped = sound.clone();
    swapped.swap(1, 2);
    expect(&swapped, 1, 2, Fault::SequenceGap { found: 3 });
    let mut duplicated = sound.clone();
    duplicated.insert(2, sound[1].clone());
    expect(&duplicated, 2, 3, Fault::SequenceRepeated { found: 2 });
    let mut deleted = sound.clone();
    deleted.remove(3);
    expect(&deleted, 3, 4, Fault::SequenceGap { found: 5 });
    let mut replaced = sound.clone();
    *replaced[2].last_mut().unwrap() ^= 1;
    fixture::reseal(&mut replaced[2]);
    expect(&replaced, 3, 4, Fault::ChainBroken);
    let mut inserted = sound.clone();
    let mut forged = sound[1].clone();
    forged[8..16].copy_from_slice(&3u64.to_le_bytes());
    fixture::reseal(&mut forged);
    inserted.insert(2, forged);
    expect(&inserted, 2, 3, Fault::ChainBroken);
    let mut huge = sound.clone();
    huge[1][..4].copy_from_slice(&u32::MAX.to_le_bytes());
    expect(&huge, 1, 2, Fault::Length { found: u32::MAX });
    fixture::put_frames(segment, &sound);
    verify(directory.path(), None).unwrap();
}

#[test]
fn missing_and_foreign_segments_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let head = fixture::write(directory.path(), 200, 9);
    let segments = fixture::segments(directory.path());
    assert!(segments.len() >= 3);
    for missing in &segments[..2] {
        let bytes = fs::read(missing).unwrap();
        fs::remove_file(missing).unwrap();
        let found = corruption(directory.path(), None);
        assert!(missing.ends_with(found.segment.to_string()), "{found}");
        let named = match &found.fault {
            Fault::BeginningMissing { .. } => *missing == segments[0],
            Fault::MissingSegment { .. } => *missing != segments[0],
            _ => false,
        };
        assert!(named, "{found}");
        fs::write(missing, bytes).unwrap();
    }
    let foreign = directory.path().join(format!("{:020}.log", 2));
    fs::copy(&segments[0], &foreign).unwrap();
    assert_eq!(corruption(directory.path(), None).fault, Fault::OverlappingSegment);
    fs::remove_file(foreign).unwrap();
    verify(directory.path(), Some(head)).unwrap();
}

#[test]
fn a_known_head_shows_cuts_and_rewriting() {
    let directory = tempfile::tempdir().unwrap();
    let head = fixture::write(directory.path(), 1 << 20, 5);
    let earlier = Reader::open(directory.path()).unwrap().nth(2).unwrap().unwrap().head();
    verify(directory.path(), Some(earlier)).unwrap();

    let segment = &fixture::segments(directory.path())[0];
    let frames = fixture::frames(segment);
    fixture::put_frames(segment, &frames[..4]);
    assert_eq!(verify(directory.path(), None).unwrap().records, 4, "not to be seen without a head");
    let cut = corruption(directory.path(), Some(head));
    assert!(
        matches!(cut.fault, Fault::CutBelowHead { expected, last, torn: false } if expected == head && last.sequence == 4)
    );
    assert_eq!((cut.sequence, cut.offset), (5, fs::metadata(segment).unwrap().len()));

    // The same with another third record and a recomputed chain.
    fs::remove_file(segment).unwrap();
    let mut log = fixture::open(directory.path());
    for number in [0, 1, 7, 3, 4] {
        log.append(fixture::payload(number).as_bytes(), Durability::Buffered).unwrap();
    }
    assert_eq!(verify(directory.path(), None).unwrap().records, 5);
    for known in [earlier, head] {
        let rewritten = corruption(directory.path(), Some(known));
        assert_eq!(rewritten.sequence, known.sequence);
        assert!(matches!(rewritten.fault, Fault::Rewritten { expected, .. } if expected == known), "{rewritten}");
    }
    let other_genesis = Head { sequence: 0, hash: [0; 32] };
    assert!(matches!(corruption(directory.path(), Some(other_genesis)).fault, Fault::Rewritten { .. }));
}

#[test]
fn a_symbolic_link_is_not_a_segment() {
    let directory = tempfile::tempdir().unwrap();
    fixture::write(directory.path(), 1 << 20, 2);
    let segment = &fixture::segments(directory.path())[0];
    let elsewhere = directory.path().join("elsewhere");
    fs::rename(segment, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, segment).unwrap();
    assert!(matches!(verify(directory.path(), None), Err(ReadError::Storage(_))));
    assert!(Log::open(directory.path(), fixture::options(1 << 20)).is_err());
}
