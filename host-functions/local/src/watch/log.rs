//! Entries in the log of a service: `journalctl` follows the journal, and each line that it writes is an entry.
//!
//! What an entry says does not reach the policy, only that there is one. So nothing has to be masked, and the grant for
//! the state of the service is enough.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ansai_core::watch::LogMatch;
use ansai_core::{Measure, Refusal, Subject, Unit};
use ansai_kit::host::Host;
use ansai_kit::program::{Following, Program};
use ansai_kit::watch::{Sink, Source, WatchError};
use rustix::event::epoll::EventFlags;
use rustix::fd::{AsFd as _, BorrowedFd};
use rustix::io::Errno;
use serde::Deserialize;

use super::failed;
use super::poller::{Ready, Registration, Watches};
use crate::bus;
use crate::service::name::subject;
use crate::service::systemd::Systemd;
use crate::step_unit::systemd::{JOURNALCTL, require};

/// Read at once; the rest stays in the pipe until the next round.
const BUFFER: usize = 16 << 10;
/// A longer line is not read: it has five short fields.
const LONGEST: usize = 64 << 10;

struct Watched {
    _registration: Registration,
}

impl Source for Watched {}

struct Lines {
    following: Following,
    about: Subject,
    /// The start of a line whose end has not come yet.
    begun: Mutex<Vec<u8>>,
}

/// What is read of an entry.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "PRIORITY")]
    priority: Option<String>,
}

pub(super) fn open(
    host: &Host,
    watches: &Watches,
    LogMatch { unit, priority }: &LogMatch,
    sink: Arc<dyn Sink>,
) -> Result<Box<dyn Source>, WatchError> {
    let unavailable = |refusal: Refusal| WatchError::Unavailable(refusal);
    require(host).map_err(|error| unavailable(error.into()))?;
    // Its entries are under the canonical name. Without an answer of the bus, the journal can still be followed.
    if let Err(why @ Refusal::Invalid(_)) =
        Systemd::of(host).and_then(|systemd| systemd.check_canonical(bus::LIMIT, unit))
    {
        return Err(unavailable(why));
    }
    let arguments = [
        "--follow".to_owned(),
        // Not `--lines=0`: while there is no such entry yet, journalctl of systemd 252 then never shows one.
        "--since=now".to_owned(),
        "--quiet".to_owned(),
        "--output=json".to_owned(),
        // Without it, an entry can be of any length.
        "--output-fields=PRIORITY".to_owned(),
        format!("--priority={}", priority.name()),
        format!("--unit={unit}"),
    ];
    // On the one thread that lives as long as the process: the kernel ends the program with the thread that started it.
    let following = bus::on_lasting_thread(move || Program::new(Path::new(JOURNALCTL)).args(arguments).follow());
    let following = following.map_err(|error| unavailable(error.into()))?;
    let following = following.map_err(|error| unavailable(Refusal::Unavailable(error.to_string())))?;
    let lines = Lines { following, about: subject(unit), begun: Mutex::default() };
    let registration = watches.add(Box::new(lines), sink)?;
    Ok(Box::new(Watched { _registration: registration }))
}

impl Ready for Lines {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.following.as_fd()
    }

    fn interest(&self) -> EventFlags {
        EventFlags::IN
    }

    fn take(&self, _flags: EventFlags, sink: &dyn Sink) -> Result<(), WatchError> {
        let mut buffer = [0; BUFFER];
        let read = match rustix::io::read(&self.following, &mut buffer) {
            Ok(0) => return Err(WatchError::Ended("journalctl ended".into())),
            Ok(read) => buffer.get(..read).unwrap_or_default(),
            Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
            Err(error) => return Err(failed("journalctl", error)),
        };
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.extend(read);
        while let Some(end) = begun.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = begun.drain(..=end).collect();
            match priority(&line) {
                Some(priority) => {
                    let fact = Measure::count("priority", priority, Unit::None);
                    sink.occurred("log-entry", self.about.clone(), vec![fact]);
                }
                None => sink.lost(),
            }
        }
        match begun.len() > LONGEST {
            true => Err(WatchError::Ended("a line of journalctl is not as documented".into())),
            false => Ok(()),
        }
    }
}

/// The priority of an entry, 0 for the most important.
fn priority(line: &[u8]) -> Option<u64> {
    let entry: Entry = serde_json::from_slice(line).ok()?;
    entry.priority?.parse().ok().filter(|priority| *priority <= 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_entries_have_a_priority() {
        assert_eq!(priority(b"{\"PRIORITY\":\"3\",\"__CURSOR\":\"x\"}\n"), Some(3));
        for strange in ["", "{}", "[]", "{\"PRIORITY\":3}", "{\"PRIORITY\":\"8\"}", "{\"PRIORITY\":null}", "\u{1b}[2J"]
        {
            assert_eq!(priority(strange.as_bytes()), None, "{strange}");
        }
    }
}
