//! Observes the blocks and the inodes of each file system.

use ansai_sdk::paths::is_on;
use ansai_sdk::text::any_matches;
use ansai_sdk::{CouldNotTell as _, Failure, Forecast, Host, Measure, Observation};
use ansai_sdk::{Severity, Size, Span, Status, Usage, text};

use crate::calls::{self, FILES_PROBE};
use crate::containers;
use crate::growth;
use crate::imports::ansai::disk::disk_probe::{Filesystem, Filesystems, UnreadableFilesystem};
use crate::settings::Settings;

/// Prefix of the key of a finding about inodes; the mount point follows.
pub(crate) const INODES: &str = "inodes:";

/// Why a file system is not watched, after its name, and whether that ends an incident: only a setting does.
fn skipped(filesystem: &Filesystem, settings: &Settings) -> Option<(&'static str, bool)> {
    match filesystem {
        one if any_matches(&settings.ignore_mounts, &one.mount) => {
            Some(("may be full: `ignore_mounts` names it", true))
        }
        one if one.read_only => Some(("is now read-only", false)),
        one => one.remote.then_some(("is now a remote file system", false)),
    }
}

pub(crate) fn detect(settings: &Settings, host: &Host) -> Result<Vec<Observation>, Failure> {
    let listed = listed(host)?;
    let mut observations = Vec::new();
    for filesystem in listed.entries.iter().filter(|one| skipped(one, settings).is_none()) {
        observations.extend(blocks(host, filesystem, settings));
        if settings.inodes {
            observations.extend(inodes(host, filesystem, settings));
        }
    }
    if host.grants().has(FILES_PROBE) && observations.iter().any(is_full) {
        add_waiting(host, &mut observations);
    }
    let mounts = mounts(&listed.entries);
    let is_healthy = |is_of: &dyn Fn(&str) -> bool| {
        observations.iter().filter(|one| is_of(&one.about.name)).all(|one| one.status == Status::Healthy)
    };
    growth::remember(host, |root| is_healthy(&|mount| is_on(root, mount, &mounts)));
    containers::remember(host, |mount| is_healthy(&|one| one == mount));
    if listed.skipped > 0 {
        observations.extend(unreadable(host, listed.skipped, settings));
    }
    host.add_unmentioned(&mut observations, |incident| missing(incident, &listed, settings));
    Ok(observations)
}

pub(crate) fn listed(host: &Host) -> Result<Filesystems, Failure> {
    calls::filesystems(host).could_not_tell("cannot list file systems")
}

pub(crate) fn mounts(filesystems: &[Filesystem]) -> Vec<&str> {
    filesystems.iter().map(|one| one.mount.as_str()).collect()
}

/// The usage of what an unprivileged process can have: blocks reserved for root are neither used nor free.
pub(crate) fn blocks_of(filesystem: &Filesystem) -> Option<Usage> {
    let total = filesystem.total_bytes.saturating_sub(filesystem.reserved_bytes);
    Usage::with_free(filesystem.available_bytes, total)
}

/// `None` if the file system does not count inodes.
pub(crate) fn inodes_of(filesystem: &Filesystem) -> Option<Usage> {
    let inodes = filesystem.inodes.as_ref()?;
    Usage::with_free(inodes.free, inodes.total)
}

fn is_full(observation: &Observation) -> bool {
    observation.severity() > Some(Severity::Notice)
}

fn blocks(host: &Host, filesystem: &Filesystem, settings: &Settings) -> Option<Observation> {
    let usage = blocks_of(filesystem)?;
    let mount = &filesystem.mount;
    let full_in = full_in(host, mount, usage, settings);
    let full = settings.levels().severity(usage.percent(), host.open_severity(mount));
    let is_near = |left: &Span| (left.0 as f64) < settings.forecast_hours * Span::from_hours(1).0 as f64;
    let near = full_in.filter(|left| full.is_none() && is_near(left));
    let severity = full.or(near.map(|_| Severity::Notice));
    let mut summary =
        format!("{mount} is {} full, {} of {} available", usage.words(), Size(usage.free()), Size(usage.total()));
    if filesystem.reserved_bytes > 0 {
        // Without it, the sizes would not add up to those of `df`.
        summary.push_str(&format!(", besides {} reserved for root", Size(filesystem.reserved_bytes)));
    }
    if let Some(left) = near {
        summary.push_str(&format!("; at this rate it is full in {}", left.in_whole_hours()));
    }
    let seen = Observation::new(mount, filesystem.about.clone(), severity, summary).ratio("used-share", usage.share());
    let seen = seen.bytes("available", filesystem.available_bytes).bytes("total", filesystem.total_bytes);
    let seen = seen.bytes("reserved", filesystem.reserved_bytes).milliseconds("full-in", full_in.map(|left| left.0));
    Some(seen.at_distance(distance(usage, full, settings)))
}

/// What has to be freed until the incident closes: bytes or inodes.
fn distance(usage: Usage, severity: Option<Severity>, settings: &Settings) -> f64 {
    severity.map_or(0.0, |_| usage.excess_over(settings.goal()) as f64)
}

