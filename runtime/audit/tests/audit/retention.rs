//! The beginning of a log is dropped behind a signed record: what that proves, each way to cheat, and every crash.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ansai_audit::{
    Beginning, Destination, DropError, DropReason, DropRequest, Durability, Fault, Head, Key, Log, LogId, OpenError,
    PendingDrop, ReadError, Reader, SegmentName, SignedHead, Verified, Verifier, VerifyError, sealed, verify,
};
use ansai_storage::Directory;

use crate::fixture;

const SEGMENT_BYTES: u64 = 300;

fn key() -> Key {
    Key::from_seed([1; 32])
}

fn open(path: &Path) -> Directory {
    Directory::create(path).unwrap()
}

/// A log of this many records, and the head of each of them.
fn log_of(path: &Path, records: usize) -> Vec<Head> {
    fixture::write(path, SEGMENT_BYTES, records);
    Reader::open(path).unwrap().map(|entry| entry.unwrap().head()).collect()
}

fn segment(path: &Path, number: usize) -> SegmentName {
    sealed(&open(path)).unwrap()[number].name
}

fn sign(path: &Path, first: SegmentName, archive: Option<&Directory>) -> Result<PendingDrop, DropError> {
    let request = DropRequest { first, reason: DropReason::Size, archive, at_ms: 1_790_000_000_000 };
    PendingDrop::begin(&open(path), request, &key())
}

fn drop_before(path: &Path, first: SegmentName, archive: Option<&Path>) -> Beginning {
    let archive = archive.map(open);
    let pending = sign(path, first, archive.as_ref()).unwrap();
    let beginning = pending.beginning().clone();
    pending.remove().unwrap();
    beginning
}

fn fault(error: ReadError) -> Fault {
    match error {
        ReadError::Corrupt(corruption) => corruption.fault,
        ReadError::Storage(error) => panic!("{error}"),
    }
}

fn check(path: &Path, heads: &[Head], archive: Option<&Path>) -> Result<Verified, ReadError> {
    let mut verifier = Verifier::default();
    heads.iter().for_each(|head| verifier.expect(*head));
    archive.into_iter().for_each(|archive| verifier.archive(open(archive)));
    verifier.run(path, |_| ()).map_err(|error| match error {
        VerifyError::Log(error) => error,
        VerifyError::Head { .. } => panic!("{error}"),
    })
}

#[test]
fn the_kept_part_verifies_with_heads_of_before_and_after() {
    let directory = tempfile::tempdir().unwrap();
    let heads = log_of(directory.path(), 20);
    let log = LogId::of(directory.path()).unwrap().unwrap();
    let early = SignedHead::new(log, heads[0], 1, &key());
    let beginning = drop_before(directory.path(), segment(directory.path(), 2), None);
    let first = usize::try_from(beginning.dropped.first).unwrap();
    assert_eq!((beginning.dropped.log, beginning.dropped.last()), (log, heads[first - 2]));
    assert_eq!(
        (beginning.dropped.to, beginning.dropped.records()),
        (Destination::Deleted, beginning.dropped.first - 1)
    );

    let verified = check(directory.path(), &heads, None).unwrap();
    assert_eq!((verified.records, verified.head), (20 - beginning.dropped.first + 1, heads[19]));
    // The last dropped record can still be compared: the first kept one links to it.
    assert_eq!(verified.before, &heads[..first - 2]);
    assert_eq!((verified.log, LogId::of(directory.path()).unwrap()), (Some(log), Some(log)));
    let mut verifier = Verifier::default();
    verifier.expect_signed(early);
    assert_eq!(verifier.run(directory.path(), |_| ()).unwrap().before, [heads[0]]);
    let other = Head { hash: [7; 32], ..heads[first - 2] };
    assert!(matches!(fault(check(directory.path(), &[other], None).unwrap_err()), Fault::Rewritten { .. }));

    // It goes on, and drops again.
    let (mut log, recovery) = Log::open(directory.path(), fixture::options(SEGMENT_BYTES)).unwrap();
    assert_eq!(recovery.head, heads[19]);
    for number in 0..9 {
        log.append(fixture::payload(number).as_bytes(), Durability::Synced).unwrap();
    }
    let again = drop_before(directory.path(), segment(directory.path(), 3), None);
    assert_eq!(again.dropped.from, beginning.dropped.first);
    assert_eq!(check(directory.path(), &[log.head()], None).unwrap().beginning, Some(again));
    let from = Reader::from_sequence(directory.path(), 1).unwrap().next().unwrap().unwrap();
    assert!(from.sequence > beginning.dropped.first);
}

