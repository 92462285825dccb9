//! How file systems are.

use crate::evidence::{self, Waiting};
use crate::forecast::{Forecast, forecast};
use crate::fullness::Fullness;
use crate::mounts::Skipped;
use crate::port::*;
use crate::scopes::Scopes;
use crate::settings::Settings;
use crate::{growth, level, words};

/// What precedes the mount point in the key of a finding about inodes.
pub(crate) const INODES: &str = "inodes:";
/// A key is at most 200 bytes.
const MOST_KEY: usize = 200;
/// Observations in one answer, with room to spare.
const MOST_OBSERVATIONS: usize = 900;

pub(crate) fn detect(host: &dyn Host) -> Result<Vec<Observation>, Failure> {
    let settings = Settings::parse(&host.settings())?;
    let listed = host
        .filesystems()
        .map_err(|refusal| Failure::CouldNotTell(format!("file systems cannot be listed: {}", said(&refusal))))?;
    let open = host.open_incidents();
    let mut observations = Vec::new();
    for filesystem in listed.entries.iter().filter(|one| Skipped::of(one, &settings).is_none()) {
        observations.extend(blocks(host, filesystem, &settings, &open));
        if settings.inodes {
            observations.extend(inodes(filesystem, &settings, &open));
        }
    }
    let scopes = Scopes::parse(&host.scopes());
    if scopes.has(FILES_PROBE) && observations.iter().any(is_full) {
        let waiting = Waiting::ask(host);
        for observation in observations.iter_mut().filter(|one| is_full(one)) {
            observation.evidence.extend(waiting.measures(&observation.about.name));
        }
    }
    growth::remember(host, &scopes, |root| {
        let on = |one: &&Observation| growth::is_on(root, &one.about.name, &listed.entries);
        observations.iter().filter(on).all(|one| one.status == Status::Healthy)
    });
    observations.extend(missing(&open, &observations, &listed, &settings));
    if listed.skipped > 0 {
        observations.push(incomplete(listed.skipped));
    }
    if observations.len() > MOST_OBSERVATIONS {
        // Nobody waits for these.
        observations.retain(|one| one.status != Status::Healthy || open.iter().any(|known| known.key == one.key));
    }
    Ok(observations)
}

fn is_full(observation: &Observation) -> bool {
    matches!(observation.status, Status::Unhealthy(severity) if severity > Severity::Notice)
}

fn open_severity(key: &str, open: &[Observation]) -> Option<Severity> {
    open.iter().find(|incident| incident.key == key).and_then(|incident| match incident.status {
        Status::Unhealthy(severity) => Some(severity),
        _ => None,
    })
}

fn blocks(host: &dyn Host, filesystem: &Filesystem, settings: &Settings, open: &[Observation]) -> Option<Observation> {
    let level = Fullness::bytes(filesystem)?;
    let mount = &filesystem.mount;
    let key = key("", mount);
    let outlook = forecast(host, mount, level, settings);
    let full = level::severity(level.percent(), settings, open_severity(&key, open));
    let near = outlook.filter(|outlook| outlook.is_near && full.is_none());
    let severity = full.or(near.map(|_| Severity::Notice));
    let mut summary = format!(
        "{mount} is {} full, {} of {} left",
        words::percent(level.percent()),
        words::bytes(level.free()),
        words::bytes(level.of)
    );
    if let Some(Forecast { full_in, .. }) = near {
        summary.push_str(&format!("; at this rate it is full in {}", in_hours(full_in)));
    }
    let mut evidence = vec![
        evidence::ratio("used-share", level.share()),
        evidence::bytes("available", filesystem.available_bytes),
        evidence::bytes("total", filesystem.total_bytes),
        evidence::bytes("reserved", filesystem.reserved_bytes),
    ];
    evidence.extend(outlook.map(|outlook| evidence::duration("full-in", outlook.full_in)));
    Some(observation(key, filesystem, severity, summary, evidence))
}

fn inodes(filesystem: &Filesystem, settings: &Settings, open: &[Observation]) -> Option<Observation> {
    let level = Fullness::inodes(filesystem)?;
    let mount = &filesystem.mount;
    let key = key(INODES, mount);
    let severity = level::severity(level.percent(), settings, open_severity(&key, open));
    let summary = format!(
        "{mount} has {} of its inodes in use, {} of {} left",
        words::percent(level.percent()),
        level.free(),
        level.of
    );
    let evidence = vec![
        evidence::ratio("used-share", level.share()),
        evidence::count("free-inodes", level.free()),
        evidence::count("total-inodes", level.of),
    ];
    Some(observation(key, filesystem, severity, summary, evidence))
}

fn observation(
    key: String,
    filesystem: &Filesystem,
    severity: Option<Severity>,
    summary: String,
    evidence: Vec<Measure>,
) -> Observation {
    let status = severity.map_or(Status::Healthy, Status::Unhealthy);
    Observation { key, about: filesystem.about.clone(), status, summary, evidence, related: Vec::new() }
}

