//! Replicas that lag or are broken, and replication slots that nobody uses.

use ansai_sdk::{Decision, Measure, Observation, Severity, Size, Span, Status};

use super::View;
use crate::calls::{self, DISKS};
use crate::imports::ansai::database::database_probe::Replica;
use crate::plan::Situation;
use crate::report::Report;
use crate::settings::Settings;

/// The label of a target that names the file system of its server.
const MOUNT: &str = "mount";
/// Shares of what is retained in this and the free space of the disk. It grows until the disk is full.
const WARNING: f64 = 0.25;
const CRITICAL: f64 = 0.5;

pub(super) fn observe(view: &View<'_>, all: &[Replica], settings: &Settings, report: &mut Report<'_>) {
    let is_idle = |one: &&Replica| one.name.starts_with("slot/") && one.state.starts_with("inactive") && !one.broken;
    let free = all.iter().any(|one| is_idle(&one)).then(|| free(view, report)).flatten();
    for one in all {
        let key = format!("replica:{}", one.about.name);
        let open = report.host().open_severity(&key);
        let (name, lag) = (&one.about.name, one.lag.unwrap_or_default());
        let retained = one.retained_bytes.unwrap_or_default();
        let by_lag = settings.lag().severity(lag as f64, open);
        let (severity, words) = if one.broken {
            (Some(Severity::Critical), format!("replica {name} is broken ({})", one.state))
        } else if is_idle(&one) {
            let share =
                free.filter(|_| retained > 0).map(|free| retained as f64 / retained.saturating_add(free) as f64);
            let by_share = share.and_then(|share| match share {
                _ if share >= CRITICAL => Some(Severity::Critical),
                _ if share >= WARNING => Some(Severity::Warning),
                _ => None,
            });
            let severity = settings.retained().severity(retained as f64, open).max(by_share);
            (severity, format!("nobody uses {name}, for which the server retains {}", Size(retained)))
        } else {
            (by_lag, format!("replica {name} is {} behind", Span(lag)))
        };
        let status = severity.map_or(Status::Healthy, Status::Unhealthy);
        let mut seen = Observation::new(key, one.about.clone(), status, words)
            .with(Measure::text("state", &*one.state))
            .part_of(view.server.about.clone())
            .at_distance(if is_idle(&one) { retained as f64 } else { lag as f64 });
        let bytes =
            [("behind", one.behind_bytes), ("retained", one.retained_bytes), ("free", free.filter(|_| is_idle(&one)))];
        for (name, bytes) in bytes {
            seen.evidence.extend(bytes.map(|bytes| Measure::bytes(name, bytes)));
        }
        seen.evidence.extend(one.lag.map(|lag| Measure::milliseconds("lag", lag)));
        report.add_news(seen);
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
        return situation.advise(
            "find out why it does not keep up",
            "a broken connection, a slow disk, a long query on the replica, or an error in its log; ansai skips no change and \
             copies no replica",
        );
    };
    // Only a server that lies has another name, and a person may copy this.
    let is_plain = name.chars().all(|one| one.is_ascii_alphanumeric() || one == '_');
    let name = if is_plain { name } else { "NAME" };
    situation.advise(
        "start the replica that uses this slot, or drop the slot",
        format!(
            "its log is kept until the disk is full; if the replica is gone for good, `select \
             pg_drop_replication_slot('{name}')` frees it; ansai drops no slot, because the replica would have to be copied \
             again"
        ),
    )
}
