//! The small policy in each language: a copy that tests can build, and its scenarios.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use ansai_config::{Manifest, Schema};
use ansai_devkit::build::{BuildError, BuildOptions, Built, MANIFEST_SECTION, SCHEMA_SECTION, build};
use ansai_devkit::scenario::{Ran, Scenario, Subject, run};
use ansai_engine::{Compiler, Engine};
use tempfile::TempDir;

use crate::result::section;

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

/// Copies `policies/examples/NAME`, so that tests neither see nor change what is built there.
pub(crate) fn copy(name: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy_directory(&policies().join("examples").join(name), dir.path());
    dir
}

fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && name != "target" {
            copy_directory(&path, &to.join(name));
        } else if path.is_file() && path.extension().is_none_or(|extension| extension != "wasm") {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

pub(crate) fn try_build(dir: &Path) -> Result<Built, BuildError> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    build(dir, &BuildOptions { allow_root: true, interfaces: &interfaces })
}

/// Builds the copy; `None` if the language's compiler is missing, which fails the test in CI.
pub(crate) fn built(test: &str, dir: &Path) -> Option<Built> {
    match try_build(dir) {
        Err(error @ BuildError::NoToolchain { .. }) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{test}: {error}");
            eprintln!("skipped {test}: {error}");
            None
        }
        built => Some(built.unwrap()),
    }
}

/// Replaces a text in a file of the copy.
pub(crate) fn change(dir: &TempDir, file: &str, from: &str, to: &str) {
    let path = dir.path().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} holds {from}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

const WITHOUT_PATH: &str = "ANSAI_TEST_WITHOUT_PATH";

/// Returns the error of a build with an empty PATH. Runs the named test again in a child process with such a PATH.
pub(crate) fn without_any_program(test: &str, dir: &Path) -> Option<BuildError> {
    if std::env::var_os(WITHOUT_PATH).is_some() {
        return Some(try_build(dir).unwrap_err());
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(WITHOUT_PATH, "1")
        .env("PATH", "/nonexistent")
        .status()
        .unwrap();
    assert!(status.success(), "{test} failed without a PATH");
    None
}

/// Checks that the template equals the example, except for the name and the text for its reader.
pub(crate) fn is_the_template(language: &str) {
    let example = policies().join("examples").join(format!("disk-space-{language}"));
    let template = policies().join("sdk").join(language).join("template");
    let entries: Vec<_> = std::fs::read_dir(&template).unwrap().flatten().collect();
    assert!(entries.len() > 2, "the template is found");
    for entry in entries.iter().filter(|entry| entry.path().is_file() && entry.file_name() != "README.md") {
        let name = entry.file_name();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let text = text
            .replace("{{name}}", &format!("disk-space-{language}"))
            .replace("{{snake_name}}", &format!("disk_space_{language}"));
        assert!(text == std::fs::read_to_string(example.join(&name)).unwrap(), "{name:?}");
    }
}

/// Loads the built component.
pub(crate) fn subject(built: &Built) -> Subject {
    let registry = ansai_host_functions::builtin();
    let interfaces = registry.interfaces();
    let component = std::fs::read(&built.path).unwrap();
    let engine = Engine::new(registry.clone(), None, Compiler::InProcess).unwrap();
    let manifest =
        Manifest::from_json("embedded", &section(&component, MANIFEST_SECTION).unwrap(), &interfaces).unwrap();
    let asked: Vec<_> = manifest.capabilities.keys().cloned().collect();
    let policy = engine.load_requested(&component, Some(&asked)).unwrap_or_else(|error| panic!("{error}"));
    let schema = Schema::parse("embedded", &section(&component, SCHEMA_SECTION).unwrap()).unwrap();
    Subject::new(policy, Arc::new(manifest), schema, registry)
}

fn ran(subject: &Subject, scenario: &Scenario) -> Ran {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(subject, scenario)).unwrap()
}

/// The differences from the expectation, as text.
pub(crate) fn told(ran: &Ran) -> String {
    let lines = ran.problems.iter().flat_map(|problem| {
        std::iter::once(problem.message.clone()).chain(problem.lines.iter().map(|(_, line)| line.clone()))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Runs one scenario and checks that it passes.
pub(crate) fn passes(built: &Built, scenario: &str) -> Ran {
    let ran = ran(&subject(built), &Scenario::parse("inline.toml", scenario).unwrap());
    assert!(ran.problems.is_empty(), "{}\n{:#?}", told(&ran), ran.log);
    ran
}

/// Runs every scenario that all languages share.
pub(crate) fn passes_the_scenarios(built: &Built) {
    let subject = subject(built);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(policies().join("examples/scenarios")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 13, "the scenarios are found");
    let mut all = Vec::new();
    for file in files {
        let ran = ran(&subject, &Scenario::load(&file).unwrap());
        assert!(ran.problems.is_empty(), "{}: {}\n{:#?}", file.display(), told(&ran), ran.log);
        all.push((file, ran));
    }
    let all: Vec<_> = all.iter().map(|(file, ran)| (file.clone(), ran)).collect();
    crate::worker::uses_the_same_fuel(&built.path, &all);
}
