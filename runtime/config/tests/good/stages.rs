//! Stages of a ladder, and the times of incidents.

use ansai_config::{Diagnostics, HostConfig, Manifest};
use ansai_core::incident::{FlapLimit, Ladder, Stage};
use ansai_core::{Millis, RetryPolicy};

const MANIFEST: &str = "name = \"a\"\nversion = \"0.1.0\"\ndescription = \"b\"\n[schedule]\nevery = \"60s\"\n";
const LADDER: &str = "[[stage]]\nname = \"gentle\"\nattempts = 2\nwithin = \"30m\"\n[[stage]]\nname = \"hard\"\n\
    [[stage]]\nname = \"person\"\n";

fn manifest(stages: &str) -> Result<Manifest, String> {
    parsed(&format!("{MANIFEST}{stages}"))
}

fn parsed(text: &str) -> Result<Manifest, String> {
    Manifest::parse("policy.toml", text, &[]).map_err(first)
}

fn first(problems: Diagnostics) -> String {
    problems.entries()[0].code.to_string()
}

fn stage(name: &str, attempts: u32, minutes: Option<u64>) -> Stage {
    Stage { name: name.into(), attempts, within: minutes.map(|minutes| Millis::new(minutes * 60_000)) }
}

/// What holds for an instance with this text below `[policy.a]`, or the first code.
fn retry(manifest: &Manifest, text: &str) -> Result<RetryPolicy, String> {
    let config = HostConfig::parse("ansai.toml", &format!("[policy.a]\n{text}"), &[]).map_err(first)?;
    config.retry_policy(&"a".parse().unwrap(), manifest).map_err(first)
}

#[test]
fn a_ladder_is_read_and_embedded_with_its_last_stage() {
    let read = manifest(LADDER).unwrap();
    assert_eq!(read.ladder, Ladder(vec![stage("gentle", 2, Some(30)), stage("hard", 1, None)]));
    let json = read.to_json().to_string();
    assert_eq!(Manifest::from_json("manifest", &json, &[]).unwrap().ladder, read.ladder);
    assert!(manifest("").unwrap().ladder.is_empty());
}

#[test]
fn a_ladder_that_ends_in_silence_or_repairs_nothing_is_refused() {
    let named = |name: &str| format!("[[stage]]\nname = \"{name}\"\n");
    for (stages, code) in [
        (named("a"), "no-last-stage"),
        (named("person") + &named("a"), "no-last-stage"),
        (named("a") + "attempts = 0\n" + &named("person"), "stage-without-attempts"),
        (named("person"), "stage-without-attempts"),
        (named("a") + &named("a") + &named("person"), "duplicate-stage"),
        (named("a") + &named("person") + &named("person"), "duplicate-stage"),
        (named("a") + &named("person") + "attempts = 1\n", "unknown-key"),
        (named("a") + "within = \"1s\"\n" + &named("person"), "out-of-range"),
        (named("a") + "attempts = 101\n" + &named("person"), "out-of-range"),
        (named("A b") + &named("person"), "bad-name"),
        ("[[stage]]\nattempts = 1\n".to_owned() + &named("person"), "missing-key"),
        ("[stage]\nname = \"person\"\n".to_owned(), "wrong-type"),
        ((0..17).map(|n| named(&format!("s{n}"))).collect::<String>() + &named("person"), "too-many-entries"),
    ] {
        assert_eq!(manifest(&stages).err().as_deref(), Some(code), "{stages}");
    }
    assert_eq!(parsed(&format!("stage = []\n{MANIFEST}")).err().as_deref(), Some("no-last-stage"));
}

