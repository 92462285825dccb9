//! Programs that outlive ansai, on a real systemd. The host runs this test's own program, which starts the unit, is
//! killed, and finds the unit again as another process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

use std::fmt::Debug;
use std::path::Path;
use std::time::{Duration, Instant};

use ansai_core::codes;
use ansai_harness::{Invocation, SystemdHost, requires_root};
use ansai_kit::host::Host;
use ansai_kit::program::User;
use ansai_kit::redact::Redactor;
use ansai_local::step_unit::{End, Handle, State, StepUnit, UnitError};
use serde::Serialize;
use serde_json::{Value, json};

/// What the child process does.
const DO: &str = "ANSAI_TEST_UNIT";
/// The script or the handle that it does it with.
const WITH: &str = "ANSAI_TEST_UNIT_WITH";
const LONG: Duration = Duration::from_secs(60);
const STEP: &str = "20261128t190000-123-0001-0";

const SCRIPT: &str = "echo begins; echo \"password=hunter22 $1\"; echo oops >&2; umask; pwd; env | sort; \
                      until [ -e /run/go ]; do sleep 0.1; done; echo ends; exit 7";
/// systemd would expand all of it but the quotes.
const ARGUMENT: &str = "%n $HOME ${HOME} $$ \"q\" \\x";
const OUTPUT: &str = "begins\npassword=*** %n $HOME ${HOME} $$ \"q\" \\x\noops\n0077\n/\nLANG=C.UTF-8\n\
                      PATH=/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\n";

/// Asks the program inside.
struct Inside<'a>(&'a SystemdHost);

impl Inside<'_> {
    fn invocation(&self, what: &str, with: &Value) -> Invocation {
        let set = [format!("{DO}={what}"), format!("{WITH}={with}")];
        let test = ["/usr/bin/starter", "--exact", "what_a_child_does", "--nocapture", "--test-threads=1"];
        self.0.invocation().arg("env").args(set).args(test)
    }

    /// What it tells.
    #[track_caller]
    fn ask(&self, what: &str, with: &Value) -> Value {
        let ran = self.invocation(what, with).run();
        told(ran.stdout.lines().find(|line| line.contains("told: ")).unwrap_or_else(|| panic!("{ran}")))
    }

    /// Starts a script as the unit of a step.
    #[track_caller]
    fn start(&self, step: &str, script: &str, limit: Duration) -> Value {
        self.ask("start", &json!({ "step": step, "script": script, "limit": limit.as_millis() as u64 }))["ok"].clone()
    }

    #[track_caller]
    fn wait_until(&self, handle: &Value, state: &Value) {
        let began = Instant::now();
        loop {
            let now = self.ask("state", handle)["ok"].clone();
            if now == *state {
                return;
            }
            assert!(now == "running" && began.elapsed() < LONG, "{now}, expected {state}");
        }
    }

    fn is_active(&self, handle: &Value) -> bool {
        self.0.exec(&["systemctl", "is-active", handle["unit"].as_str().unwrap()]).code == 0
    }
}

fn told(line: &str) -> Value {
    serde_json::from_str(line.split_once("told: ").unwrap().1).unwrap()
}

