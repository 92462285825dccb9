//! Ten thousand instances in one process on one core.
#![allow(clippy::disallowed_methods, reason = "an adapter to the program that is measured")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use wasm_encoder::{ComponentSection as _, CustomSection};

use crate::figure::{Figure, Row};
use crate::machine;
use crate::process::{Daemon, on_one_core, program};
use crate::samples::Samples;

const FEW: u32 = 1_000;
const MANY: u32 = 10_000;
const EVERY: &str = "10s";
const RATIO: &str = "CPU, workers ÷ one process, 10,000 instances";
const MOST_RATIO: f64 = 2.0;
/// Three times the interval of each instance.
const WARM_UP: Duration = Duration::from_secs(30);
const WINDOW: Duration = Duration::from_secs(60);

const HOW: &str = "`ansai run --config` on one core, with 1,000 and 10,000 instances of the small policy, each with `every = \
\"10s\"` and a grant for the real file-system probe: in the process of ansai, then 10,000 in workers. The \
measurement starts after 30 s and takes 60 s: CPU time of all processes from `/proc/PID/stat`, bytes written \
from `/proc/PID/io` times 60, resident memory at its end. The delay is the time between the scheduled and the \
actual start of each evaluation that has a record in the audit log; with thousands of instances, evaluations \
that find nothing new are recorded as a sample. A busy machine changes CPU time little and the delay much.";

/// Measures this section.
pub(crate) fn measure(_policies: &Path) -> anyhow::Result<Figure> {
    let (mut rows, mut shares) = (Vec::new(), Vec::new());
    for (instances, isolation, names) in [
        (
            FEW,
            "thread",
            [
                "CPU, 1,000 instances (% of one core)",
                "delay of an evaluation, median",
                "delay of an evaluation, 99th percentile",
                "resident memory",
                "written per hour",
            ],
        ),
        (
            MANY,
            "thread",
            [
                "CPU, 10,000 instances (% of one core)",
                "delay of an evaluation, median",
                "delay of an evaluation, 99th percentile",
                "resident memory",
                "written per hour",
            ],
        ),
        (
            MANY,
            "process",
            [
                "CPU, 10,000 instances in workers (% of one core)",
                "delay of an evaluation, median",
                "delay of an evaluation, 99th percentile",
                "resident memory of ansai",
                "written per hour",
            ],
        ),
    ] {
        let seen = run(instances, isolation)?;
        shares.push(seen.share);
        let [share, median, most, resident, written] = names;
        rows.push(Row::single(share, seen.share * 100.0, "%"));
        rows.push(Row::single(median, seen.late.median(), "ms"));
        rows.push(Row::single(most, seen.late.percentile(99.0), "ms"));
        rows.push(Row::single(resident, seen.resident, "MiB"));
        rows.push(Row::single(written, seen.written, "MiB"));
    }
    if let [_, here, there] = shares[..] {
        let ratio = there / here;
        rows.push(Row::single(RATIO, ratio, "×").at_most(MOST_RATIO, "×", Some(ratio)));
    }
    Ok(Figure { title: "Many instances", how: HOW, rows, grid: None, held_back_by: "" })
}

struct Seen {
    share: f64,
    late: Samples,
    resident: f64,
    written: f64,
}

fn run(instances: u32, isolation: &str) -> anyhow::Result<Seen> {
    let dir = tempfile::tempdir()?;
    let mut daemon = Daemon(on_one_core(|| start(dir.path(), instances, isolation))?);
    std::thread::sleep(WARM_UP);
    let (busy, written) = (machine::processor_seconds(daemon.0.id())?, machine::bytes_written(daemon.0.id())?);
    let from = now()?;
    std::thread::sleep(WINDOW);
    let until = now()?;
    if let Some(status) = daemon.0.try_wait()? {
        bail!("ansai run ended by itself with {status}");
    }
    let took = (until - from) as f64 / 1e3;
    let pid = daemon.0.id();
    let share = (machine::processor_seconds(pid)? - busy) / took;
    let written = (machine::bytes_written(pid)? - written) / took * 3_600.0 / f64::from(1 << 20);
    let resident = machine::mebibytes(&format!("/proc/{pid}/smaps_rollup"), "Rss").context("Rss of ansai run")?;
    drop(daemon);
    Ok(Seen { share, late: lateness(&dir.path().join("state/audit"), from, until)?, resident, written })
}

/// Starts the daemon with this many instances in this isolation, with all its files in this directory.
pub(crate) fn start(dir: &Path, instances: u32, isolation: &str) -> anyhow::Result<Child> {
    let component = dir.join("small.wasm");
    std::fs::write(&component, component_with_manifest()?)?;
    let config = dir.join("ansai.toml");
    std::fs::write(&config, configuration(instances, isolation, &component)?)?;
    let mut command = Command::new(program()?);
    command.args(["run", "--config"]).arg(&config).arg("--state-dir").arg(dir.join("state"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
    command.spawn().context("ansai run")
}

fn now() -> anyhow::Result<u64> {
    Ok(u64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis())?)
}

fn lateness(audit: &Path, from: u64, until: u64) -> anyhow::Result<Samples> {
    let mut late = Samples::default();
    for entry in ansai_audit::Reader::open(audit)? {
        let record: ansai_core::event::Record = serde_json::from_slice(&entry?.payload)?;
        if let ansai_core::event::Event::Evaluated { late_ms, .. } = record.event
            && (from..until).contains(&record.at.as_millis())
        {
            late.push(late_ms as f64);
        }
    }
    ensure!(!late.is_empty(), "no evaluation of the measured minute is recorded");
    Ok(late)
}

fn component_with_manifest() -> anyhow::Result<Vec<u8>> {
    let mut component = crate::guest::component()?;
    let manifest = r#"{"name":"small","version":"0.1.0","description":"is measured","schedule":{"every":"10000ms"},
        "capabilities":{"ansai:disk/disk-probe":{"reason":"to see","required":true}}}"#;
    let section = CustomSection { name: "ansai:manifest".into(), data: manifest.as_bytes().into() };
    section.append_to_component(&mut component);
    Ok(component)
}

fn configuration(instances: u32, isolation: &str, component: &Path) -> anyhow::Result<String> {
    let mut text = format!("[daemon]\nisolation = \"{isolation}\"\n");
    for number in 0..instances {
        write!(
            text,
            "[policy.p{number}]\nsource = \"{}\"\nevery = \"{EVERY}\"\nmode = \"observe\"\n[policy.p{number}.grant]\n\
             \"ansai:disk/disk-probe\" = {{}}\n",
            component.display()
        )?;
    }
    Ok(text)
}
