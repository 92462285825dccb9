#![allow(clippy::unwrap_used, reason = "tests")]
use std::collections::BTreeMap;

use ansai_core::notify::KINDS;
use ansai_core::{NamePattern, Severity, Subject};

use super::*;
use crate::message::{IncidentRef, Kind};

fn notice(kind: Kind, severity: Severity) -> Notice {
    let mut notice = Notice::new("n-1", kind, severity, "web1", Timestamp::EPOCH, "full");
    notice.instance = Some("disk-space".into());
    notice.subject = Some(Subject::new("filesystem", "/var"));
    notice.incident = Some(IncidentRef { id: "disk-space//var/1".into(), key: "/var".into() });
    notice
}

fn route(channel: &str, only: Matcher) -> Route {
    Route { only, channels: vec![channel.to_owned()], goes_on: false, grouping: Grouping::default() }
}

fn channels(routes: Vec<Route>, notice: &Notice) -> Vec<String> {
    let labels = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
    let routing = Routing { routes, ..Routing::default() };
    // Windows with `UTC` are open, others are not.
    let hours = |windows: &[Window], now| (!windows.iter().any(|one| one.zone() == Some("UTC"))).then_some(now);
    let router = Router::new(routing, labels, Arc::new(hours));
    router.taken(notice, Timestamp::EPOCH).iter().map(|taken| taken.channel.to_owned()).collect()
}

/// Would break: a kind that a configuration cannot name, or one that it can and nothing has.
#[test]
fn the_kinds_of_the_configuration_are_those_of_notices() {
    assert_eq!(KINDS.to_vec(), Kind::ALL.map(Kind::name).to_vec());
    assert!(LOUD.iter().all(|loud| KINDS.contains(loud)));
}

#[test]
fn a_route_without_kinds_takes_what_a_person_has_to_know() {
    let all = || vec![route("mail", Matcher::default())];
    for kind in Kind::ALL {
        let is_told = !channels(all(), &notice(kind, Severity::Warning)).is_empty();
        assert_eq!(is_told, LOUD.contains(&kind.name()), "{kind:?}");
    }
    let opened = Matcher { kinds: vec!["opened".into()], ..Matcher::default() };
    assert_eq!(channels(vec![route("mail", opened)], &notice(Kind::Opened, Severity::Notice)), ["mail"]);
}

#[test]
fn every_condition_of_a_route_must_hold() {
    let pattern = |text: &str| vec![NamePattern::new(text).unwrap()];
    let held = notice(Kind::Held, Severity::Warning);
    let label = |value: &str| BTreeMap::from([("env".to_owned(), value.to_owned())]);
    let window = |text: &str| vec![text.parse().unwrap()];
    let any = Matcher::default;
    for (only, is_taken) in [
        (Matcher { severity: Some(Severity::Warning), ..any() }, true),
        (Matcher { severity: Some(Severity::Critical), ..any() }, false),
        (Matcher { instances: pattern("disk-*"), ..any() }, true),
        (Matcher { instances: pattern("web"), ..any() }, false),
        (Matcher { subjects: pattern("filesystem /v*"), ..any() }, true),
        (Matcher { subjects: pattern("unit *"), ..any() }, false),
        (Matcher { labels: label("prod"), ..any() }, true),
        (Matcher { labels: label("test"), ..any() }, false),
        (Matcher { windows: window("02:00-04:00 UTC"), ..any() }, true),
        (Matcher { windows: window("02:00-04:00 Europe/Berlin"), ..any() }, false),
        (Matcher { kinds: vec!["healed".into()], ..any() }, false),
        (Matcher { severity: Some(Severity::Notice), instances: pattern("web"), ..any() }, false),
    ] {
        assert_eq!(!channels(vec![route("mail", only.clone())], &held).is_empty(), is_taken, "{only:?}");
    }
}

