//! The child process that compiles. It limits itself, reads a component from standard input, compiles it and writes the
//! code to standard output. Then it executes its program again, in the same process, and loads the code with little memory:
//! a component can compile to tables that are small in the file and huge once loaded, and the parent must not load those.
#![expect(clippy::disallowed_methods, reason = "an adapter to /proc/self and to the program of this process")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};
use serde::{Deserialize, Serialize};

use super::CompileLimits;
use crate::component::MAX_BYTES;
use crate::engine::{InstanceAllocation, configuration};
use crate::memory::MemoryInit;

/// Exit code: wasmtime does not accept the component; standard error has the reason.
pub(super) const NOT_ACCEPTED: u8 = 10;
/// Exit code: setting the limits, reading or writing failed; standard error has the reason.
pub(super) const NOT_STARTED: u8 = 11;
/// Exit code: out of memory, reported by wasmtime.
pub(super) const OUT_OF_MEMORY: u8 = 12;
/// Exit code of a panic.
pub(super) const PANICKED: u8 = 101;

/// Prefix of standard error once the code is compiled and is being loaded.
pub(super) const LOADING: &str = "loading: ";

/// Maximum of open files: the standard streams and some that are open briefly.
const OPEN_FILES: u64 = 16;
/// Nice value: lower priority than other work of this host, but not so low that a busy host never compiles.
const NICE: i32 = 5;

/// The job that the parent passes to the child as its argument, in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    /// Process id of the parent; the child ends when the parent ends.
    pub(super) parent: u32,
    /// Whether the component is compiled and only has to be loaded.
    pub(super) load: bool,
    /// How the memory of guests is initialized.
    pub(super) memory: MemoryInit,
    pub(super) limits: CompileLimits,
}

enum ChildError {
    NotAccepted(String),
    NotStarted(String),
    OutOfMemory,
}

/// Compiles the component on standard input and returns the exit code. `itself` and `job` are the arguments that
/// [`super::Compiler::Child`] passes. The program must call it first, before it starts threads or opens files.
pub fn run(itself: &str, job: &str) -> u8 {
    let (code, why) = match compile_and_load(itself, job) {
        Ok(()) => return 0,
        Err(ChildError::NotAccepted(why)) => (NOT_ACCEPTED, why),
        Err(ChildError::NotStarted(why)) => (NOT_STARTED, why),
        Err(ChildError::OutOfMemory) => (OUT_OF_MEMORY, String::new()),
    };
    write_stderr(&why);
    code
}

