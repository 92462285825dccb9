//! Observes each service that runs.

use ansai_sdk::{Failure, Host, Observation, Refusal, Status, text};

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
        // A host that shows no services has none to watch: a container, or another init. That is no trouble, and no health.
        Err(Refusal::Unsupported(why)) => return Ok(host.keep_open(&why)),
        Err(refusal) => return Err(Failure::CouldNotTell(format!("cannot list services: {}", refusal.words()))),
    };
    let host_bytes = host.fact("memory-bytes").and_then(|fact| fact.as_count()).filter(|bytes| *bytes > 0);
    let watch = Watch { settings, host, host_bytes, is_tight: is_tight(settings, host) };
    let missing_part = listed.missing("service");
    let watched: Vec<Usage> = listed.entries.into_iter().filter(|usage| settings.watches(&usage.about.name)).collect();
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
    if missing_part.is_none() {
        forget(&watch, &watched, known);
    }
    host.add_unmentioned(&mut observations, |incident| Some(missing(incident, &watch)));
    let why = missing_part.or_else(|| refused.map(|why| format!("the memory of some services is unknown: {why}")));
    observations.extend(why.map(|why| Observation::unknown("unreadable", host.host(), why)));
    Ok(observations)
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

/// Deletes the series of services that no longer run, or that were too small for all of `look_back`: an instance has a
/// limited number of them, and names such as those of templates never come again. A service that is small for a night, or
/// cannot be analysed now, keeps its history.
fn forget(watch: &Watch<'_>, watched: &[Usage], seen: Vec<&str>) {
    let host = watch.host;
    if !host.keeps_what_is_stored() {
        return;
    }
    let before = host.recall(KNOWN).unwrap_or_default();
    let mut known: Vec<&str> = seen;
    let runs = |unit: &str| watched.iter().any(|usage| usage.about.name == unit);
    let not_seen: Vec<&str> = before.lines().filter(|unit| !known.contains(unit)).collect();
    for unit in not_seen {
        if host.is_open(unit) || (runs(unit) && watch.has_samples(unit)) {
            known.push(unit);
            continue;
        }
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
    let (about, id) = (&incident.about, &incident.about.name);
    if about.kind != "unit" {
        return incident.now_is(Status::Healthy, "the list of services is complete");
    }
    if !watch.settings.watches(id) {
        return incident.now_is(Status::Healthy, format!("{id} is no longer watched: the settings exclude it"));
    }
    let unknown = |why: Refusal| incident.now_unknown(format!("the memory of {id} is unknown: {}", why.words()));
    match calls::usage(watch.host, about) {
        Ok(usage) => match watch.observe(&usage) {
            Ok(Some(seen)) => Observation { key: incident.key.clone(), ..seen },
            Ok(None) => incident.now_unknown(format!("the memory of {id} is unknown")),
            Err(refusal) => unknown(refusal),
        },
        Err(Refusal::NotFound(_)) => incident.now_is(Status::Gone, format!("{id} no longer runs")),
        Err(refusal) => unknown(refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::ansai::process::cgroup_probe::{Accounting, UsagePage};
    use crate::testing::settings;
    use ansai_sdk::Subject;
    use ansai_sdk::series::Sample;
    use ansai_sdk::testing::StandIn;

    const HOUR: u64 = 3_600_000;

    fn usage(unit: &str, anonymous_bytes: u64) -> Usage {
        Usage {
            about: Subject::new("unit", unit),
            accounting: Accounting::Unified,
            invocation: String::new(),
            since: Some(StandIn::NOW - 100 * 24 * HOUR),
            total_bytes: None,
            anonymous_bytes,
            shared_bytes: None,
            page_cache_bytes: None,
            kernel_bytes: None,
            swapped_bytes: None,
            high_bytes: None,
            limit_bytes: Some(2 << 30),
            oom_kills: None,
            high_hits: None,
            limit_hits: None,
            cpu: None,
            throttled: None,
            memory_stall: None,
            processes: 1,
            tasks: None,
        }
    }

    #[test]
    fn a_service_that_is_small_for_a_night_keeps_its_history() {
        let page = UsagePage {
            entries: vec![usage("large.service", 100 << 20), usage("night.service", 50 << 20), usage("old.service", 1)],
            skipped: 0,
            complete: true,
            cursor: None,
        };
        let sample = |days: u64| vec![Sample { at: StandIn::NOW - days * 24 * HOUR, value: 3e8 }];
        let host = StandIn::default()
            .answers("ansai:process/cgroup-probe.list-usages", page)
            .with_samples("memory:night.service", sample(1))
            .with_samples("memory:old.service", sample(8))
            .with_samples("memory:gone.service", sample(1))
            .remembers(KNOWN, "gone.service\nnight.service\nold.service")
            .host();
        detect(&settings(|_| {}), &host).unwrap();
        assert_eq!(host.recall(KNOWN).as_deref(), Some("large.service\nnight.service"));
        let calls = host.stand_in().calls();
        let deleted: Vec<&str> = calls.iter().filter_map(|call| call.strip_prefix("delete-series")).collect();
        let expected = [
            "(\"memory:gone.service\")",
            "(\"processes:gone.service\")",
            "(\"memory:old.service\")",
            "(\"processes:old.service\")",
        ];
        assert_eq!(deleted, expected);
    }
}
