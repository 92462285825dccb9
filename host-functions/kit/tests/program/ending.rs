//! How a program ends, with all that it started.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ansai_kit::program::Ended;
use rustix::process::{Pid, Signal, kill_process};

use crate::{LONG, Place, expect_code, is_over, run, shell};

/// Which script the child process of a test runs.
const STARTER: &str = "ANSAI_TEST_STARTER";

/// Writes the ids of a grandchild and of the program itself to `pids`.
const TWO: &str = "sleep 1000 & echo $! > $1.new; echo $$ >> $1.new; mv $1.new $1; wait";

#[track_caller]
fn expect_over(pids: &[u32], count: usize) {
    assert_eq!(pids.len(), count);
    assert!(pids.iter().all(|pid| is_over(*pid)), "{pids:?}");
}

#[test]
fn a_stop_ends_the_whole_group() {
    let place = Place::new();
    let ran = shell(TWO).args([place.path("pids")]).run(&|| place.text("pids").is_some()).unwrap();
    assert_eq!(ran.ended, Ended::Stopped);
    expect_over(&place.pids("pids"), 2);
}

#[test]
fn the_time_limit_ends_what_hangs() {
    let place = Place::new();
    let program = shell(TWO).args([place.path("pids")]).limit(Duration::from_millis(500));
    assert_eq!(run(&program).ended, Ended::TimeLimit);
    assert!(place.pids("pids").iter().all(|pid| is_over(*pid)));
}

#[test]
fn a_program_may_finish_after_sigterm_and_is_killed_if_it_does_not() {
    let limit = Duration::from_millis(300);
    // The output is read meanwhile: it is more than a pipe holds.
    let script = "trap 'yes | head -c 1000000; echo tidied; exit 4' TERM; sleep 1000 & wait";
    let ran = run(&shell(script).limit(limit).patience(LONG));
    assert_eq!((ran.ended, ran.stdout.last_line()), (Ended::TimeLimit, Some("tidied")));
    let ran = run(&shell("trap '' TERM; echo deaf; while :; do sleep 1; done").limit(limit));
    assert_eq!((ran.ended, ran.stdout.last_line()), (Ended::TimeLimit, Some("deaf")));
}

/// They hold standard output open. Without the end of the group, or if the end of the stream were awaited, the wait would
/// last 1000 s.
#[test]
fn grandchildren_that_hold_the_output_open_are_ended_with_the_program() {
    let place = Place::new();
    let script = "i=0; while [ $i -lt 200 ]; do sleep 1000 & echo $! >> $1; i=$((i+1)); done; echo started; exit 5";
    let ran = run(&shell(script).args([place.path("pids")]));
    expect_code(&ran, 5);
    assert_eq!(ran.stdout.to_string(), "started\n");
    expect_over(&place.pids("pids"), 200);
}

/// A signal that reaches them one after the other would miss the next one.
#[test]
fn a_group_that_multiplies_is_killed() {
    let place = Place::new();
    // Each starts another one after 10 ms; none takes SIGTERM. If the group is not killed, 3000 end it.
    let script = "trap '' TERM; \
        f() { echo >> $1; [ $2 -gt 3000 ] || { sleep 0.01; f $1 $(($2+1)) & }; sleep 2; }; f $1 0 & exit 0";
    let ran = run(&shell(script).args([place.path("count")]).patience(Duration::from_millis(100)));
    expect_code(&ran, 0);
    let count = || std::fs::metadata(place.path("count")).map_or(0, |file| file.len());
    let at_the_end = count();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(count(), at_the_end, "nobody is left to start another");
}

/// ansai does not end what leaves the group, but does not wait for it either.
#[test]
fn what_leaves_the_group_is_not_waited_for() {
    let place = Place::new();
    let script = "setsid sh -c 'echo $$ > $0; yes; exec sleep 1000' $1 & until [ -s $1 ]; do sleep 0.01; done; exit 6";
    let began = Instant::now();
    let ran = run(&shell(script).args([place.path("pids")]));
    let pid = place.pids("pids")[0];
    let alive = !is_over(pid);
    let _ = kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL);
    expect_code(&ran, 6);
    assert!(alive && began.elapsed() < LONG);
}

#[test]
fn a_panic_ends_the_group() {
    let place = Place::new();
    let program = shell(TWO).args([place.path("pids")]);
    let ran = catch_unwind(AssertUnwindSafe(|| {
        program.run(&|| if place.text("pids").is_some() { panic!("while it runs") } else { false })
    }));
    assert!(ran.is_err());
    expect_over(&place.pids("pids"), 2);
}

/// Without the signal on the death of its parent, the program would go on.
#[test]
fn a_program_is_killed_if_ansai_is() {
    let place = Place::new();
    let mut starter = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ending::what_a_starter_does", "--nocapture"])
        .env(STARTER, place.path("pid"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while place.text("pid").is_none() {
        assert!(starter.try_wait().unwrap().is_none(), "it started no program");
        std::thread::sleep(Duration::from_millis(10));
    }
    starter.kill().unwrap();
    starter.wait().unwrap();
    let pid = place.pids("pid")[0];
    let began = Instant::now();
    while !is_over(pid) {
        assert!(began.elapsed() < LONG, "{pid} goes on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Does nothing unless this process is such a child.
#[test]
fn what_a_starter_does() {
    if let Some(file) = std::env::var_os(STARTER) {
        let _ = shell("echo $$ > $1; exec sleep 1000").limit(LONG * 10).args([file]).run(&|| false);
    }
}
