//! A directory with a policy's manifest and a component to compose, and helpers to check the result.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansai_config::{Manifest, Schema};
use ansai_devkit::build::MANIFEST_SECTION;
use ansai_devkit::scenario::{Ran, Scenario, Subject, run};
use ansai_devkit::virtualize::{VirtualizeError, VirtualizeOptions, Virtualized, virtualize};
use ansai_engine::component::inspect;
use ansai_engine::{Compiler, Engine};
use tempfile::TempDir;

const SETTINGS: &str = r#"{"type": "object", "properties": {}}"#;
/// The current time in every evaluation.
pub(crate) const NOW: u64 = 1_790_000_000_123;

pub(crate) struct Place(TempDir);

impl Place {
    /// Creates a directory that holds only this component, as `guest.wasm`.
    pub(crate) fn new(component: &[u8]) -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        place.write("guest.wasm", component);
        place
    }

    /// The same, with the manifest of a policy of that name.
    pub(crate) fn with_manifest(component: &[u8], name: &str) -> Place {
        let place = Place::new(component);
        place.write("policy.toml", manifest(name).as_bytes());
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub(crate) fn try_virtualize(
        &self,
        policy: Option<&Path>,
        output: Option<&Path>,
    ) -> Result<Virtualized, VirtualizeError> {
        let interfaces = ansai_host_functions::builtin().interfaces();
        virtualize(&self.path("guest.wasm"), &VirtualizeOptions { policy, output, interfaces: &interfaces })
    }

    pub(crate) fn virtualize(&self) -> Virtualized {
        self.try_virtualize(None, None).unwrap_or_else(|error| panic!("{error}"))
    }
}

pub(crate) fn manifest(name: &str) -> String {
    format!("name = \"{name}\"\nversion = \"0.1.0\"\ndescription = \"a test\"\n[schedule]\nevery = \"60s\"\n")
}

/// Loads a result that has a manifest, as `ansai run` does.
pub(crate) fn subject(made: &Virtualized) -> Subject {
    let registry = ansai_host_functions::builtin();
    let interfaces = registry.interfaces();
    let component = std::fs::read(&made.path).unwrap();
    let text = inspect(&component).unwrap().manifest.unwrap();
    let manifest = Manifest::from_json(MANIFEST_SECTION, &text, &interfaces).unwrap();
    let asked: Vec<_> = manifest.capabilities.keys().cloned().collect();
    let engine = Engine::new(registry.clone(), None, Compiler::InProcess).unwrap();
    let policy = engine.load_requested(&component, Some(&asked)).unwrap_or_else(|error| panic!("{error}"));
    Subject::new(policy, Arc::new(manifest), Schema::parse("none", SETTINGS).unwrap(), registry)
}

/// Evaluates `detect` at [`NOW`] twice and checks that both results are the same and match: summaries by key, in order,
/// and `plan` if `expected` mentions it.
pub(crate) fn answers(subject: &Subject, expected: &str) -> Ran {
    let text = format!("description = \"a\"\n[context]\nnow = {NOW}\n{expected}");
    let scenario = Scenario::parse("inline.toml", &text).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let once = || runtime.block_on(run(subject, &scenario)).unwrap();
    let (first, again) = (once(), once());
    let told: Vec<String> = first
        .problems
        .iter()
        .flat_map(|problem| {
            std::iter::once(problem.message.clone()).chain(problem.lines.iter().map(|(_, line)| line.clone()))
        })
        .collect();
    assert!(first.problems.is_empty(), "{}\n{:#?}", told.join("\n"), first.log);
    assert_eq!((&first.fuel, &first.log), (&again.fuel, &again.log));
    first
}

/// Observations in the form of a scenario's expectation.
pub(crate) fn observed(summaries: &[(&str, &str)]) -> String {
    summaries
        .iter()
        .map(|(key, summary)| format!("[[expect.observations]]\nkey = {key:?}\nsummary = {summary:?}\n"))
        .collect()
}
