//! Sources of occurrences on this machine: what wakes a policy between its scheduled evaluations.
//!
//! A source is a descriptor of the kernel, or a connection to the system bus. One thread waits for all descriptors
//! ([`Watches`]), so that a thousand sources cost no more threads than one.

mod files;
mod log;
mod poller;
mod pressure;
mod units;

use std::sync::Arc;

use ansai_core::{Refusal, Watch};
use ansai_kit::host::Host;
use ansai_kit::watch::{Sink, Source, WatchError};
use serde_json::{Value, json};

use crate::files::FILES_PROBE;
use crate::service::SERVICE_PROBE;
use crate::system::SYSTEM_PROBE;

pub use poller::Watches;

/// The call of a probe that shows the same as a watch: interface, function and arguments. Whoever may make this call may
/// be woken by the watch.
pub fn same_look(watch: &Watch) -> (&'static str, &'static str, Value) {
    match watch {
        Watch::File(path) | Watch::Directory(path) => {
            (FILES_PROBE.interface.name.as_str(), "locate", json!({ "root": path }))
        }
        Watch::Pressure(pressure) => {
            (SYSTEM_PROBE.interface.name.as_str(), "pressure", json!({ "what": pressure.of.name() }))
        }
        Watch::Log(log) => (SERVICE_PROBE.interface.name.as_str(), "look", json!({ "name": log.unit })),
        Watch::Unit(pattern) => (SERVICE_PROBE.interface.name.as_str(), "look", json!({ "name": pattern })),
    }
}

/// Begins to watch. May block.
///
/// # Errors
/// It cannot be watched now.
pub fn open(host: &Host, watches: &Watches, watch: &Watch, sink: Arc<dyn Sink>) -> Result<Box<dyn Source>, WatchError> {
    let unavailable = WatchError::Unavailable;
    match watch {
        Watch::File(path) => {
            let (parent, name) = files::split(path)
                .ok_or_else(|| unavailable(Refusal::Invalid(format!("{path} is not the path of a file"))))?;
            files::open(host, watches, parent, Some(name), sink)
        }
        Watch::Directory(path) => files::open(host, watches, path, None, sink),
        Watch::Pressure(pressure) => pressure::open(host, watches, *pressure, sink),
        Watch::Log(log) => log::open(host, watches, log, sink),
        Watch::Unit(pattern) => units::open(host, pattern, sink),
    }
}

/// A system call failed.
fn failed(what: &str, error: rustix::io::Errno) -> WatchError {
    WatchError::Unavailable(Refusal::io(what, &error.into()))
}
