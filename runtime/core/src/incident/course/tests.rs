#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::incident::{FlapLimit, Ladder, Stage};
use crate::{InstanceName, Severity, Subject};

static ONE: InstanceName = InstanceName::from_static("one");

fn at(milliseconds: u64) -> Timestamp {
    Timestamp::from_millis(milliseconds)
}

fn observation(status: Status) -> Observation {
    Observation {
        key: "k".into(),
        about: Subject::new("filesystem", "/var"),
        status,
        summary: "full".into(),
        evidence: vec![],
        related: vec![],
        distance: None,
    }
}

fn sick(severity: Severity) -> Observation {
    observation(Status::Unhealthy(severity))
}

/// Two stages of 2 and 1 attempts; the first lasts 100 ms.
fn retry() -> RetryPolicy {
    let stage = |name: &str, attempts, within| Stage { name: name.into(), attempts, within };
    let ladder = Ladder(vec![stage("gentle", 2, Some(Millis::new(100))), stage("hard", 1, None)]);
    let (cooldown, max_attempts) = (Millis::new(10), ladder.attempts());
    let (hold_for, clear_for) = (Millis::new(50), Millis::new(60));
    RetryPolicy { cooldown, max_attempts, ladder, hold_for, clear_for, ..RetryPolicy::default() }
}

/// Without times.
fn at_once() -> RetryPolicy {
    RetryPolicy { hold_for: Millis::ZERO, clear_for: Millis::ZERO, ..retry() }
}

fn opened(retry: &RetryPolicy) -> Incident {
    let mut incident = Incident::open(&ONE, &sick(Severity::Warning), at(0)).unwrap();
    incident.starts(retry, at(0));
    incident
}

/// As after a restart.
fn stored(incident: &Incident) -> Incident {
    serde_json::from_str(&serde_json::to_string(incident).unwrap()).unwrap()
}

#[derive(Clone, Copy)]
enum See {
    Sick,
    Worse,
    Well,
    Unknown,
    Gone,
    Nothing,
}

impl See {
    fn observation(self) -> Option<Observation> {
        Some(match self {
            See::Sick => sick(Severity::Warning),
            See::Worse => sick(Severity::Critical),
            See::Well => observation(Status::Healthy),
            See::Unknown => observation(Status::Unknown("I/O error".into())),
            See::Gone => observation(Status::Gone),
            See::Nothing => return None,
        })
    }
}

/// What is seen when, what changes, and whether the incident waits for its minimum time or for its end afterwards.
type Row = (u64, See, Change, bool, bool);

fn run(name: &str, rows: &[Row]) {
    let retry = retry();
    let mut incident = opened(&retry);
    for (time, see, change, is_pending, is_clearing) in rows {
        // Each step also after a restart.
        incident = stored(&incident);
        let found = incident.follow(see.observation().as_ref(), "not mentioned", &retry, at(*time));
        assert_eq!(found, *change, "{name} at {time}");
        if found.is_closing() {
            return;
        }
        let is = (incident.course.is_pending(), incident.course.clearing.is_some());
        assert_eq!(is, (*is_pending, *is_clearing), "{name} at {time}");
    }
}

#[test]
fn a_finding_is_an_incident_once_it_held_for_its_minimum_time() {
    use See::{Gone, Nothing, Sick, Unknown, Well, Worse};
    run("it holds", &[(49, Sick, Change::Unchanged, true, false), (50, Sick, Change::Opened, false, false)]);
    run("it gets worse", &[(10, Worse, Change::Unchanged, true, false), (50, Worse, Change::Opened, false, false)]);
    run("it is healthy", &[(10, Well, Change::Closed, false, false)]);
    run("it is gone", &[(10, Gone, Change::Gone, false, false)]);
    // A probe that fails does not hide it, and opens nothing by itself.
    run(
        "unknown",
        &[
            (40, Unknown, Change::BecameUnknown, true, false),
            (60, Nothing, Change::Unchanged, true, false),
            (61, Sick, Change::Opened, false, false),
        ],
    );
    // Seen late: it held all the time as far as anybody knows.
    run("seen late", &[(9_999, Sick, Change::Opened, false, false)]);
}

