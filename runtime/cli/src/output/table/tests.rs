#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use ansai_core::event::{EvidenceRef, PlannedStep, Verdict};
use ansai_core::{Decision, Measure, Mode, OnFailure, Outcome, Preview, Reversibility, Subject, Timestamp, Unit};
use ansai_supervisor::report::Repeated;
use ansai_supervisor::{PendingStep, PlanReport, StepReport};
use unicode_width::UnicodeWidthStr;

use super::*;
use crate::output::report::{Circumstances, NotLoaded, RunReport};
use crate::output::{events, json};

/// Colours, cursor movements, a line separator, a bidirectional override, C1.
const EVIL: &str = "\u{1b}[31mred\u{1b}[2J \u{202e}abc \u{9b}5n\nsecond\rthird\u{2028}";

fn step(outcome: Option<Outcome>, text: &str) -> StepReport {
    let mut preview = Preview::nothing(Subject::new("filesystem", text));
    (preview.items, preview.frees_now_bytes, preview.reversible) = (12, 3_355_443, Reversibility::None);
    StepReport {
        planned: PlannedStep {
            action: "ansai:files/files-actions.remove".into(),
            reason: text.into(),
            preview,
            may_fail: false,
            effectiveness: None,
            undo_until: None,
            names: [].into(),
        },
        outcome,
        detail: text.into(),
        measures: vec![Measure::count("freed-bytes", 3_355_443, Unit::Bytes)],
        evidence: vec![EvidenceRef { id: "i".into(), name: text.into(), bytes: 3.into(), sha256: "ab".into() }],
        after_undo: None,
        goes_back: None,
    }
}

fn finding(status: Status, text: &str) -> FindingReport {
    FindingReport {
        key: format!("full-{text}"),
        about: Subject::new("filesystem", text),
        status,
        summary: format!("{text} is 93 % full and will be full in 2 h"),
        evidence: vec![
            Measure { name: "used".into(), value: ansai_core::Value::Number(0.934_56), unit: Unit::Ratio },
            Measure::count("available-bytes", 1 << 30, Unit::Bytes),
            Measure::text("device", text),
            Measure::count("inodes", 5, Unit::None),
        ],
        incident: None,
        plans: vec![],
        verified: None,
        repeated: None,
        held_under: None,
        not_held: None,
        silenced: false,
        holds: vec![],
    }
}

fn instance(name: &str, findings: Vec<FindingReport>) -> InstanceReport {
    InstanceReport {
        instance: name.parse().unwrap(),
        version: "0.1.0".into(),
        mode: Mode::Observe,
        findings,
        error: None,
        error_kind: None,
        repeated: None,
        log: vec![],
    }
}

