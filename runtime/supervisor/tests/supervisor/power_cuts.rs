//! Steps with a guard in a virtual machine whose power is cut, or that restarts. It runs this test's own program. Each scene
//! has a disk of its own, so that no scene flushes what another one left in memory.

use std::path::Path;
use std::time::Duration;

use ansai_core::OnFailure;
use ansai_harness::virtual_machine::Disk;
use ansai_harness::{VirtualMachine, requires_virtual_machine};

use crate::guarded::{BY_GUARD, BY_HOST, CONFIRMED, told};
use crate::killed;
use crate::scene::Scene;
use crate::script::{Call, Script, Step};

/// A time that no test reaches.
const LONG_MS: u64 = 3_600_000;
/// Longer than a step needs from its guard to its change, also on a slow machine. The guard fires a quarter later.
const SHORT_MS: u64 = 30_000;
/// The guard fires ten seconds later, in time that the machine is awake.
const SLEEP_MS: u64 = 120_000;
/// For state, log and recordings.
const DISK_MIB: u64 = 64;
const INTENT: [&str; 1] = ["intent"];
const GUARDED: [&str; 2] = ["intent", "guarded"];
const PROVISIONAL: [&str; 3] = ["intent", "guarded", "outcome provisional"];
const PUT_BACK: [&str; 4] = ["intent", "guarded", "outcome provisional", BY_HOST];
const FOR_A_TIME: [&str; 4] = ["intent", "guarded", "outcome done", BY_HOST];
const FAILED: [&str; 3] = ["intent", "guarded", "outcome failed"];

/// How far a step is when the power is cut, and what is known of it.
struct Case {
    name: &'static str,
    /// Where its process lingers; empty if it runs to its end.
    point: &'static str,
    call: Call,
    lasts_ms: u64,
    /// What the audit log on the disk has after the cut.
    at_cut: &'static [&'static str],
    /// What it has after the next start.
    after: &'static [&'static str],
    /// What the file holds then.
    file: &'static str,
}

impl Case {
    /// A provisional step that is cut at a point which no other case has.
    const fn at(
        point: &'static str,
        at_cut: &'static [&'static str],
        after: &'static [&'static str],
        file: &'static str,
    ) -> Case {
        Case { name: point, point, call: Call::Set, lasts_ms: LONG_MS, at_cut, after, file }
    }

    const fn named(self, name: &'static str) -> Case {
        Case { name, ..self }
    }

    /// Whether the step changes something that is in memory only, like a route.
    fn is_in_memory(&self) -> bool {
        self.name.starts_with("memory")
    }

    /// Whether the thing is healthy as soon as the step acted.
    fn helps(&self) -> bool {
        matches!(self.point, "disarmed" | "")
    }

    fn inside(&self) -> String {
        format!("/scenes/{}", self.name)
    }

    /// What is on its disk at first.
    fn prepare(&self, content: &Path) {
        std::fs::create_dir(content).unwrap();
        let (scene, inside) = (Scene::at(content), Path::new(&self.inside()).to_owned());
        match self.is_in_memory() {
            true => std::os::unix::fs::symlink(self.in_memory(), scene.path("file")).unwrap(),
            false => std::fs::write(scene.path("file"), "old").unwrap(),
        }
        if !self.point.is_empty() {
            std::fs::write(scene.path("stop-at"), self.point).unwrap();
        }
        let step = Step::new(self.call, self.lasts_ms, 0, inside.join("file"));
        let healthy = inside.join(if self.helps() { "history" } else { "healthy" });
        scene.script(&Script::sick(vec![step], OnFailure::Stop).healthy_once(healthy));
    }

    fn in_memory(&self) -> String {
        format!("/run/{}", self.name)
    }
}

fn cases() -> Vec<Case> {
    vec![
        Case::at("armed", &INTENT, &["intent", "outcome failed"], "old"),
        Case::at("before", &GUARDED, &FAILED, "old"),
        // What it wrote is lost with the memory.
        Case::at("acted", &GUARDED, &FAILED, "old"),
        Case::at("acted", &GUARDED, &PUT_BACK, "old").named("acted-and-flushed"),
        Case::at("provisional", &PROVISIONAL, &PUT_BACK, "old"),
        Case::at("provisional", &PROVISIONAL, &PUT_BACK, "old").named("memory-provisional"),
        Case::at("disarmed", &CONFIRMED[..4], &CONFIRMED, "new"),
        // The change is gone, so the confirmation has nothing to confirm.
        Case::at(
            "disarmed",
            &CONFIRMED[..4],
            &["intent", "guarded", "outcome provisional", "confirming", BY_GUARD],
            "old",
        )
        .named("memory-disarmed"),
        Case { lasts_ms: SHORT_MS, ..Case::at("undone", &PROVISIONAL, &PUT_BACK, "old") },
        // ansai is killed there, and its guard fires before the power is cut.
        Case { lasts_ms: SHORT_MS, ..Case::at("acted", &GUARDED, &FAILED, "old").named("fired") },
        Case::at("", &CONFIRMED, &CONFIRMED, "new").named("confirmed"),
        Case {
            call: Call::SetForATime,
            // It ends, because nothing waits for such a step.
            ..Case::at("provisional", &FOR_A_TIME[..3], &FOR_A_TIME, "old").named("for-a-time")
        },
    ]
}

/// Cases in one machine.
struct Machine {
    machine: VirtualMachine,
    cases: Vec<Case>,
}

