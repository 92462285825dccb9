//! Golden texts, and hostile names in every form.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use ansai_core::{Subject, Timestamp};
use unicode_width::UnicodeWidthStr as _;

mod pictures;

use super::*;
use crate::message::{Kind, Message, Notice, Step, StepState, counts};
use crate::template::sample;

const NOW: Timestamp = Timestamp::from_millis(1_795_230_163_000);

fn message(notices: Vec<Notice>) -> Message {
    Message::new("m-1", "ops", "disk-space//var", "web1", NOW, notices)
}

/// A text without times of this machine's zone: the digits of `2026-11-21` and `03:02:43` become 0.
fn stable(text: &str) -> String {
    let is_time = |part: &str| {
        let shape: String = part.chars().take(10).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        ["0000-00-00", "00:00:00", "00:00"].into_iter().find(|known| shape.starts_with(known))
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (written, used) =
            is_time(rest).map_or((c.to_string(), c.len_utf8()), |known| (known.to_owned(), known.len()));
        out += &written;
        rest = &rest[used..];
    }
    out
}

#[test]
fn subjects_sort_by_host_and_state() {
    let subject_of = |kind| subject(&message(vec![sample::notice(kind)]));
    assert_eq!(subject_of(Kind::Healed), "[ansai] web1: RESOLVED disk /var (healed in 41 s)");
    assert_eq!(subject_of(Kind::Opened), "[ansai] web1: WARNING disk /var");
    assert_eq!(subject_of(Kind::Held), "[ansai] web1: APPROVAL NEEDED disk /var");
    assert_eq!(subject_of(Kind::RepairFailed), "[ansai] web1: REPAIR FAILED disk /var");
    let mut storm = message(vec![sample::notice(Kind::Escalated); 3]);
    storm.counts = vec![crate::message::Count { kind: Kind::Opened, number: 412 }];
    assert_eq!(subject(&storm), "[ansai] web1: ACTION NEEDED 412 notices of disk-space");
    let resolved = message(vec![sample::notice(Kind::Healed), sample::notice(Kind::Gone)]);
    assert_eq!(subject(&resolved), "[ansai] web1: RESOLVED 2 notices of disk-space");
    let reminder = Message { reminder: true, ..message(vec![sample::notice(Kind::Held)]) };
    assert_eq!(subject(&reminder), "[ansai] web1: REMINDER APPROVAL NEEDED disk /var");
}

#[test]
fn texts() {
    let healed = text(&document(&message(vec![sample::notice(Kind::Healed)])));
    insta::assert_snapshot!("healed", stable(&healed));
    let held = text(&document(&message(vec![sample::notice(Kind::Held)])));
    insta::assert_snapshot!("held", stable(&held));
    let mut storm = message((0..9).map(|_| sample::notice(Kind::Opened)).collect());
    storm.counts = vec![crate::message::Count { kind: Kind::Opened, number: 412 }];
    insta::assert_snapshot!("storm", stable(&text(&document(&storm))));
    let digest = Message { digest: true, ..message(vec![sample::notice(Kind::Healed), sample::notice(Kind::Gone)]) };
    insta::assert_snapshot!("digest", stable(&text(&document(&digest))));
    let report = report_message();
    insta::assert_snapshot!("report", stable(&text(&document(&report))));
}

#[test]
fn pages() {
    insta::assert_snapshot!("healed-html", stable(&html(&document(&message(vec![sample::notice(Kind::Healed)])))));
}

pub(crate) fn report_message() -> Message {
    let report = serde_json::json!({
        "ansai": "0.1.0", "at": NOW, "is_running": true, "since": NOW.as_millis() - 7 * 86_400_000,
        "known_since": null, "instance": null,
        "incidents": { "opened": 15, "open": 1, "closed": 14, "healed": 11, "healed_with_approval": 1,
                       "recovered": 1, "gone": 1, "displaced": 0 },
        "detect": { "time": 150_000, "of": 15 }, "heal": { "time": 245_000, "of": 12 },
        "freed_bytes": 3_221_225_472_u64, "interrupted": 180_000, "unknown_interruptions": 2, "undone": 1,
        "false_alarms": 0,
        "noisy": [{ "instance": "disk-space", "key": "/var", "incidents": 7 }],
        "actions": [{ "action": "ansai:files/files-actions.remove", "begun": 12, "done": 11, "failed": 1, "healed": 10 }],
    });
    Message::of_report("ops", "web1", serde_json::from_value(report).unwrap())
}

