//! Memory limits and reclaiming where the kernel counts memory by version 2 of control groups: in an emulated machine, which
//! runs this test's own program.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ansai_core::{Millis, Never, Refusal, Scope, Timestamp};
use ansai_harness::virtual_machine::Disk;
use ansai_harness::{VirtualMachine, requires_virtual_machine};
use ansai_kit::action::{Action, Applied, Begun, Item, Proposed, StepContext};
use ansai_kit::guard::{Guard, Guards as _};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::Registry;
use ansai_kit::target::Reach;
use ansai_local::guard::Timers;
use ansai_local::service::MIN_BYTES;
use ansai_local::service::fields::UNITS;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use crate::scene::{call, everything};
use crate::signals::kind;

/// What the process inside does.
const DO: &str = "ANSAI_TEST_MEMORY";
const PLACE: &str = "/srv/test";
const MIB: u64 = 1 << 20;

/// Keeps 100 MB of heap; keeps 64 MiB of a file in the cache; is killed again and again; is killed once, and has failed.
const UNITS_INSIDE: [(&str, &str); 4] = [
    ("hog", "[Service]\nExecStart=/usr/bin/perl -e 'my $n = 100; my $x = \"a\" x ($n * 1e6); sleep 100000'\n"),
    (
        "files",
        "[Service]\nExecStart=/bin/sh -c 'dd if=/dev/zero of=/var/big bs=1M count=64 conv=fsync 2>/dev/null; cat /var/big >/dev/null; exec sleep 100000'\n",
    ),
    (
        "doomed",
        "[Service]\nMemoryMax=20M\nMemorySwapMax=0\nOOMPolicy=continue\nExecStart=/bin/sh -c 'while :; do perl -e \"my \\$n = 100; my \\$x = q(a) x (\\$n * 1e6)\"; sleep 1; done'\n",
    ),
    (
        "greedy",
        "[Service]\nMemoryMax=20M\nMemorySwapMax=0\nExecStart=/usr/bin/perl -e 'my $n = 100; my $x = \"a\" x ($n * 1e6); sleep 100000'\n",
    ),
];

fn scope() -> Scope {
    Scope::default().with_set(&UNITS, ["*"]).with_number(&MIN_BYTES, 16 * MIB)
}

struct Machine(VirtualMachine);

impl Machine {
    fn boot() -> Machine {
        let contents = tempfile::tempdir().unwrap();
        let program = contents.path().join("program");
        std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        for (name, text) in UNITS_INSIDE {
            std::fs::write(contents.path().join(format!("{name}.service")), text).unwrap();
        }
        let mib = std::fs::metadata(&program).unwrap().len() / MIB + 64;
        let mut machine = VirtualMachine::new(&[Disk { mounted: PLACE, content: contents.path(), mib }]);
        machine.boot();
        let mut machine = Machine(machine);
        machine.run(&format!(
            "cp {PLACE}/*.service /etc/systemd/system/ && systemctl daemon-reload && systemctl start hog files doomed greedy"
        ));
        machine
    }

    #[track_caller]
    fn run(&mut self, line: &str) -> String {
        self.0.exec(line).expect_code(0).stdout.trim().to_owned()
    }

    fn command(what: &Value) -> String {
        let test = "--exact machine::what_the_process_inside_does --nocapture --test-threads=1";
        format!("{DO}='{what}' {PLACE}/program {test}")
    }

    #[track_caller]
    fn ask(&mut self, what: &Value) -> Value {
        let said = self.run(&Machine::command(what));
        let told = said.lines().find_map(|line| line.split_once("told: ")).unwrap_or_else(|| panic!("{said}"));
        serde_json::from_str(told.1).unwrap()
    }

    #[track_caller]
    fn look(&mut self, unit: &str) -> Value {
        self.ask(&json!({ "look": format!("{unit}.service") }))
    }

    /// The limit as systemd and as the kernel have it, and whether a file of it is left.
    #[track_caller]
    fn high(&mut self, unit: &str) -> String {
        self.run(&format!(
            "systemctl show -P MemoryHigh {unit}; cat /sys/fs/cgroup/system.slice/{unit}.service/memory.high; \
             ls /run/systemd/system.control/{unit}.service.d 2>/dev/null || true"
        ))
        .replace('\n', " ")
    }
}