/// Samples the usage and predicts when the file system is full. There is a forecast only if it is fairly full already,
/// so that filling a new host raises no alarm.
fn full_in(host: &Host, mount: &str, usage: Usage, settings: &Settings) -> Option<Span> {
    let series = format!("used:{mount}");
    if 100.0 - usage.percent() >= settings.forecast_free_below {
        // If there are more file systems than an instance can have series, some have no forecast.
        let _ = host.append(&series, usage.share());
        return None;
    }
    let forecast = Forecast { limit: 1.0, look_back: Span::from_days(7), min_span: settings.forecast_min_span };
    forecast.reaches_limit_in(host, &series, usage.share())
}

fn inodes(host: &Host, filesystem: &Filesystem, settings: &Settings) -> Option<Observation> {
    let usage = inodes_of(filesystem)?;
    let mount = &filesystem.mount;
    let summary = format!("{mount} uses {} of its inodes, {} of {} free", usage.words(), usage.free(), usage.total());
    let (key, about) = (format!("{INODES}{mount}"), &filesystem.about);
    let seen = host.judge(key, about, settings.levels(), usage.percent(), summary);
    let far = distance(usage, seen.severity(), settings);
    let seen = seen.ratio("used-share", usage.share()).count("free-inodes", usage.free());
    Some(seen.count("total-inodes", usage.total()).at_distance(far))
}

/// Adds what processes free when they close files, and what the quarantine frees when it expires. Only if a file system
/// is full, because searching all processes takes long.
fn add_waiting(host: &Host, observations: &mut [Observation]) {
    let (deleted, held) = (calls::deleted_open(host).ok(), calls::held(host).ok());
    for observation in observations.iter_mut().filter(|one| is_full(one)) {
        let mount = observation.about.name.clone();
        if let Some(files) = &deleted {
            let sum = files.entries.iter().filter(|one| one.mount == mount).map(|one| one.bytes).sum();
            observation.evidence.extend(at_least("deleted-but-open", sum, files.complete));
        }
        if let Some(held) = &held {
            let sum = held.entries.iter().filter(|one| one.mount == mount).map(|one| one.bytes).sum();
            observation.evidence.extend(at_least("held-in-quarantine", sum, held.complete));
            if held.skipped > 0 {
                observation.evidence.push(Measure::count("unreadable-quarantines", held.skipped.into()));
            }
        }
    }
}

/// A sum of bytes. If the search was incomplete and found nothing, the sum is unknown, not 0.
fn at_least(name: &str, sum: u64, is_complete: bool) -> Option<Measure> {
    (is_complete || sum > 0).then(|| Measure::bytes(name, sum))
}

/// The status of an open incident whose file system is not watched now.
fn missing(incident: &Observation, listed: &Filesystems, settings: &Settings) -> Option<Observation> {
    if incident.about.kind != "filesystem" {
        return None;
    }
    let mount = &incident.about.name;
    let known = listed.entries.iter().find(|one| one.about.name == *mount);
    Some(match known.map(|one| skipped(one, settings)) {
        Some(Some((why, true))) => incident.now_is(Status::Healthy, format!("{mount} {why}")),
        Some(Some((why, false))) => incident.now_unknown(format!("{mount} {why}")),
        Some(None) if incident.key.starts_with(INODES) && !settings.inodes => {
            incident.now_is(Status::Healthy, format!("the inodes of {mount} are no longer watched"))
        }
        Some(None) => incident.now_unknown(format!("{mount} does not report its size")),
        None if listed.skipped > 0 => incident.now_unknown(format!("{mount} cannot be read")),
        None => incident.now_is(Status::Gone, format!("{mount} is no longer mounted")),
    })
}

