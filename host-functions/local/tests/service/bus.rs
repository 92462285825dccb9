//! A bus that hangs, one that restarts, and hosts without one.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use ansai_core::{Measure, Refusal, Subject, Watch};
use ansai_harness::requires_root;
use ansai_kit::host::Host;
use ansai_kit::watch::{Sink, WatchError};
use ansai_local::watch::{Watches, open};
use serde_json::json;

use crate::scene::{PATIENCE, Scene, UnitFile, call, everything};

const UNITS_HERE: &[UnitFile] = &[
    ("crash.service", "[Service]\nExecStart=/bin/sh -c 'exit 3'\n"),
    ("web.service", "[Service]\nExecStart=/bin/sleep 1000\n"),
];

#[test]
fn a_host_without_systemd_has_no_services() {
    let root = tempfile::tempdir().unwrap();
    let host = Host::at(root.path());
    let look = || call(&host, &everything(), PATIENCE, "look", &json!({ "name": "a.service" }));
    assert!(matches!(look(), Err(Refusal::Unsupported(_))));
    // systemd without a bus.
    std::fs::create_dir_all(root.path().join("run/systemd/system")).unwrap();
    assert!(matches!(look(), Err(Refusal::Unavailable(_))));
    // What cannot be seen is not absent.
    let endless = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("run", endless.path().join("run")).unwrap();
    let look = call(&Host::at(endless.path()), &everything(), PATIENCE, "look", &json!({ "name": "a.service" }));
    assert!(matches!(look, Err(Refusal::Unavailable(_))), "{look:?}");
}

#[test]
fn systemd_a_bus_that_hangs_is_unknown_and_one_that_restarts_is_found_again() {
    if !requires_root() {
        return;
    }
    let scene = Scene::new(UNITS_HERE, &[]);
    scene.run("systemctl start web");
    assert_eq!(scene.look("web.service")["active"], "active");
    scene.run("systemctl kill --signal=STOP dbus.service");
    let brief = Duration::from_millis(300);
    for function in ["look", "list-dependants"] {
        let arguments = json!({ "name": "web.service", "cursor": null });
        let hung = call(&scene.host, &scene.scope, brief, function, &arguments);
        assert!(matches!(hung, Err(Refusal::TimedOut(_))), "{hung:?}");
    }
    let hung = call(&scene.host, &scene.scope, brief, "list-units", &json!({ "globs": [], "cursor": null }));
    assert!(matches!(hung, Err(Refusal::TimedOut(_))), "{hung:?}");
    scene.run("systemctl kill --signal=CONT dbus.service");
    assert_eq!(scene.wait_for_again("web.service", "active")["active"], "active");
    scene.run("systemctl restart dbus.service");
    assert_eq!(scene.wait_for_again("web.service", "active")["active"], "active");
}

#[derive(Debug, PartialEq)]
enum Seen {
    Occurred(&'static str, Subject),
    Lost,
    Ended(WatchError),
}

struct Passing(Sender<Seen>);

impl Sink for Passing {
    fn occurred(&self, what: &'static str, about: Subject, _: Vec<Measure>) {
        self.0.send(Seen::Occurred(what, about)).ok();
    }
    fn lost(&self) {
        self.0.send(Seen::Lost).ok();
    }
    fn ended(&self, why: WatchError) {
        self.0.send(Seen::Ended(why)).ok();
    }
}

/// Waits for one of these, and passes over what else happens.
#[track_caller]
fn wait_for(seen: &Receiver<Seen>, wanted: impl Fn(&Seen) -> bool) {
    while !wanted(&seen.recv_timeout(PATIENCE).unwrap()) {}
}

#[test]
fn systemd_states_of_services_are_told_until_the_bus_ends() {
    if !requires_root() {
        return;
    }
    let scene = Scene::new(UNITS_HERE, &[]);
    let watches = Watches::default();
    let watched = |pattern: &str| {
        let (sender, seen) = channel();
        (open(&scene.host, &watches, &Watch::Unit(pattern.into()), Arc::new(Passing(sender))).unwrap(), seen)
    };
    let (all, of_all) = watched("*.service");
    let (_web, of_web) = watched("web.service");
    scene.run("systemctl start crash web");
    let about = |name: &str| Subject::new("unit", name);
    wait_for(&of_all, |seen| *seen == Seen::Occurred("unit-failed", about("crash.service")));
    wait_for(&of_web, |seen| match seen {
        Seen::Occurred(what, about_it) => {
            assert_eq!(*about_it, about("web.service"), "only what the pattern covers");
            *what == "unit-active"
        }
        other => panic!("{other:?}"),
    });
    scene.run("systemctl stop web");
    wait_for(&of_web, |seen| *seen == Seen::Occurred("unit-inactive", about("web.service")));
    drop(all);
    scene.run("systemctl restart dbus.service");
    wait_for(&of_web, |seen| matches!(seen, Seen::Ended(WatchError::Ended(_))));
    let (_again, of_web) = {
        let began = std::time::Instant::now();
        loop {
            let (sender, seen) = channel();
            match open(&scene.host, &watches, &Watch::Unit("web.service".into()), Arc::new(Passing(sender))) {
                Ok(source) => break (source, seen),
                Err(why) => assert!(began.elapsed() < PATIENCE, "{why}"),
            }
        }
    };
    scene.run("systemctl start web");
    wait_for(&of_web, |seen| *seen == Seen::Occurred("unit-active", about("web.service")));
}
