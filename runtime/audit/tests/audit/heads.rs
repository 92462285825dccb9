//! Signed heads: what each proves, the name of each refusal, and the two files next to the log.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ansai_audit::{
    Corruption, Fault, Head, HeadFault, HeadFile, HeadFileError, Key, KeyError, Log, LogId, OpenError, Options,
    ReadError, Reader, SignedHead, Verified, Verifier, VerifyError,
};

use crate::fixture;

fn key(number: u8) -> Key {
    Key::from_seed([number; 32])
}

fn head_at(directory: &Path, sequence: u64) -> Head {
    Reader::from_sequence(directory, sequence).unwrap().next().unwrap().unwrap().head()
}

fn signed(directory: &Path, sequence: u64, by: u8) -> SignedHead {
    let log = LogId::of(directory).unwrap().unwrap();
    SignedHead::new(log, head_at(directory, sequence), 1_790_000_000_000, &key(by))
}

fn check(directory: &Path, heads: &[SignedHead], trusted: &[u8]) -> Result<Verified, VerifyError> {
    let mut verifier = Verifier::default();
    for head in heads {
        verifier.expect_signed(head.clone());
    }
    for number in trusted {
        verifier.trust(key(*number).public());
    }
    verifier.run(directory, |_| ())
}

fn refused(directory: &Path, heads: &[SignedHead], trusted: &[u8]) -> (SignedHead, HeadFault) {
    match check(directory, heads, trusted) {
        Err(VerifyError::Head { head, fault }) => (*head, fault),
        other => panic!("{other:?}"),
    }
}