/// If the program were a child of ansai, or in its process group, it would end with it.
#[test]
fn systemd_a_program_outlives_ansai_and_is_found_again() {
    if !requires_root() {
        return;
    }
    let program = std::env::current_exe().unwrap();
    let host = SystemdHost::start(&[(program.as_path(), "/usr/bin/starter")]);
    let inside = Inside(&host);
    let (nothing, ended) = (Value::Null, |end: Value| json!({ "ended": end }));

    let mut starter = inside.invocation("start-and-stay", &json!({ "step": STEP, "script": SCRIPT })).spawn();
    let handle = told(&starter.wait_for_line("told: ", LONG))["ok"].clone();
    assert_eq!(handle["unit"], format!("ansai-step-{STEP}.service"));
    host.exec(&["sh", "-c", "kill -KILL $(cat /run/starter.pid)"]).expect_code(0);
    assert_ne!(starter.wait(LONG).code, 0);

    // Another process, with the handle or with the id of the step.
    assert_eq!(inside.ask("state", &handle)["ok"], "running");
    assert_eq!(inside.ask("find", &json!(STEP))["ok"], handle);
    assert_eq!(inside.ask("output", &handle)["ok"], OUTPUT);
    let again = inside.ask("start", &json!({ "step": STEP, "script": "exit 0" }));
    assert_eq!(again["error"], codes::STEP_UNIT.word(), "{again}");
    host.exec(&["touch", "/run/go"]).expect_code(0);
    inside.wait_until(&handle, &ended(json!({ "code": 7 })));
    assert_eq!(inside.ask("output", &handle)["ok"], format!("{OUTPUT}ends\n"));
    // How it ended is known until it is forgotten; what it wrote also afterwards.
    assert_eq!(inside.ask("state", &handle)["ok"], ended(json!({ "code": 7 })));
    assert_eq!(inside.ask("forget", &handle)["ok"], nothing);
    assert_eq!(inside.ask("state", &handle)["ok"], "gone");
    assert_eq!(inside.ask("find", &json!(STEP))["ok"], nothing);
    assert_eq!(inside.ask("output", &handle)["ok"], format!("{OUTPUT}ends\n"));

    // Success is kept too, until the unit is forgotten.
    let fine = inside.start("fine", "exit 0", LONG);
    inside.wait_until(&fine, &ended(json!({ "code": 0 })));
    inside.ask("forget", &fine);
    // The name alone does not make it the same unit.
    host.exec(&["systemd-run", "--quiet", "--unit=ansai-step-fine", "sleep", "1000"]).expect_code(0);
    assert_eq!(inside.ask("state", &fine)["ok"], "gone");
    inside.ask("cancel", &fine);
    assert!(inside.is_active(&fine), "somebody else's unit is left alone");

    // The time limit, and a program that does not take SIGTERM.
    let slow = inside.start("slow", "sleep 1000", Duration::from_secs(1));
    inside.wait_until(&slow, &ended(json!("time-limit")));
    let deaf = inside.start("deaf", "trap '' TERM; sleep 1000 & echo $! > /run/grandchild; wait; wait", LONG);
    assert_eq!(inside.ask("cancel", &deaf)["ok"], nothing);
    assert_eq!(inside.ask("state", &deaf)["ok"], "gone");
    host.exec(&["sh", "-c", "test ! -d /proc/$(cat /run/grandchild)"]).expect_code(0);

    let untrusted = "chmod 757 /usr/local; printf '#!/bin/sh\n' > /usr/local/x; chmod 755 /usr/local/x";
    host.exec(&["sh", "-c", untrusted]).expect_code(0);
    let refused = inside.ask("start", &json!({ "step": "open", "program": "/usr/local/x" }));
    assert_eq!(refused["error"], codes::UNTRUSTED_PROGRAM.word(), "{refused}");
    let missing = inside.ask("start", &json!({ "step": "none", "program": "/etc/passwd" }));
    assert_eq!(missing["error"], codes::STEP_UNIT.word(), "not executable: {missing}");
}

/// `daemon` of Debian, which may do nothing.
const DAEMON: [u32; 2] = [1, 1];
const AS_ANOTHER: &str = "id -u; id -g; id -G; grep CapEff /proc/self/status; env | sort; \
                          (: > /root/x) 2>/dev/null || echo refused; until [ -e /run/go ]; do sleep 0.1; done; exit 3";

/// If the unit were root's, it could write to `/root`, and would have all capabilities.
#[test]
fn systemd_a_program_of_another_user_outlives_ansai_too() {
    if !requires_root() {
        return;
    }
    let program = std::env::current_exe().unwrap();
    let host = SystemdHost::start(&[(program.as_path(), "/usr/bin/starter")]);
    let inside = Inside(&host);
    let asked = json!({ "step": STEP, "script": AS_ANOTHER, "user": DAEMON });
    let mut starter = inside.invocation("start-and-stay", &asked).spawn();
    let handle = told(&starter.wait_for_line("told: ", LONG))["ok"].clone();
    host.exec(&["sh", "-c", "kill -KILL $(cat /run/starter.pid)"]).expect_code(0);
    assert_ne!(starter.wait(LONG).code, 0);
    assert_eq!(inside.ask("find", &json!(STEP))["ok"], handle);
    host.exec(&["touch", "/run/go"]).expect_code(0);
    inside.wait_until(&handle, &json!({ "ended": { "code": 3 } }));
    let output = inside.ask("output", &handle)["ok"].clone();
    let expected = "1\n1\n1\nCapEff:\t0000000000000000\nLANG=C.UTF-8\n\
                    PATH=/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\nrefused\n";
    assert_eq!(output, expected);
    assert_eq!(inside.ask("forget", &handle)["ok"], Value::Null);

    // It ends with everything that it started.
    let deaf = "trap '' TERM; sleep 1000 & echo $!; wait; wait";
    let deaf = inside.ask("start", &json!({ "step": "deaf", "script": deaf, "user": DAEMON }))["ok"].clone();
    host.exec(&["sh", "-c", "until pgrep -u daemon -x sleep > /run/grandchild; do sleep 0.1; done"]).expect_code(0);
    assert_eq!(inside.ask("cancel", &deaf)["ok"], Value::Null);
    host.exec(&["sh", "-c", "test ! -d /proc/$(cat /run/grandchild)"]).expect_code(0);

    // Users that there are not. No unit stays behind, so the next attempt can use the name.
    for ids in [[54_321, 1], [u32::MAX, 1], [1, u32::MAX]] {
        let refused = inside.ask("start", &json!({ "step": "nobody", "script": "exit 0", "user": ids }));
        assert_eq!(refused["error"], codes::STEP_UNIT.word(), "{refused}");
        assert_eq!(inside.ask("find", &json!("nobody"))["ok"], Value::Null);
    }
}

