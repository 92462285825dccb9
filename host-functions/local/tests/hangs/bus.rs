//! A system bus that accepts connections and never answers.

use std::os::unix::net::UnixListener;
use std::sync::mpsc::channel;

use ansai_core::{Refusal, Scope, Timestamp};
use ansai_harness::with_own_mounts;
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::{Body, Registry};
use ansai_kit::target::Reach;
use ansai_local::service::fields::UNITS;
use serde_json::json;
use serde_json::value::to_raw_value;

use crate::disks::{full, is_unharmed};
use crate::files_scene::run;
use crate::returns;

/// More at the same time than this machine has processors.
const CALLS: usize = 40;

/// On a machine that systemd seems to run. Needs a mount namespace.
fn silent_bus() {
    run("mount", &["-t", "tmpfs", "ansai-test", "/run"]);
    for directory in ["/run/dbus", "/run/systemd/system"] {
        std::fs::create_dir_all(directory).unwrap();
    }
    let listener = UnixListener::bind("/run/dbus/system_bus_socket").unwrap();
    std::thread::spawn(move || {
        let mut connections = Vec::new();
        for connection in listener.incoming() {
            connections.push(connection);
        }
    });
}

/// Lists the services of this machine.
fn services() -> Option<Refusal> {
    let (host, deadline) = (Host::at("/"), Deadline::after(crate::LIMIT));
    let scope = Scope::default().with_set(&UNITS, ["*"]);
    let ask =
        ProbeContext { host: &host, scope: &scope, reach: Reach::none(), now: Timestamp::EPOCH, deadline: &deadline };
    let registry = Registry::of(ansai_local::INTERFACES);
    let Body::Probe(body) = registry.find("ansai:service/service-probe", "list-units").unwrap().1.body else {
        panic!("not a probe")
    };
    let arguments = to_raw_value(&json!({ "globs": [], "cursor": null })).unwrap();
    body.answer(&ask, &arguments).err()
}

/// Would break: a call that waits for the bus longer than its limit, or that keeps others waiting meanwhile.
#[test]
fn a_full_disk_is_seen_beside_a_silent_bus_and_each_call_ends() {
    with_own_mounts("bus::a_full_disk_is_seen_beside_a_silent_bus_and_each_call_ends", || {
        silent_bus();
        let full = full();
        let (send, answers) = channel();
        for _ in 0..CALLS {
            let send = send.clone();
            std::thread::spawn(move || send.send(services()));
        }
        // While they wait.
        is_unharmed(&full, &[]);
        let answers: Vec<_> = returns(move || answers.iter().take(CALLS).collect());
        let has_timed_out = |answer: &Option<Refusal>| matches!(answer, Some(Refusal::TimedOut(_)));
        assert!(answers.iter().all(has_timed_out), "{answers:?}");
        is_unharmed(&full, &[]);
    });
}
