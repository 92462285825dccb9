//! Any text gives an answer without terminal control characters.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod fixtures;

use ansai_config::{Diagnostics, HostConfig, Manifest, Schema};
use fixtures::{CONFIGURATION, INTERFACES, MANIFEST, SCHEMA};
use proptest::prelude::*;

fn read_all(text: &str) {
    let manifest = Manifest::parse("policy.toml", text, INTERFACES).err();
    let config = HostConfig::parse("ansai.toml", text, INTERFACES).err();
    let schema = Schema::parse("settings.schema.json", text).err();
    let embedded = Manifest::from_json("embedded", text, INTERFACES).err();
    for problems in [manifest, config, schema, embedded].into_iter().flatten() {
        assert!(problems.has_errors());
        check(&problems);
    }
}

fn check(problems: &Diagnostics) {
    let shown = problems.render(false, 100);
    let active = |c: char| c.is_control() && c != '\n' && c != '\t';
    assert!(!shown.contains(active), "{shown:?}");
    for entry in problems.entries() {
        assert!(entry.line > 0 && entry.column > 0);
        assert!(!entry.message.contains(char::is_control), "{entry:?}");
    }
}

/// A valid text with some bytes replaced.
fn mutated(text: &'static str) -> impl Strategy<Value = String> {
    let edit = (0..text.len(), 0usize..12, "[\\[\\]{}\"'=.#\\n a0é\u{1b}\u{202e}-]{0,6}");
    proptest::collection::vec(edit, 1..4).prop_map(move |edits| {
        let mut text = text.to_owned();
        for (at, length, put) in edits {
            let mut at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let mut end = (at + length).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            text.replace_range(at..end, &put);
        }
        text
    })
}

proptest! {
    #[test]
    fn arbitrary_text(text in any::<String>()) {
        read_all(&text);
    }

    #[test]
    fn nearly_toml(text in "([a-c.\"\\[\\]= \\n{}0-9-]|true|[\u{0}-\u{1f}]){0,80}") {
        read_all(&text);
    }

    #[test]
    fn manifests(text in mutated(MANIFEST)) {
        read_all(&text);
    }

    #[test]
    fn configurations(text in mutated(CONFIGURATION)) {
        read_all(&text);
    }

    #[test]
    fn schemas_and_settings(text in mutated(SCHEMA), settings in mutated(CONFIGURATION)) {
        read_all(&text);
        if let Ok(schema) = Schema::parse("s", &text) {
            schema.describe();
            if let Ok(config) = HostConfig::parse("ansai.toml", &settings, INTERFACES) {
                for (name, instance) in &config.policies {
                    if let Err(problems) = schema.resolve(&instance.settings) {
                        check(&config.settings_diagnostics(name, &problems));
                    }
                }
            }
        }
    }
}
