//! Messages about invalid settings schemas.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

use ansai_config::Schema;

fn shown(text: impl AsRef<str>) -> String {
    Schema::parse("settings.schema.json", text.as_ref()).expect_err("must be refused").render(false, 100)
}

macro_rules! bad {
    ($($name:ident: $text:expr;)+) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), shown($text));
        })+
    };
}

/// Definitions that each refer twice to the next one: short as written, 2^40 schemas when expanded.
fn doubling() -> String {
    let definitions: Vec<String> = (0..40)
        .map(|n| {
            let next = format!("{{\"$ref\": \"#/$defs/d{}\"}}", n + 1);
            format!("\"d{n}\": {{\"allOf\": [{next}, {next}]}}")
        })
        .collect();
    format!(
        "{{\"type\": \"object\", \"$ref\": \"#/$defs/d0\", \"$defs\": {{{}, \"d40\": {{}}}}}}",
        definitions.join(", ")
    )
}

bad! {
    not_json: "{\n  \"type\": \"object\",\n  \"properties\": {,}\n}\n";
    empty: "";
    cut_off: "{\"type\": \"object\"";
    not_an_object: "[]";
    not_of_a_table: "{\"type\": \"string\"}";
    other_draft: "{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"type\": \"object\"}";
    invalid_type: "{\n  \"type\": \"object\",\n  \"properties\": {\n    \"a\": { \"type\": \"int\" }\n  }\n}\n";
    invalid_bound: "{\n  \"type\": \"object\",\n  \"properties\": { \"a\": { \"minimum\": \"1\" } }\n}\n";
    invalid_pattern: "{\"type\": \"object\", \"properties\": {\"a\": {\"pattern\": \"(\"}}}";
    remote_reference: "{\n  \"type\": \"object\",\n  \"properties\": {\n    \"a\": { \"$ref\": \"https://example.com/a.json\" }\n  }\n}\n";
    file_reference: "{\"type\": \"object\", \"$ref\": \"file:///etc/passwd\"}";
    dangling_reference: "{\"type\": \"object\", \"$ref\": \"#/$defs/nope\"}";
    circular_reference: "{\"type\": \"object\", \"$ref\": \"#/$defs/a\", \"$defs\": {\"a\": {\"allOf\": [{\"$ref\": \"#/$defs/a\"}]}}}";
    reference_to_itself: "{\"type\": \"object\", \"properties\": {\"a\": {\"$ref\": \"#\"}}}";
    references_that_double: doubling();
    dynamic_reference: "{\"type\": \"object\", \"$dynamicRef\": \"#a\"}";
    default_out_of_bounds: "{\n  \"type\": \"object\",\n  \"properties\": {\n    \"a\": { \"type\": \"integer\", \"maximum\": 5, \"default\": 6 }\n  }\n}\n";
    default_is_no_size: "{\"type\": \"object\", \"properties\": {\"a\": {\"format\": \"bytes\", \"default\": \"big\"}}}";
    deep: format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
}

/// Without these errors, a misspelt bound bounds nothing.
#[test]
fn what_nothing_reads_is_refused() {
    let property = |text: &str| format!("{{\"type\": \"object\", \"properties\": {{\"a\": {{{text}}}, \"b\": {{}}}}}}");
    for (text, words) in [
        (property("\"type\": \"integer\", \"maximun\": 5"), "unknown keyword `maximun` did you mean `maximum`?"),
        (property("\"type\": \"string\", \"patern\": \"^/\""), "unknown keyword `patern` did you mean `pattern`?"),
        (property("\"units\": \"percent\""), "unknown keyword `units` remove it"),
        (property("\"format\": \"byte\""), "unknown format `byte` did you mean `bytes`?"),
        (property("\"format\": \"path\""), "unknown format `path`"),
        // Wherever a schema may stand.
        (property("\"items\": {\"minimun\": 1}"), "unknown keyword `minimun`"),
        (property("\"anyOf\": [{}, {\"defualt\": 1}]"), "unknown keyword `defualt` did you mean `default`?"),
        (property("\"properties\": {\"c\": {\"requierd\": []}}"), "unknown keyword `requierd`"),
        ("{\"type\": \"object\", \"$defs\": {\"a\": {\"descripton\": \"b\"}}}".into(), "unknown keyword `descripton`"),
        ("{\"type\": \"object\", \"propertys\": {}}".into(), "unknown keyword `propertys` did you mean `properties`?"),
        (property("\"ansai-alias\": [\"c\"]"), "unknown keyword `ansai-alias` did you mean `ansai-aliases`?"),
        (property("\"ansai-at-most\": \"c\""), "`ansai-at-most` does not name another property"),
        (property("\"ansai-at-most\": \"a\""), "`ansai-at-most` does not name another property"),
        (property("\"ansai-at-most\": 5"), "`ansai-at-most` does not name another property"),
    ] {
        let shown = shown(&text);
        // The message and the hint, without lines and drawings between them.
        let plain: Vec<&str> = shown.split_whitespace().filter(|word| !"×│╭╰·".contains(word)).collect();
        let plain = plain.join(" ");
        let (message, hint) = words.split_at(words.rfind("` ").map_or(words.len(), |at| at + 1));
        let found = plain.contains(message) && plain.contains(hint.trim());
        assert!(found && plain.contains("schema-keyword"), "{text}:\n{shown}");
    }
}

/// Names of properties and values are no keywords.
#[test]
fn names_and_values_are_no_keywords() {
    let text = r#"{"type": "object", "properties": {
        "maximun": {"type": "object", "default": {"patern": 1}, "additionalProperties": {"type": "integer"}},
        "formt": {"const": {"units": 1}, "$comment": "any text", "examples": [{"x": 1}]}
    }}"#;
    Schema::parse("settings.schema.json", text).unwrap();
}

/// `ansai check` must find this before the policy runs.
#[test]
fn a_setting_above_its_bound_is_refused() {
    let text = r#"{"type": "object", "properties": {
        "levels": {"type": "object", "properties": {
            "warning": {"type": "number", "default": 80, "ansai-at-most": "critical"},
            "critical": {"type": "number", "default": 90}}},
        "short": {"format": "duration", "default": "1h", "ansai-at-most": "long"},
        "long": {"format": "duration", "default": "1 day"}
    }}"#;
    let schema = Schema::parse("settings.schema.json", text).unwrap();
    let refused = |settings: serde_json::Value| schema.resolve(&settings).unwrap_err().remove(0).message;
    for fine in [
        serde_json::json!({}),
        serde_json::json!({"levels": {"warning": 90}}),
        serde_json::json!({"levels": {"warning": 95, "critical": 96}, "short": "2 days", "long": "2 days"}),
    ] {
        schema.resolve(&fine).unwrap();
    }
    assert_eq!(refused(serde_json::json!({"levels": {"warning": 99}})), "`warning` is 99, above `critical` (90)");
    // The other one is what the operator changed.
    assert_eq!(refused(serde_json::json!({"levels": {"critical": 70.5}})), "`warning` is 80, above `critical` (70.5)");
    assert_eq!(refused(serde_json::json!({"short": "3 days"})), "`short` is 3 d, above `long` (1 d)");
    // Defaults as well.
    let text = text.replace("\"default\": 80", "\"default\": 91");
    let shown = shown(text);
    assert!(shown.contains("schema-default") && shown.contains("above `critical`"), "{shown}");
}
