//! Measures scanning very many files, compared with `find`.
#![allow(clippy::disallowed_methods, reason = "an adapter to the programs that are measured")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ansai_core::{InterfaceName, Refusal, Scope, Timestamp};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::Body;
use ansai_kit::target::Reach;
use anyhow::{Context as _, anyhow, ensure};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::figure::{Figure, Row, grouped};
use crate::machine;
use crate::samples::Samples;
use crate::tree::Place;

const ROUNDS: u32 = 7;
/// Maximum ratio to the time of `find`.
const MOST: f64 = 1.0;
/// First argument of this program when it should scan once and print its memory usage.
pub(crate) const CHILD: &str = "scan-once";

const HOW: &str = "One million empty files (or `ANSAI_BENCH_FILES`), a thousand per directory, on a tmpfs and on the \
file system of the temporary directory, with warm caches. `measure-files` of `ansai:files/files-probe` scans all of \
them, as a policy calls it, and alternates with `find ROOT -type f -printf '%p %s %T@\\n'`, whose output is \
discarded. Seven rounds, after one round that is not counted. The preview is that of `remove` for the oldest 10,000 \
files; the pages are all pages of `list-files`, once. A ratio is that of the medians; its range is that of the \
rounds. Peak memory is `VmHWM` of a process that only calls `measure-files` once, minus that of a process that scans \
an empty directory.";

const HELD_BACK_BY: &str = "Both call the kernel once for each file, and the kernel takes most of the time.";

/// Measures this section.
pub(crate) fn measure() -> anyhow::Result<Figure> {
    let files = match std::env::var("ANSAI_BENCH_FILES") {
        Ok(number) => number.parse().context("ANSAI_BENCH_FILES")?,
        Err(_) => 1_000_000,
    };
    let mut rows = vec![Row::text("files", grouped(&files.to_string()))];
    if rustix::process::geteuid().is_root() {
        let place = Place::in_memory()?;
        let root = place.fill("many", files)?;
        let (found, measured, ratio) = against_find(&root, files)?;
        rows.push(Row::new("`find`, tmpfs", &found, "ms"));
        rows.push(Row::new("`measure-files`, tmpfs", &measured, "ms"));
        rows.push(ratio_row("`measure-files` ÷ `find`, tmpfs", &found, &measured, &ratio));
        rows.push(Row::single("preview of `remove`, tmpfs", timed(|| preview(&root))?, "ms"));
        rows.push(Row::single("all pages of `list-files`, tmpfs", timed(|| pages(&root, files))?, "ms"));
        let (none, tenth) = (place.fill("none", 0)?, place.fill("tenth", files / 10)?);
        std::fs::create_dir_all(&none)?;
        let least = peak_kib(&none)?;
        rows.push(Row::single("peak memory, 10 % of the files", peak_kib(&tenth)? - least, "KiB"));
        rows.push(Row::single("peak memory, all files", peak_kib(&root)? - least, "KiB"));
    } else {
        rows.push(Row::text("`measure-files` ÷ `find`, tmpfs", "needs root to mount a tmpfs").at_most(MOST, "", None));
    }
    let place = Place::on_disk()?;
    let root = place.fill("many", files)?;
    let (found, measured, ratio) = against_find(&root, files)?;
    rows.push(Row::text("file system of the temporary directory", machine::file_system(&root)));
    rows.push(Row::new("`find`, temporary directory", &found, "ms"));
    rows.push(Row::new("`measure-files`, temporary directory", &measured, "ms"));
    rows.push(ratio_row("`measure-files` ÷ `find`, temporary directory", &found, &measured, &ratio));
    Ok(Figure { title: "Scanning files", how: HOW, rows, grid: None, held_back_by: HELD_BACK_BY })
}

fn ratio_row(what: &'static str, found: &Samples, measured: &Samples, ratio: &Samples) -> Row {
    let median = measured.median() / found.median();
    Row { value: format!("{median:.2}"), ..Row::new(what, ratio, "") }.at_most(MOST, "", Some(median))
}

/// Milliseconds of `find`, of ansai, and their ratio round by round.
fn against_find(root: &Path, files: usize) -> anyhow::Result<(Samples, Samples, Samples)> {
    let (mut found, mut measured) = (Samples::default(), Samples::default());
    for round in 0..=ROUNDS {
        let theirs = timed(|| find(root))?;
        let ours = timed(|| ensure_all(&call("measure-files", json!({ "what": query(root)? }))?, files))?;
        if round > 0 {
            found.push(theirs);
            measured.push(ours);
        }
    }
    let ratio = measured.over(&found);
    Ok((found, measured, ratio))
}

