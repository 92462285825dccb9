//! Selects the seeds, and prints the seed of a failure.

use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The seed that every run uses.
const FIXED: u64 = 1;

/// A test with the fixed seed, the seed of `ANSAI_FUZZ_SEED`, and new seeds for `ANSAI_FUZZ_SECONDS`.
pub(crate) fn rounds(name: &str, round: impl Fn(u64)) {
    let said = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let (asked, seconds) = (said("ANSAI_FUZZ_SEED"), said("ANSAI_FUZZ_SECONDS"));
    for seed in [Some(FIXED), asked].into_iter().flatten() {
        one(name, seed, &round);
    }
    let Some(limit) = seconds.map(Duration::from_secs) else { return };
    let began = Instant::now();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let first = asked.unwrap_or(now) + 1;
    for seed in first.. {
        if began.elapsed() >= limit {
            println!("{name}: seeds {first} to {}, without fault", seed - 1);
            return;
        }
        one(name, seed, &round);
    }
}

fn one(name: &str, seed: u64, round: &impl Fn(u64)) {
    let ended = catch_unwind(AssertUnwindSafe(|| round(seed)));
    assert!(ended.is_ok(), "{name}: it is ANSAI_FUZZ_SEED={seed} that fails, see above");
}

/// One case of a round. If it panics, prints its number.
pub(crate) fn case<T>(index: usize, run: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(done) => done,
        Err(_) => panic!("case {index} panicked, see above"),
    }
}

/// The generator's output for a seed.
pub(crate) fn generated(what: &str, seed: u64, count: usize, shape: Option<&Path>) -> Vec<Vec<u8>> {
    let mut command = Command::new(ansai_fuzz::GENERATOR);
    command.arg(what).arg(seed.to_string()).arg(count.to_string()).args(shape);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("the generator");
    let mut output = child.stdout.take().expect("its output");
    let mut all = Vec::with_capacity(count);
    let mut length = [0; 4];
    while output.read_exact(&mut length).is_ok() {
        let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
        output.read_exact(&mut bytes).expect("all of it");
        all.push(bytes);
    }
    assert!(child.wait().expect("the generator").success() && all.len() == count, "the generator failed");
    all
}
