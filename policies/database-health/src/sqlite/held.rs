//! A process that keeps a database locked and changes nothing.

use ansai_sdk::{Observation, Severity, Status};

use super::memory::Memory;
use super::{File, HELD};
use crate::imports::ansai::sqlite::sqlite_probe::{Hold, Holder};
use crate::report::Report;

pub(super) fn observe(file: &File<'_>, memory: &mut Memory, report: &mut Report<'_>) {
    let (host, path, found) = (report.host(), file.place.name, &file.found);
    // Who only reads, as a backup does, keeps nobody from reading; a large -wal file is a finding of its own. A vacuum of
    // ansai ends by itself.
    let locks = |one: &&Holder| matches!(one.holds, Hold::Writing | Hold::Exclusive) && one.process != "ansai";
    let Some(holder) = found.holders.iter().find(locks) else {
        (memory.holder, memory.held_since) = (String::new(), 0);
        // Some processes could not be looked at: it may be one of them.
        if file.place.is_open(HELD) && !found.holders_complete {
            let why = format!("some of the processes that use {path} could not be looked at");
            report.add(file.place.unknown(HELD, why));
        } else {
            report.add_news(file.place.observe(HELD, Status::Healthy, format!("nobody keeps {path} locked")));
        }
        return;
    };
    // A process that works changes the files all the time, and is seen with a lock each time.
    let now = format!("{} {} {:?}", holder.identity, found.modified, found.wal_modified);
    if memory.holder != now || memory.held_since > host.now() {
        (memory.holder, memory.held_since) = (now, host.now());
    }
    let (name, pid) = (&*holder.process, holder.pid);
    let time = host.since(memory.held_since);
    let severity = (time >= file.settings.held).then_some(Severity::Warning);
    let words = format!("{name} (pid {pid}) keeps {path} locked for {time} and changes nothing");
    let seen = file.place.observe(HELD, severity, words).text("process", name).count("pid", u64::from(pid));
    let seen = seen.milliseconds("held", time.0);
    report.add_news(holder.about.iter().cloned().fold(seen, Observation::caused_by));
}
