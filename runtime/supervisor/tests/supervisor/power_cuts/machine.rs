//! A virtual machine with the cases, each on a disk of its own. It runs this test's own program.

use std::path::Path;

use ansai_harness::VirtualMachine;
use ansai_harness::virtual_machine::Disk;

use super::cases::Case;
use crate::killed;
use crate::scene::Scene;

/// For state, log and recordings.
const DISK_MIB: u64 = 64;

/// Cases in one machine.
pub(super) struct Machine {
    pub(super) machine: VirtualMachine,
    cases: Vec<Case>,
}

impl Machine {
    /// Boots it, with all the processes at their points.
    pub(super) fn start(cases: Vec<Case>) -> Machine {
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

    pub(super) fn boot(&mut self) {
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
    pub(super) fn run(&mut self, line: &str, which: impl Fn(&Case) -> bool) -> String {
        let names: Vec<&str> = self.cases.iter().filter(|case| which(case)).map(|case| case.name).collect();
        if names.is_empty() {
            return String::new();
        }
        let command = format!("for n in {}; do {line}; done", names.join(" "));
        self.machine.exec(&command).expect_code(0).stdout.clone()
    }

    /// The next start of ansai in all cases, and what it does.
    pub(super) fn ansai_starts(&mut self) {
        let ansai = self.ansai();
        self.run("rm -f /scenes/$n/stop-at", |_| true);
        self.run(&format!("{ansai} >/run/$n.log 2>&1 & echo $! >/run/$n.pid"), |_| true);
        let ended = "while kill -0 $(cat /run/$n.pid) 2>/dev/null; do sleep .3; done";
        self.run(&format!("{ended}; grep -q '1 passed' /run/$n.log || {{ cat /run/$n.log; exit 1; }}"), |_| true);
    }

    /// The guards that systemd knows, and files of units.
    pub(super) fn guards(&mut self) -> String {
        let list = "systemctl list-units --all --plain --no-legend 'ansai-guard-*'";
        let files = "find /etc/systemd /usr/lib/systemd /run/systemd -name 'ansai-guard*'";
        let found = self.machine.exec(&format!("{list}; {files}")).expect_code(0).stdout.clone();
        // Without the columns.
        let lines: Vec<String> =
            found.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        lines.join("\n")
    }

    /// What is on the disks now. The machine is off.
    pub(super) fn scenes(&self) -> Vec<(&Case, Scene, tempfile::TempDir)> {
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