/// Each file system that could not be read, with the reason; also a remote one, although its level is not watched. If
/// the host does not name them, all together.
fn unreadable(host: &Host, skipped: u32, settings: &Settings) -> Vec<Observation> {
    let Ok(named) = calls::unreadable(host) else {
        let why = format!("{} cannot be read", text::count(skipped.into(), "file system"));
        let seen = Observation::unknown("unreadable", host.host(), why);
        return vec![seen.count("skipped", u64::from(skipped))];
    };
    let unknown = |one: UnreadableFilesystem| {
        let why = format!("{} cannot be read: {}", one.mount, one.reason.words());
        Observation::unknown(&one.mount, one.about.clone(), why)
    };
    let watched = named.into_iter().filter(|one| !any_matches(&settings.ignore_mounts, &one.mount));
    watched.map(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::ansai::files::files_probe::{Held, Quarantines};
    use crate::testing::{filesystem, listing, settings};
    use ansai_sdk::testing::StandIn;
    use ansai_sdk::{Refusal, Subject, Value};

    #[test]
    fn a_refusal_is_not_a_healthy_host() {
        let refusal = Refusal::Unavailable("no /proc".into());
        let host = StandIn::default().refuses("ansai:disk/disk-probe.list-filesystems", refusal).host();
        let answer = detect(&settings(|_| {}), &host);
        assert!(matches!(&answer, Err(Failure::CouldNotTell(why)) if why.contains("no /proc")), "{answer:?}");
    }

    #[test]
    fn reserved_blocks_are_neither_used_nor_free() {
        let mut full = filesystem("/", 100, 0);
        full.reserved_bytes = 5;
        assert_eq!(blocks_of(&full), Usage::new(95, 95));
        full.available_bytes = 19;
        assert_eq!(blocks_of(&full).map(Usage::percent), Some(80.0));
        full.reserved_bytes = 100;
        assert_eq!(blocks_of(&full), None);
        full.reserved_bytes = 5;
        let summary = |one| detect(&settings(|_| {}), &listing(vec![one]).host()).unwrap().remove(0).summary;
        assert_eq!(summary(full), "/ is 80 % full, 19 B of 95 B available, besides 5 B reserved for root");
        assert_eq!(summary(filesystem("/", 100, 19)), "/ is 81 % full, 19 B of 100 B available");
    }

    #[test]
    fn inodes_that_are_not_counted() {
        let mut btrfs = filesystem("/", 100, 50);
        btrfs.inodes = None;
        assert_eq!(inodes_of(&btrfs), None);
    }

    #[test]
    fn what_cannot_be_read_has_its_name_and_its_reason() {
        let silent = |mount: &str| UnreadableFilesystem {
            about: Subject::new("filesystem", mount),
            mount: mount.into(),
            kind: "fuse.sshfs".into(),
            device: "h:/".into(),
            remote: true,
            reason: Refusal::TimedOut("it does not answer".into()),
        };
        let host = StandIn::default()
            .answers(LIST, Filesystems { entries: vec![filesystem("/", 100, 1)], skipped: 2 })
            .answers("ansai:disk/disk-probe.list-unreadable", vec![silent("/far"), silent("/ignored")])
            .host();
        let ignoring = settings(|settings| settings["ignore_mounts"] = serde_json::json!(["/ignored"]));
        let seen = detect(&ignoring, &host).unwrap();
        assert!(seen.iter().any(|one| one.key == "/" && is_full(one)), "{seen:?}");
        let far = seen.iter().find(|one| one.key == "/far").unwrap();
        assert!(matches!(&far.status, Status::Unknown(why) if why.contains("it does not answer")), "{far:?}");
        assert!(!seen.iter().any(|one| one.key == "/ignored" || one.key == "unreadable"), "{seen:?}");
    }

    const LIST: &str = "ansai:disk/disk-probe.list-filesystems";

    #[test]
    fn what_cannot_be_named_is_about_the_host() {
        let refusal = Refusal::Unavailable("no /proc".into());
        let host = StandIn::default()
            .answers(LIST, Filesystems { entries: vec![], skipped: 1 })
            .refuses("ansai:disk/disk-probe.list-unreadable", refusal)
            .host();
        let seen = detect(&settings(|_| {}), &host).unwrap().remove(0);
        assert_eq!((seen.key.as_str(), &seen.about), ("unreadable", &host.host()));
        assert_eq!(seen.status, Status::Unknown("1 file system cannot be read".into()));
    }

    #[test]
    fn a_quarantine_that_cannot_be_read_does_not_hold_0_bytes() {
        let evidence = |bytes: u64, complete, skipped| {
            let held = Held { mount: "/".into(), files: 1, bytes, first_expires: 0, last_expires: 0 };
            let entries = if bytes > 0 { vec![held] } else { vec![] };
            let host = listing(vec![filesystem("/", 100, 1)])
                .grants(FILES_PROBE, "{}")
                .answers("ansai:files/files-probe.list-held", Quarantines { entries, complete, skipped })
                .host();
            let seen = detect(&settings(|_| {}), &host).unwrap().remove(0);
            let has = |name: &str| seen.evidence.iter().find(|one| one.name == name).map(|one| one.value.clone());
            (has("held-in-quarantine"), has("unreadable-quarantines"))
        };
        assert_eq!(evidence(0, true, 0), (Some(Value::Count(0)), None));
        assert_eq!(evidence(0, false, 2), (None, Some(Value::Count(2))));
        assert_eq!(evidence(7, false, 1), (Some(Value::Count(7)), Some(Value::Count(1))));
    }

    #[test]
    fn an_ignored_or_vanished_mount_closes_its_incident() {
        let host = listing(vec![filesystem("/data", 100, 1), filesystem("/gone", 100, 1)]).host();
        let open: Vec<Observation> = detect(&settings(|_| {}), &host).unwrap().into_iter().filter(is_full).collect();
        assert_eq!(open.len(), 2);
        let host = open.into_iter().fold(listing(vec![filesystem("/data", 100, 1)]), StandIn::with_open).host();
        let ignoring = settings(|settings| settings["ignore_mounts"] = serde_json::json!(["/d*"]));
        let seen = detect(&ignoring, &host).unwrap();
        assert_eq!(seen.len(), 2);
        assert_eq!((seen[0].key.as_str(), &seen[0].status), ("/data", &Status::Healthy));
        assert_eq!((&seen[1].status, seen[1].summary.as_str()), (&Status::Gone, "/gone is no longer mounted"));
    }
}