fn timed(run: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let began = Instant::now();
    run()?;
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}

fn find(root: &Path) -> anyhow::Result<()> {
    let arguments = ["-type", "f", "-printf", "%p %s %T@\\n"];
    let done = Command::new("find").arg(root).args(arguments).stdout(Stdio::null()).status().context("find")?;
    ensure!(done.success(), "find: {done}");
    Ok(())
}

fn ensure_all(answer: &Value, files: usize) -> anyhow::Result<()> {
    let counted = answer.pointer("/entries/0/files").and_then(Value::as_u64);
    ensure!(counted == Some(files as u64) && answer.get("cursor") == Some(&Value::Null), "not all files: {answer}");
    Ok(())
}

fn pages(root: &Path, files: usize) -> anyhow::Result<()> {
    let (mut cursor, mut seen) = (Value::Null, 0);
    loop {
        let mut answer = call("list-files", json!({ "what": query(root)?, "cursor": cursor }))?;
        seen += answer.get("entries").and_then(Value::as_array).map_or(0, Vec::len);
        cursor = answer.get_mut("cursor").map(Value::take).unwrap_or_default();
        if cursor.is_null() {
            ensure!(seen == files, "{seen} files in all pages");
            return Ok(());
        }
    }
}

fn query(root: &Path) -> anyhow::Result<Value> {
    let root = root.to_str().context("a root of odd bytes")?;
    Ok(json!({ "root": root, "globs": [], "exclude": [], "min-age-hours": 0, "min-bytes": 0 }))
}

fn call(function: &str, arguments: Value) -> anyhow::Result<Value> {
    let registry = ansai_host_functions::builtin();
    let (_, function) = registry.find("ansai:files/files-probe", function).context("no such function")?;
    let (Body::Probe(body) | Body::Scan(body)) = function.body else { anyhow::bail!("no probe") };
    let reply = asked(&arguments, |ask, arguments| body.answer(ask, arguments))?;
    Ok(serde_json::from_str(reply.get())?)
}

fn preview(root: &Path) -> anyhow::Result<()> {
    let what = json!({
        "root": root, "globs": ["**"], "exclude": [], "min-age-hours": 24, "min-bytes": 0, "max-files": 0,
        "enough-bytes": 0,
    });
    let registry = ansai_host_functions::builtin();
    let (_, _, action) = registry.action("ansai:files/files-actions.remove").context("no such action")?;
    let found =
        asked(&json!({ "what": what, "reason": "a benchmark" }), |ask, arguments| action.preview(ask, arguments, &[]))?;
    let preview = found.preview;
    ensure!(preview.complete && preview.items == 10_000, "a preview of {} files", preview.items);
    Ok(())
}

fn asked<T>(
    arguments: &Value,
    run: impl FnOnce(&ProbeContext<'_>, &RawValue) -> Result<T, Refusal>,
) -> anyhow::Result<T> {
    let registry = ansai_host_functions::builtin();
    let actions = &registry
        .interface(&InterfaceName::from_static("ansai:files/files-actions"))
        .context("no such interface")?
        .interface;
    let grant = json!({
        "roots": ["/"], "min_age_hours": 24, "max_files": 10_000, "max_bytes": "1TiB", "undo_hours": 0
    });
    let scope = Scope::parse(actions.name.as_str(), actions.fields, grant.as_object().context("no table")?)?;
    let in_a_year = SystemTime::now().duration_since(UNIX_EPOCH)? + Duration::from_secs(365 * 86400);
    let ask = ProbeContext {
        host: &Host::at("/"),
        scope: &scope,
        reach: Reach::none(),
        now: Timestamp::from_millis(u64::try_from(in_a_year.as_millis())?),
        deadline: &Deadline::after(Duration::from_secs(600)),
    };
    run(&ask, &to_raw_value(arguments)?).map_err(|refusal| anyhow!("{refusal:?}"))
}

/// Peak memory of a separate process, in KiB.
fn peak_kib(root: &Path) -> anyhow::Result<f64> {
    let output = Command::new(std::env::current_exe()?).arg(CHILD).arg(root).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// The work of that process.
pub(crate) fn once(root: &Path) -> anyhow::Result<()> {
    call("measure-files", json!({ "what": query(root)? }))?;
    let peak = machine::mebibytes("/proc/self/status", "VmHWM").context("VmHWM")?;
    writeln!(std::io::stdout().lock(), "{}", peak * 1024.0)?;
    Ok(())
}
