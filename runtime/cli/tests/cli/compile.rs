//! Compiling what was made to be hard to compile, by the real binary as the child.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ansai_engine::{ChildProgram, CompileError, CompileLimits, Compiler, Engine, LoadError};

use crate::bombs;
use crate::support::*;

const MIB: u64 = 1 << 20;

/// Enough for a small policy, and soon at an end.
fn low() -> CompileLimits {
    CompileLimits { memory_bytes: 512 * MIB, cpu_seconds: 4, ..CompileLimits::of_size(64 << 20) }
}

fn load(component: &[u8], limits: CompileLimits) -> Result<(), LoadError> {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_ansai"));
    let compiler =
        Compiler::Child(ChildProgram { program, argument: "compile-component".into(), limits: Some(limits) });
    Engine::new(ansai_host_functions::builtin(), None, compiler).unwrap().load(component).map(|_| ())
}

fn refused(component: &[u8], limits: CompileLimits) -> CompileError {
    match load(component, limits).unwrap_err() {
        LoadError::Compile(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn each_limit_ends_the_child_by_its_name() {
    let ordinary = quiet("p");
    load(&ordinary, low()).unwrap();
    // What is not the limit in question is far.
    let memory = CompileLimits { memory_bytes: 300 * MIB, cpu_seconds: 120, ..low() };
    assert_eq!(refused(&bombs::parameters(1_000_000), memory), CompileError::Memory(300 * MIB));
    let cpu = CompileLimits { cpu_seconds: 1, memory_bytes: 8 * 1024 * MIB, ..low() };
    assert_eq!(refused(&bombs::loops(500_000), cpu), CompileError::Cpu(1));
    let wall = Duration::from_millis(300);
    assert_eq!(refused(&bombs::loops(500_000), CompileLimits { wall, ..low() }), CompileError::Wall(wall));
    let code = CompileLimits { code_bytes: MIB, ..low() };
    assert_eq!(refused(&bombs::tables(4), code), CompileError::Code(MIB));
    let loading = CompileLimits { load_bytes: 16 * MIB, ..low() };
    assert_eq!(refused(&bombs::tables(10), loading), CompileError::Load(16 * MIB));
    // And none of that is in the way of what is ordinary.
    load(&ordinary, low()).unwrap();
}

#[test]
fn what_the_compiler_does_not_take_is_refused_in_its_words() {
    let error = refused(&bombs::br_table(5_000_000), low());
    assert!(matches!(&error, CompileError::NotAccepted(why) if why.contains("br_table")), "{error}");
    let error = refused(&bombs::pairs(40), low());
    assert!(matches!(&error, CompileError::NotAccepted(why) if why.contains("type size")), "{error}");
    let error = refused(&bombs::lists(5_000), low());
    assert!(matches!(&error, CompileError::NotAccepted(why) if why.contains("nesting")), "{error}");
}

#[test]
fn every_bomb_ends_by_its_name() {
    // Which of two limits is met first would depend on the machine: each has one that is far, and one that is near.
    let memory = &CompileLimits { cpu_seconds: 120, ..low() };
    let processor = &CompileLimits { cpu_seconds: 1, memory_bytes: 8 << 30, ..low() };
    let bombs: [(&str, Vec<u8>, &CompileLimits, &str); 14] = [
        ("harmless", bombs::harmless(), memory, "`detect` of `the policy`"),
        ("functions", bombs::functions(300_000), processor, "processor time"),
        ("blocks", bombs::blocks(2_500_000), memory, "memory"),
        ("loops", bombs::loops(20_000), processor, "processor time"),
        ("locals", bombs::locals(10_000), processor, "processor time"),
        ("parameters", bombs::parameters(3_000_000), memory, "memory"),
        ("types", bombs::types(100_000), processor, "processor time"),
        ("tables", bombs::tables(100), memory, "memory"),
        ("lists", bombs::lists(90), memory, "list<list<"),
        ("pairs", bombs::pairs(16), memory, "tuple{tuple{"),
        ("records", bombs::records(6, 7), memory, "record{f0: record{"),
        ("deep records", bombs::records(60, 300), memory, "type size"),
        ("components", bombs::components(5_000), memory, "levels of nested components"),
        ("imports", bombs::imports(200_000), memory, "more than 256 imports"),
    ];
    for (name, component, limits, words) in &bombs {
        let error = load(component, (*limits).clone()).unwrap_err();
        assert!(!error.hint().is_empty(), "{name}");
        let error = error.to_string();
        assert!(error.len() < 2_000 && error.contains(words), "{name}: {error}");
    }
}

/// Bytes resident at most, up to now.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")).unwrap();
    line.trim().parse::<u64>().unwrap() << 10
}

/// Killed and waited for, whatever the test does.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn eventually<T>(what: impl FnMut() -> Option<T>) -> T {
    ansai_harness::until("the child gets there", Duration::from_secs(120), what)
}

/// The child's second argument.
fn job(parent: &str) -> String {
    let limits = serde_json::to_string(&low()).unwrap();
    format!(r#"{{"parent":{parent},"load":false,"memory":"copied","limits":{limits}}}"#)
}

#[test]
fn the_child_limits_itself_before_it_reads() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ansai"));
    command.args(["compile-component", &job(&std::process::id().to_string())]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = Guarded(command.spawn().unwrap());
    let proc = PathBuf::from(format!("/proc/{}", child.0.id()));
    let read = |name: &str| std::fs::read_to_string(proc.join(name)).unwrap();
    // Not a byte was written to it: it waits, and everything is as it will be.
    let status = eventually(|| Some(read("status")).filter(|status| status.contains("NoNewPrivs:\t1")));
    eventually(|| read("wchan").contains("pipe").then_some(()));
    assert!(status.contains("CapPrm:\t0000000000000000"), "{status}");
    let limits = read("limits");
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    let both = |value: u64| vec![value.to_string(), value.to_string()];
    assert_eq!(limit("Max address space"), both(512 * MIB));
    assert_eq!(limit("Max cpu time"), ["4", "5"]);
    assert_eq!(limit("Max file size"), both(256 * MIB));
    assert_eq!(limit("Max core file size"), both(0));
    assert_eq!(limit("Max open files"), both(16));
    assert_eq!(read("oom_score_adj").trim(), "1000");
    let stat = stat(&child.0.id().to_string());
    assert_eq!(stat[3], i64::from(child.0.id()), "a session of its own");
    assert_eq!(stat[16], (self::stat("self")[16] + 5).min(19), "behind its parent");
    assert_eq!(stat[17], 1, "one thread");
}

/// The fields of `/proc/PID/stat` after the state.
fn stat(process: &str) -> Vec<i64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    fields.map(|field| field.parse().unwrap_or_default()).collect()
}

#[test]
fn the_child_ends_with_its_parent() {
    let place = Scene::new();
    let fifo = place.path("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
        .unwrap();
    // Held open: the child waits for a component that never comes.
    let _open = std::fs::File::options().read(true).write(true).open(&fifo).unwrap();
    let script = r#""$0" compile-component "$(echo "$1" | sed "s/PARENT/$$/")" <"$2" & echo $! >"$2.pid"; wait"#;
    let mut parent = Command::new("sh");
    parent.args(["-c", script, env!("CARGO_BIN_EXE_ansai"), &job("PARENT")]).arg(&fifo);
    let mut parent = Guarded(parent.spawn().unwrap());
    let pid = place.path("fifo.pid");
    let pid = eventually(|| std::fs::read_to_string(&pid).ok()?.trim().parse::<u32>().ok());
    let status = || std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    eventually(|| status().contains("NoNewPrivs:\t1").then_some(()));
    eventually(|| std::fs::read_to_string(format!("/proc/{pid}/wchan")).ok()?.contains("pipe").then_some(()));
    parent.0.kill().unwrap();
    parent.0.wait().unwrap();
    // Whoever inherits it may not have looked after it yet.
    eventually(|| (status().is_empty() || status().contains("State:\tZ")).then_some(()));
}

#[test]
fn the_child_does_not_work_for_anybody_else() {
    let mut command = command(std::path::Path::new("/"), &["compile-component", &job("1")]);
    let ran = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(ran.status.code(), Some(11));
    assert!(String::from_utf8(ran.stderr).unwrap().contains("the parent has ended"));
    assert!(!ansai(&["--help"]).stdout.contains("compile-component"));
}

/// Bombs that end soon even within the limits of every day.
fn place_with_bombs() -> Scene {
    let place = Scene::new();
    let bombs = [
        ("br-table", bombs::br_table(5_000_000)),
        ("pairs", bombs::pairs(16)),
        ("parameters", bombs::parameters(3_000_000)),
        ("tables", bombs::tables(3)),
    ];
    for (name, bomb) in bombs {
        place.policy(name, &with_sections(bomb, &manifest(name, SEES), None));
    }
    place.policy("good", &quiet("good"));
    place
}

#[test]
fn the_others_run_and_each_bomb_is_named() {
    let place = place_with_bombs();
    let ran = place.ansai(&["run", "policies", "--once"]).code(2).says("good: nothing to check on this host");
    let ran = ran.complains("br-table.wasm: the component cannot be compiled").complains("`br_table`");
    let ran = ran.complains("parameters.wasm: compiling the component needs more than 896 MiB of memory");
    let ran = ran.complains("tables.wasm: loading the compiled component needs more than 9 MiB of memory");
    ran.complains("hint: build a smaller component")
        .complains("pairs.wasm: `list-filesystems` of `ansai:disk/disk-probe@0.2.0`");
    let json = place.ansai(&["run", "policies", "--once", "--format", "json"]).code(2).json();
    assert_eq!(json["instances"][0]["instance"], "good", "{json:#}");
    let not_loaded: Vec<_> = json["not_loaded"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(not_loaded, ["br-table", "pairs", "parameters", "tables"]);
    // The other commands that compile.
    place.ansai(&["check", "policies/tables"]).code(2).complains("needs more than 9 MiB of memory");
    place.ansai(&["test", "policies/tables"]).code(2).complains("needs more than 9 MiB of memory");
    place.ansai(&["inspect", "policies/tables"]).code(0);
}

#[test]
fn the_daemon_stays_small_and_leaves_no_child() {
    let grown = {
        let alone = Scene::new();
        alone.policy("good", &quiet("good"));
        let small = daemon_peak(&alone);
        daemon_peak(&place_with_bombs()).saturating_sub(small)
    };
    // The components themselves are 11 MB.
    assert!(grown < 64 * MIB, "grown by {grown} bytes");
}

/// What the daemon needed until it had looked once.
fn daemon_peak(place: &Scene) -> u64 {
    let state = place.path("state");
    let mut command = command(place.root(), &["--state-dir", state.to_str().unwrap(), "run", "policies"]);
    let mut daemon = Guarded(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut line = String::new();
    let mut output = std::io::BufReader::new(daemon.0.stdout.take().unwrap());
    while !line.contains("started") {
        line.clear();
        assert_ne!(std::io::BufRead::read_line(&mut output, &mut line).unwrap(), 0, "it ended");
    }
    let pid = daemon.0.id();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let children = std::fs::read_to_string(task.unwrap().path().join("children")).unwrap();
        for child in children.split_whitespace() {
            // The worker that runs the code of the policies stays; what compiles does not.
            let arguments = std::fs::read_to_string(format!("/proc/{child}/cmdline")).unwrap_or_default();
            assert!(arguments.is_empty() || arguments.contains("guest-worker"), "{arguments}");
        }
    }
    peak(pid)
}
