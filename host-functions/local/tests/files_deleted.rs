//! `list-deleted-open` on a separate host: who holds a deleted file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files")]

mod files_scene;

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use files_scene::*;
use serde_json::{Value, json};

const NGINX: &str = "0::/system.slice/nginx.service\n";

/// A host of its own, whose `/proc` the tests write.
struct Machine {
    scene: Scene,
    proc: PathBuf,
}

impl Machine {
    fn new() -> Machine {
        let scene = Scene::fixture();
        let proc = scene.path.parent().unwrap().join("proc");
        std::fs::create_dir_all(proc.join("sys/kernel/random")).unwrap();
        std::fs::write(proc.join("sys/kernel/random/boot_id"), "0a1b-2c3d\n").unwrap();
        Machine { scene, proc }
    }

    /// A deleted file of this many bytes: the path that the kernel would show, which leads to it while it is open here.
    fn deleted(&self, name: &str, bytes: usize) -> (File, PathBuf) {
        let path = self.scene.file(name, bytes, 1);
        let open = File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let shown = self.scene.path.join(format!("{name} (deleted)"));
        symlink(format!("/proc/self/fd/{}", open.as_raw_fd()), &shown).unwrap();
        (open, shown)
    }

    /// A process that has these files open.
    fn process(&self, pid: u32, name: &str, cgroup: &str, open: &[&Path]) {
        let directory = self.proc.join(pid.to_string());
        std::fs::create_dir_all(directory.join("fd")).unwrap();
        for (number, path) in open.iter().enumerate() {
            symlink(path, directory.join("fd").join(number.to_string())).unwrap();
        }
        let started = 1000 + pid;
        let fields = "S 1 7 7 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0";
        std::fs::write(directory.join("stat"), format!("{pid} ({name}) {fields} {started} 1000 200 1\n")).unwrap();
        std::fs::write(directory.join("cgroup"), cgroup).unwrap();
    }

    fn answer(&self) -> Value {
        self.scene.probe("list-deleted-open", json!({})).unwrap()
    }
}

fn pids(file: &Value) -> Vec<u64> {
    file["holders"].as_array().unwrap().iter().map(|holder| holder["pid"].as_u64().unwrap()).collect()
}

#[test]
fn a_holder_has_its_unit_its_name_and_an_identity() {
    let machine = Machine::new();
    let (_open, shown) = machine.deleted("access.log", 8192);
    machine.process(812, "a) R 1 (", NGINX, &[&shown, &shown]);
    machine.process(813, "tail", "0::/\n", &[&shown]);
    let answer = machine.answer();
    let expected = json!({
        "entries": [{
            "path": "/data/access.log", "bytes": 8192, "mount": "/",
            "holders": [
                {
                    "about": { "kind": "unit", "name": "nginx.service" }, "process": "a) R 1 (", "pid": 812,
                    "identity": "1812@0a1b-2c3d",
                },
                { "about": null, "process": "tail", "pid": 813, "identity": "1813@0a1b-2c3d" },
            ],
            "more-holders": 0,
        }],
        "complete": true, "skipped": 0,
    });
    assert_eq!(answer, expected);
}

#[test]
fn the_bytes_count_once_however_many_hold_it() {
    let machine = Machine::new();
    let (_large, large) = machine.deleted("large", 40_960);
    let (_small, small) = machine.deleted("small", 4096);
    // Not in the order of their numbers.
    for pid in (100..136).rev() {
        machine.process(pid, "worker", NGINX, &[&small, &large, &large]);
    }
    machine.process(9, "first", NGINX, &[&large]);
    let answer = machine.answer();
    let bytes: Vec<u64> =
        answer["entries"].as_array().unwrap().iter().map(|one| one["bytes"].as_u64().unwrap()).collect();
    assert_eq!(bytes, [40_960, 4096], "{answer}");
    let lowest = |from: Vec<u64>, to: u64| from.into_iter().chain(100..to).collect::<Vec<u64>>();
    assert_eq!((pids(&answer["entries"][0]), &answer["entries"][0]["more-holders"]), (lowest(vec![9], 131), &json!(5)));
    assert_eq!((pids(&answer["entries"][1]), &answer["entries"][1]["more-holders"]), (lowest(vec![], 132), &json!(4)));
    assert_eq!(answer["complete"], json!(true));
}

/// A user can create a cgroup of any name below one that is delegated to them.
#[test]
fn a_user_cannot_put_the_blame_on_another_unit() {
    let machine = Machine::new();
    let (_open, shown) = machine.deleted("f", 4096);
    let long = format!("0::/system.slice/sshd.service/{}\n", "x".repeat(5000));
    for (pid, cgroup) in [
        "0::/user.slice/user-1000.slice/user@1000.service/x/sshd.service\n",
        "0::/../../system.slice/sshd.service\n",
        "0::/system.slice/\u{1b}[31m/sshd.service\n",
        "0::/docker/sshd.service\n",
        &long,
    ]
    .into_iter()
    .enumerate()
    {
        machine.process(50 + pid as u32, "sshd", cgroup, &[&shown]);
    }
    let answer = machine.answer();
    let units: Vec<&Value> =
        answer["entries"][0]["holders"].as_array().unwrap().iter().map(|holder| &holder["about"]["name"]).collect();
    let mut expected = vec![&Value::Null; 5];
    let user = json!("user@1000.service");
    expected[0] = &user;
    assert_eq!(units, expected, "{answer}");
}

#[test]
fn a_process_that_ends_is_left_out_and_an_unreadable_one_is_counted() {
    let machine = Machine::new();
    let (_open, shown) = machine.deleted("f", 4096);
    machine.process(20, "stays", NGINX, &[&shown]);
    machine.process(21, "ends", NGINX, &[&shown]);
    std::fs::remove_file(machine.proc.join("21/stat")).unwrap();
    let answer = machine.answer();
    assert_eq!((pids(&answer["entries"][0]), &answer["skipped"]), (vec![20], &json!(0)), "{answer}");
    assert_eq!(answer["complete"], json!(true));
    // What holds nothing has to be readable only as far as that shows.
    machine.process(22, "idle", NGINX, &[]);
    std::fs::write(machine.proc.join("22/stat"), "garbage").unwrap();
    assert_eq!(machine.answer()["complete"], json!(true));
    machine.process(23, "odd", NGINX, &[&shown]);
    std::fs::write(machine.proc.join("23/stat"), "23 (odd) S 1").unwrap();
    std::fs::create_dir(machine.proc.join("24")).unwrap();
    std::fs::write(machine.proc.join("24/fd"), "").unwrap();
    let answer = machine.answer();
    assert_eq!((pids(&answer["entries"][0]), &answer["skipped"]), (vec![20], &json!(2)), "{answer}");
    assert_eq!(answer["complete"], json!(false));
    // A kernel without cgroups.
    std::fs::remove_file(machine.proc.join("20/cgroup")).unwrap();
    assert_eq!(machine.answer()["entries"][0]["holders"][0]["about"], Value::Null);
}

#[test]
fn only_deleted_files_below_the_granted_roots_are_listed() {
    let machine = Machine::new();
    let kept = machine.scene.file("kept (deleted)", 4096, 1);
    let (_open, shown) = machine.deleted("f", 4096);
    let outside = machine.proc.parent().unwrap().join("outside (deleted)");
    std::fs::rename(&shown, &outside).unwrap();
    machine.process(30, "a", NGINX, &[&kept, &outside]);
    assert_eq!(machine.answer(), json!({ "entries": [], "complete": true, "skipped": 0 }));
}