#[test]
fn an_incident_closes_once_it_was_healthy_for_long_enough() {
    use See::{Gone, Nothing, Sick, Unknown, Well};
    let opens = (50, Sick, Change::Opened, false, false);
    run(
        "it stays healthy",
        &[
            opens,
            (100, Well, Change::Unchanged, false, true),
            (159, Well, Change::Unchanged, false, true),
            (160, Well, Change::Closed, false, false),
        ],
    );
    run(
        "it comes back",
        &[
            opens,
            (100, Well, Change::Unchanged, false, true),
            (159, Sick, Change::Changed, false, false),
            (160, Well, Change::Unchanged, false, true),
            (219, Well, Change::Unchanged, false, true),
            (220, Well, Change::Closed, false, false),
        ],
    );
    // What is unknown is not healthy: the time begins again.
    run(
        "unknown between",
        &[
            opens,
            (100, Well, Change::Unchanged, false, true),
            (150, Unknown, Change::BecameUnknown, false, false),
            (170, Well, Change::Changed, false, true),
            (229, Well, Change::Unchanged, false, true),
            (230, Well, Change::Closed, false, false),
        ],
    );
    run(
        "not mentioned",
        &[
            opens,
            (100, Well, Change::Unchanged, false, true),
            (200, Nothing, Change::BecameUnknown, false, false),
            (201, Well, Change::Changed, false, true),
        ],
    );
    run("gone", &[opens, (100, Well, Change::Unchanged, false, true), (101, Gone, Change::Gone, false, false)]);
}

#[test]
fn a_clock_that_is_set_back_begins_each_time_again() {
    use See::{Sick, Well};
    let mut incident = Incident::open(&ONE, &sick(Severity::Warning), at(1_000)).unwrap();
    let retry = retry();
    incident.starts(&retry, at(1_000));
    let mut follow = |see: See, time| incident.follow(see.observation().as_ref(), "", &retry, at(time));
    assert_eq!(follow(Sick, 10), Change::Unchanged);
    assert_eq!(follow(Sick, 59), Change::Unchanged);
    assert_eq!(follow(Sick, 60), Change::Opened, "not only after 1,000 ms");
    assert_eq!(follow(Well, 2_000), Change::Unchanged);
    assert_eq!(follow(Well, 100), Change::Unchanged);
    assert_eq!(follow(Well, 160), Change::Closed);
}

/// A stage and what was told of leaving it.
fn climb(incident: &mut Incident, retry: &RetryPolicy, time: u64) -> (String, Vec<(String, Reason)>) {
    *incident = stored(incident);
    let left = incident.climb(retry, true, at(time));
    (incident.stage(retry).to_owned(), left)
}

#[test]
fn each_stage_has_its_attempts_and_the_last_one_is_a_person() {
    let retry = at_once();
    let mut incident = opened(&retry);
    assert_eq!(incident.follow(See::Sick.observation().as_ref(), "", &retry, at(0)), Change::Unchanged);
    for (time, stage) in [(0, "gentle"), (10, "gentle"), (20, "hard")] {
        assert_eq!(climb(&mut incident, &retry, time).0, stage);
        assert_eq!(incident.may_begin(&retry, at(time)), Permission::Granted);
        incident.begin(at(time));
        assert_ne!(incident.may_begin(&retry, at(time)), Permission::Granted);
    }
    let (stage, left) = climb(&mut incident, &retry, 30);
    assert_eq!((stage.as_str(), left), (PERSON, vec![("hard".to_owned(), Reason::Attempts { used: 1 })]));
    assert!(incident.is_at_person(&retry));
    assert_eq!(incident.may_begin(&retry, at(99_999)), Permission::Exhausted(3));
    assert_eq!(incident.reason(), Reason::Attempts { used: 1 });
}

