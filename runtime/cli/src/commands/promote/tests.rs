#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]
use ansai_core::Timestamp;
use ansai_core::promotion::Achieved;
use serde_json::json;

use super::show::{Shown, difference, document, list, one};
use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_230_000_000);
const TEXT: &str = "[policy.disk-space]\nsource = \"a\"\n[policy.disk-space.grant]\n\"ansai:files/files-actions\" = {}\n\
                    \"ansai:journal/journal-vacuum-actions\" = {}\n[policy.other]\n";

fn configuration() -> (tempfile::TempDir, Configuration) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ansai.toml");
    std::fs::write(&path, TEXT).unwrap();
    let configuration = Configuration::open(&path, &ansai_host_functions::builtin().interfaces()).unwrap();
    (dir, configuration)
}

fn records() -> Vec<ActionRecord> {
    let day = |ago: u64| Some(Timestamp::from_millis(NOW.as_millis() - ago * 86_400_000));
    let record = |action: &str, achieved| ActionRecord {
        instance: InstanceName::from_static("disk-space"),
        action: action.into(),
        achieved,
    };
    vec![
        record("ansai:files/files-actions.remove", Achieved { since: day(9), proposed: 3, ..Achieved::default() }),
        record("ansai:files/files-actions.compress", Achieved { since: day(2), proposed: 2, ..Achieved::default() }),
    ]
}

fn all(configuration: &Configuration) -> Vec<Row> {
    rows(configuration, &records(), &ansai_host_functions::builtin().interfaces(), NOW)
}

#[test]
fn the_functions_of_an_interface_count_together_and_what_is_ready_comes_first() {
    let (_dir, configuration) = configuration();
    let rows = all(&configuration);
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].achieved.proposed, rows[0].functions.len(), rows[0].is_ready()), (5, 2, true));
    assert!(!rows[1].is_ready());
    let text = list(&rows);
    assert!(text.find("ready for approve").unwrap() < text.find("not ready for approve: proposed for 0").unwrap());
    assert!(text.contains("never proposed in 90 days"), "{text}");
    assert_eq!(list(&[]).lines().count(), 1);
}

#[test]
fn an_action_is_named_in_several_ways() {
    let (_dir, configuration) = configuration();
    let rows = all(&configuration);
    let found = |instance: &str, action: Option<&str>| {
        let found = find(&rows, &configuration, &instance.parse().unwrap(), action);
        found.map(|row| row.action.to_string()).map_err(|fault| (fault.code, fault.hint.unwrap_or_default()))
    };
    for name in ["ansai:files/files-actions", "files-actions", "ansai:files/files-actions.remove"] {
        assert_eq!(found("disk-space", Some(name)).unwrap(), "ansai:files/files-actions", "{name}");
    }
    let (code, hint) = found("disk-space", None).unwrap_err();
    assert!(code == codes::UNKNOWN_ACTION && hint.contains("journal-vacuum-actions"), "{hint}");
    let (code, hint) = found("disk-space", Some("file-action")).unwrap_err();
    assert!(code == codes::UNKNOWN_ACTION && hint.contains("files-actions"), "{hint}");
    let (code, hint) = found("dsik-space", None).unwrap_err();
    assert!(code == codes::UNKNOWN_INSTANCE && hint.contains("disk-space"), "{hint}");
    assert_eq!(found("other", None).unwrap_err().0, codes::UNKNOWN_ACTION);
}

#[test]
fn the_document_fits_its_schema() {
    let (_dir, configuration) = configuration();
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../../schemas/promote.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let rows = all(&configuration);
    let interfaces = ansai_host_functions::builtin().interfaces();
    let change = Change::of(&configuration, (&rows[0].instance, &rows[0].action), Mode::Enforce, &interfaces).unwrap();
    let shown = Shown { path: &configuration.path, to: Mode::Enforce, change: &change, is_written: false };
    let skipping = [rows[0].towards(Mode::Enforce, NOW)];
    for document in [document(&rows, None), document(&skipping, Some(&shown)), document(&[], None)] {
        let problems: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{problems:?}\n{document:#}");
    }
    let mut wrong = document(&rows, None);
    wrong["actions"][0]["level"] = json!("always");
    assert!(!validator.is_valid(&wrong));
    let text = one(&skipping[0], Some(&shown));
    assert!(text.contains("+mode = \"enforce\"") && text.contains("nothing is written"), "{text}");
}

#[test]
fn a_difference_has_the_lines_that_differ() {
    let lines = difference("a\nb\nc\nd\n", "a\nx\nb\nC\nd\ny\n");
    assert_eq!(lines, [" a", "+x", " b", "-c", "+C", "+y"]);
    assert!(difference("a\n", "a\n").is_empty());
    assert_eq!(difference("", "a"), ["+a"]);
}
