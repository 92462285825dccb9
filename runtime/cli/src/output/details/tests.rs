#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use ansai_core::{InstanceName, Lasting, Measure, Millis, OnFailure, Preview, Reversibility, Subject, Timestamp, Unit};

use super::*;

const AT: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn planned(items: u64, names: usize) -> PlannedStep {
    let name = |number| format!("/var/log/app.log.{number}");
    let all: Vec<String> = (0..names).map(name).collect();
    let preview = Preview {
        items,
        sample: (0..10).map(name).take(usize::try_from(items).unwrap()).collect(),
        left_out: vec![
            LeftOut { reason: "open".into(), items: 2, bytes: 0 },
            LeftOut { reason: "young".into(), items: 16, bytes: 1 << 20 },
            LeftOut { reason: "of-another-kind".into(), items: 1, bytes: 0 },
        ],
        ..Preview::nothing(Subject::new("filesystem", "/var"))
    };
    PlannedStep {
        action: "ansai:files/files-actions.remove".into(),
        reason: "rotated logs older than 30 d".into(),
        preview,
        may_fail: false,
        effectiveness: None,
        undo_until: None,
        names: all.into(),
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn shown(planned: &PlannedStep, all: bool) -> String {
    plain(&of_step(planned, Layout { width: 200, all }, 2))
}

#[test]
fn a_step_names_ten_targets_and_counts_the_others() {
    let text = shown(&planned(24, 24), false);
    assert!(text.starts_with("  why      rotated logs older than 30 d\n  touches  /var/log/app.log.0\n"), "{text}");
    assert!(text.contains("\n           /var/log/app.log.9\n           and 14 more\n"), "{text}");
    assert!(!text.contains("app.log.10"), "{text}");
    // Of a record of the audit log, only the sample is known.
    assert!(shown(&planned(24, 0), true).contains("app.log.9\n           and 14 more\n"));
    assert!(!shown(&planned(10, 10), false).contains("more"));
}

#[test]
fn verbose_names_all_targets() {
    let text = shown(&planned(24, 24), true);
    assert!(text.contains("app.log.23\n") && !text.contains("more"), "{text}");
    assert_eq!(text.matches("/var/log/app.log.").count(), 24);
}

#[test]
fn what_is_skipped_is_counted_by_reason_and_the_most_frequent_comes_first() {
    let skips = "  skips    16 files (1.00 MiB) younger than allowed, by mtime, atime or ctime; 2 files open; \
                 1 file of another kind\n";
    assert!(shown(&planned(1, 1), false).contains(skips), "{}", shown(&planned(1, 1), false));
}

#[test]
fn names_are_harmless_and_never_broken() {
    let long = format!("/var/{}/\u{1b}[2J\u{202e}", "x".repeat(300));
    let step = PlannedStep { names: vec![long].into(), ..planned(1, 0) };
    let text = plain(&of_step(&step, Layout { width: 40, all: false }, 2));
    let line = text.lines().find(|line| line.contains("/var/xxx")).unwrap();
    assert!(line.contains("\\u{1b}[2J\\u{202e}") && line.contains(&"x".repeat(300)), "{line:?}");
}

#[test]
fn a_step_says_until_when_it_can_be_undone() {
    let step = |reversible, undo_until| {
        let planned = planned(2, 2);
        let preview = Preview { reversible, ..planned.preview };
        phrases::planned(&PlannedStep { preview, undo_until, ..planned })
    };
    let until = super::super::time::minute(AT);
    assert_eq!(step(Reversibility::None, None), "remove 2 files, PERMANENT");
    assert_eq!(step(Reversibility::Fully, Some(AT)), format!("remove 2 files, undo until {until}"));
    assert_eq!(step(Reversibility::Fully, None), "remove 2 files, can be undone");
    assert_eq!(step(Reversibility::Partly, None), "remove 2 files, can be undone in part");
    let checks = Preview { lasting: Lasting::ForGood, ..Preview::nothing(Subject::new("filesystem", "/")) };
    let checks = PlannedStep { preview: checks, ..planned(0, 0) };
    assert_eq!(phrases::planned(&checks), "remove: filesystem /", "nothing to undo");
    let preview = Preview { lasting: Lasting::ForATime(Millis::from_hours(1)), ..planned(2, 2).preview };
    assert_eq!(phrases::planned(&PlannedStep { preview, ..planned(2, 2) }), "remove 2 files, undone after 1 h");
}

#[test]
fn a_recommendation_shows_its_detail_and_its_numbers() {
    let recommendation = Recommendation {
        about: None,
        summary: "grow the disk".into(),
        detail: "run lvextend\nthen resize2fs".into(),
        measures: vec![Measure::count("missing-bytes", 1 << 30, Unit::Bytes)],
    };
    let event = |decision, recommendations| Event::Planned {
        plan: "p1".into(),
        incident: Some("i1".into()),
        instance: InstanceName::from_static("one"),
        decision,
        steps: vec![],
        recommendations,
        distance: None,
    };
    let decided = event(Decision::Recommend(vec![recommendation.clone()]), vec![]);
    let added = event(Decision::Apply(OnFailure::Stop), vec![recommendation]);
    for event in [decided, added] {
        let text = plain(&of_event(&event, Layout { width: 80, all: false }, 4));
        let expected =
            "      detail    run lvextend\n                then resize2fs\n      measures  missing 1.00 GiB\n";
        assert_eq!(text, expected);
    }
}