#[test]
fn without_systemd_no_program_can_outlive_ansai() {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut hosts = vec![Host::at(elsewhere.path())];
    if !Path::new("/run/systemd/system").exists() {
        hosts.push(Host::at("/"));
    }
    for host in hosts {
        let unit = StepUnit {
            step_id: STEP,
            program: "/bin/true".as_ref(),
            arguments: &[],
            limit: LONG,
            patience: LONG,
            user: None,
        };
        let error = unit.start(&host).unwrap_err();
        assert!(matches!(error, UnitError::NoSystemd), "{error}");
        assert_eq!(error.code(), codes::NO_SYSTEMD);
        let handle = Handle { unit: "x.service".into(), invocation: String::new() };
        assert!(matches!(handle.state(&host), Err(UnitError::NoSystemd)), "unknown, and not gone");
    }
}

/// Does nothing unless this process is a child of the test above.
#[test]
fn what_a_child_does() {
    let (Ok(what), Ok(with)) = (std::env::var(DO), std::env::var(WITH)) else { return };
    let (host, with): (Host, Value) = (Host::at("/"), serde_json::from_str(&with).unwrap());
    let handle = || serde_json::from_value::<Handle>(with.clone()).unwrap();
    match what.as_str() {
        "start" => tell(start(&host, &with)),
        "start-and-stay" => {
            std::fs::write("/run/starter.pid", std::process::id().to_string()).unwrap();
            tell(start(&host, &with));
            std::thread::sleep(LONG * 10);
        }
        "find" => tell(Handle::find(&host, with.as_str().unwrap())),
        "state" => tell(handle().state(&host)),
        "output" => tell(handle().output(&host, &Redactor::new(), 16 << 10).map(|output| output.to_string())),
        "cancel" => tell(handle().cancel(&host)),
        "forget" => tell(handle().forget(&host)),
        other => panic!("{other}"),
    }
}

fn start(host: &Host, with: &Value) -> Result<Handle, UnitError> {
    let text = |key: &str| with.get(key).map(|text| text.as_str().unwrap());
    let script = ["-c", text("script").unwrap_or_default(), "sh", ARGUMENT];
    let limit = with.get("limit").map_or(LONG, |limit| Duration::from_millis(limit.as_u64().unwrap()));
    let (program, arguments): (&str, &[&str]) = match text("program") {
        Some(program) => (program, &[]),
        None => ("/bin/sh", &script),
    };
    let (step_id, patience) = (text("step").unwrap(), Duration::from_millis(300));
    let user = with.get("user").map(|ids| {
        let [uid, gid] = serde_json::from_value::<[u32; 2]>(ids.clone()).unwrap();
        User { uid, gid }
    });
    StepUnit { step_id, program: program.as_ref(), arguments, limit, patience, user }.start(host)
}

fn tell<T: Serialize + Debug>(result: Result<T, UnitError>) {
    match result {
        Ok(value) => println!("told: {}", json!({ "ok": value })),
        Err(error) => println!("told: {}", json!({ "error": error.code().word(), "message": error.to_string() })),
    }
}

/// The forms in which states are stored.
#[test]
fn states_are_words() {
    let form = |state| serde_json::to_value(state).unwrap();
    assert_eq!(form(State::Running), "running");
    assert_eq!(form(State::Gone), "gone");
    assert_eq!(form(State::Ended(End::TimeLimit)), json!({ "ended": "time-limit" }));
    assert_eq!(form(State::Ended(End::Code(7))), json!({ "ended": { "code": 7 } }));
}
