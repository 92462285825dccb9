//! The harness of seeds: the real supervisor over a simulated host, in virtual time. Each seed is a life of some hours with
//! faults, crashes, clock jumps, suspends, reboots, policies that fight, orders of people and mail servers that are away. After it, the audit log is
//! read event by event, and no invariant of [`checks`] may be broken.
//!
//! `ANSAI_SEED=N` runs one seed, `ANSAI_SEEDS=N` so many, from `ANSAI_FIRST_SEED` on. `ANSAI_SEED_SHOW=1` prints the log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests"
)]

mod checks;
mod crash;
#[path = "../../../notify/tests/fixtures/mod.rs"]
#[allow(dead_code, reason = "events of its own tests")]
mod fixtures;
mod guest;
mod life;
mod mail;
#[path = "../../../notify/tests/outbox_seeds/model.rs"]
mod receiver;
mod sabotage;
mod setup;

use std::time::Instant;

use crate::life::Life;
use crate::sabotage::Sabotage;

/// How many seeds a plain run tries.
const USUAL: u64 = 1_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

fn seeds() -> Vec<u64> {
    match number("ANSAI_SEED") {
        Some(seed) => vec![seed],
        None => {
            let first = number("ANSAI_FIRST_SEED").unwrap_or(0);
            (first..first + number("ANSAI_SEEDS").unwrap_or(USUAL)).collect()
        }
    }
}

/// Would break: any of the guarantees that [`sabotage`] takes away.
#[test]
fn no_seed_breaks_an_invariant_even() {
    try_seeds(0);
}

/// The other half: virtual time is one for each process, so two processes use two cores.
#[test]
fn no_seed_breaks_an_invariant_odd() {
    try_seeds(1);
}

/// Tries the seeds that are even, or odd.
fn try_seeds(remainder: u64) {
    let (mut seeds, began) = (seeds(), Instant::now());
    seeds.retain(|seed| seed % 2 == remainder);
    let mut lived = life::Totals::default();
    for seed in &seeds {
        let ended = Life::new(*seed, None).live();
        lived.add(&ended.totals);
        if std::env::var_os("ANSAI_SEED_SHOW").is_some() {
            ended.show();
        }
        assert!(
            ended.broken.is_empty(),
            "seed {seed} breaks {}:\n  {}\nto see it again:\n  ANSAI_SEED={seed} cargo nextest run --release \
             -p ansai-supervisor --test seeds no_seed_breaks_an_invariant\n",
            ended.setup(),
            ended.broken.join("\n  "),
        );
    }
    eprintln!("{} seeds in {:.1} s: {lived}", seeds.len(), began.elapsed().as_secs_f64());
    if seeds.len() >= 200 {
        lived.check();
    }
}

/// Would break: an invariant that nothing can break.
#[test]
fn every_invariant_notices_that_its_guarantee_is_gone() {
    for (sabotage, invariant) in Sabotage::ALL {
        let breaks = |seed: &u64| {
            let broken = Life::new(*seed, Some(sabotage)).live().broken;
            broken.iter().any(|how| how.starts_with(invariant))
        };
        let found = (0..100).find(breaks);
        assert!(found.is_some(), "nothing notices {sabotage:?}");
        eprintln!("{sabotage:?}: seed {} breaks \"{invariant}\"", found.unwrap());
    }
}
