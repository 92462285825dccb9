//! Builds policies in TypeScript and JavaScript, with the real tools.

use ansai_devkit::build::BuildError;

use crate::example::told;
use crate::project::{Project, policies};

const EXAMPLE: &str = "examples/disk-space-typescript";
const TEMPLATE: &str = "sdk/javascript/template";

/// The JavaScript template with its SDK, filled in as by `ansai new`.
pub(crate) fn javascript(test: &str) -> Option<Project> {
    let project = Project::copy(TEMPLATE, test)?;
    for part in ["policy.toml", "settings.schema.json", "scenarios"] {
        project.take(&format!("sdk/every-language/{part}"), part);
    }
    project.take("sdk/javascript/sdk", "sdk");
    project.named("disk-space-javascript");
    Some(project)
}

#[test]
fn the_example_in_typescript_passes_all_scenarios() {
    if let Some(project) = Project::copy(EXAMPLE, "the_example_in_typescript_passes_all_scenarios") {
        project.passes(13);
    }
}

#[test]
fn the_template_of_javascript_passes_all_scenarios() {
    if let Some(project) = javascript("the_template_of_javascript_passes_all_scenarios") {
        project.passes(4);
        project.take("examples/scenarios", "scenarios");
        project.passes(13);
    }
}

#[test]
fn both_languages_share_one_sdk() {
    let files = |language: &str| crate::project::files(&policies(&format!("sdk/{language}/sdk")));
    assert_eq!(files("typescript"), files("javascript"));
}

#[test]
fn the_example_is_what_the_template_makes() {
    crate::project::is_made_of_template(EXAMPLE, "typescript", "disk-space-typescript");
}

#[test]
fn type_errors_are_those_of_tsc() {
    let Some(project) = Project::copy(EXAMPLE, "type_errors_are_those_of_tsc") else { return };
    project.change("policy.ts", "related: [],", "related: 5,");
    let error = project.build().unwrap_err();
    let message = error.to_string();
    assert!(matches!(&error, BuildError::Compiler { program, .. } if program == "tsc"), "{error:?}");
    assert!(message.contains("policy.ts(") && message.contains("error TS2322"), "{message}");
}

#[test]
fn syntax_errors_have_a_line() {
    let Some(project) = javascript("syntax_errors_have_a_line") else { return };
    project.change("policy.js", "export const", "export konst");
    let message = project.build().unwrap_err().to_string();
    assert!(message.starts_with("esbuild failed") && message.contains("policy.js:"), "{message}");
}

#[test]
fn imports_must_be_requested() {
    let Some(project) = javascript("imports_must_be_requested") else { return };
    project.change("policy.js", "\nexport const", "\nimport \"ansai:journal/journal-probe@0.2.0\";\nexport const");
    let error = project.build().unwrap_err();
    assert!(matches!(&error, BuildError::NotAskedFor(name) if name.interface() == "journal-probe"), "{error:?}");
    project.change("policy.js", "journal-probe@0.2.0", "journal-probe@0.9.0");
    let error = project.build().unwrap_err();
    assert!(matches!(&error, BuildError::UnknownInterface { known: Some(_), .. }), "{error:?}");
}

#[test]
fn an_exception_is_a_failure_not_a_trap() {
    let Some(project) = javascript("an_exception_is_a_failure_not_a_trap") else { return };
    project.change("policy.js", "  detect(evaluation) {\n", "  detect(evaluation) {\n    undefined.nothing;\n");
    project.only_scenario("description = \"a\"\n[expect]\nfailure = { invalid-settings = \"none\" }\n");
    let problems = told(&project.scenarios().remove(0).1);
    assert!(problems.contains("TypeError: cannot read property 'nothing' of undefined"), "{problems}");
}

#[test]
fn an_uncaught_refusal_is_could_not_tell() {
    let Some(project) = javascript("an_uncaught_refusal_is_could_not_tell") else { return };
    project.change("policy.js", "  detect(evaluation) {\n", "  detect(evaluation) {\n    listFilesystems();\n");
    project.only_scenario(
        "description = \"a\"\n[[reply]]\ncall = \"ansai:disk/disk-probe.list-filesystems\"\nrefusal = { busy = \"now\" \
         }\n[expect]\nfailure = { could-not-tell = \"the host answered busy: now\" }\n",
    );
    project.passes(1);
}
