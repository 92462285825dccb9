//! The limits of the process, which it sets before it opens anything.
#![expect(clippy::disallowed_methods, reason = "an adapter to /proc/self")]

use rustix::process::{Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::{Failure, limit};
use crate::sqlite::job::{Job, Kind};

/// What it may use besides the program itself, in bytes: a row may have a gigabyte, in more than one copy.
const MEMORY: u64 = 3 << 30;
const OPEN_FILES: u64 = 32;
/// Lower priority than other work of this host, but not so low that a busy host never finishes.
const NICE: i32 = 5;
/// Processor time besides the limit on the clock, in seconds.
const SPARE_SECONDS: u64 = 5;

pub(super) fn confine(job: &Job) -> Result<(), Failure> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    if uid.is_root() || gid.is_root() || uid.as_raw() != job.uid {
        return Err(Failure::new(Kind::Other, "a database is only opened as its owner, and never as root"));
    }
    limits(job).map_err(|error| Failure::new(Kind::Other, format!("limits: {error}")))
}

fn limits(job: &Job) -> std::io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    // When memory is short, the kernel ends this process first. Ignored when /proc is missing.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    rustix::process::nice(NICE)?;
    lower(Resource::Core, 0)?;
    lower(Resource::Nofile, OPEN_FILES)?;
    lower(Resource::Fsize, job.most_bytes)?;
    lower(Resource::Cpu, limit(job).as_secs().saturating_add(SPARE_SECONDS))?;
    lower(Resource::As, own_address_space()?.saturating_add(MEMORY))
}

/// Lowers a limit; never above the hard limit of this process.
fn lower(resource: Resource, most: u64) -> std::io::Result<()> {
    let hard = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let limit = Rlimit { current: Some(most.min(hard)), maximum: Some(most.min(hard)) };
    Ok(rustix::process::setrlimit(resource, limit)?)
}

/// Address space of this process, in bytes.
fn own_address_space() -> std::io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB"));
    let kib: Option<u64> = kib.and_then(|kib| kib.trim().parse().ok());
    Ok(kib.ok_or(std::io::ErrorKind::InvalidData)?.saturating_mul(1 << 10))
}
