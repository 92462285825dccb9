//! Pressure stall information: the kernel reports when tasks wait for a resource too long (accounting/psi.rst).

use std::sync::Arc;

use ansai_core::watch::{Pressure, Resource};
use ansai_core::{Measure, Refusal, Subject, Unit};
use ansai_kit::evaluation_state::Context;
use ansai_kit::host::Host;
use ansai_kit::watch::{Sink, Source, WatchError};
use rustix::event::epoll::EventFlags;
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::failed;
use super::poller::{Ready, Registration, Watches};

struct Watched {
    _registration: Registration,
}

struct Trigger {
    file: OwnedFd,
    pressure: Pressure,
    host: Subject,
}

pub(super) fn open(
    host: &Host,
    watches: &Watches,
    pressure: Pressure,
    sink: Arc<dyn Sink>,
) -> Result<Box<dyn Source>, WatchError> {
    let path = format!("/proc/pressure/{}", pressure.of.name());
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(host.path(&path), flags, Mode::empty()).map_err(|error| match error {
        Errno::NOENT | Errno::OPNOTSUPP => unsupported(&path),
        error => failed(&path, error),
    })?;
    let micros = |millis: ansai_core::Millis| millis.get().saturating_mul(1_000);
    // The kernel drops the last byte.
    let wanted = format!("some {} {}\0", micros(pressure.stall), micros(pressure.window));
    match rustix::io::write(&file, wanted.as_bytes()) {
        Ok(_) => {}
        Err(Errno::OPNOTSUPP) => return Err(unsupported(&path)),
        Err(Errno::INVAL | Errno::PERM) => {
            return Err(WatchError::Unavailable(Refusal::Unavailable(format!(
                "{path}: the kernel refuses {} of {}; without privileges, it accepts only windows that are multiples of {}",
                pressure.stall,
                pressure.window,
                Pressure::UNPRIVILEGED
            ))));
        }
        Err(error) => return Err(failed(&path, error)),
    }
    let host = Context::host_of(&crate::facts::read(host));
    let registration = watches.add(Box::new(Trigger { file, pressure, host }), sink)?;
    Ok(Box::new(Watched { _registration: registration }))
}

fn unsupported(path: &str) -> WatchError {
    WatchError::Unavailable(Refusal::Unsupported(format!("the kernel has no pressure information ({path})")))
}

impl Source for Watched {}

impl Ready for Trigger {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    fn interest(&self) -> EventFlags {
        EventFlags::PRI
    }

    fn take(&self, flags: EventFlags, sink: &dyn Sink) -> Result<(), WatchError> {
        if flags.intersects(EventFlags::ERR | EventFlags::HUP) {
            return Err(WatchError::Ended(format!(
                "the kernel ended the watch of {} pressure",
                self.pressure.of.name()
            )));
        }
        if flags.contains(EventFlags::PRI) {
            let what = match self.pressure.of {
                Resource::Cpu => "cpu-pressure",
                Resource::Memory => "memory-pressure",
                Resource::Io => "io-pressure",
            };
            let fact = |name: &str, millis: ansai_core::Millis| Measure::count(name, millis.get(), Unit::Milliseconds);
            let facts = vec![fact("stall", self.pressure.stall), fact("window", self.pressure.window)];
            sink.occurred(what, self.host.clone(), facts);
        }
        Ok(())
    }
}
