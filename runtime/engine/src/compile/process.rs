//! The parent of the compiler process: starts it, waits for it, ends it, and reads its result.
#![expect(clippy::disallowed_methods, reason = "an adapter to the child process that compiles")]

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::child::{Job, LOADING, NOT_ACCEPTED, NOT_STARTED, OUT_OF_MEMORY, PANICKED};
use super::{ChildProgram, CompileError, CompileLimits};
use crate::compiled_code::{CompiledCode, memory_file};
use crate::memory::MemoryInit;

/// Maximum bytes that are read of the standard error of the child.
const MAX_STDERR_BYTES: u64 = 4 << 10;
/// Maximum characters that a message shows of it.
const MAX_SHOWN: usize = 400;
/// How often the parent checks whether the child has ended: often at first, since a small component takes milliseconds.
const FIRST_POLL: Duration = Duration::from_millis(1);
const MAX_POLL: Duration = Duration::from_millis(10);

/// A child process that is killed and reaped when this value is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // The id stays valid until the child was waited for; after that, `kill` sends nothing.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Standard output and error of the child, as memory files: no thread has to read them, and no pipe can fill up.
struct Streams {
    code: File,
    stderr: File,
}

pub(super) fn compile(
    program: &ChildProgram,
    memory: MemoryInit,
    component: &[u8],
) -> Result<CompiledCode, CompileError> {
    let limits = program.limits.clone().unwrap_or_else(|| CompileLimits::of_size(component.len()));
    let job = Job { parent: std::process::id(), load: false, memory, limits: limits.clone() };
    let (running, mut streams) =
        start(program, component, &job).map_err(|error| CompileError::Start(error.to_string()))?;
    let ended = wait(running, &limits)?;
    let stderr = read_stderr(&mut streams.stderr);
    outcome(ended, &stderr, &limits)?;
    let size = streams.code.metadata().map_or(u64::MAX, |metadata| metadata.len());
    if size > limits.code_bytes {
        return Err(CompileError::Code(limits.code_bytes));
    }
    CompiledCode::seal(streams.code).map_err(|error| CompileError::Unusable(error.to_string()))
}

fn start(program: &ChildProgram, component: &[u8], job: &Job) -> std::io::Result<(Running, Streams)> {
    let mut input = memory_file("component")?;
    input.write_all(component)?;
    input.rewind()?;
    let streams = Streams { code: memory_file("code")?, stderr: memory_file("stderr")? };
    let job = serde_json::to_string(job)?;
    let child = Command::new(&program.program)
        .arg0(&program.argument)
        .arg(&program.argument)
        .arg(job)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(streams.code.try_clone()?))
        .stderr(Stdio::from(streams.stderr.try_clone()?))
        .spawn()?;
    Ok((Running(child), streams))
}

fn wait(mut running: Running, limits: &CompileLimits) -> Result<ExitStatus, CompileError> {
    let until = Instant::now() + limits.wall;
    let mut pause = FIRST_POLL;
    loop {
        match running.0.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() >= until => return Err(CompileError::Wall(limits.wall)),
            Ok(None) => std::thread::sleep(pause),
            Err(error) => return Err(CompileError::Failed(error.to_string())),
        }
        pause = (pause * 2).min(MAX_POLL);
    }
}

fn read_stderr(file: &mut File) -> String {
    let mut text = Vec::new();
    // When it cannot be read, it counts as empty.
    let _ = file.rewind().and_then(|()| file.take(MAX_STDERR_BYTES).read_to_end(&mut text));
    String::from_utf8_lossy(&text).into_owned()
}

/// What the exit status and standard error of the child mean.
fn outcome(ended: ExitStatus, stderr: &str, limits: &CompileLimits) -> Result<(), CompileError> {
    let memory = match stderr.strip_prefix(LOADING) {
        Some(_) => CompileError::Load(limits.load_bytes),
        None => CompileError::Memory(limits.memory_bytes),
    };
    let stderr = stderr.strip_prefix(LOADING).unwrap_or(stderr);
    let shown = || ansai_core::text::inert(stderr.trim(), MAX_SHOWN);
    let code = ended.code().and_then(|code| u8::try_from(code).ok());
    let signal = ended.signal().and_then(Signal::from_named_raw);
    Err(match (code, signal) {
        (Some(0), _) => return Ok(()),
        (Some(NOT_ACCEPTED), _) => CompileError::NotAccepted(shown()),
        (Some(NOT_STARTED), _) => CompileError::Start(shown()),
        (Some(OUT_OF_MEMORY), _) => memory,
        (Some(PANICKED), _) if names_memory(stderr) => memory,
        (Some(PANICKED), _) => CompileError::Failed(shown()),
        (_, Some(Signal::XCPU)) => CompileError::Cpu(limits.cpu_seconds),
        (_, Some(Signal::XFSZ)) => CompileError::Code(limits.code_bytes),
        (_, Some(Signal::ABORT)) if names_memory(stderr) => memory,
        _ if stderr.trim().is_empty() => CompileError::Failed(format!("it ended with {ended}")),
        _ => CompileError::Failed(format!("it ended with {ended}: {}", shown())),
    })
}

/// Whether it is what Rust prints before it aborts without memory, or wasmtime before it panics.
fn names_memory(stderr: &str) -> bool {
    ["memory allocation of", "out-of-memory"].iter().any(|known| stderr.contains(known))
}
