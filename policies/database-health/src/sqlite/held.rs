//! A process that keeps a database locked and changes nothing.

use ansai_sdk::{Measure, Observation, Severity, Span, Status};

use super::memory::Memory;
use super::{HELD, key};
use crate::imports::ansai::sqlite::sqlite_probe::{Database, Hold, Holder};
use crate::report::Report;
use crate::settings::Settings;

pub(super) fn observe(path: &str, found: &Database, memory: &mut Memory, settings: &Settings, report: &mut Report<'_>) {
    let host = report.host();
    let name = key(HELD, path);
    // Who only reads, as a backup does, keeps nobody from reading; a large -wal file is a finding of its own. A vacuum of
    // ansai ends by itself.
    let locks = |one: &&Holder| matches!(one.holds, Hold::Writing | Hold::Exclusive) && one.process != "ansai";
    let Some(holder) = found.holders.iter().find(locks) else {
        (memory.holder, memory.held_since) = (String::new(), 0);
        let words = format!("nobody keeps {path} locked");
        let status = Status::Healthy;
        // Some processes could not be looked at: it may be one of them.
        if host.is_open(&name) && !found.holders_complete {
            let why = format!("some of the processes that use {path} could not be looked at");
            report.add(Observation::unknown(name, found.about.clone(), why));
        } else {
            report.add_news(Observation::new(name, found.about.clone(), status, words));
        }
        return;
    };
    // A process that works changes the files all the time, and is seen with a lock each time.
    let now = format!("{} {} {:?}", holder.identity, found.modified, found.wal_modified);
    if memory.holder != now || memory.held_since > host.now() {
        (memory.holder, memory.held_since) = (now, host.now());
    }
    let time = Span(host.now().saturating_sub(memory.held_since));
    let is_long = time.0 >= settings.held.0;
    let status = if is_long { Status::Unhealthy(Severity::Warning) } else { Status::Healthy };
    let words = format!("{} (pid {}) keeps {path} locked for {time} and changes nothing", holder.process, holder.pid);
    let mut seen = Observation::new(name, found.about.clone(), status, words)
        .with(Measure::text("process", holder.process.clone()))
        .with(Measure::count("pid", holder.pid.into()))
        .with(Measure::milliseconds("held", time.0));
    if let Some(unit) = &holder.about {
        seen = seen.caused_by(unit.clone());
    }
    report.add_news(seen);
}
