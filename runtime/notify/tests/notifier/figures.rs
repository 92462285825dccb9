//! Figures, not a test: how long a message takes with many queued, and what a long queue costs at the start.

use std::sync::Arc;
use std::time::Instant;

use ansai_notify::channel::Receipt;
use ansai_notify::outbox::{Capacity, Outbox};
use ansai_notify::tell::Heard;

use crate::support::{Scene, at, escalated, opened, teller};

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

fn fill(outbox: &Arc<Outbox>, from: u64, number: u64) {
    let teller = teller(outbox.clone(), vec!["mail".into()]);
    for first in (from..from + number).step_by(8) {
        let heard: Vec<Heard> = (first..first + 8)
            .flat_map(|one| {
                let id = format!("disk{one}");
                [opened(&id), escalated(&id)].into_iter().zip([one * 2 + 1, one * 2 + 2])
            })
            .map(|(event, sequence)| Heard { sequence, at: at(), event })
            .collect();
        teller.hear(&heard, at()).unwrap();
        // Eight groups are ready: each is a message of its own.
        teller.flush(at(), false).unwrap();
    }
}

#[test]
#[ignore = "run by name: it measures for minutes"]
fn a_long_queue() {
    let scene = Scene::new();
    // Kept for a measurement of the whole program.
    let kept = std::env::var_os("ANSAI_FIGURES_DATABASE").map(std::path::PathBuf::from);
    let file = kept.unwrap_or_else(|| scene.path().join("notify.db"));
    let open = || Arc::new(Outbox::open(&file, Capacity::default(), || false).unwrap());
    let outbox = open();
    outbox.set_place(0).unwrap();
    fill(&outbox, 0, 1_000);
    let teller = teller(outbox.clone(), vec!["mail".into()]);
    let mut times: Vec<_> = (0..200_u64)
        .map(|one| {
            let began = Instant::now();
            let (id, sequence) = (format!("new{one}"), 1_000_000 + one * 2);
            let heard = [opened(&id), escalated(&id)].into_iter().zip(sequence..);
            let heard: Vec<Heard> = heard.map(|(event, sequence)| Heard { sequence, at: at(), event }).collect();
            teller.hear(&heard, at()).unwrap();
            teller.flush(at(), false).unwrap();
            let picked = outbox.begin("mail", at()).unwrap().unwrap();
            teller.conclude(&picked.message.id, &Ok(Receipt { answer: String::new() }), at()).unwrap();
            began.elapsed()
        })
        .collect();
    times.sort();
    println!("1,000 queued: event to stored end, without the channel: p50 {:?}, p99 {:?}", times[100], times[198]);
    fill(&outbox, 2_000_000, 99_000);
    println!("queued: {}", outbox.status(&[]).unwrap().channels[0].waiting);
    drop((teller, outbox));
    let (before, began) = (resident_kib(), Instant::now());
    let outbox = open();
    outbox.recover().unwrap();
    let picked = outbox.begin("mail", at()).unwrap().unwrap();
    println!(
        "100,000 queued: open to first message {:?}, {} KiB more",
        began.elapsed(),
        resident_kib().saturating_sub(before)
    );
    drop(picked);
}
