//! A fault in simulated hours: each hour, one step of it happens and the contender looks once, with its clock an hour ahead.

use anyhow::{Context as _, ensure};

use crate::contender::Contender;
use crate::fault::Fault;
use crate::interrupt;
use crate::measured::{Measured, Span};
use crate::programs::Programs;
use crate::reports;
use crate::site::Site;

/// Runs the fault for its hours, or until the service was restarted or mended without that.
///
/// # Errors
/// If the run is void.
pub fn measure(fault: &Fault, contender: Contender, programs: &Programs) -> anyhow::Result<Measured> {
    let site = Site::start(fault, contender, programs)?;
    let before = site.step(&["protected"])?;
    let subjects = site.subjects()?;
    let mut measured = Measured::default();
    for hour in 1..=fault.limit {
        interrupt::check()?;
        let text = site.step(&["hour", contender.name(), &hour.to_string()])?;
        let mut state = text.lines().last().context("an hour says how it ended")?.split_whitespace();
        let (is, crashes) = (state.next().unwrap_or_default(), state.next().unwrap_or("0") != "0");
        for report in reports::read(contender, &site.reported()?)? {
            let said = format!("{}: {}", report.subject, report.text);
            let is_about = report.is_about(&subjects);
            let list = if is_about { &mut measured.said } else { &mut measured.alarms };
            if !list.contains(&said) {
                list.push(said);
            }
            if is_about {
                measured.found = measured.found.or(Some(Span::Hours(hour)));
            }
        }
        if matches!(is, "restarted" | "mended") {
            measured.healed = Some(Span::Hours(hour));
            match hour % 24 {
                _ if is == "mended" => (),
                _ if crashes => measured.damage.push("the application crashed".to_owned()),
                // The window in which the operator permits restarts.
                2..4 => (),
                hour => measured.damage.push(format!("restarted at {hour:02}:00, outside its window")),
            }
            break;
        }
    }
    ensure!(site.try_step(&["happened"]).code == 0, "the fault did not happen");
    measured.damage.extend(crate::experiment::differences(&before, &site.step(&["protected"])?));
    Ok(measured)
}
