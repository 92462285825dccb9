//! `list-processes`.

use ansai_core::text::inert;
use ansai_core::{Refusal, Subject, Timestamp, never};
use ansai_kit::host::{Deadline, ProbeContext};

use super::directory::Directory;
use super::identity::Identity;
use super::procfs::{self, Stat, Status};
use super::wire::{ListProcesses, Order, Process, ProcessPage};
use crate::safety::holder::boot;
use crate::safety::processes::{Unseen, processes};
use crate::service::name::is_unit;

/// Processes in one page.
const PAGE: usize = 128;
/// The longest name, in characters: 15 bytes, each escaped.
const MOST_NAME: usize = 100;

/// What is the same for all processes of one call.
struct Around<'a> {
    boot: String,
    booted: Timestamp,
    unit: Option<&'a str>,
    by: Order,
    deadline: &'a Deadline,
}

/// The place of a process in the list.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    most: u64,
    pid: u32,
}

impl Place {
    fn of(process: &Process, by: Order) -> Place {
        let most = match by {
            Order::Memory => process.resident_bytes.saturating_add(process.swapped_bytes),
            Order::Cpu => process.cpu.get(),
            Order::OpenFiles => process.open_files.map_or(0, u64::from),
        };
        Place { most, pid: process.pid }
    }

    /// The most first, then by number.
    fn key(self) -> (std::cmp::Reverse<u64>, u32) {
        (std::cmp::Reverse(self.most), self.pid)
    }

    fn read(text: &str) -> Result<Place, Refusal> {
        let parse = || {
            let (most, pid) = text.split_once('.')?;
            Some(Place { most: most.parse().ok()?, pid: pid.parse().ok()? })
        };
        parse().ok_or_else(|| Refusal::Invalid(format!("`cursor` is not one of this list: `{}`", inert(text, 80))))
    }
}

pub(super) fn list_processes(ask: &ProbeContext<'_>, wanted: ListProcesses) -> Result<ProcessPage, Refusal> {
    let ListProcesses { by, unit, cursor } = wanted;
    if let Some(unit) = unit.as_deref().filter(|unit| !is_unit(unit)) {
        return Err(Refusal::Invalid(format!(
            "`{}` is not the name of a unit, such as nginx.service",
            inert(unit, 80)
        )));
    }
    let after = cursor.as_deref().map(Place::read).transpose()?;
    let booted = procfs::booted(ask.host)
        .ok_or_else(|| Refusal::Unavailable("/proc/stat does not say when the machine was booted".into()))?;
    let around = Around { boot: boot(ask.host), booted, unit: unit.as_deref(), by, deadline: ask.deadline };
    let (mut found, mut skipped, mut in_time) = (Vec::new(), 0_u32, true);
    for path in processes(ask.host)? {
        if ask.deadline.is_over() {
            in_time = false;
            break;
        }
        let pid = path.file_name().and_then(|name| name.to_str()?.parse().ok());
        let Some(pid) = pid else { continue };
        match Directory::open(&path).and_then(|directory| directory.map_or(Ok(None), |at| look(&at, pid, &around))) {
            Ok(Some(process)) => found.push(process),
            Ok(None) => {}
            Err(Unseen) => skipped = skipped.saturating_add(1),
        }
    }
    found.sort_by_key(|process| Place::of(process, by).key());
    if let Some(after) = after {
        found.retain(|process| Place::of(process, by).key() > after.key());
    }
    let is_more = found.len() > PAGE;
    found.truncate(PAGE);
    let cursor = found.last().filter(|_| is_more).map(|last| {
        let Place { most, pid } = Place::of(last, by);
        format!("{most}.{pid}")
    });
    if by != Order::OpenFiles {
        for process in &mut found {
            if ask.deadline.is_over() {
                break;
            }
            process.open_files = count_files(ask, process.pid, &process.identity, &around.boot);
        }
    }
    // What was not counted in time is absent.
    in_time = in_time && !ask.deadline.is_over();
    Ok(ProcessPage { entries: found, skipped, complete: in_time && cursor.is_none(), cursor })
}

/// One process; `None` if it has ended, and for what is not wanted.
fn look(process: &Directory, pid: u32, around: &Around<'_>) -> Result<Option<Process>, Unseen> {
    let Some(stat) = Stat::of(process)?.filter(|stat| !stat.is_of_kernel) else { return Ok(None) };
    let unit = procfs::unit(process);
    if around.unit.is_some_and(|wanted| unit.as_deref() != Some(wanted)) {
        return Ok(None);
    }
    let Some(status) = Status::of(process)? else { return Ok(None) };
    let identity = Identity { pid, started: stat.started, boot: around.boot.clone() };
    Ok(Some(Process {
        about: unit.map(|unit| Subject::new(never::UNIT, unit)),
        identity: identity.to_string(),
        pid,
        name: name(&stat.name),
        state: stat.state,
        user: status.user,
        started: procfs::instant(around.booted, stat.started).ok_or(Unseen)?,
        resident_bytes: status.resident,
        anonymous_bytes: status.anonymous,
        swapped_bytes: status.swapped,
        cpu: stat.cpu,
        threads: stat.threads,
        open_files: if around.by == Order::OpenFiles { open_files(process, around.deadline) } else { None },
    }))
}

/// The name that a process has given itself, as one safe line.
pub(super) fn name(bytes: &[u8]) -> String {
    inert(&String::from_utf8_lossy(bytes), MOST_NAME)
}

/// Its descriptors, if they may be counted, and are in time.
fn open_files(process: &Directory, deadline: &Deadline) -> Option<u32> {
    process.below("fd").ok()??.count(deadline).and_then(|count| u32::try_from(count).ok())
}

fn count_files(ask: &ProbeContext<'_>, pid: u32, identity: &str, boot: &str) -> Option<u32> {
    let process = procfs::open(ask.host, pid).ok()??;
    let started = Stat::of(&process).ok()??.started;
    let is_same = Identity { pid, started, boot: boot.to_owned() }.to_string() == identity;
    if is_same { open_files(&process, ask.deadline) } else { None }
}
