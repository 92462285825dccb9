//! `ansai-chaos [FAULT…]`: makes faults and prints who found and healed them. Without names it makes all of them and writes
//! the table in `policies/README.md`.
#![allow(clippy::disallowed_methods, reason = "it starts itself in a mount namespace")]

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ansai_chaos::board::{self, Run};
use ansai_chaos::contender::Contender;
use ansai_chaos::experiment::{self, Pace};
use ansai_chaos::fault::{FAULTS, Fault};
use ansai_chaos::programs::Programs;
use ansai_chaos::{about, figures, idle, interrupt, normal_life};
use ansai_harness::binary;
use anyhow::{Context as _, bail};

const HELP: &str = "\
ansai-chaos [OPTIONS] [FAULT...]   makes faults on disposable hosts; without names all, and writes policies/README.md
  --list            lists the faults
  --with NAME       only with ansai, systemd or monit; repeatable
  --update          writes the rows of these faults into policies/README.md
  --hurried         no delay before a fault, and ansai looks at once after it
  --normal-life     also runs 24 simulated hours of normal life, and measures ansai idle
  --jobs N          faults at the same time (default 3)
";
/// Set inside the mount namespace.
const INSIDE: &str = "ANSAI_CHAOS_INSIDE";
/// As a shell reports SIGINT.
const INTERRUPTED: u8 = 130;

struct Options {
    faults: Vec<&'static Fault>,
    contenders: Vec<Contender>,
    pace: Pace,
    jobs: usize,
    lives_normally: bool,
    is_complete: bool,
    updates: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    let Some(options) = options()? else {
        return Ok(ExitCode::SUCCESS);
    };
    if std::env::var_os(INSIDE).is_none() {
        // Mounts vanish with this process, also after SIGKILL.
        let program = std::env::current_exe()?;
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "--"]).arg(program).args(std::env::args_os().skip(1));
        return Err(command.env(INSIDE, "1").exec()).context("unshare(1) of util-linux");
    }
    interrupt::listen()?;
    let programs = Programs::find()?;
    let about = about::describe();
    let (runs, life) = std::thread::scope(|scope| {
        let life = scope.spawn(|| options.lives_normally.then(|| quiet(&programs)).transpose());
        (run_all(&options, &programs), life.join())
    });
    if interrupt::came() {
        writeln!(out, "interrupted: all hosts were stopped")?;
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let (runs, life) = (runs?, life.map_err(|_| anyhow::anyhow!("the harness failed"))?);
    // The rows took most of an hour: they are written even if nothing else was measured.
    let is_unknown = life.is_err();
    let life = life.unwrap_or_else(|error| Some(format!("Normal life and idle were not measured: {error:#}.")));
    if let Some(life) = &life {
        writeln!(out, "{life}")?;
    }
    if options.is_complete {
        let about = board::About { normal_life: life, ..about };
        board::write(&binary::repository().join("policies/README.md"), &board::text(&runs, &about))?;
    }
    if options.updates {
        board::update(&binary::repository().join("policies/README.md"), &runs)?;
    }
    if options.is_complete || options.updates {
        figures::write(&binary::repository().join("policies/README.md"))?;
    }
    let is_void = runs.iter().any(|run| run.outcome.is_err());
    Ok(if is_void || is_unknown { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What happens without a fault.
fn quiet(programs: &Programs) -> anyhow::Result<String> {
    let life = normal_life::run(programs).context("normal life")?;
    Ok(format!("{life}\n\n{}", idle::run(programs).context("idle")?))
}

/// Runs faults at the same time, the longest first, but each contender of a fault next to the others.
fn run_all(options: &Options, programs: &Programs) -> anyhow::Result<Vec<Run>> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let mut faults = options.faults.clone();
    faults.sort_by_key(|fault| std::cmp::Reverse(fault.limit));
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::SeqCst)) {
                    std::thread::scope(|contenders| {
                        for contender in &options.contenders {
                            contenders.spawn(|| {
                                let outcome = experiment::run(fault, *contender, programs, options.pace);
                                let run = Run { fault, contender: *contender, outcome };
                                print(&run);
                                if let Ok(mut done) = done.lock() {
                                    done.push(run);
                                }
                            });
                        }
                    });
                }
            });
        }
    });
    let mut runs = done.into_inner().map_err(|_| anyhow::anyhow!("a run failed"))?;
    let place = |run: &Run| {
        (
            FAULTS.iter().position(|fault| fault.name == run.fault.name),
            Contender::ALL.iter().position(|one| *one == run.contender),
        )
    };
    runs.sort_by_key(place);
    Ok(runs)
}

/// A row, and below it what was said.
fn print(run: &Run) {
    let mut text = format!("{}\n", run.row().join(" | "));
    match &run.outcome {
        Ok(measured) => {
            let parts = [("said", &measured.said), ("damage", &measured.damage), ("false alarm", &measured.alarms)];
            for (what, list) in parts {
                list.iter().for_each(|one| text.push_str(&format!("    {what}: {one}\n")));
            }
        }
        Err(reason) => text.push_str(&format!("    {reason}\n")),
    }
    let _nobody_reads_it = std::io::stdout().lock().write_all(text.as_bytes());
}

fn options() -> anyhow::Result<Option<Options>> {
    let mut options = Options {
        faults: Vec::new(),
        contenders: Vec::new(),
        pace: Pace::default(),
        jobs: 3,
        lives_normally: false,
        is_complete: false,
        updates: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--list" => {
                for fault in FAULTS {
                    writeln!(std::io::stdout(), "{:18} {}", fault.name, fault.what)?;
                }
                return Ok(None);
            }
            "--help" | "-h" => {
                std::io::stdout().write_all(HELP.as_bytes())?;
                return Ok(None);
            }
            "--with" => {
                let name = arguments.next().unwrap_or_default();
                let known = "ansai, systemd and monit";
                options
                    .contenders
                    .push(Contender::named(&name).with_context(|| format!("`{name}`: there are {known}"))?);
            }
            "--update" => options.updates = true,
            "--hurried" => options.pace.is_hurried = true,
            "--normal-life" => options.lives_normally = true,
            "--jobs" => {
                let number = arguments.next().unwrap_or_default();
                options.jobs = number.parse().ok().filter(|jobs| *jobs > 0).context("--jobs takes a number above 0")?;
            }
            name => match Fault::named(name) {
                Some(fault) => options.faults.push(fault),
                None => bail!("`{name}` is no fault; --list lists them"),
            },
        }
    }
    if options.contenders.is_empty() {
        options.contenders.extend(Contender::ALL);
    }
    if options.faults.is_empty() && !options.lives_normally {
        options.faults.extend(FAULTS);
        options.lives_normally = options.contenders.len() == Contender::ALL.len() && !options.pace.is_hurried;
        options.is_complete = options.lives_normally;
    }
    Ok(Some(options))
}