/// Would break: a route for the team of one database that takes what all others have.
#[test]
fn a_label_of_the_target_counts_before_that_of_the_host() {
    let labels = |pairs: &[(&str, &str)]| -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let targets = BTreeMap::from([
        ("main-db".to_owned(), labels(&[("team", "billing"), ("env", "test")])),
        ("cache".to_owned(), labels(&[])),
    ]);
    let other = BTreeMap::from([("other-db".to_owned(), labels(&[("team", "web")]))]);
    let targets = BTreeMap::from([("databases".to_owned(), targets), ("others".to_owned(), other)]);
    let takes = |wanted: &[(&str, &str)], instance: &str, subject: Option<(&str, &str)>| {
        let mut held = notice(Kind::Held, Severity::Warning);
        held.instance = Some(instance.to_owned());
        held.subject = subject.map(|(kind, name)| Subject::new(kind, name));
        let routes = vec![route("mail", Matcher { labels: labels(wanted), ..Matcher::default() })];
        let router =
            Router::new(Routing { routes, ..Routing::default() }, labels(&[("env", "prod")]), Arc::new(|_, _| None));
        let router = router.with_targets(targets.clone());
        assert_eq!(router.needs_subjects(), !wanted.is_empty());
        !router.taken(&held, Timestamp::EPOCH).is_empty()
    };
    let (target, session) = (Some(("target", "main-db")), Some(("database-session", "main-db/4711")));
    for (wanted, instance, subject, is_taken) in [
        (&[("team", "billing")][..], "databases", target, true),
        (&[("team", "billing")], "databases", session, true),
        (&[("team", "billing"), ("env", "test")], "databases", target, true),
        (&[("env", "prod")], "databases", target, false),
        (&[("env", "prod")], "databases", Some(("target", "cache")), true),
        (&[("env", "prod")], "databases", Some(("filesystem", "/var")), true),
        (&[("team", "billing")], "databases", Some(("filesystem", "/main-db")), false),
        (&[("team", "billing")], "databases", Some(("target", "main-db2")), false),
        (&[("team", "billing")], "databases", None, false),
        // A policy names a target that it may not use.
        (&[("team", "web")], "databases", Some(("target", "other-db")), false),
        (&[("team", "billing")], "others", target, false),
        (&[], "databases", target, true),
    ] {
        assert_eq!(takes(wanted, instance, subject), is_taken, "{wanted:?} {instance} {subject:?}");
    }
}

#[test]
fn the_first_route_takes_it_unless_it_goes_on_and_a_channel_gets_it_once() {
    let held = notice(Kind::Held, Severity::Warning);
    let routes = |goes_on| {
        let first = Route { goes_on, ..route("pager", Matcher::default()) };
        vec![first, route("pager", Matcher::default()), route("mail", Matcher::default())]
    };
    assert_eq!(channels(routes(false), &held), ["pager"]);
    assert_eq!(channels(routes(true), &held), ["pager"], "the second one ends it");
    let mut all = routes(true);
    for route in &mut all {
        route.goes_on = true;
    }
    assert_eq!(channels(all, &held), ["pager", "mail"]);
    // A route without channels: nobody is told, and later routes do not see it.
    let nobody = Route { channels: vec![], ..route("", Matcher::default()) };
    assert_eq!(channels(vec![nobody, route("mail", Matcher::default())], &held), Vec::<String>::new());
}

#[test]
fn a_group_is_what_notices_have_in_common() {
    let held = notice(Kind::Held, Severity::Warning);
    assert_eq!(group_of(&[GroupBy::Incident], &held), "disk-space//var/1");
    assert_eq!(group_of(&[], &held), "all");
    assert_eq!(group_of(&[GroupBy::Instance, GroupBy::Severity], &held), "disk-space warning");
    assert_eq!(group_of(&[GroupBy::Subject, GroupBy::Kind], &held), "filesystem /var held");
    let alone = Notice { incident: None, ..held };
    assert_eq!(group_of(&[GroupBy::Incident], &alone), "n-1", "what is about no incident is a group of its own");
}
