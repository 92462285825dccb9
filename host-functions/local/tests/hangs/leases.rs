//! A file that somebody has a write lease on: whoever opens it waits for that process, up to 45 s. It costs its neighbours
//! nothing, and no step waits for it.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use ansai_harness::with_own_mounts;
use ansai_kit::action::Fate;
use serde_json::json;

use crate::files_scene::Scene;
use crate::returns;

/// The same number on all architectures that use `asm-generic/fcntl.h`; the crate libc does not have it on all.
const F_SETSIG: libc::c_int = 10;

/// A file with a write lease that is never given up; `None` if this file system has none.
#[expect(unsafe_code, reason = "rustix has no leases; two commands of fcntl(2) that take no pointers")]
fn leased(path: &Path) -> Option<File> {
    let file = File::open(path).unwrap();
    for (command, argument) in [(F_SETSIG, libc::SIGURG), (libc::F_SETLEASE, libc::F_WRLCK)] {
        // SAFETY: the descriptor is open, and neither command takes a pointer.
        if unsafe { libc::fcntl(file.as_raw_fd(), command, argument) } == -1 {
            return None;
        }
    }
    Some(file)
}

/// Whether the kernel still has the lease. It takes it away when somebody waited long enough.
fn is_held(file: &File) -> bool {
    let inode = format!(":{} ", file.metadata().unwrap().ino());
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|line| line.contains("LEASE") && line.contains(&inode))
}

/// Would break: a file that is opened without `O_NONBLOCK`.
#[test]
fn a_file_with_a_lease_is_left_alone_and_its_neighbours_are_not() {
    with_own_mounts("leases::a_file_with_a_lease_is_left_alone_and_its_neighbours_are_not", || {
        let scene = Scene::new();
        let held = scene.file("a.log", 4096, 1000);
        scene.file("b.log", 4096, 1000);
        let scene = Arc::new(scene);
        let acting = scene.clone();
        let step = returns(move || acting.select("remove", acting.selection(&["*.log"])).unwrap());
        // After the preview, which would find it open.
        let Some(lease) = leased(&held) else { return };
        let query = json!({ "what": scene.query(&["**"]), "cursor": null });
        for (function, arguments) in [("list-files", query.clone()), ("measure-files", query)] {
            let asking = scene.clone();
            assert!(returns(move || asking.probe(function, arguments)).is_ok(), "{function}");
        }
        let acting = scene.clone();
        let applied = returns(move || acting.begin(&step).unwrap());
        let done: Vec<&str> =
            applied.items.iter().filter(|item| item.fate == Fate::Done).map(|item| item.target.as_str()).collect();
        assert!(matches!(done[..], [one] if one.ends_with("b.log")), "{applied:?}");
        assert!(held.exists() && is_held(&lease), "nobody waited until the kernel took it away");
    });
}
