//! What ansai costs while nothing happens.

use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::contender::Contender;
use crate::fault::{Fault, Kind};
use crate::interrupt;
use crate::programs::Programs;
use crate::site::Site;

const ALL: Fault = Fault { name: "idle", policy: "", what: "no fault", kind: Kind::Site, limit: 0 };
const LEAST: Fault = Fault { name: "idle-least", policy: "", what: "no fault", kind: Kind::Site, limit: 0 };
const WARM_UP: Duration = Duration::from_secs(15);
/// Each policy but one is evaluated at least twice in it.
const WINDOW: Duration = Duration::from_secs(240);

/// Share of one core in percent, and proportional memory in MiB, of all processes of ansai.
struct Cost {
    percent: f64,
    mebibytes: f64,
}

/// Measures five policies at their default schedules, and one, and says what they cost.
///
/// # Errors
/// If a host does not start.
pub fn run(programs: &Programs) -> anyhow::Result<String> {
    let (all, least) = std::thread::scope(|scope| {
        let all = scope.spawn(|| cost(&ALL, programs));
        let least = cost(&LEAST, programs);
        (all.join(), least)
    });
    let (all, least) = (all.map_err(|_| anyhow::anyhow!("the harness failed"))??, least?);
    Ok(format!(
        "While nothing happens, five policies at their default schedules use {:.2} % of a core in {} s, with the workers. All \
         processes\nhave {:.1} MiB of proportional memory with them, and {:.1} MiB with one policy.",
        all.percent,
        WINDOW.as_secs(),
        all.mebibytes,
        least.mebibytes
    ))
}

fn cost(fault: &Fault, programs: &Programs) -> anyhow::Result<Cost> {
    let site = Site::start(fault, Contender::Ansai, programs)?;
    interrupt::sleep(WARM_UP)?;
    let (before, begin) = (usage(&site)?, Instant::now());
    interrupt::sleep(WINDOW)?;
    let (after, seconds) = (usage(&site)?, begin.elapsed().as_secs_f64());
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    Ok(Cost { percent: (after.0 - before.0) / ticks / seconds * 100.0, mebibytes: after.1 / 1024.0 })
}

/// Clock ticks and KiB.
fn usage(site: &Site) -> anyhow::Result<(f64, f64)> {
    let text = site.step(&["usage"])?;
    let mut numbers = text.lines().map(|line| line.trim().parse::<f64>());
    let mut next = || numbers.next().context("two numbers")?.context("a number");
    Ok((next()?, next()?))
}
