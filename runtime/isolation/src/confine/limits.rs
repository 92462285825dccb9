//! Limits of resources.
#![expect(clippy::disallowed_methods, reason = "an adapter to /proc/self")]

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Job;

/// Sets all limits. None can be raised again: the process has no capability for it afterwards.
pub(super) fn set(job: &Job) -> io::Result<()> {
    let limits = job.limits;
    lower(Resource::Core, 0)?;
    lower(Resource::Fsize, limits.file_bytes)?;
    lower(Resource::Nofile, limits.open_files)?;
    lower(Resource::Data, limits.data_bytes)?;
    lower(Resource::Memlock, 0)?;
    lower(Resource::Msgqueue, 0)?;
    if let Some(bytes) = limits.address_space_bytes {
        lower(Resource::As, bytes)?;
    }
    if job.user.is_some() {
        lower(Resource::Nproc, limits.threads)?;
    }
    Ok(())
}

/// The process writes no byte to a file from now on. It cannot take that back.
pub(super) fn end_files() -> io::Result<()> {
    lower(Resource::Fsize, 0)
}

/// When memory is short, the kernel ends this process first. Ignored when /proc is missing.
pub(super) fn first_to_go() {
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// Whether this process has one thread. What follows is for one thread, and the kernel refuses some of it otherwise.
pub(super) fn has_one_thread() -> io::Result<bool> {
    Ok(std::fs::read_dir("/proc/self/task")?.count() == 1)
}

fn lower(resource: Resource, most: u64) -> io::Result<()> {
    let most = most.min(getrlimit(resource).maximum.unwrap_or(u64::MAX));
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}
