//! An automount is never triggered.

use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::Arc;

use ansai_core::Refusal;
use ansai_harness::with_own_mounts;
use rustix::mount::{MountFlags, UnmountFlags};
use serde_json::json;

use crate::files_scene::Scene;
use crate::{filesystems, probe, returns};

#[test]
fn an_automount_point_is_left_alone() {
    with_own_mounts("automount::an_automount_point_is_left_alone", || {
        let place = tempfile::tempdir().unwrap();
        let point = place.path().join("auto");
        std::fs::create_dir(&point).unwrap();
        let (mut requests, kernel) = std::io::pipe().unwrap();
        // The kernel serves those outside the group of the automounter: it is another process, which does nothing.
        let mut automounter = Command::new("/bin/sleep").arg("1000").process_group(0).spawn().unwrap();
        let (number, group) = (kernel.as_raw_fd(), automounter.id());
        let data = format!("fd={number},pgrp={group},minproto=5,maxproto=5,direct");
        let data = std::ffi::CString::new(data).unwrap();
        let mounted = rustix::mount::mount("ansai-test", &point, "autofs", MountFlags::empty(), Some(&*data));
        if mounted.is_err() {
            // A kernel without autofs has no automounts.
            automounter.kill().unwrap();
            automounter.wait().unwrap();
            return;
        }
        filesystems();
        probe("ansai:disk/disk-probe", "list-unreadable").unwrap();
        for root in [point.clone(), point.join("log")] {
            let scene = Arc::new(Scene::at(&root));
            let arguments = json!({ "root": scene.root, "depth": 1, "cursor": null });
            let answer = returns(move || scene.probe("largest-directories", arguments));
            assert!(matches!(&answer, Err(Refusal::Unavailable(why)) if why.contains("automount")), "{answer:?}");
        }
        rustix::mount::unmount(&point, UnmountFlags::DETACH).unwrap();
        automounter.kill().unwrap();
        automounter.wait().unwrap();
        drop(kernel);
        let mut asked = Vec::new();
        requests.read_to_end(&mut asked).unwrap();
        assert!(asked.is_empty(), "the kernel was asked to mount");
    });
}
