//! The child's side: limit itself, read a component from standard input, compile it, write the code to standard output.
//! Then it begins anew, as the same process, and loads that code as the parent is going to, but with little memory: what
//! compiles to a heap of tables would otherwise be unfolded in the parent.
#![expect(clippy::disallowed_methods, reason = "an adapter to this process's own entries in /proc, and to its program")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};
use serde::{Deserialize, Serialize};

use super::CompileLimits;
use crate::component::MOST_BYTES;
use crate::engine::{Guests, configuration};
use crate::memory::Memory;

/// Exit code: the component is not accepted; standard error says why.
pub(super) const NOT_ACCEPTED: u8 = 10;
/// Exit code: the limits, standard input or standard output; standard error says why.
pub(super) const NOT_STARTED: u8 = 11;
/// Exit code: out of memory, and told in an orderly way.
pub(super) const OUT_OF_MEMORY: u8 = 12;
/// Exit code of a panic.
pub(super) const PANICKED: u8 = 101;

/// What standard error begins with once the code is there and is being loaded.
pub(super) const LOADING: &str = "loading: ";

/// Standard input, output and error, and what is opened for a moment.
const OPEN_FILES: u64 = 16;
/// Behind what this host does; not so far behind that a busy host never gets there.
const NICE: i32 = 5;

/// What the parent asks for, as the child's one argument.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    /// Without this parent the child ends.
    pub(super) parent: u32,
    /// The component is compiled already.
    pub(super) load: bool,
    /// How its guests are to have it.
    pub(super) memory: Memory,
    pub(super) limits: CompileLimits,
}

enum Refused {
    NotAccepted(String),
    NotStarted(String),
    OutOfMemory,
}

/// Compiles what comes by standard input, as [`super::Compiler::Child`] asks for with the arguments `itself` and `job`;
/// answers the exit code. To be called before the program has done anything else: no thread runs, nothing is open.
pub fn run(itself: &str, job: &str) -> u8 {
    let (code, why) = match compile_and_load(itself, job) {
        Ok(()) => return 0,
        Err(Refused::NotAccepted(why)) => (NOT_ACCEPTED, why),
        Err(Refused::NotStarted(why)) => (NOT_STARTED, why),
        Err(Refused::OutOfMemory) => (OUT_OF_MEMORY, String::new()),
    };
    say(&why);
    code
}

/// Nobody may listen any more.
fn say(words: &str) {
    let _ = std::io::stderr().write_all(words.as_bytes());
}

fn failed(what: &'static str) -> impl Fn(std::io::Error) -> Refused {
    move |error| Refused::NotStarted(format!("{what}: {error}"))
}

fn compile_and_load(itself: &str, job: &str) -> Result<(), Refused> {
    let job: Job =
        serde_json::from_str(job).map_err(|error| Refused::NotStarted(format!("not started by ansai: {error}")))?;
    if job.load {
        return load(&job);
    }
    confine(&job).map_err(failed("limits"))?;
    let mut component = Vec::new();
    let most = MOST_BYTES as u64;
    std::io::stdin().take(most + 1).read_to_end(&mut component).map_err(failed("standard input"))?;
    let code = precompile(job.memory, &component)?;
    // Not through Rust's buffer, which what follows would forget.
    output().and_then(|mut output| output.write_all(&code)).map_err(failed("standard output"))?;
    let next = serde_json::to_string(&Job { load: true, ..job }).map_err(|error| failed("job")(error.into()))?;
    // What this process holds by now would hide what loading takes.
    Err(failed("the second part")(Command::new("/proc/self/exe").arg0(itself).arg(itself).arg(next).exec()))
}

/// With the limits of before, which stay, and less memory.
fn load(job: &Job) -> Result<(), Refused> {
    say(LOADING);
    let code = output().map_err(failed("code"))?;
    let size = code.metadata().map_err(failed("code"))?.len();
    let engine = engine(job.memory)?;
    let own = own_address_space().map_err(failed("limits"))?;
    let most = own.saturating_add(size).saturating_add(job.limits.load_bytes);
    limit(Resource::As, most).map_err(failed("limits"))?;
    end_with(job.parent).map_err(failed("limits"))?;
    match crate::compiled_code::map(&engine, &code) {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(&error)),
    }
}

fn output() -> std::io::Result<File> {
    std::io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

fn engine(memory: Memory) -> Result<wasmtime::Engine, Refused> {
    // Without the pool, which wants more addresses than this process may have; the code is the same.
    wasmtime::Engine::new(&configuration(Guests::Unpooled(memory)))
        .map_err(|error| Refused::NotStarted(format!("the engine: {error:#}")))
}

fn refused(error: &wasmtime::Error) -> Refused {
    let words = format!("{error:#}");
    // Where wasmtime reads what it has written, it has only words for it.
    let out_of_memory = error.is::<wasmtime::error::OutOfMemory>()
        || error.chain().any(|cause| cause.downcast_ref() == Some(&rustix::io::Errno::NOMEM))
        || words.contains("out of memory");
    if out_of_memory { Refused::OutOfMemory } else { Refused::NotAccepted(words) }
}

/// In bytes.
fn own_address_space() -> std::io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB"));
    let kib: Option<u64> = kib.and_then(|kib| kib.trim().parse().ok());
    Ok(kib.ok_or(std::io::ErrorKind::InvalidData)?.saturating_mul(1 << 10))
}

fn precompile(memory: Memory, component: &[u8]) -> Result<Vec<u8>, Refused> {
    engine(memory)?.precompile_component(component).map_err(|error| refused(&error))
}

/// Everything that keeps this process small, each before the first byte of the component is read.
fn confine(job: &Job) -> std::io::Result<()> {
    // When memory is short, this process goes before any other. Without /proc it takes its chances.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    rustix::process::setsid()?;
    rustix::process::nice(NICE)?;
    let CompileLimits { memory_bytes, cpu_seconds, wall: _, code_bytes, load_bytes: _ } = job.limits;
    limit(Resource::Core, 0)?;
    limit(Resource::Nofile, OPEN_FILES)?;
    limit(Resource::Fsize, code_bytes)?;
    // At the first of the two SIGXCPU comes, which says what it was.
    let cpu = Rlimit { current: Some(cpu_seconds), maximum: Some(cpu_seconds.saturating_add(1)) };
    rustix::process::setrlimit(Resource::Cpu, lowered(Resource::Cpu, cpu))?;
    limit(Resource::As, memory_bytes)?;
    rustix::thread::set_no_new_privs(true)?;
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    // Last, since the kernel forgets it with a change of credentials.
    end_with(job.parent)
}

/// This process ends when its parent does.
fn end_with(parent: u32) -> std::io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have ended just before.
    match rustix::process::getppid().map(Pid::as_raw_pid) {
        Some(now) if u32::try_from(now) == Ok(parent) => Ok(()),
        _ => Err(std::io::Error::other("the parent has ended")),
    }
}

fn limit(resource: Resource, most: u64) -> std::io::Result<()> {
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    Ok(rustix::process::setrlimit(resource, lowered(resource, limit))?)
}

/// What this process was given may be less, and cannot be raised.
fn lowered(resource: Resource, limit: Rlimit) -> Rlimit {
    let hard = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
    Rlimit { current: limit.current.map(|most| most.min(hard)), maximum: limit.maximum.map(|most| most.min(hard)) }
}