impl Machine {
    /// Boots it, with all the processes at their points.
    fn start(cases: Vec<Case>) -> Machine {
        let contents = tempfile::tempdir().unwrap();
        let repository = ansai_harness::binary::repository();
        // The program, and the contract of the test policy where the program reads it.
        let program = contents.path().join("program");
        std::fs::create_dir_all(program.join("tests/harness")).unwrap();
        std::fs::copy(std::env::current_exe().unwrap(), program.join("ansai-test")).unwrap();
        copy_tree(&repository.join("wit"), &program.join("wit"));
        let size = std::fs::metadata(program.join("ansai-test")).unwrap().len() / (1024 * 1024);
        let mut places = vec![(repository.to_str().unwrap().to_owned(), program, size + 64)];
        for case in &cases {
            let content = contents.path().join(case.name);
            case.prepare(&content);
            places.push((case.inside(), content, DISK_MIB));
        }
        let disks = places.iter().map(|(mounted, content, mib)| Disk { mounted, content, mib: *mib });
        let machine = VirtualMachine::new(&disks.collect::<Vec<_>>());
        let mut started = Machine { machine, cases };
        started.boot();
        started.run(&format!("{} >/run/$n.log 2>&1 & echo $! >/run/$n.pid", started.ansai()), |_| true);
        let alive = "kill -0 $(cat /run/$n.pid) 2>/dev/null";
        let at_point =
            format!("until [ -s /scenes/$n/reached ]; do {alive} || {{ cat /run/$n.log; exit 1; }}; sleep .3; done");
        started.run(&at_point, |case| !case.point.is_empty());
        started.run(&format!("while {alive}; do sleep .3; done; cat /run/$n.log"), |case| case.point.is_empty());
        started
    }

    fn boot(&mut self) {
        self.machine.boot();
        self.fill_memory();
    }

    /// As the machine has it after each of its starts.
    fn fill_memory(&mut self) {
        let in_memory: Vec<String> =
            self.cases.iter().filter(|case| case.is_in_memory()).map(Case::in_memory).collect();
        for file in in_memory {
            self.machine.exec(&format!("printf old >{file}")).expect_code(0);
        }
    }

    fn ansai(&self) -> String {
        let program = ansai_harness::binary::repository().join("ansai-test");
        let arguments = "--exact systemd_guards::the_process_inside --ignored --nocapture";
        format!("{}=/scenes/$n setsid {} {arguments}", killed::PLACE, program.display())
    }

    /// Runs a line inside for some cases, one after the other. `$n` is the name of the case.
    fn run(&mut self, line: &str, which: impl Fn(&Case) -> bool) -> String {
        let names: Vec<&str> = self.cases.iter().filter(|case| which(case)).map(|case| case.name).collect();
        let command = format!("for n in {}; do {line}; done", names.join(" "));
        self.machine.exec(&command).expect_code(0).stdout.clone()
    }

    /// The next start of ansai in all cases, and what it does.
    fn ansai_starts(&mut self) {
        let ansai = self.ansai();
        self.run("rm -f /scenes/$n/stop-at", |_| true);
        self.run(&format!("{ansai} >/run/$n.log 2>&1 & echo $! >/run/$n.pid"), |_| true);
        let ended = "while kill -0 $(cat /run/$n.pid) 2>/dev/null; do sleep .3; done";
        self.run(&format!("{ended}; grep -q '1 passed' /run/$n.log || {{ cat /run/$n.log; exit 1; }}"), |_| true);
    }

    /// The guards that systemd knows, and files of units.
    fn guards(&mut self) -> String {
        let list = "systemctl list-units --all --plain --no-legend 'ansai-guard-*'";
        let files = "find /etc/systemd /usr/lib/systemd /run/systemd -name 'ansai-guard*'";
        self.machine.exec(&format!("{list}; {files}")).expect_code(0).stdout.clone()
    }

    /// What is on the disks now. The machine is off.
    fn scenes(&self) -> Vec<(&Case, Scene, tempfile::TempDir)> {
        let copied = |case| {
            let directory = tempfile::tempdir().unwrap();
            self.machine.copy_disk(&Case::inside(case), directory.path());
            (case, Scene::at(directory.path()), directory)
        };
        self.cases.iter().map(copied).collect()
    }
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_tree(&entry.path(), &target),
            false => _ = std::fs::copy(entry.path(), target).unwrap(),
        }
    }
}

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
    let fired = "until grep -q 'guard file' /scenes/$n/history; do sleep .3; done";
    machine.run(fired, |case| case.name == "fired");
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
    machine.ansai_starts();
    assert_eq!(machine.guards(), "", "and no other one is left");
    let in_memory = machine.run("cat /run/$n; echo", Case::is_in_memory);
    assert_eq!(in_memory, "old\nold\n");
    machine.machine.power_off();

    for (case, scene, _directory) in machine.scenes() {
        ended(case, scene).await;
    }
}

/// A step has ended once, and the file is as it should be.
async fn ended(case: &Case, scene: Scene) {
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
    scene.finish().await;
}

/// An orderly restart: everything is on the disk, and the guards are gone all the same.
#[tokio::test]
async fn virtual_machine_that_restarts_has_each_step_confirmed_or_put_back_once() {
    if !requires_virtual_machine() {
        return;
    }
    let some = ["armed", "acted-and-flushed", "provisional", "disarmed", "for-a-time"];
    let mut machine = Machine::start(cases().into_iter().filter(|case| some.contains(&case.name)).collect());
    let guards = machine.guards();
    assert!(guards.contains(".timer loaded active waiting"), "{guards}");
    machine.machine.reboot();
    assert_eq!(machine.guards(), "", "a transient timer does not outlive the machine");
    machine.ansai_starts();
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
