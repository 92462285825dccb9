#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use ansai_core::control::{ActionCounts, IncidentCounts, Mean, Noisy};
use ansai_core::{InstanceName, Millis, Timestamp};

use super::*;

const NOW: u64 = 1_795_230_000_000;

fn report() -> HostReport {
    let mean = |seconds: u64, of| Some(Mean { time: Millis::new(seconds * 1_000 + 7), of });
    HostReport {
        ansai: "0.1.0".into(),
        at: Timestamp::from_millis(NOW),
        is_running: true,
        since: Timestamp::from_millis(NOW - 30 * 86_400_000),
        known_since: None,
        instance: None,
        incidents: IncidentCounts {
            opened: 15,
            open: 1,
            closed: 14,
            healed: 11,
            healed_with_approval: 1,
            recovered: 1,
            gone: 1,
            displaced: 0,
        },
        detect: mean(150, 15),
        heal: mean(245, 12),
        freed_bytes: 3 << 30,
        interrupted: Millis::new(180_000),
        unknown_interruptions: 2,
        undone: 1,
        false_alarms: 0,
        noisy: vec![Noisy {
            instance: InstanceName::from_static("disk-space"),
            key: "/v\u{1b}[31mar".into(),
            incidents: 7,
        }],
        actions: vec![ActionCounts {
            action: "ansai:files/files-actions.remove".into(),
            begun: 12,
            done: 11,
            failed: 1,
            healed: 10,
        }],
    }
}

fn plain(report: &HostReport, width: usize) -> String {
    anstream::adapter::strip_str(&render(report, Layout { width, all: false })).to_string()
}

#[test]
fn the_page_fits_the_terminal_and_begins_with_a_paragraph() {
    for width in [40, 80, 200] {
        let text = plain(&report(), width);
        for line in text.lines() {
            assert!(line.chars().count() <= width && !line.ends_with(' '), "{width}: {line:?}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    let text = plain(&report(), 80).split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in [
        "ansai found 15 problems and repaired 12, 1 of them after a person approved it; a repair took 4 min 5 s on average.",
        "1 incident is open now. It freed 3.00 GiB.",
        "It interrupted services for about 3 min, and for an unknown time in 2 steps.",
        "opened: 15 closed: 14: 11 healed, 1 healed with approval, 1 recovered without ansai, 1 gone open now: 1",
        "found within 2 min 30 s on average (of 15)",
        "healed within 4 min 5 s on average (of 12)",
        "undone: 1 step",
        "files-actions.remove: 12 begun, 11 done (91 %), 1 failed; 10 healthy afterwards (90 %)",
        ": 7 incidents",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn nothing_is_not_divided_and_what_is_missing_is_told() {
    let nothing = HostReport {
        is_running: false,
        known_since: Some(Timestamp::from_millis(NOW - 86_400_000)),
        incidents: IncidentCounts { open: 2, ..IncidentCounts::default() },
        detect: None,
        heal: None,
        freed_bytes: 0,
        interrupted: Millis::ZERO,
        unknown_interruptions: 0,
        noisy: vec![],
        actions: vec![],
        ..report()
    };
    let text = plain(&nothing, 200);
    for expected in [
        "no ansai runs: this is what it left",
        "what happened before may be missing",
        "ansai found no new problems in this time; 2 earlier incidents are still open.",
        "found: no figures",
        "interrupted: nothing",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!text.contains("Actions") && !text.contains("Opened most often"), "{text}");
}

#[test]
fn the_document_fits_its_schema() {
    let schema: Value = serde_json::from_str(include_str!("../../../schemas/report.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let document = document(&report());
    let problems: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}\n{document}");
    let mut wrong = document;
    wrong["incidents"]["healed"] = json!(-1);
    assert!(!validator.is_valid(&wrong));
}
