//! Messages about invalid manifests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

mod fixtures;

use ansai_config::Manifest;
use fixtures::{INTERFACES, MANIFEST};

fn shown(text: impl AsRef<str>) -> String {
    Manifest::parse("policy.toml", text.as_ref(), INTERFACES).expect_err("must be refused").render(false, 100)
}

/// The valid manifest with one part replaced.
fn with(from: &str, to: &str) -> String {
    assert!(MANIFEST.contains(from), "{from}");
    MANIFEST.replacen(from, to, 1)
}

macro_rules! bad {
    ($($name:ident: $text:expr;)+) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), shown($text));
        })+
    };
}

bad! {
    unknown_key_at_the_top: with("version =", "licence = \"MIT\"\nversion =");
    misspelt_key: with("name =", "nmae =");
    unknown_key_in_schedule: with("every =", "jitter = \"5s\"\nevery =");
    unknown_key_in_a_request: with("required = true", "require = true");
    unknown_key_in_limits: with("memory =", "memroy =");
    unknown_key_in_settings: with("schema =", "scheme =");
    wrong_type_of_name: with("\"disk-space\"", "42");
    wrong_type_of_required: with("required = true", "required = \"yes\"");
    wrong_type_of_a_table: with("[schedule]\nevery = \"60s\"", "schedule = \"60s\"");
    missing_name: with("name = \"disk-space\"\n", "");
    missing_version_and_description: "name = \"a\"\n[schedule]\nevery = \"60s\"\n";
    missing_every: with("every = \"60s\"", "");
    bad_name: with("\"disk-space\"", "\"Disk Space!\"");
    empty_description: with("\"Keeps file systems from filling up\"", "\" \"");
    bad_version: with("\"0.1.0\"", "\"v0.1\"");
    bad_duration: with("every = \"60s\"", "every = \"60 parsecs\"");
    duration_without_unit: with("every = \"60s\"", "every = 60");
    zero_schedule: with("every = \"60s\"", "every = \"0s\"");
    schedule_of_a_year: with("every = \"60s\"", "every = \"52 weeks\"");
    syntax_error: with("every = \"60s\"", "every = \"60s");
    syntax_error_value_missing: with("every = \"60s\"", "every =");
    duplicate_key: with("version =", "name = \"again\"\nversion =");
    duplicate_table: format!("{MANIFEST}\n[schedule]\nevery = \"5s\"\n");
    unknown_capability: with("ansai:disk/disk-probe", "ansai:disk/dsik-probe");
    unknown_capability_unlike_any: with("ansai:disk/disk-probe", "wasi:sockets/tcp");
    capability_with_version: with("ansai:disk/disk-probe", "ansai:disk/disk-probe@0.2.0");
    capability_without_reason: with("reason = \"to see how full file systems are\"\n", "");
    capability_as_text: with("[capabilities.\"ansai:disk/disk-probe\"]\nreason = \"to see how full file systems are\"\nrequired = true", "[capabilities]\n\"ansai:disk/disk-probe\" = \"please\"");
    scope_with_unknown_field: with("min_age_hours = 24", "min_age = 24");
    scope_of_what_has_none: with("required = true", "scope = { roots = [\"/\"] }");
    scope_with_relative_root: with("\"operator\"", "[\"/var/log\", \"log\"]");
    scope_with_dotted_root: with("\"operator\"", "[\"/var/../etc\"]");
    scope_with_text_for_roots: with("\"operator\"", "\"/var/log\"");
    scope_with_negative_age: with("min_age_hours = 24", "min_age_hours = -1");
    scope_with_bad_size: with("min_age_hours = 24", "max_bytes = \"20 potatoes\"");
    scope_as_a_list: with("{ roots = \"operator\", min_age_hours = 24 }", "[\"/var/log\"]");
    scope_of_an_empty_list: with("{ roots = \"operator\", min_age_hours = 24 }", "[]");
    scope_with_a_wrong_second_table: with(
        "{ roots = \"operator\", min_age_hours = 24 }",
        "[{ roots = \"operator\" }, { roots = [\"/var/../etc\"] }]",
    );
    limit_of_zero: with("fuel = 100000000", "fuel = 0");
    limit_beyond_reason: with("\"64MiB\"", "\"1TiB\"");
    limit_negative: with("fuel = 100000000", "fuel = -5");
    limit_of_bad_size: with("\"64MiB\"", "\"64 megs\"");
    limit_of_wrong_type: with("\"64MiB\"", "true");
    schema_outside: with("settings.schema.json", "../../etc/passwd");
    empty: " \n";
    several_at_once: with("\"0.1.0\"", "1").replace("required = true", "required = 1").replace("\"60s\"", "\"soon\"");
    huge_nesting: format!("name = {}{}", "[".repeat(10_000), "]".repeat(10_000));
    nesting_beyond_the_bound: format!("name = {}{}", "[".repeat(40), "]".repeat(40));
    nesting_by_dots: format!("a{} = 1", ".a".repeat(50_000));
    long_line: format!("# {}\nname = \"{}\"\n", "x".repeat(5_000), "é".repeat(5_000));
    terminal_escapes: "name = \"a\u{202e}b\"\n\u{1b}[2J = 1\n";
    hostile_text_in_values: with("\"0.1.0\"", "\"\\u001b[2J\\n\u{202e}\"");
}

#[test]
fn a_base_interface_is_a_warning() {
    let text = with("ansai:disk/disk-probe", "ansai:policy/log");
    let manifest = Manifest::parse("policy.toml", &text, INTERFACES).unwrap();
    insta::assert_snapshot!("base_interface", manifest.warnings.render(false, 100));
}

#[test]
fn too_large() {
    let text = format!("# {}", "x".repeat(1 << 20));
    insta::assert_snapshot!("too_large", shown(&text));
}

#[test]
fn problems_are_bounded() {
    let keys: String = (0..500).map(|n| format!("unknown{n} = 1\n")).collect();
    let problems = Manifest::parse("policy.toml", &keys, INTERFACES).unwrap_err();
    assert_eq!(problems.entries().len(), 50);
    assert!(problems.render(false, 80).contains("and 451 more"));
}

#[test]
fn embedded_json_is_checked_too() {
    let problems = Manifest::from_json("embedded", "{\"name\": null, \"version\": 1}", INTERFACES).unwrap_err();
    insta::assert_snapshot!("embedded_json", problems.to_string());
    assert!(Manifest::from_json("embedded", "{", INTERFACES).is_err());
}
