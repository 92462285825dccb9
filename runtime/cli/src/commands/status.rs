//! `ansai status`: the state of this host on one page.

use std::time::Duration;

use ansai_core::control::{Answer, Overall, Request, StatusReport};
use ansai_core::exit;
use clap::Args;

use crate::asking::ask;
use crate::global::{Format, Global};
use crate::output::{self, json, status, terminal};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  \
    ansai status                  what is not healthy, what comes next, and when\n  \
    ansai status --watch          the same, every 2 seconds, until Ctrl-C\n  \
    ansai status --format json    the same for programs\n\n\
    Asks the running daemon. If none runs, it shows what the last run left, and says so. Exit code 3 means that an\n\
    incident is open, 5 that something is unknown."
)]
pub(crate) struct Arguments {
    /// Show it again every 2 seconds
    #[arg(short, long)]
    watch: bool,
}

/// Between two reports of `--watch`.
const AGAIN: Duration = Duration::from_secs(2);
/// Clears a terminal and moves to its top.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    loop {
        let done = ask(global, Request::Status)?;
        let Answer::Status(report) = &done.answer else { anyhow::bail!("the daemon answered something else") };
        match (global.format, arguments.watch) {
            (Format::Json, false) => json::document(&status::document(report))?,
            (Format::Json, true) => json::line(&status::document(report))?,
            (Format::Text, watch) => {
                if watch && terminal::is_stdout() {
                    output::say(CLEAR)?;
                }
                output::say(&status::render(report, global.layout(terminal::stdout_width())))?;
            }
        }
        if !arguments.watch {
            return Ok(code(report));
        }
        std::thread::sleep(AGAIN);
    }
}

fn code(report: &StatusReport) -> u8 {
    match report.overall {
        Overall::Healthy => exit::FINE,
        Overall::Unknown => exit::UNKNOWN,
        Overall::Unhealthy => exit::UNHEALTHY,
    }
}
