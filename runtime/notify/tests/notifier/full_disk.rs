//! A disk that is really full: a small tmpfs. Needs root.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansai_harness::{Tmpfs, requires_root};
use ansai_notify::channel::Receipt;
use ansai_notify::outbox::{Capacity, Outbox};
use ansai_notify::tell::Heard;

use crate::support::{at, escalated, opened, teller};

fn heard(first: u64, id: &str) -> Vec<Heard> {
    let events = [opened(id), escalated(id)];
    events.into_iter().zip(first..).map(|(event, sequence)| Heard { sequence, at: at(), event }).collect()
}

/// Writes until there is no room.
fn fill(directory: &Path) -> PathBuf {
    let path = directory.join("fill");
    let mut size = 0;
    for step in [65_536, 4_096, 1] {
        while std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, &vec![0; step]))
            .is_ok()
        {
            size += step;
        }
    }
    assert!(size > 0, "it was full before");
    path
}

/// Would break: a full disk, and nobody who is told of it.
#[test]
fn a_full_disk_is_told_with_the_space_that_is_reserved() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(4);
    let reserve = disk.path().join("reserve");
    std::fs::write(&reserve, vec![0; 1 << 20]).unwrap();
    let make_room = move || std::fs::remove_file(&reserve).is_ok();
    let outbox = Arc::new(Outbox::open(&disk.path().join("notify.db"), Capacity::default(), make_room).unwrap());
    outbox.set_place(0).unwrap();
    let teller = teller(outbox.clone(), vec!["mail".into()]);
    fill(disk.path());
    // Until the log of the database needs more room.
    for number in 0..40 {
        teller.hear(&heard(number * 2 + 1, &format!("disk{number}")), at()).unwrap();
    }
    teller.flush(at(), false).unwrap();
    assert!(!disk.path().join("reserve").exists(), "the disk was not full");
    let mut sent = 0;
    while let Some(picked) = outbox.begin("mail", at()).unwrap() {
        outbox.conclude(&picked.message.id, &Ok(Receipt { answer: String::new() }), at()).unwrap();
        sent += picked.message.total();
    }
    assert_eq!(sent, 40);
}

/// Would break: an event that is lost because it could not be stored, or half of it that is.
#[test]
fn what_cannot_be_stored_is_told_when_there_is_room() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(4);
    let outbox = Arc::new(Outbox::open(&disk.path().join("notify.db"), Capacity::default(), || false).unwrap());
    outbox.set_place(0).unwrap();
    let teller = teller(outbox.clone(), vec!["mail".into()]);
    let filled = fill(disk.path());
    let mut stored = 0;
    while teller.hear(&heard(stored * 2 + 1, &format!("disk{stored}")), at()).is_ok() {
        stored += 1;
        assert!(stored < 10_000, "the disk is not full");
    }
    assert_eq!(outbox.place().unwrap(), Some(stored * 2), "what failed was not heard at all");
    std::fs::remove_file(filled).unwrap();
    // The log is read again from its place.
    teller.hear(&heard(stored * 2 + 1, "again"), at()).unwrap();
    teller.flush(at(), false).unwrap();
    let mut sent = 0;
    while let Some(picked) = outbox.begin("mail", at()).unwrap() {
        outbox.conclude(&picked.message.id, &Ok(Receipt { answer: String::new() }), at()).unwrap();
        sent += picked.message.total();
    }
    assert_eq!(sent, stored + 1);
}
