//! Observes each thing that is watched.

use ansai_sdk::series::{Reduction, Window};
use ansai_sdk::{Host, Measure, Observation, Refusal, Severity, Span, Status, text};

use crate::calls;
use crate::reading::{self, Reading};
use crate::settings::Settings;
use crate::what::What;

/// The newest samples are left out of what is usual.
const NEWEST: Span = Span::from_hours(12);
/// The part of a warning below which nothing is unusual.
const FLOOR: f64 = 0.5;

pub(crate) fn detect(settings: &Settings, host: &Host) -> Vec<Observation> {
    What::ALL.into_iter().filter_map(|what| look(what, settings, host)).collect()
}

/// `None` where there is nothing to tell, and nothing was told before.
fn look(what: What, settings: &Settings, host: &Host) -> Option<Observation> {
    let (key, is_open) = (what.name(), host.is_open(what.name()));
    if settings.ignores(what) {
        let words = format!("{key} is no longer watched: the settings ignore it");
        return is_open.then(|| Observation::new(key, host.host(), Status::Healthy, words));
    }
    let seen = match what {
        What::Clock => clock(settings, host),
        What::Restart => restart(settings, host),
        _ => reading::read(what, settings, host).map(|read| read.map(|read| judge(what, read, settings, host))),
    };
    match seen {
        Ok(Some(seen)) => Some(seen),
        Ok(None) => is_open.then(|| Observation::unknown(key, host.host(), format!("{key} is unknown now"))),
        // A kernel without it, or a container, is no trouble.
        Err(Refusal::Unsupported(_)) if !is_open => None,
        Err(refusal) => {
            Some(Observation::unknown(key, host.host(), format!("{key} cannot be read: {}", refusal.words())))
        }
    }
}

fn judge(what: What, read: Reading, settings: &Settings, host: &Host) -> Observation {
    let (key, levels) = (what.name(), what.levels(settings));
    let Reading { value, mut words, measures } = read;
    let open = host.open_severity(key);
    let mut severity = levels.severity(value, open);
    let mut usual = None;
    if what.has_baseline() {
        usual = usual_of(what, value, settings, host);
        let floor = levels.goal().unwrap_or(f64::INFINITY) * FLOOR;
        let most = usual.map(|usual| (usual * settings.factor).max(floor));
        // Once it is told, it ends a tenth lower.
        let most = if open.is_some() { most.map(|most| most * 0.9) } else { most };
        if severity.is_none() && most.is_some_and(|most| value > most) {
            severity = Some(Severity::Notice);
            let times = reading::tenths(value / usual.unwrap_or(value).max(0.01));
            words = format!("{words}: {times} times as much as ever before in {}", settings.look_back);
        }
    }
    let status = severity.map_or(Status::Healthy, Status::Unhealthy);
    let mut seen = Observation::new(key, host.host(), status, words);
    seen.evidence = measures;
    seen.evidence.extend(usual.map(|usual| Measure::ratio("highest-before", usual)));
    seen.at_distance(levels.goal().map_or(0.0, |goal| value - goal))
}

/// The highest value before the last hours; `None` while the host is not known for long enough.
fn usual_of(what: What, value: f64, settings: &Settings, host: &Host) -> Option<f64> {
    // Of the processors, each sample is there already.
    if what != What::Processors {
        host.append(what.name(), value).ok()?;
    }
    let since = host.now().saturating_sub(settings.look_back.0);
    let window = Window::since(since, Reduction::Maximum).until(host.now().saturating_sub(NEWEST.0));
    let known = host.look_at(what.name(), window).ok()?;
    (known.span >= settings.min_span.0.saturating_sub(NEWEST.0)).then_some(known.maximum)
}

/// The store has the time at which it was first seen without synchronization.
fn clock(settings: &Settings, host: &Host) -> Result<Option<Observation>, Refusal> {
    let key = What::Clock.name();
    let observe = |status, words: String| Ok(Some(Observation::new(key, host.host(), status, words)));
    let is_synchronized = calls::clock_synchronized(host)?;
    let waited = host.lasts(key, !is_synchronized);
    if is_synchronized {
        return observe(Status::Healthy, "the clock is synchronized".into());
    }
    if waited < settings.clock_grace {
        return observe(Status::Healthy, "the clock is not synchronized yet".into());
    }
    let words = format!("the clock has not been synchronized for {waited}");
    observe(Status::Unhealthy(Severity::Warning), words)
        .map(|seen| seen.map(|seen| seen.with(Measure::instant("since", host.now().saturating_sub(waited.0)))))
}

fn restart(settings: &Settings, host: &Host) -> Result<Option<Observation>, Refusal> {
    let key = What::Restart.name();
    let found = calls::restart_needed(host)?;
    if !found.needed {
        return Ok(Some(Observation::new(key, host.host(), Status::Healthy, "no restart is needed")));
    }
    let since = found.since.filter(|since| *since <= host.now());
    let waited = since.map(|since| Span(host.now().saturating_sub(since)));
    let severity = match waited {
        Some(waited) if waited >= settings.restart_within => Severity::Warning,
        _ => Severity::Notice,
    };
    let mut words = "the machine needs a restart".to_owned();
    if let Some(packages) = text::list("because of", found.packages.iter().take(5).cloned()) {
        words = format!("{words} {}", packages.replacen(": ", " ", 1));
    }
    if let Some(waited) = waited {
        words = format!("{words}, since {waited} ago");
    }
    let mut seen = Observation::new(key, host.host(), Status::Unhealthy(severity), words);
    seen.evidence.extend(since.map(|since| Measure::instant("since", since)));
    Ok(Some(seen.with(Measure::count("packages", found.packages.len() as u64))))
}
