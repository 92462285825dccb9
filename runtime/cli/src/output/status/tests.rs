#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use ansai_core::control::{
    BudgetUse, Expiry, ExpiryState, SeparationState, SeparationStatus, ShadowStatus, ShareUse, TotalUse,
};
use ansai_core::fight::Fight;
use ansai_core::incident::{Escalation, Permission, Reason};
use ansai_core::order::{Order, Orders, Pause, Person, Silence};
use ansai_core::quarantine::Quarantine;
use ansai_core::storm::{Storm, StormCause, StormPhase};
use ansai_core::{ErrorKind, InstanceName, Millis, Mode, Severity, Share, Subject, Unit};

use super::*;

const ONE: InstanceName = InstanceName::from_static("disk-space");
const NOW: u64 = 1_795_230_000_000;

fn order() -> Order {
    let (since, until) = (Timestamp::from_millis(NOW), Timestamp::from_millis(NOW + 7_200_000));
    let by = Person { uid: 1_000, name: Some("alice".into()) };
    Order { since, until, reason: "kernel \u{1b}[31mupdate".into(), by }
}

fn incident(key: &str, next: NextStep) -> IncidentStatus {
    IncidentStatus {
        incident: format!("disk-space/{key}/1"),
        instance: ONE,
        key: key.into(),
        severity: Some(Severity::Critical),
        summary: "a sentence that is long enough to need two lines on a terminal of eighty columns, and more".into(),
        unknown: None,
        opened: Timestamp::from_millis(NOW - 90_061_000),
        confirmed: Timestamp::from_millis(NOW),
        attempts: 2,
        next,
        stage: "clean".into(),
        flaps: 1,
    }
}

fn storm() -> Storm {
    let (phase, why, ten_minutes) = (StormPhase::Stopped, StormCause::Incidents, Millis::new(600_000));
    Storm { phase, why, count: 31, within: ten_minutes, since: Timestamp::from_millis(NOW), quiet: ten_minutes }
}

fn fight() -> Fight {
    let instances = (ONE, InstanceName::from_static("log-files"));
    let (about, within) = (Subject::new("file", "/srv/a"), Millis::from_hours(1));
    Fight { instances, about, turns: 3, within, since: Timestamp::from_millis(NOW) }
}

fn report() -> StatusReport {
    let pause = Pause { instance: Some(ONE), order: order() };
    let silence = Silence { instance: None, key: "/tmp".into(), order: order() };
    let at = Some(Timestamp::from_millis(NOW + 60_000));
    let all = [
        NextStep::Healing,
        NextStep::Paused(Box::new(pause.clone())),
        NextStep::Held { under: "disk-space/x/1".into() },
        NextStep::Storm,
        NextStep::Person { attempts: 3 },
        NextStep::Cooling { until: Timestamp::from_millis(NOW + 1) },
        NextStep::Window { opens: Timestamp::from_millis(NOW + 7_200_000) },
        NextStep::Observe,
        NextStep::Evaluate { at },
        NextStep::Evaluate { at: None },
        NextStep::Silenced(Box::new(silence.clone())),
        NextStep::Pending { until: Timestamp::from_millis(NOW + 60_000) },
        NextStep::Clearing { until: Timestamp::from_millis(NOW + 60_000) },
        NextStep::Escalated {
            escalation: Escalation {
                at: Timestamp::from_millis(NOW),
                severity: Severity::Critical,
                reason: Reason::TimeOut { within: Millis::from_hours(1) },
            },
            attempts: 2,
        },
        NextStep::Waits { held: Box::new(Permission::OutsideWindow(Timestamp::from_millis(NOW + 60_000))) },
    ];
    let mut incidents: Vec<_> = all.into_iter().map(|next| incident("/var", next)).collect();
    let (instance, since, kind) = (ONE, Timestamp::from_millis(NOW), ErrorKind::Trap);
    let quarantine = Quarantine { instance, since, faults: 10, kind, error: "unreachable".into() };
    incidents[7].unknown = Some("the probe failed".into());
    StatusReport {
        ansai: "0.1.0".into(),
        at: Timestamp::from_millis(NOW),
        is_running: false,
        overall: Overall::Unhealthy,
        clock_doubt_ms: Some(7_200_000),
        incidents,
        more_incidents: 3,
        silenced_incidents: 1,
        pending_incidents: 1,
        instances: vec![InstanceStatus {
            instance: ONE,
            version: Some("0.2.0".into()),
            mode: Some(Mode::Enforce),
            every: None,
            cron: Some("30 2 * * * Europe/Berlin".into()),
            skipped: 2,
            faults: 3,
            last: Some(Timestamp::from_millis(NOW - 5_000)),
            next: at,
            incidents: 9,
            shares: vec![ShareUse { share: Share::Processor, percent: 97, is_suspended: true }],
        }],
        configuration: Some("/etc/ansai/ansai.toml is not valid: `ansai check` says why".into()),
        not_loaded: vec!["services: its component is missing".into()],
        orders: Orders {
            pauses: vec![pause],
            silences: vec![silence],
            quarantines: vec![quarantine],
            storm: Some(storm()),
            fights: vec![fight()],
        },
        pending_steps: 1,
        budgets: vec![BudgetUse {
            instance: ONE,
            action: "files.remove".into(),
            about: "filesystem /var".into(),
            bound: "max_files".into(),
            used: 12,
            limit: Some(1_000),
            window: Some(Millis::from_hours(1)),
            table: 1,
        }],
        totals: vec![TotalUse {
            instance: None,
            bound: "max_interruption".into(),
            unit: Unit::Milliseconds,
            used: 90_000,
            limit: 3_600_000,
            window: Millis::from_hours(24),
        }],
        expiring: vec![Expiry {
            id: "expiring-list".into(),
            state: ExpiryState::Soon,
            expires: at,
            summary: "the kept list of revocations expires in 3 d: run `ansai pull`".into(),
        }],
        shadows: vec![ShadowStatus {
            instance: ONE,
            version: "1.1.0".into(),
            beside: "1.0.0".into(),
            watched_ms: Millis::from_hours(2),
            lasts_ms: Millis::from_hours(168),
            compared: 240,
            differences: 1,
            problem: Some("revoked".into()),
        }],
        separations: vec![
            SeparationStatus { what: "guest code".into(), state: SeparationState::InForce, why: None },
            SeparationStatus {
                what: "clients of servers".into(),
                state: SeparationState::Partly,
                why: Some("scopes: an old kernel".into()),
            },
        ],
        quarantine: Some(Quarantined {
            at: Timestamp::from_millis(NOW - 120_000),
            files: 12,
            bytes: 3 << 20,
            first_expires: Some(Timestamp::from_millis(NOW + 7_200_000)),
            complete: true,
        }),
    }
}