fn report(text: &str) -> RunReport {
    let planned = |verdict, outcome| PlanReport {
        plan: "20261121t030243-117-0001".into(),
        decision: Some(Decision::Apply(OnFailure::Stop)),
        verdict: Some(verdict),
        steps: vec![step(outcome, text)],
        recommendations: vec![],
        error: None,
        error_kind: None,
    };
    let mut observed = finding(Status::Unhealthy(Severity::Critical), text);
    observed.plans = vec![planned(Verdict::Observed, None)];
    let mut healed = finding(Status::Unhealthy(Severity::Warning), text);
    healed.plans = vec![planned(Verdict::Approved, Some(Outcome::Done)), planned(Verdict::Refused(text.into()), None)];
    healed.verified = Some(Status::Healthy);
    let mut failed = instance("broken", vec![]);
    failed.error = Some(format!("trapped: {text}"));
    let mut held = chain(&[text, text]);
    held[0].not_held = Some(ansai_core::hold::NotHeld::CauseItself);
    healed.holds = held[0].holds.clone();
    healed.held_under = held[1].held_under.clone();
    let instances = vec![
        instance("disk-space", vec![observed, healed, finding(Status::Healthy, text)]),
        instance("quiet", vec![finding(Status::Healthy, text), finding(Status::Unknown(text.into()), text)]),
        instance("well", vec![finding(Status::Healthy, text)]),
        failed,
    ];
    let not_loaded = vec![NotLoaded {
        name: text.into(),
        error: text.into(),
        error_kind: ansai_core::codes::OTHER,
        hint: Some(text.into()),
        problems: vec![],
        exit_code: 2,
    }];
    let circumstances = Circumstances {
        at: ansai_core::Timestamp::from_millis(1_790_000_000_000),
        mode: Mode::Observe,
        state_dir: "/var/lib/ansai".into(),
        not_configured: vec![],
        warnings: vec![],
        pending: vec![PendingStep {
            plan: "20261121t030243-117-0001".into(),
            step: 1,
            instance: "disk-space".parse().unwrap(),
            reason: text.into(),
        }],
        reach: vec![("disk-space".into(), "under /var/log, /tmp".into())],
        audit_head: format!("7:{}", "0".repeat(64)),
        exit_code: 3,
    };
    RunReport::new(instances, not_loaded, circumstances)
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn verbose_shows_what_is_healthy() {
    let shown = |all, width| plain(&render(&report("/var"), Layout { width, all }, false, false));
    let line = "well: 1 check passed\n  /var is 93 % full and will be full in 2 h\n";
    assert!(shown(true, 120).contains(line), "{}", shown(true, 120));
    assert!(!shown(false, 120).contains(line));
    assert!(shown(true, 30).lines().skip_while(|line| !line.starts_with("well:")).nth(2).unwrap().starts_with("    "));
}

#[test]
fn everything_is_in_the_table() {
    let text = plain(&render(&report("/var"), Layout { width: 220, all: false }, false, false));
    for expected in [
        "INSTANCE",
        "remove 12 files, frees up to 3.20 MiB, PERMANENT",
        "not applied: observe mode",
        "healed",
        "done: /var (freed 3.20 MiB)",
        "verified: healthy",
        "used 93.4 %; available 1.00 GiB; device /var; 1 more",
        "well: 1 check passed",
        "disk-space: 1 more healthy",
        "unknown:\n  quiet: filesystem /var: /var\n  broken: trapped: /var",
        "not loaded:\n  /var: /var",
        "1 step of an earlier run pending:\n  disk-space: step 1 of plan 20261121t030243-117-0001 was interrupted, and waits: /var",
        "1 unhealthy, 1 healed, 2 unknown, 3 healthy (mode observe)",
        "no configuration: disk-space looks only under /var/log, /tmp\n",
        "audit head 7:0000",
    ] {
        assert!(text.contains(expected), "{expected} is missing:\n{text}");
    }
}

#[test]
fn a_flood_of_findings_stays_readable() {
    let mut many = report("/var");
    let one = many.instances[0].findings[0].clone();
    many.instances[0].findings = vec![one; 1_000];
    let step = step(None, "/var");
    many.instances[0].findings[0].plans[0].steps = vec![step; 500];
    let text = plain(&render(&many, Layout { width: 80, all: false }, false, false));
    assert!(text.contains("and 800 more findings: --format json shows all"), "{}", text.len());
    assert!(text.contains("and 480 more steps"), "{}", text.len());
    assert!(text.len() < 500_000, "{}", text.len());
}

/// Of these names, each held under the one before.
fn chain(names: &[&str]) -> Vec<FindingReport> {
    let mut findings: Vec<FindingReport> = Vec::new();
    for name in names {
        let mut next = finding(Status::Unhealthy(Severity::Critical), name);
        next.incident = Some(format!("one/{name}/1"));
        next.held_under = findings.last_mut().map(|before| {
            before.holds = vec![format!("one/{name}/1")];
            ansai_core::hold::HeldUnder {
                incident: before.incident.clone().unwrap(),
                instance: "one".parse().unwrap(),
                key: before.key.clone(),
                cause: before.about.clone(),
            }
        });
        findings.push(next);
    }
    findings
}

#[test]
fn what_is_held_comes_below_its_cause() {
    let mut held = report("/var");
    let mut all = chain(&["disk", "table", "query"]);
    all.reverse();
    let [query, table, disk] = <[FindingReport; 3]>::try_from(all).unwrap();
    held.instances =
        vec![instance("web", vec![query]), instance("database", vec![table]), instance("disk", vec![disk])];
    for width in [60, 160] {
        let text = plain(&render(&held, Layout { width, all: false }, false, false));
        let places = ["disk is 93 %", "└ table is 93 %", "  └ query is 93 %"].map(|words| text.find(words).unwrap());
        assert!(places.is_sorted(), "{text}");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("held: caused by filesystem"), "{text}");
    }
    let order = |held: &RunReport| tree::of(&held.instances, is_shown).iter().map(|one| one.depth).collect::<Vec<_>>();
    assert_eq!(order(&held), [0, 1, 2]);
    // Its cause is not in this report.
    held.instances.pop();
    assert_eq!(order(&held), [0, 1]);
    // A circle hides nothing.
    let query = held.instances[0].findings[0].incident.clone().unwrap();
    held.instances[1].findings[0].held_under.as_mut().unwrap().incident = query;
    assert_eq!(order(&held), [0, 0]);
}

