//! `capture` and the check of `ansai doctor`, by a process of the host itself.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ansai_core::watch::{LogMatch, Priority};
use ansai_core::{Measure, Subject, Unit, Watch};
use ansai_harness::requires_root;
use ansai_kit::doctor::Circumstances;
use ansai_kit::host::Host;
use ansai_kit::watch::{Sink, WatchError};
use ansai_local::watch::{Watches, open};
use serde_json::json;

use crate::scene::{PATIENCE, Scene, UnitFile, everything, finish, propose};

/// Set for the process inside.
const INSIDE: &str = "ANSAI_TEST_SERVICE";
const UNITS_HERE: &[UnitFile] = &[
    ("talks.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo fine; echo \"<4>careful\"'\n"),
    (
        "crash.service",
        "[Service]\nExecStart=/bin/sh -c 'echo first; echo password=hunter22; echo last words; exit 3'\n",
    ),
];

#[test]
fn systemd_the_log_of_a_service_is_kept_without_secrets() {
    if !requires_root() {
        return;
    }
    let program = std::env::current_exe().unwrap();
    let scene = Scene::new(UNITS_HERE, &[(program.as_path(), "/usr/bin/captures")]);
    scene.run("systemctl start crash");
    scene.wait_for("crash.service", "failed");
    scene.run("journalctl --sync");
    let set = format!("{INSIDE}=1");
    let test = ["env", &set, "/usr/bin/captures", "--exact", "evidence::what_a_process_inside_captures", "--nocapture"];
    let ran = scene.inside.exec(&test);
    assert!(ran.stdout.contains("captured: done") && ran.stdout.contains("watched: done"), "{ran}");
}

#[test]
fn what_a_process_inside_captures() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let (host, scope) = (Host::at("/"), everything());
    let step = propose(&host, &scope, "capture", json!({ "unit": "crash.service", "lines": 50 })).unwrap();
    let applied = finish(&host, &scope, &step).unwrap();
    let text = |number: usize| String::from_utf8(applied.evidence[number].content.clone()).unwrap();
    let (state, log) = (text(0), text(1));
    assert!(state.contains("exit-code") && state.contains("crash.service"), "{state}");
    assert!(log.contains("last words") && log.contains("first") && !log.contains("hunter22"), "{log}");
    let too_many = propose(&host, &scope, "capture", json!({ "unit": "crash.service", "lines": 1_001 }));
    assert!(too_many.is_err());
    let around = Circumstances { host: &host, state_dir: "/var/lib/ansai".as_ref() };
    let finding = (ansai_local::service::SERVICE_PROBE.doctor[0])(&around);
    assert_eq!(finding.answer, ansai_kit::doctor::Answer::Ok, "{finding:?}");
    println!("captured: done");
    watch_the_log(&host);
}

/// The process inside sees entries of its own journal, without what they say.
fn watch_the_log(host: &Host) {
    let (sender, seen) = channel();
    let watch = Watch::Log(LogMatch { unit: "talks.service".into(), priority: Priority::Warning });
    let watches = Watches::default();
    let source = open(host, &watches, &watch, Arc::new(Passing(Mutex::new(sender)))).unwrap();
    // journalctl may not follow yet when it has been started.
    let run = |script: &str| std::process::Command::new("/bin/sh").args(["-c", script]).status().unwrap();
    let began = std::time::Instant::now();
    let found = loop {
        run("systemctl restart talks.service");
        if let Ok(found) = seen.recv_timeout(Duration::from_secs(1)) {
            break found;
        }
        assert!(began.elapsed() < PATIENCE);
    };
    assert_eq!(
        found,
        ("log-entry", Subject::new("unit", "talks.service"), vec![Measure::count("priority", 4, Unit::None)])
    );
    drop(source);
    println!("watched: done");
}

/// What was seen.
type Entry = (&'static str, Subject, Vec<Measure>);

struct Passing(Mutex<Sender<Entry>>);

impl Sink for Passing {
    fn occurred(&self, what: &'static str, about: Subject, facts: Vec<Measure>) {
        self.0.lock().unwrap().send((what, about, facts)).ok();
    }
    fn lost(&self) {}
    fn ended(&self, _: WatchError) {}
}
