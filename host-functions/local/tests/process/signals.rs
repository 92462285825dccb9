//! Signals to processes of services, on a real systemd. The host runs this test's own program.

use std::time::{Duration, Instant};

use ansai_core::{Reversibility, Scope};
use ansai_harness::{SystemdHost, requires_root};
use ansai_kit::host::Host;
use ansai_local::process::SIGNALS;
use ansai_local::service::fields::UNITS;
use serde_json::{Value, json};

use crate::scene::{BOOT, FakeProcess, Files, begin, call, everything, propose};

/// What the child process does.
const DO: &str = "ANSAI_TEST_SIGNALS";
const PATIENCE: Duration = Duration::from_secs(60);

/// Handles two signals, ignores one, and runs another program when it is told to.
const CAREFUL: &str = "[Service]\nExecStart=/bin/bash -c 'trap \"\" USR2; trap \"echo usr1 >>/run/got\" USR1; \
    trap \"echo hup >>/run/got\" HUP; until [ -e /run/exec ]; do sleep 0.1; done; exec sleep 1000'\n";
const PLAIN: &str = "[Service]\nUser=daemon\nExecStart=/bin/sleep 1000\n";

struct Inside(SystemdHost);

impl Inside {
    fn start() -> Inside {
        let program = std::env::current_exe().unwrap();
        let inside = SystemdHost::start(&[(program.as_path(), "/usr/bin/sender")]);
        for (name, text) in [("careful", CAREFUL), ("plain", PLAIN)] {
            std::fs::write(inside.root().join(format!("etc/systemd/system/{name}.service")), text).unwrap();
        }
        let inside = Inside(inside);
        inside.run("systemctl daemon-reload; systemctl start careful plain");
        inside
            .run("until grep -q 'SigCgt.*[^0]$' /proc/$(systemctl show -P MainPID careful)/status; do sleep 0.1; done");
        inside
    }

    #[track_caller]
    fn run(&self, script: &str) -> String {
        self.0.exec(&["sh", "-c", script]).expect_code(0).stdout.trim().to_owned()
    }

    #[track_caller]
    fn ask(&self, what: &Value) -> Value {
        let test = ["/usr/bin/sender", "--exact", "signals::what_a_child_does", "--nocapture", "--test-threads=1"];
        let ran = self.0.invocation().arg("env").arg(format!("{DO}={what}")).args(test).run();
        let told = ran.stdout.lines().find_map(|line| line.split_once("told: ")).unwrap_or_else(|| panic!("{ran}"));
        serde_json::from_str(told.1).unwrap()
    }

    /// The main process of a service, as the probe tells.
    #[track_caller]
    fn identity(&self, unit: &str) -> String {
        let page = self.ask(&json!({ "list": format!("{unit}.service") }));
        let main: u64 = self.run(&format!("systemctl show -P MainPID {unit}")).parse().unwrap();
        let entries = page["entries"].as_array().unwrap();
        let entry = entries.iter().find(|entry| entry["pid"] == main).unwrap_or_else(|| panic!("{page}"));
        assert_eq!(entry["about"]["name"], format!("{unit}.service"), "{entry}");
        entry["identity"].as_str().unwrap().to_owned()
    }

    /// What became of a signal: `done`, or the kind of refusal.
    #[track_caller]
    fn send(&self, process: &str, signal: &str) -> String {
        self.send_after(process, signal, "true")
    }