#[test]
fn no_line_of_the_table_is_wider_than_the_terminal() {
    for width in [40, 60, 80, 100, 120, 160, 200] {
        let report = report("/var/lib/some/long/path/without/any/blank");
        let rows: Vec<Row> = tree::of(&report.instances, is_shown).iter().map(row).collect();
        let text = if width < NARROWEST_TABLE { blocks(&rows, width) } else { table(&rows, width, false) };
        let text = plain(&text);
        let widest = text.lines().map(UnicodeWidthStr::width).max().unwrap();
        assert!(widest <= width, "{widest} of {width}:\n{text}");
        assert_eq!(text.contains("INSTANCE"), width >= NARROWEST_TABLE);
    }
}

#[test]
fn nothing_from_outside_acts_on_the_terminal() {
    for width in [60, 120] {
        let text = plain_of_ours(&render(&report(EVIL), Layout { width, all: true }, false, false));
        let active = text.chars().find(|c| *c != '\n' && (c.is_control() || matches!(c, '\u{2028}' | '\u{202e}')));
        assert_eq!(active, None, "{text:?}");
    }
    let opened = ansai_core::Event::Incident {
        incident: EVIL.into(),
        instance: ansai_core::InstanceName::from_static("disk-space"),
        key: EVIL.into(),
        change: ansai_core::incident::Change::Opened,
        severity: Some(Severity::Notice),
        summary: EVIL.into(),
        held_under: None,
        silenced: false,
    };
    assert!(events::line(&opened).chars().all(|c| !c.is_control() && c != '\u{202e}'));
}

/// Without our own colours: every other escape stays and is found.
fn plain_of_ours(text: &str) -> String {
    let mut text = text.to_owned();
    for style in [colour::GOOD, colour::WARNING, colour::ERROR, colour::FAINT, colour::STRONG] {
        text = text.replace(&style.render().to_string(), "");
    }
    for severity in [Severity::Notice, Severity::Warning, Severity::Critical, Severity::Emergency] {
        text = text.replace(&colour::of_severity(severity).render().to_string(), "");
    }
    text.replace("\u{1b}[0m", "")
}

#[test]
fn what_was_there_before_says_how_often() {
    let mut report = report("/var");
    let repeated = Some(Repeated { times: 11, since: Timestamp::EPOCH });
    report.instances[0].findings[0].repeated = repeated;
    (report.instances[0].error, report.instances[0].repeated) = (Some("no route".into()), repeated);
    let text = plain(&render(&report, Layout { width: 220, all: false }, false, false));
    assert_eq!(text.matches("the same for 12").count(), 2, "{text}");
    let quiet = plain(&render(&report, Layout { width: 220, all: false }, false, true));
    assert!(!quiet.contains("the same for 12") && !quiet.contains("no route"), "{quiet}");
    assert!(quiet.contains("disk-space") && quiet.contains("broken: trapped"), "others are told: {quiet}");
    let document = serde_json::to_value(&report).unwrap();
    assert_eq!(document["instances"][0]["findings"][0]["repeated"], serde_json::json!({"times": 11, "since": 0}));
}

#[test]
fn the_document_fits_its_schema() {
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../../schemas/run.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let text = json::escaped(&serde_json::to_string(&report(EVIL)).unwrap());
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let problems: Vec<String> =
        validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    let mut wrong = document.clone();
    wrong["instances"][0]["findings"][0]["status"] = "fine".into();
    assert!(!validator.is_valid(&wrong));
}
