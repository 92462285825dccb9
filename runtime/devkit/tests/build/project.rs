//! Copies of the example policies in languages other than Rust.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use ansai_devkit::build::{BuildError, BuildOptions, Built, build};
use ansai_devkit::scenario::{Ran, Scenario, run};
use tempfile::TempDir;

use crate::example::{subject, told};

/// The directory of a policy that a test may change.
pub(crate) struct Project(TempDir);

/// Path of `policies/…` in the repository.
pub(crate) fn policies(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies").join(path)
}

/// The files below a directory with their texts, without those that tools create.
pub(crate) fn files(dir: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let tools = ["node_modules", ".venv", "__pycache__"].iter().any(|name| path.ends_with(name));
            if path.is_dir() && !tools {
                waiting.push(path);
            } else if path.is_file() && path.extension().is_none_or(|extension| extension != "wasm") {
                found.insert(path.strip_prefix(dir).unwrap().to_owned(), std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

fn filled(text: &str, name: &str) -> String {
    text.replace("{{name}}", name).replace("{{snake_name}}", &name.replace('-', "_"))
}

/// Checks that an example is its language's template with a name filled in, plus its own scenarios.
pub(crate) fn is_made_of_template(example: &str, language: &str, name: &str) {
    let template = files(&policies(&format!("sdk/{language}/template")));
    let example = files(&policies(example));
    assert!(template.len() >= 5, "{:?}", template.keys());
    for (path, text) in template {
        assert_eq!(example.get(&path), Some(&filled(&text, name)), "{}", path.display());
    }
}

impl Project {
    /// Copies a policy and links the tools that scripts/setup installs; `None`, with a message, if they are missing.
    pub(crate) fn copy(source: &str, test: &str) -> Option<Project> {
        let (tools, own) =
            if source.ends_with("python") { ("py", ".venv") } else { ("js/node_modules", "node_modules") };
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
        let tools = cache.map(|cache| cache.join("ansai/tools").join(tools)).filter(|tools| tools.is_dir());
        let Some(tools) = tools else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{test} needs the tools of scripts/setup test");
            eprintln!("skipped {test}: scripts/setup test has not installed the tools");
            return None;
        };
        let project = Project::without_tools(source);
        std::os::unix::fs::symlink(tools, project.path().join(own)).unwrap();
        Some(project)
    }

    /// Copies a policy and replaces links by their targets.
    pub(crate) fn without_tools(source: &str) -> Project {
        let dir = tempfile::tempdir().unwrap();
        let status =
            Command::new("cp").args(["-rL", "--"]).arg(policies(source).join(".")).arg(dir.path()).status().unwrap();
        assert!(status.success());
        Project(dir)
    }

    /// A directory with only a manifest.
    pub(crate) fn empty() -> Project {
        let dir = tempfile::tempdir().unwrap();
        let manifest = "name = \"empty\"\nversion = \"0.1.0\"\ndescription = \"a\"\n[schedule]\nevery = \"60s\"\n";
        std::fs::write(dir.path().join("policy.toml"), manifest).unwrap();
        Project(dir)
    }

    /// Replaces one of its directories by another part of `policies`.
    pub(crate) fn take(&self, source: &str, place: &str) {
        let place = self.path().join(place);
        let _ = std::fs::remove_dir_all(&place);
        let status = Command::new("cp").args(["-rL", "--"]).arg(policies(source)).arg(place).status().unwrap();
        assert!(status.success());
    }

    /// Creates a program that does nothing.
    pub(crate) fn program(&self, path: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Fills in a template's placeholders.
    pub(crate) fn named(&self, name: &str) {
        for (path, text) in files(self.path()) {
            std::fs::write(self.path().join(path), filled(&text, name)).unwrap();
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Replaces a text, which must be present.
    pub(crate) fn change(&self, path: &str, from: &str, to: &str) {
        let path = self.path().join(path);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{} holds no {from:?}", path.display());
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    pub(crate) fn build(&self) -> Result<Built, BuildError> {
        let interfaces = ansai_host_functions::builtin().interfaces();
        build(self.path(), &BuildOptions { allow_root: true, interfaces: &interfaces })
    }

    /// Builds the policy and runs all its scenarios; returns names and results.
    pub(crate) fn scenarios(&self) -> Vec<(String, Ran)> {
        let built = self.build().unwrap_or_else(|error| panic!("{error}"));
        assert!(built.imports.iter().all(|import| import.as_str().starts_with("ansai:")), "{:?}", built.imports);
        assert!(!built.reproducible);
        let subject = subject(&built);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(self.path().join("scenarios")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let ran = files.iter().map(|file| {
            let scenario = Scenario::load(file).unwrap();
            (Scenario::name(file), runtime.block_on(run(&subject, &scenario)).unwrap())
        });
        ran.collect()
    }

    /// Builds the policy and checks that all its scenarios pass, and that there are at least this many.
    pub(crate) fn passes(&self, at_least: usize) -> Vec<(String, Ran)> {
        let all = self.scenarios();
        assert!(all.len() >= at_least, "{} scenarios", all.len());
        for (name, ran) in &all {
            assert!(ran.problems.is_empty(), "{name}: {}", told(ran));
            eprintln!("{name}: {:?} fuel", ran.fuel);
        }
        let file = |name: &str| self.path().join(format!("scenarios/{name}.toml"));
        let files: Vec<_> = all.iter().map(|(name, ran)| (file(name), ran)).collect();
        crate::worker::uses_the_same_fuel(self.path(), &files);
        all
    }

    /// Replaces all scenarios by one.
    pub(crate) fn only_scenario(&self, text: &str) {
        std::fs::remove_dir_all(self.path().join("scenarios")).unwrap();
        std::fs::create_dir(self.path().join("scenarios")).unwrap();
        std::fs::write(self.path().join("scenarios/only.toml"), text).unwrap();
    }
}
