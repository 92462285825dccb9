//! The file is exchanged between preview and step, or all the time.

use std::os::unix::fs::symlink;
use std::time::Duration;

use ansai_core::{Outcome, Refusal};
use rusqlite::Connection;

use crate::scene::{Scene, names, number};

/// Another file, or a link to one, takes the name after the preview.
#[test]
fn an_exchanged_file_is_left_alone() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 100, "");
    let other = scene.make_rows("other.db", 50, "");
    let before = std::fs::read(&other).unwrap();
    for function in ["vacuum", "copy", "recover-copy"] {
        let mut step = scene.step(function, &path);
        step.preview().unwrap();
        std::fs::rename(&path, scene.path("old.db")).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(matches!(step.begin(), Err(Refusal::Changed(_))), "{function}");
        std::fs::rename(&path, &other).unwrap();
        symlink(&other, &path).unwrap();
        assert!(matches!(step.begin(), Err(Refusal::Invalid(_) | Refusal::Changed(_))), "{function}");
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(step.begin(), Err(Refusal::NotFound(_))), "{function}");
        std::fs::rename(scene.path("old.db"), &path).unwrap();
    }
    assert!(std::fs::read(&other).unwrap() == before);
    assert_eq!(names(&scene.top("copies")), Vec::<String>::new());
}

/// The owner exchanges the file and a link to another database of its own all the time: only the granted one is copied.
#[test]
fn a_link_that_comes_and_goes_leads_nowhere() {
    let scene = Scene::new();
    let path = scene.make_rows("app.db", 100, "");
    let outside = scene.top("outside.db");
    Connection::open(&outside).unwrap().execute_batch("CREATE TABLE secret(a)").unwrap();
    scene.give(&outside);
    symlink(&outside, scene.path("link")).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let exchange = rustix::fs::RenameFlags::EXCHANGE;
                let _ =
                    rustix::fs::renameat_with(rustix::fs::CWD, &path, rustix::fs::CWD, scene.path("link"), exchange);
                std::thread::sleep(Duration::from_micros(700));
            }
        });
        let (mut done, mut refused) = (0, 0);
        for _ in 0..2_000 {
            if done > 0 && refused >= 5 && done + refused >= 60 {
                break;
            }
            let mut step = scene.step("copy", &path);
            if step.preview().is_err() {
                refused += 1;
                continue;
            }
            match step.begin() {
                Ok(applied) if applied.outcome == Outcome::Done => {
                    done += 1;
                    assert_eq!(number(&scene.copy(), "SELECT count(*) FROM t"), 100);
                    std::fs::remove_file(scene.copy()).unwrap();
                }
                _ => refused += 1,
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(done > 0 && refused > 0, "{done} done, {refused} refused: that proves nothing");
    });
    assert_eq!(names(&scene.top("copies")), Vec::<String>::new());
}