#[test]
fn each_way_to_cheat_has_its_name() {
    let directory = tempfile::tempdir().unwrap();
    log_of(directory.path(), 30);
    let signed = directory.path().join("beginning");
    let remove = |number: usize| {
        let path = fixture::segments(directory.path())[number].clone();
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        move || fs::write(path, bytes).unwrap()
    };
    let found = || fault(verify(directory.path(), None).unwrap_err());
    // By hand, without a record.
    let put_back = remove(0);
    assert!(matches!(found(), Fault::BeginningMissing { .. }), "{}", found());
    assert!(matches!(Log::open(directory.path(), fixture::options(1)), Err(OpenError::Corrupt { .. })));
    put_back();

    drop_before(directory.path(), segment(directory.path(), 1), None);
    let older = fs::read(&signed).unwrap();
    let later = drop_before(directory.path(), segment(directory.path(), 1), None);
    verify(directory.path(), None).unwrap();
    let newest = fs::read(&signed).unwrap();

    // More than the record names.
    let put_back = remove(0);
    let named = later.dropped.first;
    assert!(matches!(found(), Fault::BeginningExceeded { named: told, .. } if told == named), "{}", found());
    put_back();
    // An older record.
    fs::write(&signed, &older).unwrap();
    assert!(matches!(found(), Fault::BeginningExceeded { .. }), "{}", found());
    // None any more.
    fs::remove_file(&signed).unwrap();
    assert!(matches!(found(), Fault::BeginningMissing { .. }), "{}", found());
    // Changed ones.
    for (from, to) in
        [("reason=size", "reason=age"), ("previous=", "previous=0"), ("signature=", "signature=0"), ("\n", "")]
    {
        let text = String::from_utf8(newest.clone()).unwrap();
        fs::write(&signed, text.replacen(from, to, 1)).unwrap();
        assert!(matches!(found(), Fault::BeginningForged { .. }), "{to}: {}", found());
    }
    // Signed, by any key, for a log with another past: it does not link.
    let mut dropped = later.dropped;
    dropped.previous = [9; 32];
    fs::write(&signed, format!("{}\n", Beginning::new(dropped, &Key::from_seed([2; 32])))).unwrap();
    assert_eq!(found(), Fault::ChainBroken);
    fs::write(&signed, newest).unwrap();
    verify(directory.path(), None).unwrap();
}

