//! Versions that run beside pinned ones: they begin, end, and are pinned once they took over.

use std::collections::BTreeMap;
use std::time::Duration;

use ansai_core::{Millis, Timestamp, exit};
use ansai_daemon::pulled::{self, Newer, Shadowed};
use ansai_daemon::recorded::{Recorded, RecordingError};
use ansai_daemon::{Component, Configuration, Error};
use ansai_engine::backtest::{Backtest, Verdict};
use ansai_registry::{Lock, Locked, ShadowDifference, ShadowRecord, ShadowReplay, Store};
use ansai_supervisor::clock;

use super::Arguments;
use crate::asking::duration;
use crate::commands::replay::backtest;
use crate::compiler;
use crate::global::{Format, Global};
use crate::output::{json, lines};

/// The recorded evaluations of this time are decided about before a version runs.
const RECORDED: Millis = Millis::from_hours(4 * 7 * 24);
/// After so long, no further recorded evaluation is decided about: a new version may be as slow as its limits allow.
const JUDGING: Duration = Duration::from_secs(10 * 60);
/// The longest that a version may run beside another one.
const LONGEST: Millis = Millis::from_hours(90 * 24);

/// `7d`: at least a second, and at most 90 days.
pub(super) fn time(text: &str) -> Result<Millis, String> {
    let time = duration(text)?;
    match time < Millis::new(1_000) || time > LONGEST {
        true => Err("expected a time between 1 s and 90 d".to_owned()),
        false => Ok(time),
    }
}

/// What the new version decides about the recorded evaluations of these instances.
pub(super) fn begin(
    global: &Global,
    configuration: &Configuration,
    (store, pinned, beside): (&Store, &Locked, Option<&Shadowed>),
    newer: &Newer,
    instances: &[String],
) -> anyhow::Result<ShadowRecord> {
    let digest = newer.locked.digest.clone();
    // A clock that was set back must not let it look older than what any host knows.
    let known = store.shadows().map_err(Error::from)?;
    let known = known.get(&pinned.source).map(|record| record.began);
    let before = beside.map(|one| one.shadow.began).max(known);
    let began = before.map_or(Timestamp::EPOCH, |before| before + Millis::new(1)).max(clock::now());
    let mut record = ShadowRecord::new(digest, pinned.digest.clone(), began);
    let recorded = match Recorded::open(&global.state_dir(Some(configuration))?) {
        Err(Error::Recording(RecordingError::None(_))) => return Ok(record),
        recorded => recorded?,
    };
    let registry = ansai_host_functions::builtin();
    let (path, _) = store.component(&newer.locked.digest).map_err(Error::from)?;
    let component = Component::read(&path, &registry.interfaces())?;
    let version = Backtest::new(component.compile(&compiler::engine(registry)?, None)?);
    let since = clock::now() - RECORDED;
    let mut listed = recorded.catalog.list();
    listed.retain(|one| instances.contains(&one.instance) && Timestamp::from_millis(one.modified_millis) >= since);
    // The newest come first, and those that are left out are unknown.
    let all = listed.len();
    let judged = backtest::judge(&recorded, &version, listed, global.format, Some(JUDGING))?;
    let left_out = all.saturating_sub(judged.len());
    let mut counts = ShadowReplay { unknown: u64::try_from(left_out).unwrap_or(u64::MAX), ..ShadowReplay::default() };
    for one in judged {
        match one.verdict {
            Ok(Verdict::Same) => counts.same += 1,
            Ok(Verdict::Unknown(_)) => counts.unknown += 1,
            Err(_) => counts.refused += 1,
            Ok(Verdict::Different(changes)) => {
                counts.different += 1;
                for change in changes {
                    record.count_replayed(ShadowDifference {
                        instance: one.listed.instance.clone(),
                        finding: change.finding,
                        old: change.recorded,
                        new: change.now,
                        times: 1,
                        last: one.at,
                    });
                }
            }
        }
    }
    record.recorded = Some(counts);
    Ok(record)
}

/// Pins what took over on this host: then the lock file says again what runs. The instances and the version of each.
pub(super) fn pin_what_took_over(
    arguments: &Arguments,
    configuration: &Configuration,
    store: &Store,
    mut lock: Lock,
) -> Result<(Lock, BTreeMap<String, String>), Error> {
    let (shadows, trials) = (store.shadows()?, store.trials()?);
    let over: Vec<(Locked, Locked)> = lock
        .policies()
        .filter_map(|pinned| {
            let shadow = pulled::took_over(&lock, &pinned.source, &shadows)?;
            Some((pinned.clone(), shadow.policy.clone()))
        })
        .filter(|(_, new)| !pulled::is_faulty(&new.digest, &trials))
        .collect();
    let mut pinned = BTreeMap::new();
    for (old, new) in over {
        let names = super::instances(configuration, &old.source);
        let is_asked = arguments.names.is_empty() || names.iter().any(|name| arguments.names.contains(name));
        if arguments.dry_run || !is_asked {
            continue;
        }
        let is_good = pulled::is_good(&lock, store, &old, &trials);
        lock.pin(new.clone(), is_good);
        pinned.insert(names.first().cloned().unwrap_or_else(|| old.source.clone()), new.version);
    }
    if !pinned.is_empty() {
        lock.write()?;
    }
    Ok((lock, pinned))
}

/// Ends what runs beside the pinned versions of these instances.
pub(super) fn end(
    names: &[String],
    format: Format,
    configuration: &Configuration,
    (store, mut lock): (&Store, Lock),
) -> anyhow::Result<u8> {
    let sources: Vec<String> = lock.policies().map(|pinned| pinned.source.clone()).collect();
    let mut ended = Vec::new();
    for source in sources {
        let instances = super::instances(configuration, &source);
        if let Some(name) = instances.iter().find(|name| names.contains(name))
            && let Some(shadow) = lock.end_shadow(&source)
        {
            ended.push((name.clone(), shadow.policy.version, source));
        }
    }
    if !ended.is_empty() {
        lock.write().map_err(Error::from)?;
    }
    for (_, _, source) in &ended {
        store.note_shadow(source, None).map_err(Error::from)?;
    }
    if format == Format::Json {
        let of = |(instance, version, source): &(String, String, String)| {
            let all = [("instance", instance), ("version", version), ("source", source)];
            BTreeMap::from(all.map(|(key, value)| (key, value.clone())))
        };
        json::document(&serde_json::json!({ "ended": ended.iter().map(of).collect::<Vec<_>>() }))?;
        return Ok(exit::FINE);
    }
    for (name, version, _) in &ended {
        lines::line(&format!("{name}: {version} no longer runs beside the pinned version; reload the daemon"))?;
    }
    if ended.is_empty() {
        lines::line("nothing to end: no version runs beside those that these instances run")?;
    }
    Ok(exit::FINE)
}
