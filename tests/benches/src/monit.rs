//! Ten checks at rest: ansai compared with Monit.
#![allow(clippy::disallowed_methods, reason = "an adapter to the programs that are measured")]

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;

use crate::figure::{Figure, Row};
use crate::machine;
use crate::process::Daemon;

const CHECKS: u32 = 10;
const EVERY_SECONDS: u32 = 10;
const WARM_UP: Duration = Duration::from_secs(15);
const WINDOW: Duration = Duration::from_secs(60);

const HOW: &str = "Ten instances of the small policy, each listing all file systems every 10 s, and Monit with ten \
file-system checks every 10 s, in the foreground, with nothing else configured. Both run at the same time and have \
nothing to report. The measurement starts after 15 s and takes 60 s: resident memory at its end, CPU time during it.";

const HELD_BACK_BY: &str = "Monit is 0.5 MB of C that compares numbers; ansai contains a WebAssembly compiler and an \
audit log. Most of its resident memory is pages of the program, which the kernel reclaims when it needs them.";

/// Measures this section.
pub(crate) fn measure(_policies: &Path) -> anyhow::Result<Figure> {
    let rows = match monit() {
        Some(monit) => rows(&monit)?,
        None => vec![Row::text("Monit", "not installed: install the package, or unpack it and set ANSAI_BENCH_MONIT")],
    };
    Ok(Figure { title: "Comparison with Monit", how: HOW, rows, grid: None, held_back_by: HELD_BACK_BY })
}

fn monit() -> Option<std::path::PathBuf> {
    let unpacked = std::env::var_os("ANSAI_BENCH_MONIT").map(std::path::PathBuf::from);
    let installed = ["/usr/bin/monit", "/usr/sbin/monit"].map(std::path::PathBuf::from);
    unpacked.into_iter().chain(installed).find(|path| path.is_file())
}

fn rows(monit: &Path) -> anyhow::Result<Vec<Row>> {
    let dir = tempfile::tempdir()?;
    let ours = Daemon(crate::instances::start(dir.path(), CHECKS, "process")?);
    let theirs = Daemon(start(monit, dir.path())?);
    std::thread::sleep(WARM_UP);
    let used = |daemon: &Daemon| machine::processor_seconds(daemon.0.id());
    let before = (used(&ours)?, used(&theirs)?);
    std::thread::sleep(WINDOW);
    let resident = |daemon: &Daemon| {
        machine::mebibytes(&format!("/proc/{}/smaps_rollup", daemon.0.id()), "Rss").context("Rss of a daemon")
    };
    Ok(vec![
        Row::single("ansai, resident memory", resident(&ours)?, "MiB"),
        Row::single("Monit, resident memory", resident(&theirs)?, "MiB"),
        Row::single("ansai, CPU time per minute", (used(&ours)? - before.0) * 1e3, "ms"),
        Row::single("Monit, CPU time per minute", (used(&theirs)? - before.1) * 1e3, "ms"),
    ])
}

fn start(monit: &Path, dir: &Path) -> anyhow::Result<std::process::Child> {
    let at = |name: &str| dir.join(name).display().to_string();
    let mut text = format!(
        "set daemon {EVERY_SECONDS}\nset pidfile {}\nset idfile {}\nset statefile {}\nset logfile {}\n",
        at("monit.pid"),
        at("monit.id"),
        at("monit.state"),
        at("monit.log")
    );
    for number in 0..CHECKS {
        writeln!(text, "check filesystem root{number} with path /\n  if space usage > 99% then alert")?;
    }
    let config = dir.join("monitrc");
    std::fs::write(&config, text)?;
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600))?;
    let mut command = Command::new(monit);
    command.arg("-I").arg("-c").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("monit")
}
