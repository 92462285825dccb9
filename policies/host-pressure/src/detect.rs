//! Observes each thing that is watched.

use ansai_sdk::series::{Reduction, Window};
use ansai_sdk::{Host, Measure, Observation, Refusal, Severity, Span, Status};

use crate::reading::{self, Reading};
use crate::settings::Settings;
use crate::what::{self, What};

/// The newest samples are left out of what is usual.
const NEWEST: Span = Span::from_hours(12);
/// The part of a warning below which nothing is unusual.
const FLOOR: f64 = 0.5;

pub(crate) fn detect(settings: &Settings, host: &Host) -> Vec<Observation> {
    what::ALL.iter().filter_map(|what| look(what, settings, host)).collect()
}

/// `None` where there is nothing to tell, and nothing was told before.
fn look(what: &What, settings: &Settings, host: &Host) -> Option<Observation> {
    let (key, is_open) = (what.name, host.is_open(what.name));
    if settings.ignores(what) {
        let words = format!("{key} is no longer watched: the settings ignore it");
        return is_open.then(|| Observation::new(key, host.host(), Status::Healthy, words));
    }
    match (what.read)(settings, host) {
        Ok(Some(read)) => Some(judge(what, read, settings, host)),
        Ok(None) => is_open.then(|| Observation::unknown(key, host.host(), format!("{key} is unknown now"))),
        // A kernel without it, or a container, is no trouble.
        Err(Refusal::Unsupported(_)) if !is_open => None,
        Err(refusal) => {
            Some(Observation::unknown(key, host.host(), format!("{key} cannot be read: {}", refusal.words())))
        }
    }
}

fn judge(what: &What, read: Reading, settings: &Settings, host: &Host) -> Observation {
    let (key, levels) = (what.name, what.levels(settings));
    let Reading { value, severity, mut words, measures } = read;
    let open = host.open_severity(key);
    let mut severity = severity.or_else(|| levels.severity(value, open));
    let usual = if what.is_learned { usual_of(key, value, settings, host) } else { None };
    if let (None, Some(usual), Some(goal)) = (severity, usual, levels.goal()) {
        // Once it is told, it ends a tenth lower.
        let most = (usual * settings.factor).max(goal * FLOOR) * if open.is_some() { 0.9 } else { 1.0 };
        if value > most {
            severity = Some(Severity::Notice);
            let times = reading::tenths(value / usual.max(0.01));
            words = format!("{words}: {times} times as much as ever before in {}", settings.look_back);
        }
    }
    let status = severity.map_or(Status::Healthy, Status::Unhealthy);
    let mut seen = Observation::new(key, host.host(), status, words);
    seen.evidence = measures;
    seen.evidence.extend(usual.map(|usual| Measure::ratio("highest-before", usual)));
    match levels.goal() {
        Some(goal) => seen.at_distance(value - goal),
        None => seen,
    }
}

/// The highest value before the last hours; `None` while the host is not known for long enough.
fn usual_of(key: &str, value: f64, settings: &Settings, host: &Host) -> Option<f64> {
    // Of the processors, each sample is there already.
    if key != "processors" {
        host.append(key, value).ok()?;
    }
    let since = host.now().saturating_sub(settings.look_back.0);
    let window = Window::since(since, Reduction::Maximum).until(host.now().saturating_sub(NEWEST.0));
    let known = host.look_at(key, window).ok()?;
    (known.span >= settings.min_span.0.saturating_sub(NEWEST.0)).then_some(known.maximum)
}
