//! Observes each service that runs.

use ansai_sdk::{Failure, Host, Observation, Refusal, Status, Value, text};

use crate::calls;
use crate::imports::ansai::process::cgroup_probe::Usage;
use crate::service::{Watch, is_tight, memory_series, process_series};
use crate::settings::Settings;

/// The store's key for the services that have series, one in each line.
const KNOWN: &str = "services";
/// Maximum length of that value, in bytes. The series of services beyond it are never deleted.
const MOST_KNOWN: usize = 60 << 10;

pub(crate) fn detect(settings: &Settings, host: &Host) -> Result<Vec<Observation>, Failure> {
    let listed = match calls::usages(host, &settings.units) {
        Ok(listed) => listed,
        Err(Refusal::Unsupported(why)) => return Ok(without_services(host, &why)),
        Err(refusal) => return Err(Failure::CouldNotTell(format!("cannot list services: {}", refusal.words()))),
    };
    let host_bytes = match host.fact("memory-bytes") {
        Some(Value::Count(bytes)) if bytes > 0 => Some(bytes),
        _ => None,
    };
    let watch = Watch { settings, host, host_bytes, is_tight: is_tight(settings, host) };
    let watched: Vec<Usage> = listed.usages.into_iter().filter(|usage| settings.watches(&usage.about.name)).collect();
    let mut observations = Vec::new();
    let mut known = Vec::new();
    let mut refused = None;
    for usage in &watched {
        match observe(&watch, usage) {
            Ok(Some(seen)) => {
                known.push(usage.about.name.as_str());
                observations.push(seen);
            }
            Ok(None) => {}
            Err(refusal) => refused = Some(refusal.words().to_string()),
        }
    }
    if listed.missing.is_none() {
        forget(host, &known);
    }
    let mut missing: Vec<Observation> =
        host.unmentioned(&observations).map(|incident| missing(incident, &watch)).collect();
    observations.append(&mut missing);
    let why = listed.missing.or_else(|| refused.map(|why| format!("the memory of some services is unknown: {why}")));
    observations.extend(why.map(|why| Observation::unknown("unreadable", host.host(), why)));
    Ok(observations)
}

/// A host that shows no services has none to watch: a container, or another init. That is no trouble, and no health.
fn without_services(host: &Host, why: &str) -> Vec<Observation> {
    let unknown = |incident: &Observation| Observation::unknown(&incident.key, incident.about.clone(), why);
    host.open_incidents().iter().map(unknown).collect()
}

/// One service that cannot be analysed hides no other one.
fn observe(watch: &Watch<'_>, usage: &Usage) -> Result<Option<Observation>, Refusal> {
    let id = &usage.about.name;
    watch.observe(usage).or_else(|refusal| match watch.host.is_open(id) {
        true => {
            let why = format!("the memory of {id} is unknown: {}", refusal.words());
            Ok(Some(Observation::unknown(id, usage.about.clone(), why)))
        }
        false => Err(refusal),
    })
}

/// Deletes the series of services that no longer run: an instance has a limited number of them, and names such as those of
/// templates never come again.
fn forget(host: &Host, known: &[&str]) {
    if !host.keeps_what_is_stored() {
        return;
    }
    let before = host.recall(KNOWN).unwrap_or_default();
    for unit in before.lines().filter(|unit| !known.contains(unit)) {
        host.delete_series(&memory_series(unit));
        host.delete_series(&process_series(unit));
    }
    let now = known.join("\n");
    if now != before {
        host.remember(KNOWN, text::cut(&now, MOST_KNOWN));
    }
}

/// The status of an open incident whose service is not in the list.
fn missing(incident: &Observation, watch: &Watch<'_>) -> Observation {
    let (key, about, id) = (&incident.key, incident.about.clone(), &incident.about.name);
    if about.kind != "unit" {
        return Observation::new(key, about, Status::Healthy, "the list of services is complete");
    }
    if !watch.settings.watches(id) {
        let words = format!("{id} is no longer watched: the settings exclude it");
        return Observation::new(key, about, Status::Healthy, words);
    }
    let unknown = |refusal: &Refusal| {
        let why = format!("the memory of {id} is unknown: {}", refusal.words());
        Observation::unknown(key, about.clone(), why)
    };
    match calls::usage(watch.host, &about) {
        Ok(usage) => match watch.observe(&usage) {
            Ok(Some(seen)) => Observation { key: key.clone(), ..seen },
            Ok(None) => Observation::unknown(key, about.clone(), format!("the memory of {id} is unknown")),
            Err(refusal) => unknown(&refusal),
        },
        Err(Refusal::NotFound(_)) => Observation::gone(key, about.clone(), format!("{id} no longer runs")),
        Err(refusal) => unknown(&refusal),
    }
}
