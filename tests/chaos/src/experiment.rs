//! One fault, one contender.

use std::time::{Duration, Instant};

use ansai_harness::Daemon;
use anyhow::{Context as _, ensure};

use crate::contender::Contender;
use crate::fault::{Fault, Kind};
use crate::measured::{Measured, Outcome, Span};
use crate::programs::Programs;
use crate::reports::{self, Report};
use crate::site::Site;
use crate::slow::Slow;
use crate::{hours, interrupt};

/// How long the fault may take until it is there.
const HAPPENS: Duration = Duration::from_secs(30);
/// How far `clock-skew` moves the clock that contenders see.
const CLOCK_SKEW_MS: u64 = 60 * 86_400_000;
const POLL: Duration = Duration::from_millis(300);
/// A site that was well for so long stays well.
const STAYS_WELL_MS: u64 = 10_000;

/// How a fault is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// Without the delay before the fault, and ansai looks at once after it instead of by its schedule. For tests.
    pub is_hurried: bool,
}

/// Runs a fault against a contender. The reason if the run is void.
pub fn run(fault: &'static Fault, contender: Contender, programs: &Programs, pace: Pace) -> Outcome {
    let programs = programs.clone();
    // The harness panics with its reason.
    let thread = std::thread::Builder::new()
        .name(format!("{} {}", fault.name, contender.name()))
        .spawn(move || match fault.kind {
            Kind::Site => measure(fault, contender, &programs, pace),
            Kind::Hours => hours::measure(fault, contender, &programs),
        })
        .map_err(|error| error.to_string())?;
    match thread.join() {
        Ok(measured) => measured.map_err(|error| format!("{error:#}")),
        Err(panic) => Err(panic
            .downcast_ref::<String>()
            .and_then(|text| text.lines().next())
            .unwrap_or("the harness failed")
            .to_owned()),
    }
}

fn measure(fault: &Fault, contender: Contender, programs: &Programs, pace: Pace) -> anyhow::Result<Measured> {
    interrupt::check()?;
    let site = Site::start(fault, contender, programs)?;
    if !pace.is_hurried {
        interrupt::sleep(fault.delay())?;
    }
    let subjects = site.subjects()?;
    let (before, starts) = (site.step(&["protected"])?, starts(&site)?);
    let earlier = reports::read(contender, &site.reported()?)?;
    let mut watch = site.spawn(&["watch"]);
    wait_until(Duration::from_secs(10), || Ok(states(&watch).last().is_some_and(|(_, is_well)| *is_well)))
        .context("the site was not well before the fault")?;
    let at = Site::now()?;
    site.step(&["inject"])?;
    let _slow = site.slow().map(Slow::start);
    if pace.is_hurried && contender == Contender::Ansai {
        site.step(&["wake"])?;
    }
    wait_until(HAPPENS, || Ok(site.try_step(&["happened"]).code == 0)).context("the fault did not happen")?;
    let end = Instant::now() + Duration::from_secs(fault.limit);
    while Instant::now() < end && !stays_well(&watch, at)? {
        interrupt::sleep(POLL)?;
    }
    ensure!(!watch.has_ended(), "nobody watched the site: {}", watch.transcript());
    let states = states(&watch);
    drop(watch);
    let healed = healed(&states, at, Site::now()?);
    let mut measured = Measured { healed: healed.map(Span::Millis), ..Measured::default() };
    let reports = reports::read(contender, &site.reported()?)?;
    for mut report in reports.into_iter().filter(|report| !earlier.contains(report)) {
        // By the clock that the fault moved.
        report.at = report.at.checked_sub(CLOCK_SKEW_MS).filter(|real| *real >= at).unwrap_or(report.at);
        sort(&mut measured, report, &subjects, at);
    }
    measured.alarms.extend(earlier.iter().map(|report| format!("{}: {}", report.subject, report.text)));
    measured.damage = differences(&before, &site.step(&["protected"])?);
    let more = self::starts(&site)?.saturating_sub(starts);
    if healed.is_none() && more > 0 {
        measured.damage.push(format!("{more} restarts without effect"));
    }
    Ok(measured)
}

/// A report is about the fault, or a false alarm.
fn sort(measured: &mut Measured, report: Report, subjects: &[String], at: u64) {
    let text = format!("{}: {}", report.subject, report.text);
    if report.is_about(subjects) {
        // Monit says full seconds.
        let found = Span::Millis(report.at.saturating_sub(at));
        // The first one: their order is not that of their times.
        measured.found = Some(measured.found.filter(|earlier| earlier.millis() <= found.millis()).unwrap_or(found));
        measured.said.push(text);
    } else {
        measured.alarms.push(text);
    }
}

/// When the site was well or ill, in milliseconds since 1970.
fn states(watch: &Daemon) -> Vec<(u64, bool)> {
    let transcript = watch.transcript();
    let lines = transcript.lines().filter_map(|line| line.split_once(' '));
    lines.filter_map(|(at, is)| Some((at.parse().ok()?, is == "well"))).collect()
}

/// Milliseconds from the fault until the site was well for good.
fn healed(states: &[(u64, bool)], at: u64, now: u64) -> Option<u64> {
    match states.last() {
        // 0 is an outage that was shorter than the interval of the watch.
        Some((last, true)) if now > last + STAYS_WELL_MS => Some(last.saturating_sub(at)),
        _ => None,
    }
}

fn stays_well(watch: &Daemon, at: u64) -> anyhow::Result<bool> {
    let now = Site::now()?;
    Ok(match states(watch).last() {
        Some((last, true)) => now > last.max(&at) + STAYS_WELL_MS,
        _ => false,
    })
}

/// Starts of the application so far.
fn starts(site: &Site) -> anyhow::Result<u64> {
    site.step(&["starts"])?.trim().parse().context("the number of starts")
}

/// Files and services that are not as they were.
#[must_use]
pub fn differences(before: &str, after: &str) -> Vec<String> {
    let missing = before.lines().filter(|line| !after.lines().any(|other| other == *line));
    missing.filter_map(|line| Some(line.split_once(' ')?.1.trim().to_owned())).collect()
}

fn wait_until(limit: Duration, condition: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let end = Instant::now() + limit;
    while !condition()? {
        ensure!(Instant::now() < end, "not within {} s", limit.as_secs());
        interrupt::sleep(POLL)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_good_answer_at_the_end_heals_nothing() {
        let states = [(1_000, true), (2_000, false), (90_000, true)];
        assert_eq!(healed(&states, 2_000, 95_000), None);
        assert_eq!(healed(&states, 2_000, 100_001), Some(88_000));
        assert_eq!(healed(&states[..2], 2_000, 100_001), None);
        assert_eq!(healed(&states[..1], 2_000, 100_001), Some(0));
    }
}
