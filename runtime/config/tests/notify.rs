//! `[notify]`: what is read, and what is refused with which code.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use ansai_config::{Diagnostics, HostConfig, Severity};
use ansai_core::notify::{GroupBy, Grouping, Matcher};
use ansai_core::{Millis, codes};

const CHANNELS: &str = "[notify.channel.mail]\nkind = \"mail\"\n[notify.channel.pager]\nkind = \"webhook\"\n";

fn parse(text: &str) -> Result<HostConfig, Diagnostics> {
    HostConfig::parse("ansai.toml", &format!("{CHANNELS}{text}"), &[])
}

fn error(text: &str) -> (String, Option<String>) {
    let problems = parse(text).unwrap_err();
    let first = problems.entries().remove(0);
    (first.code.to_string(), first.hint)
}

fn warning(text: &str) -> Option<String> {
    let warnings = parse(text).unwrap().warnings.entries();
    warnings
        .into_iter()
        .find(|one| one.severity == Severity::Warning)
        .map(|one| format!("{}: {}", one.code, one.message))
}

#[test]
fn without_routes_every_channel_gets_what_a_person_has_to_know() {
    let notify = parse("").unwrap().notify;
    assert_eq!(notify.channels.keys().collect::<Vec<_>>(), ["mail", "pager"]);
    assert_eq!(notify.channels["mail"].settings, serde_json::json!({ "kind": "mail" }));
    let [route] = notify.routing.routes.as_slice() else { unreachable!("{notify:?}") };
    assert_eq!((&route.only, route.channels.len(), &route.grouping), (&Matcher::default(), 2, &Grouping::default()));
    assert_eq!(notify.routing.unknown_after, Millis::new(15 * 60_000));
    // Whoever writes routes says all of it.
    let one = parse("[[notify.route]]\nseverity = \"critical\"\nchannels = [\"pager\"]\n").unwrap().notify.routing;
    assert_eq!(one.routes.len(), 1);
    let two = "[notify]\ndefault = [\"mail\"]\n[[notify.route]]\nseverity = \"critical\"\nchannels = [\"pager\"]\n";
    let two = parse(two).unwrap().notify.routing;
    assert_eq!((two.routes.len(), two.routes[1].channels.as_slice()), (2, ["mail".to_owned()].as_slice()));
}

#[test]
fn a_route_has_conditions_and_a_grouping() {
    let text = "[notify]\nunknown_after = \"1h\"\nquiet = [\"22:00-06:00\"]\nfallback = [\"mail\"]\n\
        [notify.digest]\nat = \"08:30\"\nchannels = [\"mail\"]\n\
        [[notify.route]]\nkinds = [\"opened\", \"held\"]\nseverity = \"warning\"\ninstances = [\"disk-*\"]\n\
        subjects = [\"filesystem /v*\"]\nlabels = { env = \"prod\" }\nwindows = [\"Mon..Fri 08:00-18:00 UTC\"]\n\
        channels = [\"pager\"]\ncontinue = true\ngroup_by = [\"instance\", \"kind\"]\ngroup_wait = \"0s\"\n\
        group_interval = \"1m\"\nrepeat_interval = \"4h\"\n[policy.disk-space]\n[host]\nlabels = { env = \"prod\" }\n";
    let config = parse(text).unwrap();
    assert!(config.warnings.entries().is_empty(), "{:?}", config.warnings);
    let routing = config.notify.routing;
    let route = &routing.routes[0];
    assert_eq!((route.only.kinds.len(), route.only.windows.len(), route.goes_on), (2, 1, true));
    assert_eq!(route.grouping.by, [GroupBy::Instance, GroupBy::Kind]);
    assert_eq!((route.grouping.wait, route.grouping.repeat), (Millis::ZERO, Some(Millis::from_hours(4))));
    assert_eq!(
        (routing.digest.unwrap().minute, routing.quiet.len(), routing.unknown_after),
        (510, 1, Millis::from_hours(1))
    );
}

#[test]
fn a_report_has_a_schedule() {
    let text = "[notify.report]\nat = \"0 7 * * MON\"\ntime_zone = \"Europe/Berlin\"\nsince = \"30d\"\nchannels = [\"mail\"]\n";
    let report = parse(text).unwrap().notify.report.unwrap();
    assert_eq!(
        (report.at.to_string().as_str(), report.since, report.channels.as_slice()),
        ("0 7 * * MON Europe/Berlin", Millis::from_hours(30 * 24), ["mail".to_owned()].as_slice())
    );
    let plain = parse("[notify.report]\nat = \"@weekly\"\nchannels = [\"mail\"]\n").unwrap().notify.report.unwrap();
    assert_eq!(plain.since, Millis::from_hours(7 * 24));
    let wrong = |keys: &str| error(&format!("[notify.report]\n{keys}\n")).0;
    for (keys, code) in [
        ("at = \"0 7 * * MON\"", "missing-key"),
        ("channels = [\"mail\"]", "missing-key"),
        ("at = \"0 25 * * *\"\nchannels = [\"mail\"]", "bad-cron"),
        ("at = \"0 7 30 2 *\"\nchannels = [\"mail\"]", "cron-never-fires"),
        ("at = \"@weekly\"\ntime_zone = \"Mars/Base\"\nchannels = [\"mail\"]", "unknown-time-zone"),
        ("at = \"@weekly\"\nchannels = [\"x\"]", "unknown-channel"),
        ("at = \"@weekly\"\nchannels = []", "route-without-channel"),
        ("at = \"@weekly\"\nsince = \"1s\"\nchannels = [\"mail\"]", "out-of-range"),
        ("at = \"@weekly\"\ncron = \"@daily\"\nchannels = [\"mail\"]", "unknown-key"),
    ] {
        assert_eq!(wrong(keys), code, "{keys}");
    }
}