#[test]
fn what_is_archived_verifies_with_the_rest() {
    let (directory, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let archive = place.path().join("archive");
    let heads = log_of(directory.path(), 30);
    drop_before(directory.path(), segment(directory.path(), 2), Some(&archive));
    let dropped = drop_before(directory.path(), segment(directory.path(), 2), Some(&archive));
    assert_eq!(dropped.dropped.to, Destination::Archived);
    let verified = check(directory.path(), &heads, Some(&archive)).unwrap();
    assert_eq!((verified.records, verified.archived), (30, dropped.dropped.first - 1));
    assert_eq!((verified.beginning, verified.before), (None, vec![]));
    assert!(check(directory.path(), &heads, None).unwrap().before.len() > 3);

    let files = fixture::segments(&archive);
    for (number, file) in files.iter().enumerate() {
        let bytes = fs::read(file).unwrap();
        let mut changed = bytes.clone();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        fs::write(file, &changed).unwrap();
        check(directory.path(), &[], Some(&archive)).unwrap_err();
        fs::remove_file(file).unwrap();
        let missing = fault(check(directory.path(), &[], Some(&archive)).unwrap_err());
        let expected = match number {
            0 => matches!(missing, Fault::BeginningMissing { .. }),
            _ if number + 1 == files.len() => matches!(missing, Fault::CutBelowHead { .. }),
            _ => matches!(missing, Fault::MissingSegment { .. }),
        };
        assert!(expected, "{number}: {missing}");
        fs::write(file, bytes).unwrap();
    }
    check(directory.path(), &heads, Some(&archive)).unwrap();
}

#[test]
fn an_archive_that_begins_later_says_so() {
    let (directory, archive) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let heads = log_of(directory.path(), 30);
    let deleted = drop_before(directory.path(), segment(directory.path(), 2), None);
    drop_before(directory.path(), segment(directory.path(), 2), Some(archive.path()));
    let verified = check(directory.path(), &heads, Some(archive.path())).unwrap();
    assert_eq!((verified.records, verified.beginning.unwrap()), (31 - deleted.dropped.first, deleted));
}

#[test]
fn nothing_is_dropped_that_the_archive_does_not_hold() {
    let (directory, archive) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    log_of(directory.path(), 30);
    let count = fixture::segments(directory.path()).len();
    let first = segment(directory.path(), 2);
    let itself = open(directory.path());
    assert!(matches!(sign(directory.path(), first, Some(&itself)), Err(DropError::ArchiveIsLog(_))));
    // Of another host.
    let taken = archive.path().join(segment(directory.path(), 0).to_string());
    fs::write(&taken, b"another log").unwrap();
    let refused = sign(directory.path(), first, Some(&open(archive.path())));
    assert!(matches!(refused, Err(DropError::Archived(path)) if path == taken));
    // What is damaged is evidence.
    let damaged = &fixture::segments(directory.path())[1];
    let bytes = fs::read(damaged).unwrap();
    let mut changed = bytes.clone();
    changed[60] ^= 1;
    fs::write(damaged, changed).unwrap();
    assert!(matches!(sign(directory.path(), first, None), Err(DropError::Log(_))));
    fs::write(damaged, bytes).unwrap();
    assert!(matches!(sign(directory.path(), segment(directory.path(), 0), None), Err(DropError::Nothing(_))));
    assert_eq!(fixture::segments(directory.path()).len(), count);
    assert!(!directory.path().join("beginning").exists());
    verify(directory.path(), None).unwrap();
}

/// The segments are removed in an order that a power cut may change: every subset of them is a state to come back from.
#[test]
fn every_crash_leaves_a_log_that_verifies_and_opens() {
    let directory = tempfile::tempdir().unwrap();
    let heads = log_of(directory.path(), 30);
    let all: Vec<PathBuf> = fixture::segments(directory.path());
    let first = segment(directory.path(), 4);
    let pending = sign(directory.path(), first, None).unwrap();
    let beginning = pending.beginning().clone();
    drop(pending);
    let contents: Vec<Vec<u8>> = all.iter().map(|path| fs::read(path).unwrap()).collect();
    for left in 0..16_usize {
        for (number, (path, content)) in all.iter().zip(&contents).enumerate().take(4) {
            match left & (1 << number) {
                0 => drop(fs::remove_file(path)),
                _ => fs::write(path, content).unwrap(),
            }
        }
        let verified = check(directory.path(), &heads[20..], None).unwrap();
        assert_eq!(verified.beginning.as_ref(), Some(&beginning), "{left:04b}");
        let (log, recovery) = Log::open(directory.path(), fixture::options(SEGMENT_BYTES)).unwrap();
        assert_eq!((recovery.head, recovery.cut.is_none()), (heads[29], true));
        drop(log);
        let pending = PendingDrop::interrupted(&open(directory.path())).unwrap();
        assert_eq!(pending.is_some(), left > 0);
        pending.into_iter().for_each(|pending| pending.remove().unwrap());
        assert_eq!(fixture::segments(directory.path()), all[4..]);
    }
}

const PLACE: &str = "ANSAI_TEST_RETENTION_PLACE";

/// Appends and drops until it is killed; prints every head that is durable.
#[test]
#[ignore = "not a test: what the test beside it runs as a process of its own"]
fn the_process_that_is_killed() {
    use std::io::Write as _;
    let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
    let (log_dir, archive) = (open(&place.join("log")), open(&place.join("archive")));
    let (mut log, _) = Log::open(&log_dir, fixture::options(SEGMENT_BYTES)).unwrap();
    if let Some(pending) = PendingDrop::interrupted(&log_dir).unwrap() {
        pending.remove().unwrap();
    }
    let mut out = std::io::stdout();
    for number in 0.. {
        let head = log.append(fixture::payload(number).as_bytes(), Durability::Synced).unwrap();
        writeln!(out, "head {head}").unwrap();
        out.flush().unwrap();
        let sealed = sealed(&log_dir).unwrap();
        if sealed.len() > 3 {
            sign(log_dir.path(), sealed[2].name, Some(&archive)).unwrap().remove().unwrap();
        }
    }
}

#[test]
fn kill_9_at_any_moment_loses_no_record() {
    let place = ansai_harness::scene::memory_dir();
    let mut heads = Vec::new();
    for round in 0..40_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "retention::the_process_that_is_killed", "--ignored", "--nocapture"])
            .env(PLACE, place.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(5 + round * 7 % 60));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        heads.extend(text.lines().filter_map(|line| line.strip_prefix("head ")?.parse::<Head>().ok()));
        let log = place.path().join("log");
        if !log.exists() {
            continue;
        }
        // The archive may hold copies of what is still in the log. Every head is found, none of them twice.
        let verified = check(&log, &heads, Some(&place.path().join("archive"))).unwrap();
        assert_eq!((verified.before, verified.beginning), (vec![], None), "round {round}");
        assert!(verified.records >= heads.last().map_or(0, |head| head.sequence));
    }
    assert!(heads.len() > 100, "it was killed too early to show anything: {}", heads.len());
    assert!(place.path().join("log/beginning").exists());
}