/// Would break: a limit that stays although ansai was killed, one that overwrites what an operator has set meanwhile, a
/// limit or a reclaim that stops the service, kills that are not counted.
#[test]
fn virtual_machine_memory_is_counted_limited_for_a_time_and_reclaimed() {
    if !requires_virtual_machine() {
        return;
    }
    let mut machine = Machine::boot();
    machine.run(
        "until [ $(cat /sys/fs/cgroup/system.slice/hog.service/memory.current) -gt 100000000 ]; do sleep .3; done",
    );
    let hog = machine.look("hog");
    assert_eq!((&hog["accounting"], &hog["processes"]), (&json!("unified"), &json!(1)), "{hog}");
    assert!(hog["anonymous-bytes"].as_u64() >= Some(100_000_000), "{hog}");
    assert!(hog["total-bytes"].as_u64() >= hog["anonymous-bytes"].as_u64(), "{hog}");
    assert_eq!((&hog["high-bytes"], &hog["limit-bytes"], &hog["oom-kills"]), (&Value::Null, &Value::Null, &json!(0)));
    assert!(hog["memory-stall"].is_object() || hog["memory-stall"].is_null());
    assert_eq!(hog["invocation"], machine.run("systemctl show -P InvocationID hog"));
    let since = machine.run("date -d \"$(systemctl show -P InactiveExitTimestamp hog)\" +%s").parse::<u64>().unwrap();
    assert!(hog["since"].as_u64().unwrap() / 1_000 - since <= 2, "{hog} {since}");

    machine.run(
        "until grep -q 'oom_kill [1-9]' /sys/fs/cgroup/system.slice/doomed.service/memory.events; do sleep .5; done",
    );
    let doomed = machine.look("doomed");
    assert!(doomed["oom-kills"].as_u64() >= Some(1) && doomed["limit-hits"].as_u64() >= Some(1), "{doomed}");
    assert_eq!(doomed["limit-bytes"], 20 * MIB);
    machine.run("systemctl stop doomed");
    // What `service-failure` is told of such a service.
    machine.run("until systemctl is-failed greedy; do sleep .5; done");
    let greedy = machine.ask(&json!({ "service": "greedy.service" }));
    assert_eq!((&greedy["active"], &greedy["ended"]), (&json!("failed"), &json!("oom")), "{greedy}");

    // Too low, too short, nothing that runs, and the limit that is there.
    let set = |unit: &str, mib: u64, lasting: u64| json!({ "unit": format!("{unit}.service"), "bytes": mib * MIB, "lasting": lasting });
    for (arguments, expected) in [
        (set("hog", 40, 60_000), "denied"),
        (set("hog", 80, 1_000), "invalid"),
        (set("doomed", 80, 60_000), "busy"),
        (set("none", 80, 60_000), "not-found"),
    ] {
        let told = machine.ask(&json!({ "verb": "set-high", "arguments": arguments, "step": "refused" }));
        assert_eq!(told["became"], expected, "{told}");
    }

    // Set and put back by ansai.
    let told = machine
        .ask(&json!({ "verb": "set-high", "arguments": set("hog", 80, 60_000), "step": "one", "after": 3_600_000 }));
    assert_eq!(told["became"], "done", "{told}");
    let limit = 80 * MIB;
    assert_eq!(machine.high("hog"), format!("{limit} {limit} 50-MemoryHigh.conf"));
    assert_eq!(machine.look("hog")["high-bytes"], limit);
    let looser = machine.ask(&json!({ "verb": "set-high", "arguments": set("hog", 90, 60_000), "step": "two" }));
    assert_eq!(looser["became"], "denied", "{looser}");
    let undone = machine.ask(&json!({ "verb": "set-high", "undo": told["proposed"], "step": "one" }));
    assert_eq!((&undone["became"], machine.high("hog").as_str()), (&json!("done"), "infinity max"), "{undone}");
    let again = machine.ask(&json!({ "verb": "set-high", "undo": told["proposed"], "step": "one" }));
    assert_eq!((&again["became"], machine.high("hog").as_str()), (&json!("done"), "infinity max"), "{again}");

    // ansai is killed: the guard puts it back.
    let killed = Machine::command(
        &json!({ "verb": "set-high", "arguments": set("hog", 80, 60_000), "step": "killed", "after": 8_000, "stay": true }),
    );
    machine.run(&format!("({killed} >/run/killed.log 2>&1 & echo $! >/run/killed.pid); until grep -q told: /run/killed.log; do sleep .2; done; kill -KILL $(cat /run/killed.pid); cat /run/killed.log"));
    assert_eq!(machine.high("hog"), format!("{limit} {limit} 50-MemoryHigh.conf"), "nobody has put it back yet");
    machine.run("until [ $(systemctl show -P SubState ansai-guard-killed.service) = exited ]; do sleep .5; done");
    assert_eq!(machine.high("hog"), "infinity max");

    // An operator changes it meanwhile: that stays, for ansai and for the guard.
    let told = machine
        .ask(&json!({ "verb": "set-high", "arguments": set("hog", 80, 60_000), "step": "changed", "after": 15_000 }));
    assert_eq!(told["became"], "done", "{told}");
    machine.run("systemctl set-property --runtime hog MemoryHigh=200M");
    let undone = machine.ask(&json!({ "verb": "set-high", "undo": told["proposed"], "step": "changed" }));
    assert_eq!(undone["became"], "done", "{undone}");
    let theirs = format!("{0} {0} 50-MemoryHigh.conf", 200 * MIB);
    assert_eq!(machine.high("hog"), theirs);
    machine.run("until [ $(systemctl show -P SubState ansai-guard-changed.service) = exited ]; do sleep .5; done");
    assert_eq!(machine.high("hog"), theirs);

    // What is reclaimed is told, and half of it stays.
    machine.run("until [ $(cat /sys/fs/cgroup/system.slice/files.service/memory.current) -gt 60000000 ]; do sleep .3; done; sleep 2");
    let much = json!({ "unit": "files.service", "bytes": 60 * MIB });
    assert_eq!(machine.ask(&json!({ "verb": "reclaim", "arguments": much, "step": "much" }))["became"], "denied");
    let some = json!({ "unit": "files.service", "bytes": 20 * MIB });
    let told = machine.ask(&json!({ "verb": "reclaim", "arguments": some, "step": "some" }));
    let measure = |name: &str| {
        let all = told["measures"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{told}"))["value"]["count"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(told["became"], "done", "{told}");
    assert!(measure("total-bytes-before") - measure("total-bytes-after") >= 15 * MIB, "{told}");
    machine.run("systemctl is-active hog files");
    machine.0.power_off();
}

fn action(verb: &str) -> &'static dyn Action {
    Registry::of(ansai_local::INTERFACES).action(&format!("ansai:service/service-memory-actions.{verb}")).unwrap().2
}

#[allow(clippy::disallowed_methods, reason = "tests")]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap())
}

