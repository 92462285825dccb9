use super::*;
use crate::Severity;
use crate::pages::End;
use crate::testing::StandIn;

fn about() -> Subject {
    Subject::new("target", "db")
}

fn open(host: StandIn, key: &str) -> StandIn {
    host.with_open(Observation::new(key, about(), Status::Unhealthy(Severity::Warning), "bad"))
}

fn listed(entries: Vec<u64>, end: Option<End>) -> Result<Listed<u64>, Refusal> {
    Ok(Listed { entries, skipped: 0, end })
}

/// Would break: a finding that ends because nobody looked, or that never ends.
#[test]
fn an_incident_ends_only_if_all_of_its_kind_were_seen() {
    let refused = || Err(Refusal::Busy("later".into()));
    for (list, expected) in [
        (listed(vec![], None), Status::Gone),
        (listed(vec![], Some(End::Incomplete)), Status::Unknown("the list of tables is incomplete".into())),
        (refused(), Status::Unknown("the tables of db cannot be listed: busy: later".into())),
    ] {
        let host = open(StandIn::default(), "table:db/a").host();
        let mut report = Report::new(&host, 9);
        report.listed("table", "table", "db", &about(), list);
        let found = report.finish(|_| true);
        assert_eq!(found.last().map(|one| (&*one.key, &one.status)), Some(("table:db/a", &expected)));
    }
    let keys = ["table:other/a", "cache:db", "leak:db"];
    let host = keys.into_iter().fold(StandIn::default(), open).host();
    let mut report = Report::new(&host, 9);
    report.looked("leak", "db", None);
    let found: Vec<Status> = report.finish(|key| key != "table:other/a").into_iter().map(|one| one.status).collect();
    assert_eq!(found, [Status::Healthy, Status::Unknown("cache:db was not checked this time".into()), Status::Healthy]);
}

/// Would break: one server with a bad answer that hides all others.
#[test]
fn an_answer_is_valid_whatever_a_server_says() {
    let host = StandIn::default().host();
    let mut report = Report::new(&host, 9);
    let bad = |key: usize| Observation::new(key.to_string(), about(), Status::Unhealthy(Severity::Warning), "bad");
    (0..2_000).for_each(|key| report.add(bad(key % 1_500)));
    let found = report.finish(|_| true);
    assert_eq!(found.len(), MOST_OBSERVATIONS + 1);
    assert_eq!(found.last().map(|one| &*one.key), Some("left-out"));
    let mut report = Report::new(&host, 9);
    (0..2_000).for_each(|key| report.add(bad(key % 7)));
    assert_eq!(report.finish(|_| true).len(), 7);
}

/// Would break: an open finding that is left out, and then looks gone.
#[test]
fn the_worst_are_findings_and_open_ones_always() {
    let host = open(open(StandIn::default(), "t:db/1"), "t:db/0").host();
    let mut report = Report::new(&host, 4);
    let fault = |size: &u64| (*size > 0).then_some(*size);
    let found = report.worst("table", "db", &about(), (0..9).collect(), |size| format!("t:db/{size}"), fault);
    assert_eq!(found, [0, 1, 8, 7]);
    let told = report.finish(|_| true);
    assert_eq!(told.first().map(|one| &*one.summary), Some("5 more tables of db have a fault and are not listed yet"));
    let mut report = Report::new(&host, 1);
    let found = report.worst("table", "db", &about(), vec![0, 1], |size| format!("t:db/{size}"), fault);
    assert_eq!((found.len(), report.all.len()), (2, 0));
}

/// Would break: an open finding that is judged without hysteresis, or one that nobody looked at and that ends.
#[test]
fn each_is_judged_with_its_open_finding() {
    const LEVELS: crate::Levels = crate::Levels::rising().warning(5.0).rearm(3.0);
    let host = ["t:db/3", "slow:db/x", "slow:other/x"].into_iter().fold(StandIn::default(), open).host();
    let mut report = Report::new(&host, 9);
    let things = Things { kind: "t", noun: "table", place: "db", of: &about() };
    let all: Vec<(Subject, u64)> = [3, 4, 5, 9].map(|size| (Subject::new("table", format!("db/{size}")), size)).into();
    let severity = |one: &(Subject, u64), open| LEVELS.severity(one.1 as f64, open);
    let found = report.each(things, all, |one| &one.0, severity, |one| one.1);
    let told = found.iter().map(|one| one.observe("large").count("size", one.thing.1));
    let told: Vec<(String, Option<Severity>)> = told.map(|one| (one.key.clone(), one.severity())).collect();
    let warning = Some(Severity::Warning);
    assert_eq!(told, [("t:db/3".into(), warning), ("t:db/9".into(), warning), ("t:db/5".into(), warning)]);
    report.keep("slow", "db");
    assert_eq!(report.all.iter().map(|one| &*one.key).collect::<Vec<_>>(), ["slow:db/x"]);
}