#[test]
fn the_operator_changes_or_replaces_stages() {
    let with = manifest(LADDER).unwrap();
    let ladder = |text: &str| retry(&with, text).unwrap().ladder.0;
    assert_eq!(ladder(""), with.ladder.0);
    let changed = ladder("[policy.a.stages.gentle]\nattempts = 5\n[policy.a.stages.hard]\nwithin = \"2h\"\n");
    assert_eq!(changed, [stage("gentle", 5, Some(30)), stage("hard", 1, Some(120))]);
    let list = "[[policy.a.stages]]\nname = \"hard\"\n[[policy.a.stages]]\nname = \"person\"\n";
    assert_eq!(ladder(list), [stage("hard", 1, None)]);
    // A policy without stages: the names are the operator's.
    let own = list.replace("hard", "mine");
    assert_eq!(retry(&manifest("").unwrap(), &own).unwrap().ladder.0, [stage("mine", 1, None)]);
    for (text, code) in [
        (own.as_str(), "unknown-stage"),
        ("[policy.a.stages.gentel]\nattempts = 1\n", "unknown-stage"),
        ("[policy.a.stages.person]\nattempts = 1\n", "unknown-stage"),
        ("[policy.a.stages.gentle]\nattempts = 0\n", "stage-without-attempts"),
        ("[[policy.a.stages]]\nname = \"hard\"\n", "no-last-stage"),
        ("stages = 1\n", "wrong-type"),
    ] {
        assert_eq!(retry(&with, text).err().as_deref(), Some(code), "{text}");
    }
}

/// Would break: a manifest that gives itself more attempts than the operator permits.
#[test]
fn the_operators_bound_holds_also_with_stages() {
    let with = manifest(LADDER).unwrap();
    let most = |text: &str| retry(&with, text).unwrap().max_attempts;
    assert_eq!((most(""), most("[policy.a.attempts]\nmax = 1\n")), (3, 1));
    assert_eq!(most("[policy.a.stages.gentle]\nattempts = 9\n"), 10);
    assert_eq!(retry(&manifest("").unwrap(), "").unwrap().max_attempts, 3);
}

/// Would break: an operator who permits more attempts than the one stage of a policy has, and nothing happens.
#[test]
fn max_is_the_attempts_of_a_single_stage() {
    let single = manifest("[[stage]]\nname = \"repair\"\nattempts = 3\n[[stage]]\nname = \"person\"\n").unwrap();
    let found = |manifest: &Manifest, text: &str| {
        let retry = retry(manifest, text).unwrap();
        (retry.max_attempts, retry.ladder.0.iter().map(|stage| stage.attempts).collect::<Vec<_>>())
    };
    assert_eq!(found(&single, ""), (3, vec![3]));
    assert_eq!(found(&single, "[policy.a.attempts]\nmax = 7\n"), (7, vec![7]));
    assert_eq!(found(&single, "[policy.a.attempts]\nmax = 1\n"), (1, vec![1]));
    // The operator named the attempts of the stage, or there are several.
    let both = "[policy.a.attempts]\nmax = 7\n[policy.a.stages.repair]\nattempts = 2\n";
    assert_eq!(found(&single, both), (7, vec![2]));
    assert_eq!(found(&manifest(LADDER).unwrap(), "[policy.a.attempts]\nmax = 7\n"), (7, vec![2, 1]));
}

#[test]
fn the_times_of_incidents_have_defaults_and_bounds() {
    let with = manifest("").unwrap();
    let default = retry(&with, "").unwrap();
    assert_eq!(default, RetryPolicy::default());
    let text = "[policy.a.incidents]\nfor = \"2m\"\nclear_for = \"5m\"\nmax_flaps = 2\nflap_window = \"3h\"\n";
    let set = retry(&with, text).unwrap();
    assert_eq!((set.hold_for, set.clear_for), (Millis::new(120_000), Millis::new(300_000)));
    assert_eq!(set.flaps, FlapLimit { most: 2, within: Millis::from_hours(3) });
    for wrong in ["for = \"2d\"", "max_flaps = 0", "flap_window = \"1s\"", "clear_for = \"-1s\"", "x = 1"] {
        assert!(retry(&with, &format!("[policy.a.incidents]\n{wrong}\n")).is_err(), "{wrong}");
    }
}