#[test]
fn a_stage_that_takes_too_long_is_left_and_time_counts_from_its_first_attempt() {
    let retry = at_once();
    let mut incident = opened(&retry);
    assert_eq!(climb(&mut incident, &retry, 99_000).0, "gentle", "nothing was tried: it may wait for its window");
    incident.begin(at(99_000));
    assert_eq!(climb(&mut incident, &retry, 99_099).0, "gentle");
    assert!(incident.climb(&retry, false, at(99_500)).is_empty(), "nobody knows the time");
    let (stage, left) = climb(&mut incident, &retry, 99_100);
    let reason = Reason::TimeOut { within: Millis::new(100) };
    assert_eq!((stage.as_str(), left), ("hard", vec![("gentle".to_owned(), reason)]));
    // The second stage has its own attempts, and no time.
    incident.begin(at(99_200));
    assert_eq!(climb(&mut incident, &retry, u64::MAX).0, PERSON);
}

#[test]
fn a_clock_that_is_set_back_neither_ends_a_stage_nor_keeps_it_for_years() {
    let retry = at_once();
    let mut incident = opened(&retry);
    incident.begin(at(1_000_000));
    assert_eq!(climb(&mut incident, &retry, 500).0, "gentle");
    assert_eq!(climb(&mut incident, &retry, 599).0, "gentle");
    assert_eq!(climb(&mut incident, &retry, 600).0, "hard");
}

#[test]
fn a_stage_without_a_plan_is_left_at_once() {
    let retry = at_once();
    let mut incident = opened(&retry);
    climb(&mut incident, &retry, 0);
    incident.leave_stage(&retry, Reason::NothingToDo);
    assert_eq!((incident.stage(&retry), incident.is_at_person(&retry)), ("hard", false));
    incident.leave_stage(&retry, Reason::NothingToDo);
    assert_eq!((incident.stage(&retry), incident.is_at_person(&retry)), (PERSON, true));
    assert_eq!(incident.may_begin(&retry, at(0)), Permission::Exhausted(0));
}

#[test]
fn the_operator_may_change_the_ladder_while_an_incident_is_open() {
    let mut incident = opened(&at_once());
    climb(&mut incident, &at_once(), 0);
    incident.leave_stage(&at_once(), Reason::NothingToDo);
    let with = |names: &[&str]| {
        let stage = |name: &&str| Stage { name: (*name).into(), attempts: 1, within: None };
        RetryPolicy { ladder: Ladder(names.iter().map(stage).collect()), ..at_once() }
    };
    for (names, expected) in [
        (&["new", "gentle", "hard"][..], "hard"),
        (&["hard", "gentle"], "hard"),
        // Gone: the stage at its place, or a person.
        (&["gentle", "other"], "other"),
        (&["gentle"], PERSON),
        (&[], ""),
    ] {
        assert_eq!(stored(&incident).stage(&with(names)), expected, "{names:?}");
    }
}

#[test]
fn what_is_left_to_a_person_is_tried_again_only_if_it_gets_worse_or_a_person_wants_it() {
    let retry = RetryPolicy { max_attempts: 1, ladder: Ladder::default(), ..at_once() };
    let mut incident = opened(&retry);
    incident.begin(at(0));
    assert_eq!(incident.may_begin(&retry, at(50)), Permission::Exhausted(1));
    incident.escalate(incident.reason(), at(50));
    incident = stored(&incident);
    let left = |incident: &Incident| incident.course.escalated.is_some();
    for see in [See::Sick, See::Unknown, See::Nothing, See::Sick] {
        incident.follow(see.observation().as_ref(), "", &retry, at(60));
        assert!(left(&incident));
    }
    let mut more = incident.clone();
    more.follow(See::Sick.observation().as_ref(), "", &RetryPolicy { max_attempts: 2, ..retry.clone() }, at(70));
    assert!(!left(&more), "the operator permits more");

    incident.follow(See::Worse.observation().as_ref(), "", &retry, at(80));
    assert!(!left(&incident));
    assert_eq!(incident.may_begin(&retry, at(80)), Permission::Granted);
    incident.begin(at(80));
    incident.escalate(incident.reason(), at(90));
    incident.follow(See::Worse.observation().as_ref(), "", &retry, at(100));
    assert!(left(&incident), "not worse than when it was left to a person");
    incident.begin_again();
    let incident = stored(&incident);
    assert_eq!((left(&incident), incident.may_begin(&retry, at(100))), (false, Permission::Granted));
    assert_eq!(incident.begun, 2, "attempts are numbered on");
}

