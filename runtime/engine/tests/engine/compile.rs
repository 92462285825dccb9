//! The parent's side of compiling, with children that are shell scripts: none of them is what it should be.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use crate::support::policy;
use ansai_engine::{ChildProgram, CompileError, CompileLimits, Compiler, Engine, LoadError};

/// Loads a policy with this script as its compiler.
fn compiled_by(script: &str, limits: CompileLimits) -> CompileError {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("compiler");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    compiled(&program, limits)
}

fn compiled(program: &Path, limits: CompileLimits) -> CompileError {
    let compiler =
        Compiler::Child(ChildProgram { program: program.to_owned(), argument: "compile".into(), limits: Some(limits) });
    let engine = Engine::new(ansai_host_functions::builtin(), None, compiler).unwrap();
    match engine.load(&policy("", "", "")).map(|_| ()).unwrap_err() {
        LoadError::Compile(error) => {
            assert!(!error.hint().is_empty());
            error
        }
        other => panic!("{other}"),
    }
}

fn limits() -> CompileLimits {
    CompileLimits::of_size(0)
}

#[test]
fn a_child_that_a_signal_ends_is_a_failure_with_the_signal() {
    let error = compiled_by("echo half; kill -KILL $$", limits());
    assert!(matches!(&error, CompileError::Failed(why) if why.contains("signal: 9")), "{error}");
    let error = compiled_by("kill -XCPU $$", limits());
    assert_eq!(error, CompileError::Cpu(limits().cpu_seconds));
    let error = compiled_by("kill -XFSZ $$", limits());
    assert_eq!(error, CompileError::Code(limits().code_bytes));
    let abort = "echo 'memory allocation of 16 bytes failed' >&2; kill -ABRT $$";
    assert_eq!(compiled_by(abort, limits()), CompileError::Memory(limits().memory_bytes));
    let panic = "echo 'panicked at map.rs: unhandled out-of-memory error: 16 bytes' >&2; exit 101";
    assert_eq!(compiled_by(panic, limits()), CompileError::Memory(limits().memory_bytes));
    assert_eq!(
        compiled_by(&format!("printf 'loading: ' >&2; {abort}"), limits()),
        CompileError::Load(limits().load_bytes)
    );
}

#[test]
fn garbage_nothing_and_somebody_elses_code_are_not_used() {
    for script in ["echo garbage", "true", "cat /bin/sh", "cat"] {
        let error = compiled_by(script, limits());
        assert!(matches!(error, CompileError::Unusable(_)), "{script}: {error}");
    }
}

#[test]
fn garbage_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    let program = ChildProgram { program: "/bin/echo".into(), argument: "compile".into(), limits: None };
    let engine = Engine::new(ansai_host_functions::builtin(), Some(&cache), Compiler::Child(program)).unwrap();
    assert!(engine.load(&policy("", "", "")).is_err());
    let files: Vec<_> = std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["key"]);
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let small = CompileLimits { code_bytes: 1 << 20, ..limits() };
    assert_eq!(compiled_by("head -c 3000000 /dev/zero", small), CompileError::Code(1 << 20));
    let wordy = compiled_by("head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 10", limits());
    let CompileError::NotAccepted(words) = wordy else { panic!("{wordy}") };
    assert!(words.starts_with("xxx") && words.chars().count() <= 401, "{}", words.len());
    let rude = compiled_by("printf '\\033[31mred\\nline' >&2; exit 10", limits());
    assert!(rude.to_string().chars().all(|c| !c.is_control()), "{rude:?}");
}

#[test]
fn a_child_that_takes_too_long_is_ended_and_reaped() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let script = format!("echo $$ >{0}.new; mv {0}.new {0}; exec sleep 1000", pid.display());
    let wall = Duration::from_millis(1_500);
    assert_eq!(compiled_by(&script, CompileLimits { wall, ..limits() }), CompileError::Wall(wall));
    let pid = std::fs::read_to_string(pid).unwrap();
    // Not even a zombie.
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "{pid}");
}

#[test]
fn a_child_sees_nothing_of_its_parents_surroundings() {
    let error = compiled_by("{ pwd; export -p; ls /proc/self/fd; } >&2; exit 10", limits());
    let CompileError::NotAccepted(words) = error else { panic!("{error}") };
    assert!(words.starts_with('/') && !words.contains("CARGO") && !words.contains("HOME"), "{words}");
}

#[test]
fn a_program_that_is_not_there_does_not_start() {
    let error = compiled(Path::new("/nonexistent/ansai"), limits());
    assert!(matches!(&error, CompileError::Start(why) if why.contains("No such file")), "{error}");
    let error = compiled_by("echo 'limits: no' >&2; exit 11", limits());
    assert_eq!(error, CompileError::Start("limits: no".into()));
    assert!(!error.is_of_the_component());
    let error = compiled_by("echo 'the compiler panicked' >&2; exit 101", limits());
    assert_eq!(error, CompileError::Failed("the compiler panicked".into()));
}
