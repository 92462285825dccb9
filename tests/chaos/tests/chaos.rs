//! The board lists every fault, and three fast faults really happen and are healed on real hosts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use ansai_chaos::board;
use ansai_chaos::contender::Contender;
use ansai_chaos::fault::FAULTS;
use ansai_chaos::figures;
use ansai_harness::{Invocation, Ran, binary, requires_root};
use rustix::process::Signal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_ansai-chaos");

fn chaos(arguments: &[&str]) -> Invocation {
    // Hosts boot from base trees in the user's cache.
    Invocation::of(PROGRAM).args(arguments).env("HOME", std::env::var("HOME").unwrap())
}

/// Would break: a fault that is added and not measured, a row of a void run.
#[test]
fn the_board_has_one_row_for_every_fault_and_contender() {
    let page = std::fs::read_to_string(binary::repository().join("policies/README.md")).unwrap();
    let rows = board::rows(&page).unwrap();
    let found: Vec<(&str, &str)> = rows.iter().map(|row| (&*row[0], &*row[1])).collect();
    let expected: Vec<(&str, &str)> =
        FAULTS.iter().flat_map(|fault| Contender::ALL.map(|contender| (fault.name, contender.title()))).collect();
    assert_eq!(found, expected, "run `make chaos`");
    for row in &rows {
        let is_time = |cell: &str| cell == "no" || cell.ends_with(" s") || cell.ends_with(" h");
        assert!(is_time(&row[2]) && is_time(&row[3]), "neither a time nor `no`: {row:?}");
    }
}

/// Would break: figures in an index that are not those of the board, a row of ansai without figures.
#[test]
fn the_figures_for_the_index_are_those_of_the_board() {
    let page = binary::repository().join("policies/README.md");
    if std::env::var_os("ANSAI_WRITE_REFERENCE").is_some() {
        figures::write(&page).unwrap();
    }
    let expected = figures::of_page(&std::fs::read_to_string(&page).unwrap()).unwrap();
    let found = std::fs::read_to_string(page.with_file_name(figures::FILE)).unwrap();
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found, expected, "ANSAI_WRITE_REFERENCE=1 writes it");
    let figures: Vec<&str> =
        found["faults"].as_array().unwrap().iter().map(|one| one["fault"].as_str().unwrap()).collect();
    // A void run has none.
    let rows = board::rows(&std::fs::read_to_string(&page).unwrap()).unwrap();
    let rows = rows.iter().filter(|row| row[1] == Contender::Ansai.title() && row[2] != "void");
    assert_eq!(figures, rows.map(|row| &*row[0]).collect::<Vec<_>>());
}

#[test]
fn every_fault_has_its_steps_and_every_step_its_fault() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("site/faults");
    let files: BTreeSet<String> =
        directory.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let known: BTreeSet<String> = FAULTS
        .iter()
        .map(|fault| fault.name.to_owned())
        .chain(["idle", "idle-least", "normal-life"].map(str::to_owned))
        .collect();
    assert_eq!(files, known);
    let ran = chaos(&["--list"]).run().code(0);
    assert_eq!(ran.stdout.lines().count(), FAULTS.len(), "{ran}");
    chaos(&["no-such-fault"]).run().code(1).complains("`no-such-fault` is no fault");
}

/// The cells of a fault with ansai.
fn row<'a>(ran: &'a Ran, fault: &str) -> Vec<&'a str> {
    let line = ran.stdout.lines().find(|line| line.starts_with(&format!("{fault} | ansai |")));
    line.unwrap_or_else(|| panic!("no row of {fault}: {ran}")).split(" | ").collect()
}

/// What a run has left, or has not yet removed: directories of hosts, and processes that use them.
fn traces(place: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().path().display().to_string();
    let below = place.display().to_string();
    let command = |entry: std::fs::DirEntry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " ")).filter(|line| line.contains(&below))
    };
    let processes = Path::new("/proc").read_dir().unwrap().flatten().filter_map(command);
    place.read_dir().unwrap().map(name).filter(|path| path.contains("ansai-")).chain(processes).collect()
}

/// Would break: a fault that does not happen, a policy that no longer heals it, damage beside it, something that is left.
#[test]
fn systemd_three_faults_happen_and_are_healed_without_damage() {
    if !requires_root() {
        return;
    }
    let faults = ["process-kill", "disk-fill", "inode-fill"];
    let options = ["--hurried", "--with", "ansai"];
    let place = tempfile::tempdir().unwrap();
    let ran = chaos(&[options.as_slice(), &faults].concat()).env("TMPDIR", place.path());
    let ran = ran.limit(Duration::from_secs(120)).run().code(0);
    for fault in faults {
        let row = row(&ran, fault);
        assert!(row[2].ends_with(" s") && row[3].ends_with(" s"), "{ran}");
        assert_eq!(row[4..], ["none", "none"], "{ran}");
    }
    assert_eq!(traces(place.path()), [""; 0]);
}

/// Would break: hosts and mounts that stay after ^C.
#[test]
fn systemd_after_an_interrupt_nothing_is_left() {
    if !requires_root() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let running = chaos(&["process-hang", "--hurried", "--with", "systemd"]).env("TMPDIR", place.path());
    let mut running = running.spawn();
    let begin = std::time::Instant::now();
    while traces(place.path()).is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(30), "{}", running.transcript());
        std::thread::sleep(Duration::from_millis(50));
    }
    // Somewhere between the boot of its host and the fault.
    std::thread::sleep(Duration::from_secs(2));
    running.signal(Signal::INT);
    let ran = running.wait(Duration::from_secs(40));
    ran.expect_code(130);
    assert_eq!(traces(place.path()), [""; 0]);
}
