//! SIGTERM ends the real program, whatever the code of a policy does.

use std::time::Duration;

use ansai_harness::Invocation;
use rustix::process::Signal;

use crate::support::*;

/// Long before the limits of the evaluation, which are an hour.
const LIMIT: Duration = Duration::from_secs(120);

/// Processor time that shows that the policy is being evaluated, in ticks of 10 ms: a start takes a small part of it.
const EVALUATING: u64 = 200;

/// The processor time that a process and its children have used, in ticks: code of policies may run in a worker.
fn processor_time(pid: u32) -> u64 {
    let all = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    all.filter_map(fields).filter(|(id, parent, _)| *id == pid || *parent == pid).map(|(_, _, ticks)| ticks).sum()
}

/// A process, its parent, and its processor time; `None` if it has ended.
fn fields(id: u32) -> Option<(u32, u32, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name may hold anything, and ends at the last parenthesis. User and system time are fields 14 and 15.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let time = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some((id, fields.get(1)?.parse().ok()?, time(11)? + time(12)?))
}

/// ansai with a policy that never ends, once it has opened its state, catches signals and evaluates.
fn evaluating(scene: &Scene, arguments: &[&str]) -> ansai_harness::Daemon {
    let file = scene.policy("p", &with_sections(component("", "(loop $l (br $l))", ""), &manifest("p", ""), None));
    let limits = "fuel = 10_000_000_000_000\ndeadline = \"1h\"\n";
    let config = format!("[policy.p]\nsource = \"{}\"\n[policy.p.limits]\n{limits}", file.display());
    let config = scene.configuration(&config);
    let ansai: Invocation = scene.command(&["run", "--config", config.to_str().unwrap()]).args(arguments);
    let running = ansai.spawn();
    let end = std::time::Instant::now() + LIMIT;
    let wait_for = |what: &dyn Fn() -> bool| {
        while !what() {
            assert!(std::time::Instant::now() < end, "{}", running.transcript());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for(&|| scene.state_dir().join("recordings").exists());
    let before = processor_time(running.pid);
    wait_for(&|| processor_time(running.pid) > before + EVALUATING);
    running
}

/// Would break: a pass that waits for the deadline of its policy.
#[test]
fn sigterm_ends_what_never_ends() {
    for arguments in [["--once"].as_slice(), &[]] {
        let scene = Scene::new();
        let mut running = evaluating(&scene, arguments);
        running.signal(Signal::TERM);
        let ended = running.wait(LIMIT);
        assert!(ended.code < 128, "in order, not by the signal: {ended:?}");
        scene.ansai(&["audit", "show"]).says("SIGTERM");
    }
}

#[test]
fn a_second_sigterm_ends_it_at_once() {
    let scene = Scene::new();
    let mut running = evaluating(&scene, &["--once"]);
    running.signal(Signal::TERM);
    // The first one may have ended it already.
    if !running.has_ended() {
        running.signal(Signal::TERM);
    }
    assert!(running.wait(LIMIT).code < 128);
}
