#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;

use proptest::prelude::*;
use zbus::{OwnedVariant, Variant};

use super::*;

fn properties(changes: &[(&str, Variant<'static>)]) -> Properties {
    let text = |text: &'static str| Variant::from(text);
    let mut all: HashMap<String, OwnedVariant> = HashMap::new();
    let usual = [
        ("Id", text("web.service")),
        ("LoadState", text("loaded")),
        ("ActiveState", text("failed")),
        ("SubState", text("failed")),
        ("Result", text("exit-code")),
        ("Type", text("simple")),
        ("Restart", text("on-failure")),
        ("UnitFileState", text("enabled")),
        ("InvocationID", Variant::from(vec![0x1f_u8; 16])),
        ("ExecMainCode", Variant::from(1_i32)),
        ("ExecMainStatus", Variant::from(7_i32)),
        ("NRestarts", Variant::from(3_u32)),
        ("StartLimitBurst", Variant::from(5_u32)),
        ("StartLimitIntervalUSec", Variant::from(10_000_000_u64)),
        ("RestartUSec", Variant::from(100_000_u64)),
        ("StateChangeTimestamp", Variant::from(1_700_000_000_000_000_u64)),
        ("InactiveExitTimestamp", Variant::from(1_u64)),
        ("TimeoutStartUSec", Variant::from(90_000_000_u64)),
        ("TimeoutStopUSec", Variant::from(90_000_000_u64)),
        ("MainPID", Variant::from(0_u32)),
    ];
    for (name, value) in
        usual.into_iter().chain(changes.iter().map(|(name, value)| (*name, value.try_clone().unwrap())))
    {
        all.insert(name.to_owned(), OwnedVariant::try_from(value).unwrap());
    }
    Properties::new(all)
}

fn read(changes: &[(&str, Variant<'static>)]) -> Unit {
    Unit::read(properties(changes), None).unwrap()
}

#[test]
fn a_failed_service_is_read() {
    let unit = read(&[]);
    let shown = &unit.shown;
    assert_eq!((shown.id.as_str(), shown.about.name.as_str()), ("web.service", "web.service"));
    assert_eq!(shown.invocation, "1f".repeat(16));
    assert_eq!((shown.active, shown.ended, shown.load), (ActiveState::Failed, Ended::ExitCode, LoadState::Loaded));
    assert_eq!((shown.exit_code, shown.exit_signal), (Some(7), None));
    assert_eq!((shown.start_burst, shown.start_interval, shown.restarts), (5, Millis::new(10_000), 3));
    assert!(shown.enabled && shown.restarts_itself && !shown.one_shot && shown.main_pid.is_none());
    assert_eq!(unit.takes, Some(Millis::new(180_000)));
    let killed = read(&[("ExecMainCode", Variant::from(3_i32)), ("ExecMainStatus", Variant::from(11_i32))]);
    assert_eq!((killed.shown.exit_code, killed.shown.exit_signal), (None, Some(11)));
}

#[test]
fn what_was_not_started_because_of_another_says_so() {
    let inactive = [("ActiveState", Variant::from("inactive")), ("Result", Variant::from("success"))];
    let unit = Unit::read(properties(&inactive), Some("dependency".into())).unwrap();
    assert_eq!(unit.shown.ended, Ended::Dependency);
    let stopped = Unit::read(properties(&inactive), Some("done".into())).unwrap();
    assert_eq!(stopped.shown.ended, Ended::Success);
}

#[test]
fn what_a_start_would_stop_is_read() {
    let names = |names: &[&'static str]| Variant::from(names.to_vec());
    let unit = read(&[
        ("Conflicts", names(&["shutdown.target", "ntp.service", "../x.service"])),
        ("ConflictedBy", names(&["time.target"])),
        ("UnitFileState", Variant::from("transient")),
    ]);
    assert_eq!(unit.conflicts, ["ntp.service", "time.target"]);
    assert!(unit.is_transient && !read(&[]).is_transient && read(&[]).conflicts.is_empty());
}

#[test]
fn every_result_and_state_has_a_word() {
    for (result, ended) in [
        ("start-limit-hit", Ended::StartLimit),
        ("oom-kill", Ended::Oom),
        ("watchdog", Ended::Watchdog),
        ("timeout", Ended::TimedOut),
        ("protocol", Ended::Other),
        ("something-new", Ended::Other),
    ] {
        assert_eq!(read(&[("Result", Variant::from(result))]).shown.ended, ended, "{result}");
    }
    assert_eq!(read(&[("ActiveState", Variant::from("maintenance"))]).shown.active, ActiveState::Other);
    assert_eq!(read(&[("LoadState", Variant::from("bad-setting"))]).shown.load, LoadState::Broken);
}

#[test]
fn hostile_answers_are_errors_or_nothing() {
    for id in ["", "web", "../web.service", "web.service\n", "web.socket", "\u{1b}[2J.service"] {
        assert!(Unit::read(properties(&[("Id", Variant::from(id.to_owned()))]), None).is_err(), "{id:?}");
    }
    assert!(Unit::read(properties(&[("ActiveState", Variant::from(1_u32))]), None).is_err());
    assert!(Unit::read(Properties::new(HashMap::new()), None).is_err());
    let strange = read(&[
        ("SubState", Variant::from("a\u{1b}[2Jb")),
        ("InvocationID", Variant::from(vec![1_u8; 3])),
        ("NRestarts", Variant::from("many")),
        ("MainPID", Variant::from(u64::MAX)),
        ("StateChangeTimestamp", Variant::from(u64::MAX)),
        ("StartLimitIntervalUSec", Variant::from(u64::MAX)),
        ("TimeoutStartUSec", Variant::from(u64::MAX)),
        ("Job", Variant::from("none")),
    ]);
    assert_eq!((strange.shown.sub_state.as_str(), strange.shown.invocation.as_str()), ("", ""));
    assert_eq!((strange.shown.restarts, strange.shown.main_pid, strange.takes), (0, None, None));
    let job = Unit::read(properties(&[]), Some("x".repeat(1_000))).unwrap();
    assert_eq!(job.shown.last_job, None);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(id in ".{0,40}", active in ".{0,20}", result in ".{0,20}", sub in ".{0,20}") {
        let changes = [
            ("Id", Variant::from(id)), ("ActiveState", Variant::from(active)),
            ("Result", Variant::from(result)), ("SubState", Variant::from(sub)),
        ];
        if let Ok(unit) = Unit::read(properties(&changes), None) {
            prop_assert!(unit.id().is_ascii() && unit.shown.sub_state.is_ascii());
        }
    }
}
