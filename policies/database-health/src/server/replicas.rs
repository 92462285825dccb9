//! Replicas that lag or are broken, and replication slots that nobody uses.

use ansai_sdk::{Decision, Levels, Severity, Size, Span, share};

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

fn severity(one: &Replica, settings: &Settings, open: Option<Severity>, free: Option<u64>) -> Option<Severity> {
    if one.broken {
        return Some(Severity::Critical);
    }
    if !is_idle(one) {
        return settings.lag.rearm_by(HALF).severity(one.lag.unwrap_or_default() as f64, open);
    }
    let retained = one.retained_bytes.unwrap_or_default();
    let share = free.and_then(|free| share::of(retained, retained.saturating_add(free)));
    let by_share = DISK.severity(share.unwrap_or_default(), None);
    settings.retained.severity(retained as f64, open).max(by_share)
}

fn words(one: &Replica) -> String {
    let name = &one.about.name;
    if one.broken {
        return format!("replica {name} is broken ({})", one.state);
    }
    match one.retained_bytes.unwrap_or_default() {
        retained if is_idle(one) => format!("nobody uses {name}, for which the server retains {}", Size(retained)),
        _ => format!("replica {name} is {} behind", Span(one.lag.unwrap_or_default())),
    }
}

pub(super) fn observe(view: &View<'_>, all: Vec<Replica>, settings: &Settings, report: &mut Report<'_>) {
    let free = all.iter().any(is_idle).then(|| free(view)).flatten();
    let severity = |one: &Replica, open| severity(one, settings, open, free);
    for found in report.each(view.place.all("replica", "replica"), all, |one| &one.about, severity, |_| ()) {
        let one = &found.thing;
        let far = if is_idle(one) { one.retained_bytes } else { one.lag }.unwrap_or_default();
        let seen = found.observe(words(one)).text("state", &*one.state).bytes("behind", one.behind_bytes);
        let seen = seen.bytes("retained", one.retained_bytes).bytes("free", free.filter(|_| is_idle(one)));
        report.add(seen.milliseconds("lag", one.lag).part_of(view.place.about.clone()).at_distance(far as f64));
    }
}

/// Free bytes of the disk that the target names, if it is known.
fn free(view: &View<'_>) -> Option<u64> {
    let target = view.place.host.targets().into_iter().find(|target| target.name == view.place.name)?;
    let mount = target.labels.into_iter().find(|label| label.name == MOUNT)?.value;
    if !view.place.host.grants().has(DISKS) {
        return None;
    }
    let found = calls::filesystems(view.place.host).ok()?.entries.into_iter().find(|one| one.mount == mount)?;
    Some(found.available_bytes)
}

pub(crate) fn plan(situation: &Situation<'_>) -> Decision {
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
