//! Writes, rolls over, reopens, and reads while a writer is running.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ansai_audit::{
    AppendError, Check, Durability, Head, Log, MAX_PAYLOAD_BYTES, OpenError, Options, Reader, Tail, is_open, verify,
};
use ansai_storage::Directory;

use crate::fixture;

#[test]
fn an_empty_log_has_the_genesis_head() {
    let directory = tempfile::tempdir().unwrap();
    let found = verify(directory.path(), Some(Head::genesis())).unwrap();
    assert_eq!((found.records, found.segments, found.head), (0, 0, Head::genesis()));
    let (mut log, recovery) = Log::open(directory.path().join("a/b"), Options::default()).unwrap();
    assert_eq!((log.head(), recovery.head), (Head::genesis(), Head::genesis()));
    assert_eq!(log.append_all::<&[u8]>(&[]).unwrap(), Head::genesis());
    assert!(verify(directory.path().join("missing"), None).is_err());
}

#[test]
fn records_roll_over_into_segments_and_survive_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let mut head = Head::genesis();
    for _ in 0..3 {
        let (mut log, recovery) = Log::open(directory.path(), fixture::options(200)).unwrap();
        assert_eq!((recovery.head, log.head()), (head, head));
        for number in 0..5 {
            log.append(fixture::payload(number).as_bytes(), Durability::Synced).unwrap();
        }
        head = log.head();
    }
    let found = verify(directory.path(), Some(head)).unwrap();
    assert_eq!((found.records, found.head, found.torn_tail_bytes), (15, head, 0));
    let segments = fixture::segments(directory.path());
    assert!(found.segments > 3 && segments.len() as u64 == found.segments);
    assert!(segments[0].ends_with("00000000000000000001.log"));
    for segment in segments {
        assert!(fs::metadata(segment).unwrap().len() <= 200);
    }
    let expected: Vec<_> = (0..15).map(|number| fixture::payload(number % 5).into_bytes()).collect();
    assert_eq!(fixture::payloads(directory.path()), expected);
}

#[test]
fn the_last_segments_are_enough_to_continue() {
    let directory = tempfile::tempdir().unwrap();
    let head = fixture::write(directory.path(), 200, 20);
    let options = Options { check: Check::LastSegments, ..fixture::options(200) };
    // Damage in an early segment is found only by the check of the whole log.
    let first = &fixture::segments(directory.path())[0];
    let sound = fs::read(first).unwrap();
    fs::write(first, [&sound[..30], &[sound[30] ^ 1], &sound[31..]].concat()).unwrap();
    let (mut log, recovery) = Log::open(directory.path(), options).unwrap();
    assert_eq!(recovery.head, head);
    let head = log.append(b"on", Durability::Synced).unwrap();
    assert!(verify(directory.path(), Some(head)).is_err());
    fs::write(first, sound).unwrap();
    verify(directory.path(), Some(head)).unwrap();
}

#[test]
fn a_group_is_appended_as_one_and_in_one_segment() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(directory.path(), fixture::options(150)).unwrap();
    log.append(b"before", Durability::Buffered).unwrap();
    let head = log.append_all(&["one", "two", "three"]).unwrap();
    assert_eq!(head.sequence, 4);
    let entries: Vec<_> = Reader::open(directory.path()).unwrap().map(Result::unwrap).collect();
    let payloads: Vec<_> = entries.iter().map(|entry| entry.payload.as_slice()).collect();
    assert_eq!(payloads, [&b"before"[..], b"one", b"two", b"three"]);
    assert_eq!(entries[1].segment, entries[3].segment);
    assert_eq!((entries[1].offset, entries[3].head()), (8, head));
    log.sync().unwrap();
}