/// An error is ignored: the parent may have ended.
fn write_stderr(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn failed(what: &'static str) -> impl Fn(std::io::Error) -> ChildError {
    move |error| ChildError::NotStarted(format!("{what}: {error}"))
}

fn compile_and_load(itself: &str, job: &str) -> Result<(), ChildError> {
    let job: Job =
        serde_json::from_str(job).map_err(|error| ChildError::NotStarted(format!("not started by ansai: {error}")))?;
    if job.load {
        return load(&job);
    }
    confine(&job).map_err(failed("limits"))?;
    let mut component = Vec::new();
    let most = MAX_BYTES as u64;
    std::io::stdin().take(most + 1).read_to_end(&mut component).map_err(failed("standard input"))?;
    let code = precompile(job.memory, &component)?;
    // Without Rust's buffer, whose content `exec` would lose.
    output().and_then(|mut output| output.write_all(&code)).map_err(failed("standard output"))?;
    let next = serde_json::to_string(&Job { load: true, ..job }).map_err(|error| failed("job")(error.into()))?;
    // A new program, because the memory that this one holds would hide what loading takes.
    Err(failed("exec")(Command::new("/proc/self/exe").arg0(itself).arg(itself).arg(next).exec()))
}

/// Loads the code, with the earlier limits and less memory.
fn load(job: &Job) -> Result<(), ChildError> {
    write_stderr(LOADING);
    let code = output().map_err(failed("code"))?;
    let size = code.metadata().map_err(failed("code"))?.len();
    let engine = engine(job.memory)?;
    let own = own_address_space().map_err(failed("limits"))?;
    let most = own.saturating_add(size).saturating_add(job.limits.load_bytes);
    limit(Resource::As, most).map_err(failed("limits"))?;
    end_with(job.parent).map_err(failed("limits"))?;
    match crate::compiled_code::map(&engine, &code) {
        Ok(_) => Ok(()),
        Err(error) => Err(from_wasmtime(&error)),
    }
}

fn output() -> std::io::Result<File> {
    std::io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

fn engine(memory: MemoryInit) -> Result<wasmtime::Engine, ChildError> {
    // Without the pool, which reserves more address space than this process may have; the code is the same.
    wasmtime::Engine::new(&configuration(InstanceAllocation::OnDemand(memory)))
        .map_err(|error| ChildError::NotStarted(format!("the engine: {error:#}")))
}

fn from_wasmtime(error: &wasmtime::Error) -> ChildError {
    let text = format!("{error:#}");
    // When wasmtime reads code that it has written, it has no type for this error.
    let out_of_memory = error.is::<wasmtime::error::OutOfMemory>()
        || error.chain().any(|cause| cause.downcast_ref() == Some(&rustix::io::Errno::NOMEM))
        || text.contains("out of memory");
    if out_of_memory { ChildError::OutOfMemory } else { ChildError::NotAccepted(text) }
}

/// Address space of this process, in bytes.
fn own_address_space() -> std::io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB"));
    let kib: Option<u64> = kib.and_then(|kib| kib.trim().parse().ok());
    Ok(kib.ok_or(std::io::ErrorKind::InvalidData)?.saturating_mul(1 << 10))
}

fn precompile(memory: MemoryInit, component: &[u8]) -> Result<Vec<u8>, ChildError> {
    engine(memory)?.precompile_component(component).map_err(|error| from_wasmtime(&error))
}

/// Sets all limits of this process, before it reads the first byte of the component.
fn confine(job: &Job) -> std::io::Result<()> {
    // When memory is short, the kernel ends this process first. Ignored when /proc is missing.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    rustix::process::setsid()?;
    rustix::process::nice(NICE)?;
    let CompileLimits { memory_bytes, cpu_seconds, wall: _, code_bytes, load_bytes: _ } = job.limits;
    limit(Resource::Core, 0)?;
    limit(Resource::Nofile, OPEN_FILES)?;
    limit(Resource::Fsize, code_bytes)?;
    // At the soft limit the kernel sends SIGXCPU, which names the cause.
    let cpu = Rlimit { current: Some(cpu_seconds), maximum: Some(cpu_seconds.saturating_add(1)) };
    rustix::process::setrlimit(Resource::Cpu, lowered(Resource::Cpu, cpu))?;
    limit(Resource::As, memory_bytes)?;
    rustix::thread::set_no_new_privs(true)?;
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    // Last, since the kernel clears it when credentials change.
    end_with(job.parent)
}

/// Ends this process when its parent ends.
fn end_with(parent: u32) -> std::io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have ended just before.
    match rustix::process::getppid().map(Pid::as_raw_pid) {
        Some(now) if u32::try_from(now) == Ok(parent) => Ok(()),
        _ => Err(std::io::Error::other("the parent has ended")),
    }
}

fn limit(resource: Resource, most: u64) -> std::io::Result<()> {
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    Ok(rustix::process::setrlimit(resource, lowered(resource, limit))?)
}

/// Lowers a limit to the hard limit of this process, which it cannot raise.
fn lowered(resource: Resource, limit: Rlimit) -> Rlimit {
    let hard = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
    Rlimit { current: limit.current.map(|most| most.min(hard)), maximum: limit.maximum.map(|most| most.min(hard)) }
}
