//! When policies run, and one that keeps failing, with the real program.

use crate::support::*;

/// A configuration with the policy `p`, and these lines for it.
fn configured(place: &Scene, component: &[u8], lines: &str) -> String {
    let file = place.policy("p", component);
    let config = place.configuration(&format!("[policy.p]\nsource = \"{}\"\n{lines}\n", file.display()));
    config.to_str().unwrap().to_owned()
}

#[test]
fn check_shows_the_next_times_and_names_what_is_wrong() {
    let place = Scene::new();
    let config = configured(&place, &quiet("p"), "cron = \"30 2 * * *\"\ntime_zone = \"UTC\"\nsplay = \"10m\"");
    let ran = place.ansai(&["check", "--config", &config]).code(0).says("cron 30 2 * * * UTC: next ");
    let line = ran.stdout.lines().find(|line| line.contains("[policy.p]")).unwrap();
    assert_eq!(line.matches(" 02:30").count(), 3, "{line}");
    assert!(line.ends_with(", each up to 10 min later"), "{line}");
    // The manifest says every minute.
    for (lines, code) in [
        ("splay = \"2m\"", "splay-too-long"),
        ("cron = \"0 0 30 2 *\"", "cron-never-fires"),
        ("cron = \"@sometimes\"", "bad-cron"),
        ("cron = \"@daily\"\nevery = \"1m\"", "schedule-conflict"),
        ("cron = \"@daily\"\ntime_zone = \"Europe/Berlim\"", "unknown-time-zone"),
    ] {
        let config = configured(&place, &quiet("p"), lines);
        place.ansai(&["check", "--config", &config]).code(2).complains(&format!("[{code}]"));
    }
}

#[test]
fn what_keeps_failing_is_quarantined_until_somebody_resumes_it_or_it_is_another_component() {
    let place = Scene::new();
    let config = configured(&place, &traps("p"), "");
    let run = ["run", "--once", "--config", &config];
    let fail = || (0..10).for_each(|_| drop(place.ansai(&run).code(5)));
    fail();
    place.ansai(&run).code(5).says("quarantined: 10 faults in a row");
    let status = ["status", "--config", &config];
    place.ansai(&status).says("Policies that kept failing").says("p is quarantined since").says("ansai resume p");
    place.ansai(&["pauses", "--config", &config]).code(0).says("p is quarantined since");
    place.ansai(&["resume", "p", "--config", &config]).code(0).says("p is no longer quarantined");
    place.ansai(&["resume", "p", "--config", &config]).code(2).complains("[nothing-to-resume]");
    place.ansai(&["audit", "show", "--config", &config]).says("p is evaluated on schedule again: resumed by");
    fail();
    place.ansai(&status).says("p is quarantined since");
    configured(&place, &quiet("p"), "");
    place.ansai(&run).code(0);
    place.ansai(&["audit", "show", "--config", &config]).says("it has another component");
}
