//! What a person can do about each finding.

use ansai_sdk::{Decision, Failure, Host, Observation};

use crate::settings::Settings;
use crate::what;

/// What to do, and how.
pub(crate) type Advice = (&'static str, &'static str);

pub(crate) static PROCESSORS: Advice = (
    "find out what keeps the processors busy",
    "`systemd-cgtop` shows which service uses them, `top` which process. Tasks in state D wait for disks: \
     `ps -eo state,pid,comm`",
);
pub(crate) static MEMORY: Advice = (
    "find out what uses the memory",
    "`systemd-cgtop -m` shows which service uses it. A service that grows without end has a leak; `MemoryHigh=` in its unit \
     keeps it from harming the others",
);
pub(crate) static DISKS: Advice = (
    "find out which disk is slow, and what uses it",
    "`iostat -x 5` shows the disk, `pidstat -d 5` the process. `dmesg` shows errors of a disk",
);
pub(crate) static OPEN_FILES: Advice = (
    "find out which process has the most open files",
    "`lsof -n | awk '{print $2, $1}' | sort | uniq -c | sort -n` counts them. `fs.file-max` is the limit",
);
pub(crate) static THREADS: Advice = (
    "find out which process has the most threads",
    "`ps -eo nlwp,pid,comm --sort=nlwp` counts them. `TasksMax=` in a unit limits a service",
);
pub(crate) static CLOCK: Advice = (
    "let the clock be synchronized",
    "`timedatectl` shows whether a time service runs. Certificates, logs and replication depend on the time",
);
pub(crate) static RESTART: Advice = (
    "restart the machine when it suits",
    "until then the old kernel and libraries run, without the fixes that are installed",
);

pub(crate) fn on(_: &Settings, _: &Host, finding: &Observation) -> Result<Decision, Failure> {
    let Some(what) = what::ALL.iter().find(|what| what.name == finding.key) else {
        return Ok(Decision::GiveUp("this version does not watch it".into()));
    };
    let (summary, detail) = what.advice;
    Ok(Decision::advise_on(finding, *summary, format!("{}. {detail}", finding.summary)))
}
