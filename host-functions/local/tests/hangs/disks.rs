//! `list-filesystems` and `check-available`.

use std::path::Path;

use ansai_harness::fuse::Options;
use ansai_harness::{Ext4, Fuse, with_own_mounts};

use crate::files_scene::{Mounted, run};
use crate::{entry, filesystems, probe, unreadable};

/// The neighbour has the same numbers as without the dead one.
#[track_caller]
pub(crate) fn is_unharmed(full: &Ext4, dead: &[&Path]) {
    let list = filesystems();
    let own = entry(&list, full.path()).expect("the local file system is listed");
    let (total, free) = (own["total-bytes"].as_u64().unwrap(), own["available-bytes"].as_u64().unwrap());
    assert!(free * 20 < total, "it is full: {own}");
    for point in dead {
        assert!(entry(&list, point).is_none(), "{} was read", point.display());
        let reason = unreadable(point);
        assert!(reason.get("timed-out").or(reason.get("unavailable")).is_some(), "{reason}");
    }
    let skipped = probe("ansai:disk/disk-probe", "list-filesystems").unwrap()["skipped"].as_u64().unwrap();
    assert!(skipped >= dead.len() as u64, "{skipped}");
}

/// A file in this directory with an ext4 file system.
fn ext4(place: &Path) -> String {
    let image = place.join("image").to_str().unwrap().to_owned();
    run("truncate", &["-s", "8M", &image]);
    run("mkfs.ext4", &["-q", "-F", &image]);
    image
}

pub(crate) fn full() -> Ext4 {
    let disk = Ext4::new(32);
    disk.fill_to(0.97);
    disk
}

#[test]
fn a_full_disk_is_seen_beside_a_dead_mount() {
    with_own_mounts("disks::a_full_disk_is_seen_beside_a_dead_mount", || {
        let (full, fuse) = (full(), Fuse::new());
        assert!(entry(&filesystems(), fuse.path()).is_some(), "it answers");
        fuse.die();
        // Several times: at most one thread is lost.
        for _ in 0..3 {
            is_unharmed(&full, &[fuse.path()]);
        }
        assert!(unreadable(fuse.path()).get("unavailable").is_some(), "it is not asked again");
        fuse.revive();
        // It is back as soon as its thread is.
        while entry(&filesystems(), fuse.path()).is_none() {
            std::thread::yield_now();
        }
    });
}

#[test]
fn many_dead_mounts_hide_nothing_and_two_of_one_are_one() {
    with_own_mounts("disks::many_dead_mounts_hide_nothing_and_two_of_one_are_one", || {
        let full = full();
        // So many that one after the other takes longer than a probe may.
        let dead: Vec<Fuse> = (0..35).map(|_| Fuse::new()).collect();
        let place = tempfile::tempdir().unwrap();
        let bound = Mounted::new(&["--bind", dead[0].path().to_str().unwrap()], &place.path().join("bound"));
        dead.iter().for_each(Fuse::die);
        is_unharmed(&full, &dead[1..].iter().map(Fuse::path).collect::<Vec<_>>());
        let list = probe("ansai:disk/disk-probe", "list-unreadable").unwrap();
        let of_first =
            |point: &Path| list.as_array().unwrap().iter().any(|one| one["mount"] == point.to_str().unwrap());
        assert!(of_first(dead[0].path()) != of_first(&bound.0), "one file system under one name: {list}");
        dead.iter().for_each(Fuse::revive);
    });
}

#[test]
fn what_is_mounted_below_a_dead_mount_is_unknown() {
    with_own_mounts("disks::what_is_mounted_below_a_dead_mount_is_unknown", || {
        let (full, fuse) = (full(), Fuse::new());
        let below = Mounted::new(&["-t", "tmpfs", "ansai-test"], &fuse.path().join("directory"));
        // This one can be reached by another way.
        let place = tempfile::tempdir().unwrap();
        let image = ext4(place.path());
        let both = Mounted::new(&["-o", "loop", &image], &below.0.join("in"));
        let long = place.path().join("a/much/longer/path/than/the/one/below/the/dead/mount/point/which/is/short");
        let aside = Mounted::new(&["--bind", both.0.to_str().unwrap()], &long);
        fuse.die();
        is_unharmed(&full, &[fuse.path(), &below.0]);
        assert!(entry(&filesystems(), &aside.0).is_some(), "the way that does not lead through the dead mount");
        fuse.revive();
        drop((aside, both, below));
    });
}

#[test]
fn an_overlay_over_a_dead_layer_and_a_disk_in_a_dead_file_hide_nothing() {
    with_own_mounts("disks::an_overlay_over_a_dead_layer_and_a_disk_in_a_dead_file_hide_nothing", || {
        let full = full();
        let place = tempfile::tempdir().unwrap();
        let fuse = Fuse::with(Options { image: Some(ext4(place.path()).into()), ..Options::default() });
        let lower = format!("lowerdir={}:{}", fuse.path().display(), full.path().display());
        let overlay = Mounted::new(&["-t", "overlay", "-o", &lower, "ansai-test"], &place.path().join("overlay"));
        let file = fuse.path().join("file");
        let looped = Mounted::new(&["-o", "loop,ro,noload", file.to_str().unwrap()], &place.path().join("looped"));
        fuse.die();
        // The numbers of the disk in the dead file are in memory: it may be read.
        is_unharmed(&full, &[fuse.path(), &overlay.0]);
        fuse.revive();
        drop((overlay, looped));
    });
}

#[test]
fn a_disk_behind_a_fuse_driver_is_a_local_one() {
    with_own_mounts("disks::a_disk_behind_a_fuse_driver_is_a_local_one", || {
        let place = tempfile::tempdir().unwrap();
        let image = ext4(place.path());
        let output = std::process::Command::new("losetup").args(["-f", "--show"]).arg(&image).output().unwrap();
        let device = Loop(String::from_utf8(output.stdout).unwrap().trim().to_owned());
        let options = Options {
            kind: Some("fuseblk"),
            device: Some(device.0.clone().into()),
            blocks: Some((1000, 70)),
            ..Options::default()
        };
        let fuse = Fuse::with(options);
        let list = filesystems();
        let own = entry(&list, fuse.path()).expect("it is listed");
        assert_eq!(
            (&own["kind"], &own["remote"], &own["read-only"]),
            (&"fuseblk".into(), &false.into(), &false.into())
        );
        assert_eq!((&own["total-bytes"], &own["available-bytes"]), (&4_096_000.into(), &286_720.into()));
        fuse.die();
        assert!(unreadable(fuse.path()).get("timed-out").is_some());
        fuse.revive();
        drop(fuse);
    });
}

struct Loop(String);

impl Drop for Loop {
    fn drop(&mut self) {
        run("losetup", &["-d", &self.0]);
    }
}
