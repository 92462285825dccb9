//! Builds policies in C, with the real compiler.

use ansai_devkit::build::BuildError;

use crate::example::{
    built, change, copy, is_the_template, passes, passes_the_scenarios, try_build, without_any_program,
};

const POLICY: &str = "disk-space-c";

#[test]
fn the_example_passes_the_shared_scenarios_and_is_built_twice_alike() {
    let (dir, other) = (copy(POLICY), copy(POLICY));
    let Some(first) = built("c::the_example…", dir.path()) else { return };
    // The host looks only at the imports.
    assert!(first.imports.iter().all(|import| import.as_str().starts_with("ansai:")), "{:?}", first.imports);
    for needed in ["ansai:disk/disk-probe@0.2.0", "ansai:files/files-actions@0.2.0"] {
        assert!(first.imports.iter().any(|import| import == needed), "{:?}", first.imports);
    }
    passes_the_scenarios(&first);
    // The bytes depend neither on the directory nor on the first build's leftovers.
    let again = built("c::the_example…", dir.path()).unwrap();
    let elsewhere = built("c::the_example…", other.path()).unwrap();
    assert_eq!(first.sha256, again.sha256);
    assert_eq!(first.sha256, elsewhere.sha256);
}

#[test]
fn sources_that_do_not_compile_fail() {
    let dir = copy(POLICY);
    change(&dir, "policy.c", "double percent = used * 100;", "double percent = used * hundred;");
    match try_build(dir.path()).unwrap_err() {
        BuildError::NoToolchain { .. } => {}
        error => assert!(matches!(&error, BuildError::Compile { .. }), "{error:?}"),
    }
    assert!(!dir.path().join("disk-space-c.wasm").exists());
}

const SETTINGS: &str = r#"
#include "policy.h"
bool exports_ansai_detect(ansai_list_observation_t *found, ansai_failure_t *failure) {
  (void)failure;
  *found = (ansai_list_observation_t){0};
  ansai_policy_types_subject_t about = {.kind = ansai_text("test"), .name = ansai_text("settings")};
  ansai_observation_t *seen = ansai_observe(found, ansai_text("settings"), about, ansai_text("settings"));
  static const char *const PATHS[] = {"a", "b", "c", "d.e", "f", "text", "flag", "none"};
  for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
    double number;
    int64_t integer;
    bool flag;
    ansai_string_t text;
    if (ansai_setting_number(PATHS[i], &number)) ansai_evidence_number(seen, PATHS[i], number, ANSAI_POLICY_TYPES_UNIT_NONE);
    if (ansai_setting_integer(PATHS[i], &integer))
      ansai_evidence_text(seen, PATHS[i], ANSAI_JOIN(ansai_text(integer < 0 ? "-" : "+"), ansai_digits((uint64_t)(integer < 0 ? -integer : integer))));
    if (ansai_setting_flag(PATHS[i], &flag)) ansai_evidence_text(seen, PATHS[i], ansai_text(flag ? "yes" : "no"));
    if (i > 4 && ansai_setting_text(PATHS[i], &text)) ansai_evidence_text(seen, PATHS[i], text);
  }
  return true;
}
bool exports_ansai_plan(ansai_observation_t *finding, ansai_decision_t *decision, ansai_failure_t *failure) {
  (void)failure;
  *decision = ansai_wait(finding->key);
  return true;
}
"#;

#[test]
fn settings_are_read_as_they_are_written() {
    let dir = copy(POLICY);
    std::fs::write(dir.path().join("policy.c"), SETTINGS).unwrap();
    let number = r#""type": "number""#;
    let schema = format!(
        r#"{{"type": "object", "properties": {{"a": {{{number}}}, "b": {{{number}}}, "c": {{{number}}}, "d": {{"type": "object",
        "properties": {{"e": {{{number}}}}}}}, "f": {{"type": "integer"}}, "text": {{"type": "string"}}, "flag": {{"type": "boolean"}}}}}}"#
    );
    std::fs::write(dir.path().join("settings.schema.json"), schema).unwrap();
    let Some(built) = built("c::settings…", dir.path()) else { return };
    let evidence = |name: &str, value: &str| format!("{{ name = \"{name}\", value = {{ {value} }} }}");
    let evidence = [
        evidence("a", "number = 0.3"),
        evidence("b", "number = -85.95"),
        evidence("c", "number = 1e21"),
        evidence("d.e", "number = 12.0"),
        evidence("d.e", "text = \"+12\""),
        evidence("f", "number = 9007199254740993.0"),
        evidence("f", "text = \"+9007199254740993\""),
        evidence("text", "text = \"Grüße\""),
        evidence("flag", "text = \"yes\""),
        evidence("flag", "text = \"true\""),
    ];
    passes(
        &built,
        &format!(
            "description = \"settings\"\n[settings]\na = 0.3\nb = -85.95\nc = 1e21\nd = {{ e = 12.0 }}\nf = 9007199254740993\n\
             text = \"Grüße\"\nflag = true\n[[expect.observations]]\nkey = \"settings\"\nstatus = \"healthy\"\nevidence = [{}]\n",
            evidence.join(", ")
        ),
    );
}

#[test]
fn missing_symbols_fail() {
    let dir = copy("disk-space-c");
    change(&dir, "policy.c", "bool exports_ansai_plan(", "bool some_other_plan(");
    match try_build(dir.path()) {
        Err(BuildError::NoToolchain { .. }) => {}
        Err(error) => assert!(matches!(&error, BuildError::Compile { .. }), "{error:?}"),
        Ok(built) => panic!("{built:?}"),
    }
}

#[test]
fn without_a_compiler_the_error_names_the_install_command() {
    let dir = copy(POLICY);
    if let Some(error) = without_any_program("c::without_a_compiler_the_error_names_the_install_command", dir.path()) {
        assert!(matches!(&error, BuildError::NoToolchain { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("apt-get install clang-19 lld-19"), "{error:?}");
    }
}

#[test]
fn the_template_is_the_example() {
    is_the_template("c");
}
