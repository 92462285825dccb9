//! The same policy in five languages: the cost for its author, its reader and the host.
#![allow(clippy::disallowed_methods, reason = "an adapter to the program and the tools that are measured")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ansai_devkit::build::Language;
use anyhow::{Context as _, ensure};

use crate::example::{Example, scenarios};
use crate::figure::{Figure, Grid, Row, grouped, number};
use crate::process;
use crate::samples::Samples;

const LANGUAGES: [Language; 5] = [Language::Rust, Language::TypeScript, Language::Python, Language::C, Language::Go];
const HEAD: [&str; 8] = [
    "language",
    "component (KiB)",
    "build after an edit (s)",
    "compile (ms)",
    "load from the cache (ms)",
    "fuel of `detect`",
    "fuel of `plan`",
    "one scenario (µs)",
];
const BUILDS: usize = 3;
const RUNS: usize = 200;
/// The scenario with a finding and a repair.
const SCENARIO: &str = "warning";
const LOAD_AIM_MS: f64 = 50.0;

const HOW: &str = "The policy `policies/examples/disk-space-LANGUAGE`; all of them pass the same scenarios. `ansai \
build` builds a copy once to fill the caches of the tools, then three times after a line was added to the source. \
`Engine::load` compiles the component in this process with an empty cache, then loads it five times from the cache, \
with the file mapped and already verified. The scenario is `warning`, with `detect` and `plan`: read from its file, \
checked against the contract and run 200 times on one thread, after one run that is not counted; its fuel is the same \
every time. The target applies to the slowest language.";

const HELD_BACK_BY: &str = "Most of the load time is the digest of the component, which is the name of its compiled \
code in the cache.";

/// Measures this section.
pub(crate) fn measure(policies: &Path) -> anyhow::Result<Figure> {
    let mut grid = Grid { head: &HEAD, rows: Vec::new() };
    let mut slowest = 0.0_f64;
    for language in LANGUAGES {
        let name = language.name();
        let (cells, load) = of(policies, language).with_context(|| format!("the policy in {name}"))?;
        grid.rows.push(cells);
        slowest = slowest.max(load);
    }
    let rows =
        vec![Row::single("slowest load from the cache", slowest, "ms").at_most(LOAD_AIM_MS, "ms", Some(slowest))];
    Ok(Figure { title: "One policy in five languages", how: HOW, rows, grid: Some(grid), held_back_by: HELD_BACK_BY })
}

fn of(policies: &Path, language: Language) -> anyhow::Result<(Vec<String>, f64)> {
    let copied = Copied::of(policies, language)?;
    build(policies, &copied.dir())?;
    let mut builds = Samples::default();
    for _ in 0..BUILDS {
        touch(&copied.dir().join(language.source()), language)?;
        builds.push(build(policies, &copied.dir())?.as_secs_f64());
    }
    let example = Example::load(&copied.component())?;
    let scenario = scenarios(policies, Some(SCENARIO))?;
    let (took, fuel) = example.run(&scenario, RUNS)?;
    let load = example.from_cache.median();
    let fuel_of = |index: usize| fuel.get(index).map_or_else(|| "–".to_owned(), |fuel| grouped(&fuel.to_string()));
    let cells = vec![
        language.name().to_owned(),
        number(example.bytes as f64 / 1024.0),
        number(builds.median()),
        number(example.compiled_ms),
        number(load),
        fuel_of(0),
        fuel_of(1),
        number(took.as_secs_f64() * 1e6 / RUNS as f64),
    ];
    Ok((cells, load))
}

/// A copy of a policy of `policies/examples` that may be changed.
pub(crate) struct Copied {
    /// Contains the part of the repository that the policy's relative paths refer to.
    around: tempfile::TempDir,
    name: String,
}

impl Copied {
    pub(crate) fn of(policies: &Path, language: Language) -> anyhow::Result<Copied> {
        let copied = Copied { around: tempfile::tempdir()?, name: format!("disk-space-{}", language.name()) };
        std::fs::create_dir_all(copied.dir())?;
        // The policies in Rust are one workspace: its members are named in its lock file, so none may be missing.
        for name in ["sdk", "disk-space"] {
            std::os::unix::fs::symlink(policies.join(name).canonicalize()?, copied.around.path().join(name))?;
        }
        for name in ["Cargo.toml", "Cargo.lock"] {
            std::fs::copy(policies.join(name), copied.around.path().join(name))?;
        }
        let from = policies.join("examples").join(&copied.name).join(".");
        let status = Command::new("cp").args(["-rL", "--"]).arg(from).arg(copied.dir()).status()?;
        ensure!(status.success(), "cp: {status}");
        Ok(copied)
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.around.path().join("examples").join(&self.name)
    }

    pub(crate) fn component(&self) -> PathBuf {
        self.dir().join(format!("{}.wasm", self.name))
    }
}

/// Builds a policy, with the WebAssembly compiler of this repository's own policies.
pub(crate) fn build(policies: &Path, dir: &Path) -> anyhow::Result<Duration> {
    let mut command = with_environment(policies)?;
    command.arg(process::program()?).args(["build", "--allow-root"]).arg(dir);
    ended_well(command)
}

/// A shell that runs the following command with the exports of `scripts/wasm-env`.
pub(crate) fn with_environment(policies: &Path) -> anyhow::Result<Command> {
    let scripts = policies.join("../scripts").canonicalize()?;
    let mut command = Command::new("bash");
    command.args(["-c", "environment=$(\"$0/wasm-env\") && eval \"$environment\" && exec \"$@\""]).arg(scripts);
    // This program's own target directory is for another target.
    command.env_remove("CARGO_TARGET_DIR").stdin(Stdio::null());
    Ok(command)
}

/// Runs a command that must succeed; returns the time it took.
pub(crate) fn ended_well(mut command: Command) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let output = command.output()?;
    let took = began.elapsed();
    ensure!(output.status.success(), "{}{}", lossy(&output.stdout), lossy(&output.stderr));
    Ok(took)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An edit that changes only the file's text.
pub(crate) fn touch(source: &Path, language: Language) -> anyhow::Result<()> {
    let comment = if language == Language::Python { "#" } else { "//" };
    let mut file = std::fs::OpenOptions::new().append(true).open(source)?;
    Ok(writeln!(file, "{comment} edited")?)
}
