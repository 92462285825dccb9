//! Which plans need a person, and when plans may begin.

use std::collections::BTreeSet;

use ansai_config::{Diagnostics, HostConfig};
use ansai_core::{Millis, Mode};

use super::INTERFACES;

const FILES: &str = "ansai:files/files-actions";

fn parse(text: &str) -> Result<HostConfig, Diagnostics> {
    HostConfig::parse("ansai.toml", text, INTERFACES)
}

fn code(text: &str) -> String {
    let problems = parse(text).unwrap_err();
    problems.entries()[0].code.to_string()
}

#[test]
fn a_mode_and_marked_tables_ask_a_person() {
    let marked = |table: &str| {
        let text = format!("[policy.a]\nmode = \"approve\"\n[policy.a.grant]\n\"{FILES}\" = {table}\n");
        let config = parse(&text).unwrap();
        let a = &config.policies["a"];
        assert_eq!((a.mode, a.approval_expires), (Mode::Approve, Millis::from_hours(24)));
        (a.approve.values().flatten().copied().collect::<BTreeSet<usize>>(), a.grants[FILES].count())
    };
    assert_eq!(marked("{ roots = [\"/a\"] }"), (BTreeSet::new(), 1));
    assert_eq!(marked("{ roots = [\"/a\"], approve = true }"), (BTreeSet::from([1]), 1));
    assert_eq!(
        marked("[{ roots = [\"/a\"], approve = false }, { roots = [\"/b\"], approve = true }]"),
        (BTreeSet::from([2]), 2)
    );
    assert!(Mode::Observe < Mode::Approve && Mode::Approve < Mode::Enforce);
}

#[test]
fn approve_is_true_or_false_and_only_for_actions() {
    let grant = |name: &str, table: &str| code(&format!("[policy.a.grant]\n\"{name}\" = {table}\n"));
    assert_eq!(grant(FILES, "{ roots = [\"/a\"], approve = \"yes\" }"), "wrong-type");
    assert_eq!(grant("ansai:files/files-probe", "{ roots = [\"/a\"], approve = true }"), "unknown-scope");
    assert_eq!(code("[policy.a]\napproval_expires = \"1s\""), "out-of-range");
}

#[test]
fn windows_are_read_whole() {
    let config = parse(
        "[policy.a]\nwindows = [\"Mon..Fri 02:00-04:00 UTC\", \"Sat 22:00-06:00\"]\nemergency_passes = true\n[policy.b]\n",
    );
    let config = config.unwrap();
    let a = &config.policies["a"].maintenance;
    let shown: Vec<String> = a.windows.iter().map(ToString::to_string).collect();
    assert_eq!((shown, a.emergency_passes), (vec!["Mon..Fri 02:00-04:00 UTC".into(), "Sat 22:00-06:00".into()], true));
    assert_eq!(config.policies["b"].maintenance, ansai_core::maintenance::Maintenance::default());
}

#[test]
fn a_window_that_never_opens_is_refused() {
    let windows = |list: &str| code(&format!("[policy.a]\nwindows = {list}\n"));
    for list in ["[]", "[\"02:00-02:00 UTC\"]", "[\"Mon\"]", "[\"Mo 02:00-04:00\"]"] {
        assert_eq!(windows(list), "bad-window", "{list}");
    }
    assert_eq!(windows("[\"02:00-04:00 Europe/Berlim\"]"), "unknown-time-zone");
    assert_eq!(windows("\"02:00-04:00\""), "wrong-type");
    assert_eq!(windows("[1]"), "wrong-type");
    assert_eq!(windows(&format!("[{}]", "\"02:00-04:00\", ".repeat(33))), "too-many-entries");
}