    #[track_caller]
    fn send_after(&self, process: &str, signal: &str, meanwhile: &str) -> String {
        let told = self.ask(&json!({ "process": process, "signal": signal, "meanwhile": meanwhile }));
        told["became"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
    }

    #[track_caller]
    fn wait_for(&self, script: &str) {
        let began = Instant::now();
        while self.0.exec(&["sh", "-c", script]).code != 0 {
            assert!(began.elapsed() < PATIENCE, "{script}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn systemd_signals_reach_the_process_that_was_seen_and_no_other() {
    if !requires_root() {
        return;
    }
    let inside = Inside::start();
    let careful = inside.identity("careful");
    assert_eq!(inside.send(&careful, "hup"), "done");
    inside.wait_for("grep -q hup /run/got");
    assert_eq!(inside.send(&careful, "usr1"), "done");
    inside.wait_for("grep -q usr1 /run/got");

    // What the same kernel and systemd tell of it, whichever version of control groups this machine has.
    let usage = inside.ask(&json!({ "usage": "plain.service" }));
    assert_eq!(usage["invocation"], inside.run("systemctl show -P InvocationID plain"), "{usage}");
    assert_eq!(usage["processes"], 1, "{usage}");
    assert!(usage["anonymous-bytes"].as_u64() > Some(10_000) && usage["cpu"].is_u64(), "{usage}");

    // Ignored, or without a handler: then it would be ended.
    assert_eq!(inside.send(&careful, "usr2"), "unsupported");
    let plain = inside.identity("plain");
    for signal in ["hup", "usr1", "usr2"] {
        assert_eq!(inside.send(&plain, signal), "unsupported", "{signal}");
    }
    inside.run("systemctl is-active plain");

    // Whoever lies about the identity, about process 1, or about what is in no service.
    let (pid, rest) = plain.split_once('.').unwrap();
    let (started, boot) = rest.split_once('@').unwrap();
    let other = started.parse::<u64>().unwrap() + 1;
    assert_eq!(inside.send(&format!("{pid}.{other}@{boot}"), "term"), "changed");
    assert_eq!(inside.send(&format!("{pid}.{started}@another-boot"), "term"), "changed");
    assert_eq!(inside.send(&format!("1.{started}@{boot}"), "term"), "denied");
    assert_eq!(inside.send(&format!("4000000.{started}@{boot}"), "term"), "not-found");
    assert_eq!(inside.send(pid, "term"), "invalid");
    let outside = inside.ask(&json!("self"));
    assert_eq!(inside.send(outside.as_str().unwrap(), "term"), "not-found", "it has ended");
    assert_eq!(inside.ask(&json!("send-self"))["became"], "denied");

    // Between preview and step: another program in the same process, another run, an end.
    assert_eq!(inside.send_after(&careful, "term", "touch /run/exec; sleep 1"), "changed");
    inside.run("systemctl is-active careful");
    let careful = inside.identity("careful");
    let restart = "systemctl restart careful";
    assert_eq!(inside.send_after(&careful, "term", restart), "not-found");
    inside.run("systemctl is-active careful");

    // A number that was given to another process in between, as far as this kernel lets it be chosen.
    let stopped = format!(
        "systemctl stop plain; for i in $(seq 50); do echo {before} >/proc/sys/kernel/ns_last_pid || exit 0; \
         sleep 1000 >/dev/null 2>&1 & [ $! = {pid} ] && exit 0; kill $!; done",
        before = pid.parse::<u32>().unwrap() - 1,
    );
    let became = inside.send_after(&plain, "term", &stopped);
    assert!(["changed", "not-found"].contains(&became.as_str()), "{became}");

    // The end, for whom it is meant.
    inside.run("systemctl restart plain");
    let plain = inside.identity("plain");
    let told = inside.ask(&json!({ "process": plain, "signal": "term", "meanwhile": "true" }));
    assert_eq!(told["became"], "done", "{told}");
    let sample = told["sample"].as_str().unwrap();
    assert!(
        sample.starts_with("SIGTERM to plain.service: process ")
            && sample.contains(" of user daemon (1), named `sleep`"),
        "{sample}"
    );
    inside.wait_for("[ $(systemctl show -P SubState plain) = dead ]");
}

#[test]
fn only_what_is_granted_and_nothing_of_another_host() {
    let host = Files::new(&[("etc/passwd", "root:x:0:0::/:/bin/sh\nw\u{1b}ww:x:33:33::/:/bin/sh\n")]);
    let process = FakeProcess {
        pid: 8,
        name: "a\u{1b}[2J",
        started: 500,
        anonymous_kib: 5,
        cgroup: "0::/system.slice/web.service\n",
    };
    host.process(&process);
    host.write("proc/8/exe", "a program");
    let identity = format!("8.500@{BOOT}");
    let narrow = Scope::default().with_set(&UNITS, ["db.service"]).with_set(&SIGNALS, ["term"]);
    assert_eq!(kind(propose(&host.host(), &narrow, &identity, "term").map(drop)), "denied");

    let step = propose(&host.host(), &everything(), &identity, "term").unwrap();
    assert_eq!((step.preview.about.name.as_str(), step.preview.reversible), ("web.service", Reversibility::None));
    assert_eq!(step.canonical.len(), 1);
    let sample = &step.preview.sample[0];
    assert!(sample.contains("web.service") && !sample.contains('\u{1b}'), "{sample:?}");
    // These are files, not the kernel's.
    assert_eq!(kind(begin(&host.host(), &everything(), &step).map(drop)), "unsupported");

    // Between preview and step.
    host.write("proc/8/cgroup", "0::/system.slice/db.service\n");
    assert_eq!(kind(begin(&host.host(), &everything(), &step).map(drop)), "changed");
    host.write("proc/8/cgroup", "0::/user.slice/user-0.slice/session-1.scope\n");
    assert_eq!(kind(begin(&host.host(), &everything(), &step).map(drop)), "denied");
    host.process(&process);
    host.write("proc/8/status", "Uid:\t0\t0\t0\t0\n");
    assert_eq!(kind(begin(&host.host(), &everything(), &step).map(drop)), "changed");
    host.process(&FakeProcess { started: 501, ..process });
    assert_eq!(kind(begin(&host.host(), &everything(), &step).map(drop)), "changed");

    // A thread of the kernel, and one that has ended.
    for (flags, state, expected) in [("69238880", "S", "denied"), ("4194560", "Z", "not-found")] {
        host.write("proc/8/stat", &format!("8 (x) {state} 2 0 0 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 1 0 500 0 0\n"));
        assert_eq!(kind(propose(&host.host(), &everything(), &identity, "term").map(drop)), expected);
    }
}

pub(crate) fn kind(of: Result<(), ansai_core::Refusal>) -> String {
    match of {
        Ok(()) => "done".into(),
        Err(refusal) => serde_json::to_value(refusal).unwrap().as_object().unwrap().keys().next().unwrap().clone(),
    }
}

/// Does nothing unless this process is a child of the test above.
#[test]
fn what_a_child_does() {
    let Ok(what) = std::env::var(DO) else { return };
    let (host, what): (Host, Value) = (Host::at("/"), serde_json::from_str(&what).unwrap());
    if let Some(unit) = what["usage"].as_str() {
        let about = json!({ "about": { "kind": "unit", "name": unit } });
        println!("told: {}", call(&host, &everything(), "cgroup-probe.look", &about).unwrap());
        return;
    }
    let told = match (&what["list"], &what["process"], what.as_str()) {
        (Value::String(unit), ..) => {
            let arguments = json!({ "by": "memory", "unit": unit, "cursor": null });
            call(&host, &everything(), "process-probe.list-processes", &arguments).unwrap()
        }
        (_, Value::String(process), _) => {
            let proposed = propose(&host, &everything(), process, what["signal"].as_str().unwrap());
            let sample = proposed.as_ref().map(|step| step.preview.sample.join("")).unwrap_or_default();
            let became = proposed.and_then(|step| {
                std::process::Command::new("sh").args(["-c", what["meanwhile"].as_str().unwrap()]).status().unwrap();
                begin(&host, &everything(), &step).map(drop)
            });
            json!({ "became": kind(became.clone()), "text": format!("{became:?}"), "sample": sample })
        }
        (.., Some("self")) => json!(own()),
        (.., Some("send-self")) => json!({ "became": kind(propose(&host, &everything(), &own(), "term").map(drop)) }),
        _ => panic!("{what}"),
    };
    println!("told: {told}");
}

/// The identity of this process.
fn own() -> String {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let started = text.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(19).unwrap();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    format!("{}.{started}@{}", std::process::id(), boot.trim())
}
