//! The parent's side: start the child, wait for it, end it, and say what came of it.
#![expect(clippy::disallowed_methods, reason = "an adapter to the child process that compiles")]

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::child::{Job, LOADING, NOT_ACCEPTED, NOT_STARTED, OUT_OF_MEMORY, PANICKED};
use super::{ChildProgram, CompileError, CompileLimits};
use crate::compiled_code::{Code, memory_file};
use crate::memory::Memory;

/// What is read of the child's last words.
const WORDS: u64 = 4 << 10;
/// What is shown of them.
const SHOWN: usize = 400;
/// How often a child is asked whether it has ended: soon at first, since a small component takes milliseconds.
const SOON: Duration = Duration::from_millis(1);
const LATER: Duration = Duration::from_millis(10);

/// A child that does not outlive this value, and leaves no zombie.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Its id is its own until it was waited for; one that was is not signalled again.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Three files in memory stand for the child's standard streams: there is nobody to wait for, nothing to overflow.
struct Streams {
    code: File,
    words: File,
}

pub(super) fn compile(program: &ChildProgram, memory: Memory, component: &[u8]) -> Result<Code, CompileError> {
    let limits = program.limits.clone().unwrap_or_else(|| CompileLimits::of_size(component.len()));
    let job = Job { parent: std::process::id(), load: false, memory, limits: limits.clone() };
    let (running, mut streams) =
        start(program, component, &job).map_err(|error| CompileError::Start(error.to_string()))?;
    let ended = wait(running, &limits)?;
    let words = last_words(&mut streams.words);
    outcome(ended, &words, &limits)?;
    let size = streams.code.metadata().map_or(u64::MAX, |metadata| metadata.len());
    if size > limits.code_bytes {
        return Err(CompileError::Code(limits.code_bytes));
    }
    Code::seal(streams.code).map_err(|error| CompileError::Unusable(error.to_string()))
}

fn start(program: &ChildProgram, component: &[u8], job: &Job) -> std::io::Result<(Running, Streams)> {
    let mut input = memory_file("component")?;
    input.write_all(component)?;
    input.rewind()?;
    let streams = Streams { code: memory_file("code")?, words: memory_file("words")? };
    let job = serde_json::to_string(job)?;
    let child = Command::new(&program.program)
        .arg0(&program.argument)
        .arg(&program.argument)
        .arg(job)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(streams.code.try_clone()?))
        .stderr(Stdio::from(streams.words.try_clone()?))
        .spawn()?;
    Ok((Running(child), streams))
}

fn wait(mut running: Running, limits: &CompileLimits) -> Result<ExitStatus, CompileError> {
    let until = Instant::now() + limits.wall;
    let mut pause = SOON;
    loop {
        match running.0.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() >= until => return Err(CompileError::Wall(limits.wall)),
            Ok(None) => std::thread::sleep(pause),
            Err(error) => return Err(CompileError::Failed(error.to_string())),
        }
        pause = (pause * 2).min(LATER);
    }
}

fn last_words(file: &mut File) -> String {
    let mut words = Vec::new();
    // What cannot be read was not said.
    let _ = file.rewind().and_then(|()| file.take(WORDS).read_to_end(&mut words));
    String::from_utf8_lossy(&words).into_owned()
}

/// What the end of the child means.
fn outcome(ended: ExitStatus, words: &str, limits: &CompileLimits) -> Result<(), CompileError> {
    let memory = match words.strip_prefix(LOADING) {
        Some(_) => CompileError::Load(limits.load_bytes),
        None => CompileError::Memory(limits.memory_bytes),
    };
    let words = words.strip_prefix(LOADING).unwrap_or(words);
    let shown = || ansai_core::text::inert(words.trim(), SHOWN);
    let code = ended.code().and_then(|code| u8::try_from(code).ok());
    let signal = ended.signal().and_then(Signal::from_named_raw);
    Err(match (code, signal) {
        (Some(0), _) => return Ok(()),
        (Some(NOT_ACCEPTED), _) => CompileError::NotAccepted(shown()),
        (Some(NOT_STARTED), _) => CompileError::Start(shown()),
        (Some(OUT_OF_MEMORY), _) => memory,
        (Some(PANICKED), _) if tell_of_memory(words) => memory,
        (Some(PANICKED), _) => CompileError::Failed(shown()),
        (_, Some(Signal::XCPU)) => CompileError::Cpu(limits.cpu_seconds),
        (_, Some(Signal::XFSZ)) => CompileError::Code(limits.code_bytes),
        (_, Some(Signal::ABORT)) if tell_of_memory(words) => memory,
        _ if words.trim().is_empty() => CompileError::Failed(format!("it ended with {ended}")),
        _ => CompileError::Failed(format!("it ended with {ended}: {}", shown())),
    })
}

/// What Rust says before it aborts for want of memory, and wasmtime before it panics.
fn tell_of_memory(words: &str) -> bool {
    ["memory allocation of", "out-of-memory"].iter().any(|known| words.contains(known))
}
