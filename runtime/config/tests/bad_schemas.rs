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
