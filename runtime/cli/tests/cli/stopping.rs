//! SIGTERM ends the real program, whatever the code of a policy does.

use std::time::Duration;

use ansai_harness::Invocation;
use rustix::process::Signal;

use crate::support::*;

/// Long before the limits of the evaluation, which are an hour.
const LIMIT: Duration = Duration::from_secs(120);

/// ansai with a policy that never ends, once it has opened its state and catches signals.
fn evaluating(scene: &Scene, arguments: &[&str]) -> ansai_harness::Daemon {
    let file = scene.policy("p", &with_sections(component("", "(loop $l (br $l))", ""), &manifest("p", ""), None));
    let limits = "fuel = 10_000_000_000_000\ndeadline = \"1h\"\n";
    let config = format!("[policy.p]\nsource = \"{}\"\n[policy.p.limits]\n{limits}", file.display());
    let config = scene.configuration(&config);
    let ansai: Invocation = scene.command(&["run", "--config", config.to_str().unwrap()]).args(arguments);
    let running = ansai.spawn();
    let end = std::time::Instant::now() + LIMIT;
    while !scene.state_dir().join("recordings").exists() {
        assert!(std::time::Instant::now() < end, "{}", running.transcript());
        std::thread::sleep(Duration::from_millis(20));
    }
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
