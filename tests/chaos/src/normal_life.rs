//! 24 simulated hours without a fault: every report is a false alarm.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::contender::Contender;
use crate::fault::{Fault, Kind};
use crate::interrupt;
use crate::programs::Programs;
use crate::reports;
use crate::site::Site;

const LIFE: Fault = Fault { name: "normal-life", policy: "", what: "no fault", kind: Kind::Hours, limit: 24 };
/// One every 10 minutes.
const LOOKS: usize = 144;
const LIMIT: Duration = Duration::from_secs(900);
const POLL: Duration = Duration::from_millis(300);

/// Runs it with ansai and with Monit, and says what they reported.
///
/// # Errors
/// If a contender did not look each time.
pub fn run(programs: &Programs) -> anyhow::Result<String> {
    let alarms = |contender| -> anyhow::Result<Vec<String>> {
        let site = Site::start(&LIFE, contender, programs)?;
        let mut life = site.spawn(&["life", contender.name()]);
        let end = Instant::now() + LIMIT;
        while !life.has_ended() {
            ensure!(Instant::now() < end, "a day took more than {} s", LIMIT.as_secs());
            interrupt::sleep(POLL)?;
        }
        let looks = life.transcript().matches("looked").count();
        ensure!(looks == LOOKS, "{} looked {looks} times: {}", contender.title(), life.transcript());
        let reports = reports::read(contender, &site.reported()?)?;
        Ok(reports.into_iter().map(|report| format!("{}: {}", report.subject, report.text)).collect())
    };
    let (ours, theirs) = std::thread::scope(|scope| {
        let ours = scope.spawn(|| alarms(Contender::Ansai));
        let theirs = alarms(Contender::Monit);
        (ours.join(), theirs)
    });
    let ours = ours.map_err(|_| anyhow::anyhow!("the harness failed"))??;
    let said = |alarms: &[String]| match alarms {
        [] => "none".to_owned(),
        [one] => format!("1 ({one})"),
        [first, rest @ ..] => format!("{} ({first}, …)", rest.len() + 1),
    };
    Ok(format!(
        "False alarms in 24 simulated hours of normal life (a look every 10 minutes; jobs, rotated logs, a backup, a \
         deployment,\na cache that fills, a service that a person stops): ansai with five policies {}, Monit {}.",
        said(&ours),
        said(&theirs?)
    ))
}
