//! Processes that wait for a dead server: what they have open or mapped is unknown, what others have is not.

use std::process::{Child, Command};
use std::sync::Arc;
use std::thread::JoinHandle;

use ansai_harness::{Fuse, with_own_mounts};
use serde_json::json;

use crate::files_scene::Scene;
use crate::returns;

struct Waits(Child);

impl Drop for Waits {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that closes a file of the dead server while it starts a program: from then on, whoever reads its mappings
/// waits for the server too. The thread ends when the server answers again.
fn hangs_in_exec(fuse: &Fuse) -> JoinHandle<Waits> {
    // The standard library opens it so that it is closed at exec.
    let file = std::fs::File::open(fuse.path().join("file")).unwrap();
    fuse.die();
    std::thread::spawn(move || {
        let child = Command::new("/bin/sleep").arg("1000").spawn().unwrap();
        drop(file);
        Waits(child)
    })
}

#[test]
fn a_process_that_does_not_answer_bars_no_scan() {
    with_own_mounts("processes::a_process_that_does_not_answer_bars_no_scan", || {
        let fuse = Fuse::new();
        let waiting = hangs_in_exec(&fuse);
        let scene = Arc::new(Scene::new());
        scene.file("a.log", 4096, 1000);
        let open = std::fs::File::open(scene.file("b.log", 4096, 1000)).unwrap();
        for _ in 0..3 {
            let asking = scene.clone();
            let query = json!({ "what": scene.query(&["**"]), "cursor": null });
            let list = returns(move || asking.probe("list-files", query)).unwrap();
            let is_open: Vec<bool> =
                list["entries"].as_array().unwrap().iter().map(|one| one["open"].as_bool().unwrap()).collect();
            assert_eq!(is_open, [false, true], "{list}");
            let asking = scene.clone();
            assert!(returns(move || asking.probe("list-deleted-open", json!({}))).is_ok());
        }
        // A preview and a step: leases tell what is open, although one process is unknown.
        let acting = scene.clone();
        let applied = returns(move || {
            let step = acting.select("remove", acting.selection(&["a.log"])).unwrap();
            acting.begin(&step).unwrap()
        });
        assert_eq!(applied.items.len(), 1, "{applied:?}");
        drop(open);
        fuse.revive();
        drop(waiting.join().unwrap());
    });
}

#[test]
fn a_stopped_process_and_one_that_waits_for_a_pipe_bar_no_scan() {
    with_own_mounts("processes::a_stopped_process_and_one_that_waits_for_a_pipe_bar_no_scan", || {
        let fuse = Fuse::new();
        let stopped = Waits(Command::new("/bin/sleep").arg("1000").spawn().unwrap());
        let waiting = hangs_in_exec(&fuse);
        let pid = rustix::process::Pid::from_child(&stopped.0);
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        let scene = Arc::new(Scene::new());
        scene.file("a.log", 4096, 1000);
        let pipe = scene.path.join("pipe");
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, rustix::fs::Mode::RWXU, 0).unwrap();
        let acting = scene.clone();
        let applied = returns(move || {
            let step = acting.select("remove", acting.selection(&["**"])).unwrap();
            acting.begin(&step).unwrap()
        });
        assert_eq!(applied.items.len(), 1, "{applied:?}");
        assert!(pipe.exists());
        fuse.revive();
        drop((waiting.join().unwrap(), stopped));
    });
}