/// ANSI, bidirectional marks, HTML, header injection, formulas, mentions, line ends and long names.
pub(crate) fn hostile() -> Message {
    let name = "\u{1b}[31m\u{202e}<script>alert(1)</script>\r\nBcc: all@example.org\r\n\r\n=cmd|' /C calc'!A0 <!channel> \
                @everyone `x` [a](http://b) &amp; \u{0}\u{200b}";
    let long = format!("{name}{}", "x".repeat(5_000));
    let mut one = sample::notice(Kind::Held);
    one.host = name.to_owned();
    one.summary.clone_from(&long);
    one.subject = Some(Subject::new(name, long.clone()));
    one.instance = Some(name.to_owned());
    if let Some(incident) = &mut one.incident {
        incident.id = long.clone();
    }
    one.evidence[0].name = name.to_owned();
    one.audit_head = Some(long.clone());
    one.steps = vec![Step {
        state: StepState::Failed,
        what: long.clone(),
        names: vec![long.clone(); 30],
        more_names: u64::MAX,
        frees_bytes: Some(u64::MAX),
        interrupts: Some(ansai_core::Millis::MAX),
        can_undo: true,
        why: Some(long.clone()),
    }];
    one.timeline[0].what.clone_from(&long);
    one.since = Timestamp::MAX;
    let asked = one.asked.as_mut().unwrap();
    (asked.what, asked.who) = (long.clone(), Some(name.to_owned()));
    asked.commands[0].line = long;
    let mut message = message(vec![one]);
    message.host = name.to_owned();
    message.group = name.to_owned();
    message.bounded()
}

#[test]
fn hostile_names_are_inert_in_every_form() {
    let message = hostile();
    let document = document(&message);
    let is_active = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}');
    let plain = text(&document);
    assert!(!plain.contains(is_active), "{plain}");
    assert!(!plain.lines().any(|line| line.starts_with("Bcc:")), "{plain}");
    let page = html(&document);
    assert!(!page.contains("<script") && !page.contains(is_active), "{page}");
    assert!(page.contains("&lt;script&gt;"), "{page}");
    // Nothing that a client fetches, runs or follows.
    for forbidden in ["<img", "<a ", "href", "src=", "<style", "<link", "javascript:", "onerror"] {
        assert!(!page.contains(forbidden), "{forbidden}: {page}");
    }
    let subject = subject(&message);
    assert!(subject.chars().count() <= 121 && !subject.contains(['\r', '\n', '\u{1b}']), "{subject}");
}

/// Would break: a line that a terminal or a mail program breaks in the middle of a word.
#[test]
fn lines_have_80_columns_but_commands_are_whole() {
    for kind in Kind::ALL {
        let text = text(&document(&message(vec![sample::notice(kind)])));
        assert!(text.lines().all(|line| line.width() <= 80 && (line == "-- " || line.trim_end() == line)), "{text}");
    }
    let text = text(&document(&hostile()));
    let long: Vec<&str> = text.lines().filter(|line| line.width() > 80).collect();
    assert!(long.len() <= 1 && long.iter().all(|line| line.starts_with("  ")), "{long:?}");
    assert!(text.contains("[18446744073709551615 more]"), "{text}");
}

#[test]
fn a_storm_has_bounds() {
    let notices: Vec<Notice> = (0..2_000).map(|_| hostile().notices.remove(0)).collect();
    let all = counts(&notices);
    let storm = message(notices).bounded();
    assert_eq!(storm.counts, all);
    let document = document(&storm);
    assert!(text(&document).len() < 64 << 10 && html(&document).len() < 128 << 10);
    assert!(text(&document).contains("[1950 more]"));
}

#[test]
fn what_may_be_a_copy_says_so() {
    let message = Message { may_repeat: true, ..message(vec![sample::notice(Kind::Test)]) };
    assert!(text(&document(&message)).starts_with("This may be a second copy"));
}