/// Open incidents that no file system answers for now. Not mentioning them would say nothing.
fn missing(open: &[Observation], seen: &[Observation], listed: &Filesystems, settings: &Settings) -> Vec<Observation> {
    open.iter()
        .filter(|incident| incident.about.kind == "filesystem" && !seen.iter().any(|one| one.key == incident.key))
        .map(|incident| {
            let mount = &incident.about.name;
            let known = listed.entries.iter().find(|one| one.about.name == *mount);
            let (status, summary) = match known.map(|one| Skipped::of(one, settings)) {
                Some(Some(Skipped::Ignored)) => {
                    (Status::Healthy, format!("{mount} may be full: a setting says to ignore it"))
                }
                Some(Some(Skipped::ReadOnly)) => unknown(format!("{mount} is read-only now")),
                Some(Some(Skipped::Remote)) => unknown(format!("{mount} is on another host now")),
                Some(None) if incident.key.starts_with(INODES) && !settings.inodes => {
                    (Status::Healthy, format!("the inodes of {mount} are not watched any more"))
                }
                Some(None) => unknown(format!("{mount} does not say how large it is")),
                None if listed.skipped > 0 => {
                    unknown(format!("{mount} is not among the file systems that could be read"))
                }
                None => unknown(format!("{mount} is not mounted any more")),
            };
            Observation { status, summary, evidence: Vec::new(), ..incident.clone() }
        })
        .collect()
}

fn unknown(why: String) -> (Status, String) {
    (Status::Unknown(why.clone()), why)
}

fn incomplete(skipped: u32) -> Observation {
    let (status, summary) = unknown(match skipped {
        1 => "1 file system could not be read".into(),
        _ => format!("{skipped} file systems could not be read"),
    });
    Observation {
        key: "unreadable".into(),
        about: Subject { kind: "host".into(), name: "file systems".into() },
        status,
        summary,
        evidence: vec![evidence::count("skipped", skipped.into())],
        related: Vec::new(),
    }
}

/// Stable for a mount point however long it is.
fn key(prefix: &str, mount: &str) -> String {
    if prefix.len() + mount.len() <= MOST_KEY {
        return format!("{prefix}{mount}");
    }
    // FNV-1a: nobody gains by a collision.
    let hash = mount
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{prefix}{}…{hash:016x}", words::cut(mount, 150))
}

pub(crate) fn in_hours(duration: u64) -> String {
    words::hours(duration.div_ceil(3_600_000))
}

/// A refusal as text.
pub(crate) fn said(refusal: &Refusal) -> String {
    let (kind, why) = match refusal {
        Refusal::Denied(why) => ("denied", why),
        Refusal::NotFound(why) => ("not found", why),
        Refusal::Unavailable(why) => ("unavailable", why),
        Refusal::Unsupported(why) => ("unsupported", why),
        Refusal::Invalid(why) => ("invalid", why),
        Refusal::OverBudget(why) => ("over budget", why),
        Refusal::TimedOut(why) => ("timed out", why),
        Refusal::Busy(why) => ("busy", why),
        Refusal::Changed(why) => ("changed", why),
        Refusal::Other(why) => ("refused", why),
    };
    format!("{kind}: {}", words::cut(why, 300))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::{StandIn, filesystem};

    #[test]
    fn a_long_mount_point_has_a_short_stable_key() {
        let (a, b) = (format!("/{}", "é".repeat(200)), format!("/{}x", "é".repeat(200)));
        assert!(key(INODES, &a).len() <= MOST_KEY);
        assert_eq!(key("", &a), key("", &a));
        assert_ne!(key("", &a), key("", &b));
        assert_eq!(key(INODES, "/var"), "inodes:/var");
    }

    #[test]
    fn a_refusal_is_no_healthy_host() {
        let host = StandIn { filesystems: Err(Refusal::Unavailable("no /proc".into())), ..StandIn::default() };
        assert!(matches!(detect(&host), Err(Failure::CouldNotTell(why)) if why.contains("no /proc")));
    }

    #[test]
    fn an_ignored_mount_closes_its_incident_and_a_vanished_one_does_not() {
        let host = StandIn::with(vec![filesystem("/data", 100, 1), filesystem("/gone", 100, 1)]);
        let open: Vec<Observation> = detect(&host).unwrap().into_iter().filter(is_full).collect();
        assert_eq!(open.len(), 2);
        let host = StandIn {
            open: open.clone(),
            settings: crate::settings::tests::with(|s| s["ignore_mounts"] = serde_json::json!(["/d*"])),
            ..StandIn::with(vec![filesystem("/data", 100, 1)])
        };
        let seen = detect(&host).unwrap();
        assert_eq!(seen.len(), 2);
        assert_eq!((seen[0].key.as_str(), &seen[0].status), ("/data", &Status::Healthy));
        assert!(matches!(&seen[1].status, Status::Unknown(why) if why.contains("not mounted")));
    }

    #[test]
    fn thousands_of_file_systems_still_get_an_answer() {
        let many = (0..1000).map(|i| filesystem(&format!("/m{i}"), 100, if i == 7 { 1 } else { 90 })).collect();
        let seen = detect(&StandIn::with(many)).unwrap();
        assert_eq!(seen.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["/m7"]);
    }
}
