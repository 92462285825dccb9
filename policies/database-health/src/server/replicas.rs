//! Replicas that lag or are broken, and replication slots that nobody uses.

use ansai_sdk::{Decision, Levels, Measure, Observation, Severity, Size, Span, Status, share};

use super::View;
use crate::calls::{self, DISKS};
use crate::imports::ansai::database::database_probe::Replica;
use crate::plan::Situation;
use crate::report::Report;
use crate::settings::{HALF, Settings};

/// The label of a target that names the file system of its server.
const MOUNT: &str = "mount";
/// Shares of what is retained in this and the free space of the disk. It grows until the disk is full.
const DISK: Levels = Levels::rising().warning(0.25).critical(0.5);

/// Whether it is a slot that nobody uses.
fn is_idle(one: &Replica) -> bool {
    one.name.starts_with("slot/") && one.state.starts_with("inactive") && !one.broken
}

/// How bad it is, `None` if it is not, and a sentence. `free` are the free bytes of the disk, if known.
fn judge(one: &Replica, settings: &Settings, open: Option<Severity>, free: Option<u64>) -> (Option<Severity>, String) {
    let (name, lag) = (&one.about.name, one.lag.unwrap_or_default());
    if one.broken {
        return (Some(Severity::Critical), format!("replica {name} is broken ({})", one.state));
    }
    if !is_idle(one) {
        return (
            settings.lag.rearm_by(HALF).severity(lag as f64, open),
            format!("replica {name} is {} behind", Span(lag)),
        );
    }
    let retained = one.retained_bytes.unwrap_or_default();
    let share = free.and_then(|free| share::of(retained, retained.saturating_add(free)));
    let by_share = DISK.severity(share.unwrap_or_default(), None);
    let severity = settings.retained.severity(retained as f64, open).max(by_share);
    (severity, format!("nobody uses {name}, for which the server retains {}", Size(retained)))
}

pub(super) fn observe(view: &View<'_>, all: Vec<Replica>, settings: &Settings, report: &mut Report<'_>) {
    let free = all.iter().any(is_idle).then(|| free(view, report)).flatten();
    let key = |one: &Replica| format!("replica:{}", one.about.name);
    let fault = |one: &Replica| judge(one, settings, None, free).0;
    for one in &report.worst("replica", view.target, &view.server.about, all, key, fault) {
        let (severity, words) = judge(one, settings, report.host().open_severity(&key(one)), free);
        let (lag, free) = (one.lag.unwrap_or_default(), free.filter(|_| is_idle(one)));
        let far = if is_idle(one) { one.retained_bytes.unwrap_or_default() } else { lag };
        let status = severity.map_or(Status::Healthy, Status::Unhealthy);
        let mut seen = Observation::new(key(one), one.about.clone(), status, words)
            .with(Measure::text("state", &*one.state))
            .part_of(view.server.about.clone())
            .at_distance(far as f64);
        for (name, bytes) in [("behind", one.behind_bytes), ("retained", one.retained_bytes), ("free", free)] {
            seen.evidence.extend(bytes.map(|bytes| Measure::bytes(name, bytes)));
        }
        seen.evidence.extend(one.lag.map(|lag| Measure::milliseconds("lag", lag)));
        report.add(seen);
    }
}

/// Free bytes of the disk that the target names, if it is known.
fn free(view: &View<'_>, report: &Report<'_>) -> Option<u64> {
    let host = report.host();
    let target = host.targets().into_iter().find(|target| target.name == view.target)?;
    let mount = target.labels.into_iter().find(|label| label.name == MOUNT)?.value;
    if !host.grants().has(DISKS) {
        return None;
    }
    let found = calls::filesystems(host).ok()?.entries.into_iter().find(|one| one.mount == mount)?;
    Some(found.available_bytes)
}

pub(super) fn plan(situation: &Situation<'_>) -> Decision {
    let Some((_, name)) = situation.finding.about.name.split_once("/slot/") else {
        return situation.next.advise(
            "find out why it does not keep up",
            "a broken connection, a slow disk, a long query on the replica, or an error in its log; ansai skips no change and \
             copies no replica",
        );
    };
    // Only a server that lies has another name, and a person may copy this.
    let is_plain = name.chars().all(|one| one.is_ascii_alphanumeric() || one == '_');
    let name = if is_plain { name } else { "NAME" };
    situation.next.advise(
        "start the replica that uses this slot, or drop the slot",
        format!(
            "its log is kept until the disk is full; if the replica is gone for good, `select \
             pg_drop_replication_slot('{name}')` frees it; ansai drops no slot, because the replica would have to be copied \
             again"
        ),
    )
}
