//! A built policy with its scenarios.
#![allow(clippy::disallowed_methods, reason = "an adapter to the component and its scenarios")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ansai_config::{Manifest, Schema};
use ansai_devkit::scenario::{self, Subject};
use ansai_engine::component::inspect;
use ansai_engine::{Compiler, Engine};
use anyhow::{Context as _, ensure};

use crate::samples::Samples;

/// Number of loads from the cache.
const LOADS: usize = 5;

/// A loaded component, and how long loading took.
pub(crate) struct Example {
    pub(crate) bytes: usize,
    pub(crate) compiled_ms: f64,
    /// Milliseconds.
    pub(crate) from_cache: Samples,
    subject: Subject,
}

impl Example {
    /// Compiles the component into a separate cache and loads it from there.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Example> {
        let bytes = std::fs::read(path)?;
        let registry = ansai_host_functions::builtin();
        let found = inspect(&bytes)?;
        let manifest = found.manifest.as_deref().context("no manifest")?;
        let manifest = Manifest::from_json("its manifest", manifest, &registry.interfaces())?;
        let schema = Schema::parse("its schema", found.schema.as_deref().context("no schema")?)?;
        let cache = tempfile::tempdir()?;
        let engine = Engine::new(registry.clone(), Some(&cache.path().join("cache")), Compiler::InProcess)?;
        let load = || -> anyhow::Result<_> {
            let began = Instant::now();
            let policy = engine.load(&bytes)?;
            Ok((policy, began.elapsed().as_secs_f64() * 1e3))
        };
        let (policy, compiled_ms) = load()?;
        let mut from_cache = Samples::default();
        for _ in 0..LOADS {
            from_cache.push(load()?.1);
        }
        let subject = Subject::new(policy, Arc::new(manifest), schema, registry);
        Ok(Example { bytes: bytes.len(), compiled_ms, from_cache, subject })
    }

    /// Reads and runs these scenarios `times` times on one thread; all must pass. Returns the total time, and the fuel
    /// of the last round's evaluations.
    pub(crate) fn run(&self, files: &[PathBuf], times: usize) -> anyhow::Result<(Duration, Vec<u64>)> {
        self.pass(files)?;
        self.pass(&(0..times).flat_map(|_| files.iter().cloned()).collect::<Vec<_>>())
    }

    fn pass(&self, files: &[PathBuf]) -> anyhow::Result<(Duration, Vec<u64>)> {
        let (mut fuel, mut wrong) = (Vec::new(), None);
        let began = Instant::now();
        scenario::run_all(&self.subject, files, 1, |tested| match tested.ran {
            Ok(ran) if ran.problems.is_empty() => fuel = ran.fuel,
            ran => wrong = Some(format!("{}: {ran:?}", tested.name)),
        })?;
        let took = began.elapsed();
        ensure!(wrong.is_none(), "{}", wrong.unwrap_or_default());
        Ok((took, fuel))
    }
}

/// The scenarios of the examples, or only one of them.
pub(crate) fn scenarios(policies: &Path, only: Option<&str>) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(policies.join("examples/scenarios"))? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        if only.is_none_or(|only| name == Some(only)) {
            files.push(path);
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "no scenario in {}", policies.display());
    Ok(files)
}
