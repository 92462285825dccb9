//! What never answers costs its neighbours nothing: every probe and action of this crate next to a file system whose
//! server is dead. Without the checks of `disk/ways.rs` and the threads of `detached.rs`, these tests end by their time
//! limit. Each runs in a mount namespace of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files and start programs")]

mod automount;
mod bus;
mod disks;
mod files;
#[path = "../files_scene/mod.rs"]
mod files_scene;
mod leases;
mod processes;

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use ansai_core::{Refusal, Scope, Timestamp};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::{Body, Registry};
use ansai_kit::target::Reach;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

/// A test that hangs fails instead.
const LIMIT: Duration = Duration::from_secs(60);

/// The result of what has to return although something hangs.
#[track_caller]
fn returns<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, result) = sync_channel(1);
    let thread = std::thread::spawn(move || send.send(work()));
    match result.recv_timeout(LIMIT) {
        Ok(done) => done,
        Err(error) if thread.is_finished() => panic!("{error}"),
        Err(_) => panic!("it hangs"),
    }
}

/// The answer of a probe without arguments, on this machine.
fn probe(interface: &'static str, function: &'static str) -> Result<Value, Refusal> {
    returns(move || {
        let registry = Registry::of(ansai_local::INTERFACES);
        let host = Host::at("/");
        let deadline = Deadline::after(Duration::from_secs(30));
        let ask = ProbeContext {
            host: &host,
            scope: &Scope::default(),
            reach: Reach::none(),
            now: Timestamp::EPOCH,
            deadline: &deadline,
        };
        let arguments = to_raw_value(&json!({})).unwrap();
        let reply = match registry.find(interface, function).unwrap().1.body {
            Body::Probe(body) | Body::Scan(body) => body.answer(&ask, &arguments),
            // The thread that evaluates must not hang either.
            Body::Inline(body) => {
                body.answer_at_once(&ask, &arguments).unwrap_or_else(|| body.answer(&ask, &arguments))
            }
            _ => panic!("{function} is no probe"),
        };
        Ok(serde_json::from_str(reply?.get()).unwrap())
    })
}

fn filesystems() -> Vec<Value> {
    probe("ansai:disk/disk-probe", "list-filesystems").unwrap()["entries"].as_array().unwrap().clone()
}

/// The reason why the file system at this point could not be read.
fn unreadable(point: &Path) -> Value {
    let list = probe("ansai:disk/disk-probe", "list-unreadable").unwrap();
    let found = list.as_array().unwrap().iter().find(|one| one["mount"] == point.to_str().unwrap());
    found.unwrap_or_else(|| panic!("{} is not in {list}", point.display()))["reason"].clone()
}

fn entry<'a>(list: &'a [Value], point: &Path) -> Option<&'a Value> {
    list.iter().find(|one| one["mount"] == point.to_str().unwrap())
}
