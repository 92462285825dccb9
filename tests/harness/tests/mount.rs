//! The file systems fill up, and are unmounted afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

use std::io::ErrorKind;
use std::path::Path;

use ansai_harness::{Ext4, Tmpfs, requires_root};

fn mounted(path: &Path) -> bool {
    std::fs::read_to_string("/proc/self/mountinfo").unwrap().contains(&format!(" {} ", path.display()))
}

#[test]
fn a_tmpfs_fills_up() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(8);
    assert!(mounted(disk.path()) && disk.used_share() < 0.01);
    disk.fill_to(0.5);
    assert!((0.5..0.55).contains(&disk.used_share()), "{}", disk.used_share());
    disk.fill_to(1.0);
    let refused = std::fs::write(disk.path().join("more"), [1; 8192]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::StorageFull);
    let path = disk.path().to_owned();
    drop(disk);
    assert!(!mounted(&path) && !path.exists());
}

#[test]
fn an_ext4_fills_up_and_empties() {
    if !requires_root() {
        return;
    }
    let disk = Ext4::new(16);
    assert!(mounted(disk.path()));
    disk.fill_to(0.9);
    assert!((0.9..0.95).contains(&disk.used_share()), "{}", disk.used_share());
    std::fs::remove_file(disk.path().join("filler-0")).unwrap();
    assert!(disk.used_share() < 0.5, "{}", disk.used_share());
}

#[test]
fn inodes_run_out() {
    if !requires_root() {
        return;
    }
    for (path, _disk) in [
        {
            let disk = Tmpfs::with_inodes(8, 20);
            (disk.path().to_owned(), Disk::Tmpfs(disk))
        },
        {
            let disk = Ext4::with_inodes(8, 64);
            (disk.path().to_owned(), Disk::Ext4(disk))
        },
    ] {
        let refused = (0..1000).find_map(|n| std::fs::write(path.join(n.to_string()), "").err());
        assert_eq!(refused.unwrap().kind(), ErrorKind::StorageFull);
    }
}

/// Kept until it is dropped.
enum Disk {
    Tmpfs(#[allow(dead_code, reason = "dropped")] Tmpfs),
    Ext4(#[allow(dead_code, reason = "dropped")] Ext4),
}

#[test]
fn a_file_system_in_use_is_unmounted() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(1);
    let path = disk.path().to_owned();
    let _open = std::fs::File::create(path.join("open")).unwrap();
    drop(disk);
    assert!(!mounted(&path) && !path.exists());
}