fn propose(host: &Host, verb: &str, mut arguments: Value) -> Result<Proposed, Refusal> {
    let (scope, deadline) = (scope(), Deadline::after(Duration::from_secs(60)));
    let reach = Reach::default().never_touching(Arc::new(Never::default()));
    let ask = ProbeContext { host, scope: &scope, reach: &reach, now: now(), deadline: &deadline };
    arguments["reason"] = json!("a test");
    let arguments = to_raw_value(&arguments).unwrap();
    let previewed = action(verb).preview(&ask, &arguments, &[])?;
    Ok(Proposed::new(verb, arguments.into(), previewed))
}

fn doing<T>(host: &Host, step_id: &str, step: &Proposed, act: impl FnOnce(&dyn Action, &StepContext<'_>) -> T) -> T {
    let (scope, stop) = (scope(), AtomicBool::new(false));
    let context = StepContext {
        host,
        scope: &scope,
        reach: Reach::none(),
        now: now(),
        step_id,
        arguments: &step.arguments,
        targets: &step.targets,
        stop: &stop,
    };
    act(action(&step.action), &context)
}

/// Proposes a step, arms its guard as the executor does, and begins it.
fn act(host: &Host, what: &Value) -> Result<(Proposed, Applied), Refusal> {
    let step_id = what["step"].as_str().unwrap();
    let step = propose(host, what["verb"].as_str().unwrap(), what["arguments"].clone())?;
    if let Some(after) = what["after"].as_u64() {
        let Guard::Timer(reversal) = doing(host, step_id, &step, |action, doing| action.guard(doing))? else {
            panic!()
        };
        Timers.arm(host, step_id, &reversal, Millis::new(after)).unwrap();
    }
    let Begun::Finished(applied) = doing(host, step_id, &step, |action, doing| action.begin(doing))? else { panic!() };
    Ok((step, applied))
}

/// Does nothing unless this process is inside the machine.
#[test]
fn what_the_process_inside_does() {
    let Ok(what) = std::env::var(DO) else { return };
    let (host, what): (Host, Value) = (Host::at("/"), serde_json::from_str(&what).unwrap());
    if let Some(unit) = what["look"].as_str() {
        let about = json!({ "about": { "kind": "unit", "name": unit } });
        println!("told: {}", call(&host, &everything(), "cgroup-probe.look", &about).unwrap());
        return;
    }
    if let Some(unit) = what["service"].as_str() {
        println!("told: {}", call(&host, &everything(), "service-probe.look", &json!({ "name": unit })).unwrap());
        return;
    }
    if what["undo"].is_object() {
        let step: Proposed = serde_json::from_value(what["undo"].clone()).unwrap();
        let none: &[Item] = &[];
        let undone = doing(&host, what["step"].as_str().unwrap(), &step, |action, doing| action.undo(doing, none));
        println!("told: {}", json!({ "became": kind(undone.clone().map(drop)), "text": format!("{undone:?}") }));
        return;
    }
    let acted = act(&host, &what);
    let text = acted.as_ref().map_or_else(ToString::to_string, |(_, applied)| applied.detail.clone());
    let told = json!({
        "became": kind(acted.clone().map(drop)),
        "text": text,
        "proposed": acted.as_ref().ok().map(|(step, _)| step),
        "measures": acted.as_ref().ok().map(|(_, applied)| &applied.measures),
    });
    println!("told: {told}");
    if what["stay"] == true {
        std::thread::sleep(Duration::from_secs(600));
    }
}