fn corruption(result: Result<Verified, VerifyError>) -> Corruption {
    match result {
        Err(VerifyError::Log(ReadError::Corrupt(corruption))) => corruption,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_head_of_a_log_holds_and_records_are_shown_once() {
    let directory = tempfile::tempdir().unwrap();
    fixture::write(directory.path(), 200, 6);
    let heads: Vec<_> = [6, 1, 3, 3].map(|sequence| signed(directory.path(), sequence, 1)).into();
    let verified = check(directory.path(), &heads, &[2, 1]).unwrap();
    assert_eq!((verified.records, verified.log), (6, Some(heads[0].log)));
    assert_eq!(check(directory.path(), &heads, &[]).unwrap(), verified, "whose signature it is goes unchecked");
    let mut seen = Vec::new();
    let mut verifier = Verifier::default();
    verifier.expect(heads[0].head);
    verifier.run(directory.path(), |entry| seen.push(entry.sequence)).unwrap();
    assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_head_without_a_signature_must_be_in_the_log_too() {
    let directory = tempfile::tempdir().unwrap();
    fixture::write(directory.path(), 200, 4);
    let mut later = head_at(directory.path(), 4);
    later.sequence += 1;
    let mut verifier = Verifier::default();
    verifier.expect(later);
    let found = corruption(verifier.run(directory.path(), |_| ()));
    assert!(matches!(found.fault, Fault::CutBelowHead { .. }), "{found:?}");
}

#[test]
fn sync_failures_are_reported() {
    let directory = tempfile::tempdir().unwrap();
    fixture::write(directory.path(), 200, 2);
    ansai_audit::make_durable(directory.path()).unwrap();
    ansai_audit::make_durable(directory.path().join("nowhere")).unwrap_err();
}

#[test]
fn an_unverifiable_head_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    fixture::write(directory.path(), 1 << 20, 4);
    let (good, other) = (signed(directory.path(), 2, 1), signed(directory.path(), 3, 2));
    let fault = HeadFault::UnknownKey(key(2).public());
    assert_eq!(refused(directory.path(), &[good.clone(), other.clone()], &[1]), (other, fault));

    let elsewhere = tempfile::tempdir().unwrap();
    fixture::open(elsewhere.path()).append(b"another", ansai_audit::Durability::Buffered).unwrap();
    let foreign = signed(elsewhere.path(), 1, 1);
    let fault = HeadFault::OtherLog { of: foreign.log, found: good.log };
    assert_eq!(refused(directory.path(), &[good.clone(), foreign.clone()], &[1]), (foreign, fault));

    // The signature covers every part of the text.
    let text = good.to_string();
    let later = text.replace("at_ms=1790000000000", "at_ms=1790000000001");
    let renumbered = text.replace("sequence=2", "sequence=3");
    for changed in [later, renumbered, text.replace(&good.log.to_string(), &"00".repeat(32))] {
        let changed: SignedHead = changed.parse().unwrap();
        assert_eq!(refused(directory.path(), std::slice::from_ref(&changed), &[1]), (changed, HeadFault::Signature));
    }
}

#[test]
fn a_signed_head_shows_cuts_and_rewriting_and_an_older_one_what_is_below_it() {
    let directory = tempfile::tempdir().unwrap();
    fixture::write(directory.path(), 1 << 20, 5);
    let heads = [signed(directory.path(), 2, 1), signed(directory.path(), 5, 1)];
    let segment = &fixture::segments(directory.path())[0];
    let frames = fixture::frames(segment);
    fixture::put_frames(segment, &frames[..4]);
    check(directory.path(), &heads[..1], &[1]).unwrap();
    let cut = corruption(check(directory.path(), &heads, &[1]));
    assert!(matches!(cut.fault, Fault::CutBelowHead { expected, .. } if expected == heads[1].head), "{cut}");
    assert_eq!((cut.sequence, cut.fault.name()), (5, "cut-below-head"));

    // Rewritten from the second record on; the first record, and so the id of the log, stays the same.
    fs::remove_file(segment).unwrap();
    let mut log = fixture::open(directory.path());
    for number in [0, 9, 2, 3, 4] {
        log.append(fixture::payload(number).as_bytes(), ansai_audit::Durability::Buffered).unwrap();
    }
    let rewritten = corruption(check(directory.path(), &heads, &[1]));
    assert_eq!((rewritten.sequence, rewritten.fault.name()), (2, "rewritten"));
    assert_eq!(rewritten.offset, (fixture::SEGMENT_HEADER + frames[0].len()) as u64);
}

#[test]
fn records_missing_up_to_a_known_head_are_not_a_torn_tail() {
    let directory = tempfile::tempdir().unwrap();
    let head = fixture::write(directory.path(), 1 << 20, 3);
    let segment = &fixture::segments(directory.path())[0];
    let sound = fs::read(segment).unwrap();
    let knowing = |known| Options { known: Some(known), ..fixture::options(1 << 20) };
    // More than one bit of the last record is changed. Without a head, this looks like an unfinished write.
    let mut damaged = sound.clone();
    let at = damaged.len() - 2;
    damaged[at] ^= 0x11;
    for bytes in [&damaged[..], &sound[..sound.len() - 1], &sound[..fixture::SEGMENT_HEADER], &sound[..3], &[]] {
        fs::write(segment, bytes).unwrap();
        let refused = Log::open(directory.path(), knowing(head)).unwrap_err();
        assert!(
            matches!(&refused, OpenError::Corrupt { corruption, .. }
            if matches!(corruption.fault, Fault::CutBelowHead { expected, .. } if expected == head)),
            "{refused}"
        );
        assert_eq!(fs::read(segment).unwrap(), bytes, "nothing was changed");
    }
    // With the head of the record before, the last record may be an unfinished write.
    fs::write(segment, &damaged).unwrap();
    let (log, recovery) = Log::open(directory.path(), knowing(head_at(directory.path(), 2))).unwrap();
    assert!(recovery.cut.is_some() && log.head().sequence == 2);
    drop(log);
    let other = Head { sequence: 1, hash: [1; 32] };
    let refused = Log::open(directory.path(), knowing(other)).unwrap_err();
    assert!(refused.to_string().contains("rewritten"), "{refused}");
}

#[test]
fn the_key_is_made_once_and_private() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.key");
    assert!(Key::read(&path).unwrap().is_none());
    // Left by a crash while a key was created.
    fs::write(directory.path().join(".ansai-7-7.tmp"), "half").unwrap();
    let made = Key::make(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    assert_eq!(Key::read(&path).unwrap().unwrap().public(), made.public());
    assert_ne!(Key::make(directory.path().join("other")).unwrap().public(), made.public());
    assert!(!format!("{made:?}").contains(fs::read_to_string(&path).unwrap().trim()), "it is never shown");
}

#[test]
fn an_invalid_or_exposed_key_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.key");
    Key::make(&path).unwrap();
    for mode in [0o640, 0o604, 0o660, 0o602, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let refused = Key::read(&path).unwrap_err();
        assert!(matches!(refused, KeyError::Exposed { mode: found, .. } if found == mode), "{refused}");
        assert!(refused.hint().is_some());
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    for wrong in ["", "\n", &text[1..], text.trim(), &text.to_uppercase(), &format!("{text}\n")] {
        fs::write(&path, wrong).unwrap();
        assert!(matches!(Key::read(&path), Err(KeyError::Form(_))), "{wrong:?}");
    }
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("elsewhere", &path).unwrap();
    assert!(matches!(Key::read(&path), Err(KeyError::Storage(_))));
}

#[test]
fn a_key_can_name_the_one_that_follows_it() {
    let directory = tempfile::tempdir().unwrap();
    fixture::write(directory.path(), 1 << 20, 1);
    let log = LogId::of(directory.path()).unwrap().unwrap();
    let signature = key(1).endorse(log, key(2).public());
    assert!(key(1).public().endorsed(log, key(2).public(), &signature));
    assert!(!key(1).public().endorsed(log, key(3).public(), &signature));
    assert!(!key(2).public().endorsed(log, key(2).public(), &signature));
}

#[test]
fn every_flipped_bit_and_every_cut_of_the_head_file_is_found() {
    let directory = ansai_harness::scene::memory_dir();
    fixture::write(directory.path(), 1 << 20, 2);
    let file = HeadFile::new(directory.path().join("audit.head"));
    assert!(file.read().unwrap().is_none());
    for sequence in [1, 2] {
        let head = signed(directory.path(), sequence, 1);
        file.write(&head).unwrap();
        assert_eq!(file.read().unwrap(), Some(head));
    }
    assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o7777, 0o600);
    let sound = fs::read(file.path()).unwrap();
    let refused = |bytes: &[u8], what: &str| {
        fs::write(file.path(), bytes).unwrap();
        let error = file.read().expect_err(what);
        assert!(matches!(error, HeadFileError::Form { .. } | HeadFileError::Signature(_)), "{what}: {error}");
    };
    for bit in 0..sound.len() * 8 {
        let mut bytes = sound.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        refused(&bytes, &format!("bit {bit}"));
    }
    for cut in 0..sound.len() {
        refused(&sound[..cut], &format!("cut at {cut}"));
    }
    refused(&[&sound[..], b"x"].concat(), "a byte behind it");
    refused(&vec![b'x'; 2000], "something large");
}
