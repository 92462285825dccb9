//! `every`, `cron`, `time_zone`, `splay` and `catch_up`: when a policy runs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

mod fixtures;

use ansai_config::{CatchUp, HostConfig, Timing};
use ansai_core::Millis;
use fixtures::INTERFACES;

fn timing(lines: &str) -> Result<Timing, ansai_config::Diagnostics> {
    let text = format!("[policy.a]\n{lines}\n");
    HostConfig::parse("ansai.toml", &text, INTERFACES).map(|config| config.policies["a"].timing.clone())
}

#[test]
fn a_schedule_is_read_whole() {
    let read =
        timing("cron = \" 30  2 * * Mon-Fri\"\ntime_zone = \"Europe/Berlin\"\nsplay = \"10m\"\ncatch_up = \"never\"");
    let read = read.unwrap();
    let cron = read.cron.unwrap();
    assert_eq!((cron.to_string().as_str(), cron.zone()), ("30 2 * * Mon-Fri Europe/Berlin", Some("Europe/Berlin")));
    assert_eq!((read.splay, read.catch_up), (Millis::new(600_000), CatchUp::Never));
    assert_eq!(timing("every = \"5m\"").unwrap(), Timing::default());
    assert_eq!(timing("cron = \"@daily\"").unwrap().catch_up, CatchUp::Once);
    assert_eq!(timing("every = \"5m\"\nsplay = \"5m\"").unwrap().splay, Millis::new(300_000));
}

#[test]
fn each_mistake_has_its_code() {
    for (lines, code) in [
        ("cron = \"30 25 * * *\"", "bad-cron"),
        ("cron = \"30 2 * *\"", "bad-cron"),
        ("cron = \"0 30 2 * * *\"", "bad-cron"),
        ("cron = 5", "wrong-type"),
        ("cron = \"\"", "text-length"),
        ("cron = \"0 3 30 2 *\"", "cron-never-fires"),
        ("cron = \"0 3 * * *\"\ntime_zone = \"Europe/Berlim\"", "unknown-time-zone"),
        ("cron = \"0 3 * * *\"\ntime_zone = \"../../etc/passwd\"", "unknown-time-zone"),
        ("cron = \"0 3 * * *\"\ncatch_up = \"twice\"", "unknown-word"),
        ("cron = \"0 3 * * *\"\nevery = \"5m\"", "schedule-conflict"),
        ("time_zone = \"UTC\"", "schedule-conflict"),
        ("every = \"5m\"\ncatch_up = \"once\"", "schedule-conflict"),
        ("every = \"5m\"\nsplay = \"6m\"", "splay-too-long"),
        // A minute apart once a day.
        ("cron = \"0,1 3 * * *\"\nsplay = \"2m\"", "splay-too-long"),
        ("cron = \"0 3 * * *\"\nsplay = \"25h\"", "out-of-range"),
        ("splay = \"0s\"", "out-of-range"),
    ] {
        let problems = timing(lines).unwrap_err();
        let codes: Vec<String> = problems.entries().iter().map(|one| one.code.to_string()).collect();
        assert_eq!(codes, [code], "{lines}");
    }
}

#[test]
fn servers_are_called_in_a_process_or_in_a_thread() {
    let place = |lines: &str| {
        let config = HostConfig::parse("ansai.toml", &format!("[daemon]\n{lines}\n"), INTERFACES);
        config.map(|config| config.daemon.reach)
    };
    assert_eq!(place("").unwrap(), None);
    assert_eq!(place("reach = \"process\"").unwrap(), Some(ansai_config::ServerCalls::Process));
    assert_eq!(place("reach = \"thread\"").unwrap(), Some(ansai_config::ServerCalls::Thread));
    assert!(place("reach = \"fork\"").is_err() && place("reach = 1").is_err());
}

#[test]
fn evaluations_at_the_same_time_are_bounded() {
    let most = |lines: &str| {
        let config = HostConfig::parse("ansai.toml", &format!("[daemon]\n{lines}\n"), INTERFACES);
        config.map(|config| config.daemon.evaluations)
    };
    assert_eq!((most("").unwrap(), most("evaluations = 8").unwrap()), (None, Some(8)));
    for wrong in ["evaluations = 0", "evaluations = 257", "evaluations = -1"] {
        assert_eq!(most(wrong).unwrap_err().entries()[0].code.to_string(), "out-of-range", "{wrong}");
    }
}
