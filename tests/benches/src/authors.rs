//! Measures how long an author of a policy waits.
#![allow(clippy::disallowed_methods, reason = "an adapter to the program that is measured")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ansai_devkit::build::Language;
use anyhow::{Context as _, ensure};

use crate::example::{Example, scenarios};
use crate::figure::{Figure, Row};
use crate::languages::{Copied, build, ended_well, touch, with_environment};
use crate::process::{on_one_core, program};
use crate::samples::Samples;

const NEW_AIM_S: f64 = 60.0;
const ROUND_AIM_S: f64 = 1.0;
const SCENARIOS_AIM: f64 = 2_000.0;
const DIFFERENCES_AIM: f64 = 10_000.0;

const ROUNDS: usize = 7;
const SUITES: usize = 20;
const INSTANCES: u32 = 1_000;
const RUNS: usize = 5;

const HOW: &str = "The small disk-space policy in Rust. New policy: `ansai new`, `ansai build` and `ansai test` in an \
empty directory, with the crates downloaded but not compiled. One round of `ansai dev`: its two steps after a line \
was added to the source, `ansai build --draft` and `ansai run --once` on this host; seven times, after one round that \
is not counted. Scenarios: the scenarios of `policies/examples` twenty times, read from their files, checked against \
the contract and run on one thread; ten times. Recorded evaluations: `ansai replay --with --since` on one core, five \
times, over the recordings of five runs of a thousand instances that all find something. Recordings are read from \
disk, checked against the audit log and decompressed; reading the log is not counted.";

const HELD_BACK_BY: &str = "A round is mostly the Rust compiler and ansai's compiler. Most of the time of a compared \
evaluation is reading: ansai opens, decompresses, hashes and parses one file for each.";

/// Measures this section.
pub(crate) fn measure(policies: &Path) -> anyhow::Result<Figure> {
    let new = from_nothing(policies)?.as_secs_f64();
    let copied = Copied::of(policies, Language::Rust)?;
    let (built, looked) = rounds(policies, &copied)?;
    let round = built.plus(&looked);
    build(policies, &copied.dir())?;
    let tested = tested(policies, &copied)?;
    let compared = on_one_core(|| compared(&copied.component()))?;
    let (median, scenarios, differences) = (round.median(), tested.median(), compared.median());
    let rows = vec![
        Row::single("new policy, from `ansai new` to passing tests", new, "s").at_most(NEW_AIM_S, "s", Some(new)),
        Row::new("one round of `ansai dev`", &round, "s").at_most(ROUND_AIM_S, "s", Some(median)),
        Row::new("of this, building", &built, "s"),
        Row::new("of this, compiling and running", &looked, "s"),
        Row::new("scenarios", &tested, "per second").at_least(SCENARIOS_AIM, "per second", Some(scenarios)),
        Row::new("recorded evaluations, compared", &compared, "per second").at_least(
            DIFFERENCES_AIM,
            "per second",
            Some(differences),
        ),
    ];
    Ok(Figure { title: "Tools for authors", how: HOW, rows, grid: None, held_back_by: HELD_BACK_BY })
}

fn from_nothing(policies: &Path) -> anyhow::Result<Duration> {
    let dir = tempfile::tempdir()?;
    let step = |verb: &str, arguments: &[&str]| {
        let mut command = with_environment(policies)?;
        command.arg(program()?).arg(verb).arg("my-policy").args(arguments).current_dir(dir.path());
        ended_well(command).context(verb.to_owned())
    };
    Ok(step("new", &["--lang", "rust"])? + step("build", &["--allow-root"])? + step("test", &[])?)
}

/// Seconds for each of the two steps.
fn rounds(policies: &Path, copied: &Copied) -> anyhow::Result<(Samples, Samples)> {
    let place = tempfile::tempdir()?;
    let (mut built, mut looked) = (Samples::default(), Samples::default());
    for round in 0..=ROUNDS {
        touch(&copied.dir().join(Language::Rust.source()), Language::Rust)?;
        let mut command = with_environment(policies)?;
        command.arg(program()?).arg("build").arg(copied.dir()).arg("--allow-root").arg("--draft").arg(place.path());
        let took = ended_well(command)?;
        let mut run = observing(&place.path().join("state"))?;
        run.arg(place.path());
        let began = Instant::now();
        result(run)?;
        if round > 0 {
            built.push(took.as_secs_f64());
            looked.push(began.elapsed().as_secs_f64());
        }
    }
    Ok((built, looked))
}

/// Scenarios per second.
fn tested(policies: &Path, copied: &Copied) -> anyhow::Result<Samples> {
    let example = Example::load(&copied.component())?;
    let files = scenarios(policies, None)?;
    let mut rates = Samples::default();
    for _ in 0..10 {
        let (took, _) = example.run(&files, SUITES)?;
        rates.push((files.len() * SUITES) as f64 / took.as_secs_f64());
    }
    Ok(rates)
}

/// Evaluations per second, as printed by the program.
fn compared(component: &Path) -> anyhow::Result<Samples> {
    let dir = tempfile::tempdir()?;
    let (state, config) = (dir.path().join("state"), dir.path().join("ansai.toml"));
    std::fs::write(&config, configuration(component)?)?;
    for _ in 0..RUNS {
        let mut run = observing(&state)?;
        run.arg("--config").arg(&config);
        result(run)?;
    }
    let mut rates = Samples::default();
    for _ in 0..5 {
        let mut replay = Command::new(program()?);
        replay.args(["replay", "--since", "1d", "--format", "json", "--with"]).arg(component);
        replay.arg("--state-dir").arg(&state);
        for number in 0..INSTANCES {
            replay.args(["--instance", &format!("p{number}")]);
        }
        let output = replay.output()?;
        let said: serde_json::Value = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        let number = |name: &str| said.get(name).and_then(serde_json::Value::as_f64).context(name.to_owned());
        let evaluations = number("evaluations")?;
        ensure!(evaluations >= f64::from(INSTANCES), "{evaluations} evaluations were recorded");
        let same = said.pointer("/counts/same").and_then(serde_json::Value::as_f64);
        ensure!(same == Some(evaluations), "{:?}", said.get("counts"));
        rates.push(evaluations * 1e6 / number("wall_us")?);
    }
    Ok(rates)
}

/// A configuration that finds every file system too full.
fn configuration(component: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    for number in 0..INSTANCES {
        write!(
            text,
            "[policy.p{number}]\nsource = \"{}\"\nmode = \"observe\"\n[policy.p{number}.settings]\n\
             warning_percent = 1\n[policy.p{number}.grant]\n\"ansai:disk/disk-probe\" = {{}}\n",
            component.display()
        )?;
    }
    Ok(text)
}

fn observing(state: &Path) -> anyhow::Result<Command> {
    let mut run = Command::new(program()?);
    run.args(["run", "--once", "--mode", "observe", "--state-dir"]).arg(state);
    Ok(run)
}

/// Exit codes for healthy, findings and unknown are all valid results.
fn result(mut command: Command) -> anyhow::Result<()> {
    let output = command.output()?;
    let code = output.status.code();
    ensure!(matches!(code, Some(0 | 3 | 5)), "{code:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
