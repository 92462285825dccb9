//! Settings and their schema.

use crate::*;

#[test]
fn settings_are_completed() {
    let schema = Schema::parse("settings.schema.json", SCHEMA).unwrap();
    let complete = json!({
        "thresholds": {"warning": 80, "critical": 90},
        "logs_older_than": 30u64 * 86_400_000,
        "journal_size": 100 << 20,
        "how": "compress",
        "never_touch": [],
    });
    assert_eq!(schema.resolve(&json!({})).unwrap(), complete);
    // Complete settings stay unchanged.
    assert_eq!(schema.resolve(&complete).unwrap(), complete);
    let some = json!({"thresholds": {"critical": 95}, "per_unit": {"a.service": "1G", "b": 5}});
    let resolved = schema.resolve(&some).unwrap();
    assert_eq!(resolved["thresholds"], json!({"warning": 80, "critical": 95}));
    assert_eq!(resolved["per_unit"], json!({"a.service": 1 << 30, "b": 5}));
}

#[test]
fn settings_may_be_spelt_in_other_ways() {
    let schema = Schema::parse("settings.schema.json", SCHEMA).unwrap();
    for name in ["logs_older_than", "logs-older-than", "log_age", "log-age"] {
        let resolved = schema.resolve(&json!({name: "1 day"})).unwrap();
        assert_eq!(resolved["logs_older_than"], 86_400_000, "{name}");
        assert!(name == "logs_older_than" || resolved.get(name).is_none(), "{name}");
    }
}

#[test]
fn an_object_that_says_so_is_open() {
    for (more, open) in [("true", true), ("{\"type\": \"string\"}", true), ("false", false)] {
        let text = format!("{{\"type\": \"object\", \"additionalProperties\": {more}}}");
        let schema = Schema::parse("s", &text).unwrap();
        assert_eq!(schema.resolve(&json!({"x": "y"})).is_ok(), open, "{more}");
    }
    let named = r#"{"type": "object", "patternProperties": {"^x-": {"type": "integer"}}}"#;
    let schema = Schema::parse("s", named).unwrap();
    assert!(schema.resolve(&json!({"x-a": 1})).is_ok());
    assert!(schema.resolve(&json!({"x-a": "1"})).is_err());
    assert!(schema.resolve(&json!({"y": 1})).is_err());
}

#[test]
fn a_quantity_may_share_its_place_with_a_word() {
    let text = r#"{"type": "object", "properties": {"size": {
        "anyOf": [{"format": "bytes"}, {"const": "auto"}], "default": "auto"}}}"#;
    let schema = Schema::parse("s", text).unwrap();
    assert_eq!(schema.resolve(&json!({})).unwrap(), json!({"size": "auto"}));
    assert_eq!(schema.resolve(&json!({"size": "1k"})).unwrap(), json!({"size": 1024}));
    assert!(schema.resolve(&json!({"size": "manual"})).is_err());
}

#[test]
fn tables_that_defaults_do_not_complete_are_not_added() {
    let text = r#"{"type": "object", "properties": {"mail": {"type": "object", "required": ["to"],
        "properties": {"to": {"type": "string"}, "retries": {"type": "integer", "default": 3}}}}}"#;
    let schema = Schema::parse("s", text).unwrap();
    assert_eq!(schema.resolve(&json!({})).unwrap(), json!({}));
    let with = schema.resolve(&json!({"mail": {"to": "root"}})).unwrap();
    assert_eq!(with, json!({"mail": {"to": "root", "retries": 3}}));
}

#[test]
fn settings_are_described() {
    let schema = Schema::parse("settings.schema.json", SCHEMA).unwrap();
    insta::assert_json_snapshot!("described", schema.describe());
}

#[test]
fn settings_are_found_in_the_file() {
    let config = configuration();
    let at = |path: &[&str]| {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        CONFIGURATION.get(config.settings_span(&InstanceName::from_static("disk-space"), &path).unwrap()).unwrap()
    };
    assert_eq!(at(&["thresholds", "warning"]), "80");
    assert_eq!(at(&["thresholds", "critical"]), "thresholds");
    assert_eq!(config.settings_span(&InstanceName::from_static("other"), &[]), None);
}
