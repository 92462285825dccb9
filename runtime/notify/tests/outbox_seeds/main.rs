//! A thousand runs with made-up faults: crashes at every point, servers that refuse, hang up or do not answer, clocks that
//! jump. A model of the receivers says what must hold whatever happens.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "../fixtures/mod.rs"]
mod fixtures;
mod model;
mod world;

use world::World;

/// Would break: a notice that is lost or told twice, a message that is sent again without its mark, and news of an incident
/// that overtake each other.
#[test]
fn nothing_is_lost_or_told_twice_and_the_order_of_an_incident_is_kept() {
    let seeds: Vec<u64> = match std::env::var("ANSAI_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (1..=1_000).collect(),
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    let chunk = seeds.len().div_ceil(threads);
    let totals: Vec<world::Totals> = std::thread::scope(|scope| {
        let running: Vec<_> = seeds
            .chunks(chunk)
            .map(|seeds| scope.spawn(|| seeds.iter().map(|seed| World::new(*seed).run()).sum::<world::Totals>()))
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let total: world::Totals = totals.into_iter().sum();
    // Faults that never happened show nothing.
    assert!(seeds.len() == 1 || total.has_seen_all(), "{total:?}");
}