#[test]
fn too_large_records_are_refused_and_leave_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = fixture::open(directory.path());
    let largest = vec![b'x'; MAX_PAYLOAD_BYTES];
    let refused = log.append(&vec![b'x'; MAX_PAYLOAD_BYTES + 1], Durability::Synced);
    assert!(matches!(refused, Err(AppendError::TooLarge { bytes }) if bytes == MAX_PAYLOAD_BYTES + 1));
    let refused = log.append_all(&[&largest; 4]);
    assert!(matches!(refused, Err(AppendError::GroupTooLarge { .. })));
    assert_eq!(log.head(), Head::genesis());
    log.append(&largest, Durability::Buffered).unwrap();
    let head = log.append(b"", Durability::Synced).unwrap();
    assert_eq!(verify(directory.path(), Some(head)).unwrap().records, 2);
}

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = fixture::open(directory.path());
    let refused = Log::open(directory.path(), Options::default()).unwrap_err();
    assert!(matches!(&refused, OpenError::InUse(path) if path == directory.path()), "{refused}");
    assert!(refused.hint().is_some());
    let mut reader = Reader::open(directory.path()).unwrap();
    log.append(b"seen", Durability::Buffered).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().payload, b"seen");
    drop(log);
    fixture::open(directory.path());
}

/// Would break: a look that takes the lock for longer than a start tries, or that makes the file.
#[test]
fn whether_a_log_is_open_is_seen_and_looking_keeps_nobody_from_opening_it() {
    let directory = tempfile::tempdir().unwrap();
    let looked = Directory::open(directory.path()).unwrap();
    assert!(!is_open(&looked).unwrap());
    assert_eq!(directory.path().read_dir().unwrap().count(), 0, "nothing is made");
    let log = fixture::open(directory.path());
    assert!(is_open(&looked).unwrap());
    drop(log);
    assert!(!is_open(&looked).unwrap());
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                is_open(&looked).unwrap();
                std::thread::sleep(Duration::from_micros(100));
            }
        });
        for _ in 0..200 {
            fixture::open(directory.path());
        }
        ends.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_reader_follows_the_writer_over_a_roll() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(directory.path(), fixture::options(100)).unwrap();
    let mut reader = Reader::open(directory.path()).unwrap();
    for number in 0..6 {
        log.append(fixture::payload(number).as_bytes(), Durability::Buffered).unwrap();
        assert_eq!(reader.next().unwrap().unwrap().payload, fixture::payload(number).as_bytes());
    }
    assert!(fixture::segments(directory.path()).len() > 2);
    assert!(reader.next().is_none() && reader.next().is_none());
    assert_eq!((reader.tail(), reader.head()), (Some(Tail::Clean), Some(log.head())));
}

#[test]
fn verifying_while_a_writer_runs_finds_no_fault() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(directory.path(), fixture::options(20_000)).unwrap();
    let payload = vec![b'p'; 9_000];
    let writer = std::thread::spawn(move || {
        for _ in 0..1000 {
            log.append(&payload, Durability::Buffered).unwrap();
        }
        log.head()
    });
    let mut known = Head::genesis();
    while !writer.is_finished() {
        let found = verify(directory.path(), Some(known)).unwrap();
        assert!(found.records >= known.sequence);
        known = found.head;
    }
    let head = writer.join().unwrap();
    assert_eq!(verify(directory.path(), Some(head)).unwrap().records, 1000);
}

#[test]
fn a_reader_can_begin_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    fixture::write(directory.path(), 200, 12);
    for from in 0..=14 {
        let mut reader = Reader::from_sequence(directory.path(), from).unwrap();
        let found: Vec<_> = (&mut reader).map(|entry| entry.unwrap().sequence).collect();
        assert_eq!(found, (from.max(1)..=12).collect::<Vec<_>>(), "from {from}");
        assert!(from < 6 || reader.segments() < 5, "whole segments are skipped");
    }
}

#[test]
fn files_are_private() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("audit");
    let (mut log, _) = Log::open(&directory, Options { reserve_bytes: 4096, ..Options::default() }).unwrap();
    log.append(b"{}", Durability::Synced).unwrap();
    assert!(log.has_reserve());
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}