/// An incident that used all three attempts of the ladder and is left to a person.
fn at_person(retry: &RetryPolicy) -> Incident {
    let mut incident = opened(retry);
    for time in [0, 10, 20] {
        climb(&mut incident, retry, time);
        incident.begin(at(time));
    }
    assert_eq!(climb(&mut incident, retry, 30).0, PERSON);
    incident.escalate(incident.reason(), at(30));
    stored(&incident)
}

/// Would break: an operator who permits more attempts, and nothing happens.
#[test]
fn more_attempts_of_the_operator_go_on_where_the_ladder_ended() {
    let before = at_once();
    let stage = |name: &str, attempts| Stage { name: name.into(), attempts, within: None };
    let sum = |stages: Vec<Stage>| {
        let ladder = Ladder(stages);
        RetryPolicy { max_attempts: ladder.attempts(), ladder, ..at_once() }
    };
    let follow = |retry: &RetryPolicy| {
        let mut incident = at_person(&before);
        incident.follow(See::Sick.observation().as_ref(), "", retry, at(40));
        incident.follow(See::Sick.observation().as_ref(), "", retry, at(50));
        stored(&incident)
    };
    let last_has_more = sum(vec![stage("gentle", 2), stage("hard", 2)]);
    let mut incident = follow(&last_has_more);
    assert_eq!((incident.stage(&last_has_more), incident.course.escalated.is_some()), ("hard", false));
    assert_eq!(incident.may_begin(&last_has_more, at(50)), Permission::Granted);
    incident.begin(at(50));
    assert_eq!(climb(&mut incident, &last_has_more, 60).0, PERSON, "one more, and not two");
    assert_eq!(incident.reason(), Reason::Attempts { used: 2 });

    let longer = sum(vec![stage("gentle", 2), stage("hard", 1), stage("last", 1)]);
    let incident = follow(&longer);
    assert_eq!((incident.stage(&longer), incident.course.escalated.is_some()), ("last", false));

    let bounded = RetryPolicy { max_attempts: 3, ..last_has_more };
    for (retry, why) in [
        (before.clone(), "nothing has changed"),
        (sum(vec![stage("gentle", 9), stage("hard", 1)]), "only a stage that was left has more"),
        (bounded, "the operator's bound is used up"),
    ] {
        let incident = follow(&retry);
        assert_eq!((incident.stage(&retry), incident.course.escalated.is_some()), (PERSON, true), "{why}");
    }
}

/// Would break: a person who is told that the first stage was not over in time, although `max` ended the ladder.
#[test]
fn if_all_attempts_together_end_the_ladder_early_that_is_the_reason() {
    let retry = RetryPolicy { max_attempts: 1, ..at_once() };
    let mut incident = opened(&retry);
    climb(&mut incident, &retry, 0);
    incident.leave_stage(&retry, Reason::NothingToDo);
    incident.begin(at(0));
    assert!(incident.is_at_person(&retry));
    assert_eq!((incident.stage(&retry), incident.reason()), ("hard", Reason::Attempts { used: 1 }));
}

#[test]
fn what_came_back_too_often_is_held_and_more_attempts_do_not_free_it() {
    let retry = at_once();
    let mut incident = opened(&retry);
    let FlapLimit { most: times, within } = retry.flaps;
    incident.escalate(Reason::Flapping { times, within }, at(0));
    incident.follow(See::Sick.observation().as_ref(), "", &retry, at(10));
    assert_eq!(incident.may_begin(&retry, at(10)), Permission::Flapping { times, within });
}

/// Would break: an ansai that cannot read the incidents of the one before it.
#[test]
fn an_incident_without_a_course_is_read_and_written_as_before() {
    let incident = Incident::open(&ONE, &sick(Severity::Warning), at(0)).unwrap();
    let json = serde_json::to_value(&incident).unwrap();
    assert_eq!(json.get("course"), None);
    assert_eq!(serde_json::from_value::<Incident>(json).unwrap(), incident);
}
