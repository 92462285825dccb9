//! A copy of a disk holds what a power failure leaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

use std::fs::File;
use std::io::Write as _;

use ansai_harness::{Disk, requires_root};

#[test]
fn a_copy_has_only_synced_data() {
    if !requires_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let disk = Disk::new(directory.path(), "disk", 8);
    let write = |name: &str| {
        let mut file = File::create(disk.path().join(name)).unwrap();
        file.write_all(b"content").unwrap();
        file
    };
    write("synced").sync_all().unwrap();
    let late = write("late");
    std::fs::rename(disk.path().join("late"), disk.path().join("renamed")).unwrap();
    let copy = directory.path().join("copy");
    disk.copy_to(&copy);
    late.sync_all().unwrap();
    let later = directory.path().join("later");
    disk.copy_to(&later);
    drop(late);

    let read = |name: &str| std::fs::read(disk.path().join(name)).ok();
    disk.go_back_to(&copy);
    assert_eq!((read("synced"), read("late"), read("renamed")), (Some(b"content".to_vec()), None, None));
    disk.go_back_to(&later);
    assert_eq!((read("synced"), read("renamed")), (Some(b"content".to_vec()), Some(b"content".to_vec())));
}
