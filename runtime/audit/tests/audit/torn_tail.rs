//! An unfinished write is cut off, and nothing else.

use std::fs;

use ansai_audit::{Durability, Head, Kept, Log, OpenError, Reader, Tail, verify};

use crate::fixture;

/// Opens the log, expects the cut, and checks that the log is then usable and whole.
fn expect_cut(directory: &std::path::Path, head: Head, torn: &[u8], case: &str) {
    let checked = verify(directory, Some(head)).unwrap();
    assert_eq!((checked.head, checked.torn_tail_bytes), (head, torn.len() as u64), "{case}");
    let (mut log, recovery) = Log::open(directory, fixture::options(1 << 20)).unwrap();
    let cut = recovery.cut.expect(case);
    assert_eq!((recovery.head, cut.torn.bytes, cut.torn.sequence), (head, torn.len() as u64, head.sequence + 1));
    match cut.kept {
        Kept::At(path) => {
            assert_eq!(fs::read(&path).unwrap(), torn, "{case}");
            assert!(path.file_name().unwrap().to_str().unwrap().starts_with(&format!("torn-{}", head.sequence + 1)));
        }
        Kept::Nothing => assert!(torn.is_empty(), "{case}"),
        Kept::Lost(error) => panic!("{case}: {error}"),
    }
    let next = log.append(b"next", Durability::Synced).unwrap();
    assert_eq!(next.sequence, head.sequence + 1);
    assert_eq!(verify(directory, Some(next)).unwrap().torn_tail_bytes, 0, "{case}");
}

#[test]
fn a_frame_cut_at_any_byte_is_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let head = fixture::write(&path, 1 << 20, 3);
    let segment = &fixture::segments(&path)[0];
    let whole = fs::read(segment).unwrap();
    let (mut log, _) = Log::open(&path, fixture::options(1 << 20)).unwrap();
    log.append(b"{\"event\":\"last\"}", Durability::Synced).unwrap();
    drop(log);
    let longer = fs::read(segment).unwrap();
    for cut in whole.len() + 1..longer.len() {
        fs::write(segment, &longer[..cut]).unwrap();
        expect_cut(&path, head, &longer[whole.len()..cut], &format!("cut at {cut}"));
    }
    fs::write(segment, &longer).unwrap();
    assert_eq!(verify(&path, None).unwrap().records, 4);
}

#[test]
fn blocks_that_never_reached_the_disk_are_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    let head = fixture::write(directory.path(), 1 << 20, 3);
    let segment = &fixture::segments(directory.path())[0];
    let whole = fs::read(segment).unwrap();
    for hole in [1, 47, 48, 49, 5000, 200_000] {
        fs::write(segment, [whole.clone(), vec![0; hole]].concat()).unwrap();
        expect_cut(directory.path(), head, &vec![0; hole], &format!("hole of {hole}"));
    }
}

#[test]
fn a_segment_that_was_only_begun_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let head = fixture::write(directory.path(), 1 << 20, 3);
    let first = fs::read(&fixture::segments(directory.path())[0]).unwrap();
    let begun = directory.path().join(format!("{:020}.log", head.sequence + 1));
    for header in [&b""[..], b"ANS", &[0; 8]] {
        fs::write(&fixture::segments(directory.path())[0], &first).unwrap();
        fs::write(&begun, header).unwrap();
        expect_cut(directory.path(), head, header, &format!("header {header:?}"));
        assert!(!begun.exists());
    }
    // With a whole header, it is a segment without records.
    fs::write(&fixture::segments(directory.path())[0], &first).unwrap();
    fs::write(&begun, &first[..8]).unwrap();
    let (mut log, recovery) = Log::open(directory.path(), fixture::options(1 << 20)).unwrap();
    assert!(recovery.cut.is_none());
    log.append(b"in the new one", Durability::Synced).unwrap();
    assert!(begun.metadata().unwrap().len() > 8);
    assert_eq!(verify(directory.path(), Some(log.head())).unwrap().segments, 2);
}

#[test]
fn damage_that_no_crash_explains_is_not_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    fixture::write(directory.path(), 200, 8);
    let segments = fixture::segments(directory.path());
    assert!(segments.len() >= 3);
    // A cut frame in a segment that is not the last one, and a bad frame with valid frames after it.
    let first = fs::read(&segments[0]).unwrap();
    let mut damaged = first.clone();
    damaged[60] ^= 1;
    for bytes in [first[..first.len() - 1].to_vec(), damaged, first[..5].to_vec(), b"ANSAILG\x02".to_vec()] {
        fs::write(&segments[0], &bytes).unwrap();
        let refused = Log::open(directory.path(), fixture::options(200)).unwrap_err();
        assert!(matches!(refused, OpenError::Corrupt { .. }), "{refused}");
        assert_eq!(fs::read(&segments[0]).unwrap(), bytes, "nothing was changed");
    }
    let only = tempfile::tempdir().unwrap();
    fixture::write(only.path(), 1 << 20, 3);
    let segment = &fixture::segments(only.path())[0];
    let mut bytes = fs::read(segment).unwrap();
    bytes[8] ^= 0x80;
    fs::write(segment, bytes).unwrap();
    assert!(matches!(Log::open(only.path(), fixture::options(1 << 20)), Err(OpenError::Corrupt { .. })));
}

#[test]
fn a_reader_states_a_torn_tail() {
    let directory = tempfile::tempdir().unwrap();
    let head = fixture::write(directory.path(), 1 << 20, 2);
    let segment = &fixture::segments(directory.path())[0];
    let whole = fs::read(segment).unwrap();
    fs::write(segment, [&whole[..], b"half a frame"].concat()).unwrap();
    let mut reader = Reader::open(directory.path()).unwrap();
    assert_eq!(reader.tail(), None);
    assert_eq!((&mut reader).filter(Result::is_ok).count(), 2);
    let Some(Tail::Torn(torn)) = reader.tail() else { panic!("{:?}", reader.tail()) };
    assert_eq!((torn.offset, torn.bytes, torn.sequence), (whole.len() as u64, 12, 3));
    assert_eq!(reader.head(), Some(head));
}