#[test]
fn the_page_fits_the_terminal_and_has_what_is_wrong_first() {
    for width in [40, 80, 200] {
        let text = render(&report(), Layout { width, all: false });
        let plain = anstream::adapter::strip_str(&text).to_string();
        for line in plain.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
            assert!(!line.ends_with(' '), "{line:?}");
        }
        assert!(plain.starts_with("unhealthy: 16 open incidents, 1"), "{plain}");
        assert!(plain.find("critical").unwrap() < plain.find("Policies").unwrap());
        assert!(!plain.contains('\u{1b}'), "texts of people control no terminal");
    }
    let text = render(&report(), Layout { width: 80, all: false });
    let plain = anstream::adapter::strip_str(&text).to_string();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in [
        "critical disk-space /var, open for 1 d 1 h",
        "next: is being healed now",
        "next: waiting: paused until",
        "next: left to a person: 3 attempts used",
        "next: becomes an incident in 1 min if it lasts, stage clean",
        "next: healthy; closes in 1 min if it stays healthy",
        "not healed within 1 h, 2 attempts used; `ansai retry /var` lets ansai try again",
        "came back 1 time after it was healed",
        "next: waits until the maintenance window opens at",
        "next: nothing: observe mode",
        "12 files, 3.00 MiB; the first expires in 2 h (counted 2 min ago)",
        "disk-space: files.remove on filesystem /var: max_files 12 of 1000 in 1 h, 988 left",
        "next: evaluated again in 1 min",
        "next: silenced until",
        "disk-space (enforce): 9 open, evaluated 5 s ago, again in 1 min by cron 30 2 * * * Europe/Berlin; 2 skipped runs; 3 faults in a row; shares used:",
        "disk-space is quarantined since",
        "10 faults in a row, the last one was trap: unreachable; `ansai resume disk-space` ends it",
        "processor_percent 97 % (suspended)",
        "and 3 more incidents",
        "next: waits for the end of the storm (incident-storm)",
        "Stopped by ansai healing stopped, except for emergencies: 31 incidents opened within 10 min",
        "disk-space and log-files undo what the other does to file /srv/a",
        "the host: max_interruption = 1 min 30 s of 1 h in 24 h",
        "clients of servers: in force in part: scopes: an old kernel",
        "Expiring the kept list of revocations expires in 3 d: run `ansai pull`",
        "no ansai runs: this is what it left",
    ] {
        assert!(plain.contains(expected), "{expected}: {plain}");
    }
}

#[test]
fn a_healthy_host_has_a_short_page() {
    let report = StatusReport {
        is_running: true,
        overall: Overall::Healthy,
        clock_doubt_ms: None,
        incidents: vec![],
        more_incidents: 0,
        silenced_incidents: 0,
        pending_incidents: 0,
        quarantine: None,
        configuration: None,
        not_loaded: vec![],
        orders: Orders::default(),
        pending_steps: 0,
        budgets: vec![],
        totals: vec![],
        expiring: vec![],
        shadows: vec![],
        separations: vec![],
        ..report()
    };
    let text = render(&report, Layout { width: 80, all: false });
    assert!(anstream::adapter::strip_str(&text).to_string().starts_with("healthy\n\nPolicies\n"), "{text}");
}

#[test]
fn the_document_fits_its_schema() {
    let schema: Value = serde_json::from_str(include_str!("../../../schemas/status.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let document = document(&report());
    let problems: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}\n{document}");
    let mut wrong = document.clone();
    wrong["overall"] = json!("fine");
    assert!(!validator.is_valid(&wrong));
}
