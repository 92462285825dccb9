//! Steps with a guard in a virtual machine whose power is cut, that restarts, or that sleeps. Each case has a disk of its own,
//! so that no case flushes what another one left in memory.

mod cases;
mod machine;

use std::time::Duration;

use ansai_harness::requires_virtual_machine;

use crate::guarded::{CONFIRMED, told};
use crate::scene::Scene;
use crate::test_guards;
use cases::{Case, GUARDED, INTENT, PROVISIONAL, PUT_BACK, cases, for_a_time};
use machine::Machine;

/// The guard fires ten seconds later, in time that the machine is awake.
const SLEEP_MS: u64 = 120_000;

/// How often a line is in a text.
fn count(text: &str, line: &str) -> usize {
    text.lines().filter(|found| *found == line).count()
}

/// Would break: an event that is not on the disk before the next thing happens, a guard that outlives the machine, a step that
/// nobody ends, that is ended twice, or whose change stays.
#[tokio::test]
async fn virtual_machine_whose_power_is_cut_has_each_step_confirmed_or_put_back_once() {
    if !requires_virtual_machine() {
        return;
    }
    let mut machine = Machine::start(cases());
    machine.run("kill -KILL $(cat /run/$n.pid)", |case| case.name == "fired");
    machine.run("until grep -q 'guard file' /scenes/$n/history; do sleep .3; done", |case| case.name == "fired");
    machine.run("sync -f /scenes/$n/file", |case| ["fired", "acted-and-flushed"].contains(&case.name));
    let guards = machine.guards();
    assert!(guards.contains(".timer loaded active waiting"), "{guards}");
    machine.machine.cut_power();

    for (case, scene, _directory) in machine.scenes() {
        assert_eq!(told(&scene), case.at_cut, "{}: on the disk at the power cut", case.name);
    }
    machine.boot();
    assert_eq!(machine.guards(), "", "no guard outlives the machine");
    machine.ansai_starts();
    assert_eq!(machine.guards(), "", "and no other one is left");
    let in_memory = machine.run("cat /run/$n; echo", Case::is_in_memory);
    assert!(in_memory.lines().all(|text| text == "old"), "{in_memory}");
    machine.machine.power_off();

    for (case, scene, _directory) in machine.scenes() {
        ended(case, scene).await;
    }
}

/// A step has ended once, and the file is as it should be.
async fn ended(case: &Case, mut scene: Scene) {
    let name = case.name;
    assert_eq!(told(&scene), case.after, "{name}");
    let history = scene.text("history");
    if !case.is_in_memory() {
        assert_eq!(scene.text("file"), case.file, "{name}");
    }
    assert_eq!(case.file == "new", case.after.contains(&"confirmed"), "{name}");
    // Notes from before the cut may be lost.
    let most = if case.point == "undone" { 2 } else { 1 };
    assert!(count(&history, "unset file") <= most && count(&history, "confirm file") <= 1, "{name}: {history}");
    // Nothing is pending.
    scene.host = test_guards::processes;
    scene.open().recover().await;
    assert_eq!(told(&scene), case.after, "{name}: once");
    scene.finish().await;
}

/// An orderly restart: everything is on the disk, and the guards are gone all the same.
#[tokio::test]
#[ignore = "run by `make soak`: it takes minutes"]
async fn virtual_machine_that_restarts_has_each_step_confirmed_or_put_back_once() {
    if !requires_virtual_machine() {
        return;
    }
    let cases = [
        Case::at("armed", &INTENT, &["intent", "outcome failed"], "old"),
        Case::at("acted", &GUARDED, &PUT_BACK, "old"),
        Case::at("provisional", &PROVISIONAL, &PUT_BACK, "old"),
        Case::at("disarmed", &CONFIRMED[..4], &CONFIRMED, "new"),
        for_a_time(),
    ];
    let mut machine = Machine::start(cases.into());
    let guards = machine.guards();
    assert!(guards.contains(".timer loaded active waiting"), "{guards}");
    machine.machine.reboot();
    assert_eq!(machine.guards(), "", "a transient timer does not outlive the machine");
    machine.ansai_starts();
    assert_eq!(machine.guards(), "");
    machine.machine.power_off();
    for (case, scene, _directory) in machine.scenes() {
        ended(case, scene).await;
    }
}

/// The machine sleeps across the end of a provisional step. Would break: an end on the clock of the timer, which stands still
/// meanwhile.
#[tokio::test]
#[ignore = "run by `make soak`: the machine sleeps for minutes"]
async fn virtual_machine_that_sleeps_has_its_step_put_back_by_ansai() {
    if !requires_virtual_machine() {
        return;
    }
    let case = Case { lasts_ms: SLEEP_MS, ..Case::at("provisional", &PROVISIONAL, &PUT_BACK, "old") };
    let mut machine = Machine::start(vec![case]);
    machine.machine.sleep(Duration::from_millis(SLEEP_MS));
    let guards = machine.guards();
    assert!(guards.contains(".timer loaded active waiting"), "{guards}");
    machine.run("rm /scenes/$n/stop-at; while kill -0 $(cat /run/$n.pid) 2>/dev/null; do sleep .3; done", |_| true);
    assert_eq!(machine.guards(), "");
    machine.machine.power_off();
    for (case, scene, _directory) in machine.scenes() {
        assert_eq!(count(&scene.text("history"), "guard file"), 0, "ansai was first");
        ended(case, scene).await;
    }
}
