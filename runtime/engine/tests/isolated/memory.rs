//! What a worker that was taken over costs the supervisor.

use ansai_core::Limits;

use crate::support::*;
use crate::*;

/// The largest frame is received once, and read as JSON once.
const MOST_KIB: u64 = 32 << 10;

/// The most memory that this process has had since it was asked last time.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Would break: a frame that is kept before it is refused, or calls that are kept without a limit.
pub(crate) async fn attacks_cost_little_memory() {
    let few = Limits { calls: 100, deadline_ms: 1_500, ..limits() };
    let attacks = [
        "gigabyte",
        "half-a-frame",
        "million-calls",
        "over-budget",
        "deep",
        "long-words",
        "many-observations",
        "garbage",
        "twice",
        "dies",
    ];
    // Threads, caches and the compiled component are there afterwards.
    let honest = isolated("honest", &lists());
    assert!(detect(&honest, &few).await.answer.is_ok());
    for attack in attacks {
        let policy = isolated(attack, &lists());
        let before = peak_kib().min(peak_kib());
        let answers = [detect(&policy, &few).await.answer, detect(&policy, &few).await.answer];
        let grown = peak_kib().saturating_sub(before);
        eprintln!("{attack:20} {grown:6} KiB");
        assert!(answers.iter().any(Result::is_err), "{attack}");
        assert!(grown < MOST_KIB, "{attack}: {grown} KiB");
    }
}