#[test]
fn what_names_no_channel_or_nothing_known_is_refused() {
    let route = |more: &str| error(&format!("[[notify.route]]\n{more}\n"));
    assert_eq!(
        route("channels = [\"pagr\"]"),
        (codes::UNKNOWN_CHANNEL.word().into(), Some("did you mean \"pager\"?".into()))
    );
    assert_eq!(error("[notify]\ndefault = [\"x\"]\n").0, "unknown-channel");
    assert_eq!(error("[notify]\nfallback = [\"x\"]\n").0, "unknown-channel");
    assert_eq!(error("[notify.digest]\nat = \"08:00\"\nchannels = [\"x\"]\n").0, "unknown-channel");
    assert_eq!(error("[notify.digest]\nat = \"noon\"\nchannels = [\"mail\"]\n").0, "bad-window");
    assert_eq!(error("[notify.digest]\nchannels = [\"mail\"]\n").0, "missing-key");
    assert_eq!(route("severity = \"critical\"").0, "route-without-channel");
    for (more, code) in [
        ("kinds = [\"opend\"]", "unknown-word"),
        ("group_by = [\"colour\"]", "unknown-word"),
        ("severity = \"bad\"", "unknown-word"),
        ("instances = [\"a[\"]", "bad-pattern"),
        ("instances = \"a\"", "wrong-type"),
        ("windows = [\"always\"]", "bad-window"),
        ("group_wait = \"2d\"", "out-of-range"),
        ("repeat_interval = \"1s\"", "out-of-range"),
        ("colour = 1", "unknown-key"),
    ] {
        assert_eq!(route(&format!("channels = [\"mail\"]\n{more}")).0, code, "{more}");
    }
    assert_eq!(error("[notify.channel.\"../x\"]\nkind = \"mail\"\n").0, "bad-name");
    assert_eq!(error("[policy.a]\nannounce = \"2d\"\n").0, "out-of-range");
    assert_eq!(parse("[policy.a]\nannounce = \"5m\"\n").unwrap().policies["a"].announce, Millis::new(300_000));
}

#[test]
fn a_route_that_never_takes_anything_is_a_warning() {
    let route = |more: &str| format!("[[notify.route]]\nchannels = [\"mail\"]\n{more}\n");
    let never = |text: String| warning(&text).unwrap_or_default();
    let after_all = never(format!("{}{}", route(""), route("severity = \"critical\"")));
    assert!(after_all.starts_with("route-never-matches: ") && after_all.contains("earlier route"), "{after_all}");
    assert!(never(route("labels = { env = \"prod\" }")).contains("no label env"));
    // A target that no instance may use is about nothing.
    let target = |labels: &str| format!("[target.main-db]\nkind = \"postgresql\"\nlabels = {{ {labels} }}\n");
    let used = "[policy.db]\n[policy.db.target.main-db]\n";
    let team = route("labels = { team = \"billing\" }");
    assert!(never(format!("{team}{}", target("team = \"billing\""))).contains("this host has no label team"));
    assert_eq!(warning(&format!("{team}{}{used}", target("team = \"billing\""))), None);
    assert!(never(format!("{team}{}{used}", target("team = \"web\""))).contains("neither this host nor a target"));
    let host = "[host]\nlabels = { env = \"prod\" }\n";
    let both = route("labels = { env = \"prod\", team = \"billing\" }");
    assert_eq!(warning(&format!("{both}{}{used}{host}", target("team = \"billing\""))), None);
    let test = target("team = \"billing\", env = \"test\"");
    assert!(never(format!("{both}{test}{used}{host}")).contains("no target has all of these labels"));
    assert!(never(format!("{}[policy.disk]\n", route("instances = [\"web*\"]"))).contains("no instance"));
    assert_eq!(warning(&format!("{}{}", route("continue = true"), route("severity = \"critical\""))), None);
    assert_eq!(warning(&format!("{}[policy.web-a]\n", route("instances = [\"web*\"]"))), None);
}
