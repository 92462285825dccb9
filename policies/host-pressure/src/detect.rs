//! Observes each thing that is watched.

use ansai_sdk::series::{Reduction, Window};
use ansai_sdk::{Failure, Host, Observation, Refusal, Severity, Span, Status, text};

use crate::settings::Settings;
use crate::what::{self, What};

/// The newest samples are left out of what is usual.
const NEWEST: Span = Span::from_hours(12);
/// The part of a warning below which nothing is unusual.
const FLOOR: f64 = 0.5;
/// A severity ends when the value is below its threshold by this part of the warning threshold.
const REARM: f64 = 0.1;

pub(crate) fn detect(settings: &Settings, host: &Host) -> Result<Vec<Observation>, Failure> {
    Ok(what::ALL.iter().filter_map(|what| look(what, settings, host)).collect())
}

/// `None` where there is nothing to tell, and nothing was told before.
fn look(what: &What, settings: &Settings, host: &Host) -> Option<Observation> {
    let (key, is_open) = (what.name, host.is_open(what.name));
    if settings.ignore.iter().any(|name| name == key) {
        let words = format!("{key} is no longer watched: the settings ignore it");
        return is_open.then(|| Observation::new(key, host.host(), Status::Healthy, words));
    }
    let why = match (what.read)(settings, host) {
        Ok(Some((value, seen))) => return Some(judge(what, value, seen, settings, host)),
        // A kernel without it, or a container, is no trouble.
        Ok(None) | Err(Refusal::Unsupported(_)) if !is_open => return None,
        Ok(None) => format!("{key} is unknown now"),
        Err(refusal) => format!("{key} cannot be read: {}", refusal.words()),
    };
    Some(Observation::unknown(key, host.host(), why))
}

fn judge(what: &What, value: f64, mut seen: Observation, settings: &Settings, host: &Host) -> Observation {
    let (key, levels) = (what.name, (what.levels)(settings).rearm_by(REARM));
    let open = host.open_severity(key);
    let mut severity = seen.severity().or_else(|| levels.severity(value, open));
    let usual = if what.is_learned { usual_of(key, value, settings, host) } else { None };
    if let (None, Some(usual), Some(goal)) = (severity, usual, levels.goal()) {
        // Once it is told, it ends a tenth lower.
        let most = (usual * settings.factor).max(goal * FLOOR) * if open.is_some() { 0.9 } else { 1.0 };
        if value > most {
            severity = Some(Severity::Notice);
            let (times, time) = (text::tenths(value / usual.max(0.01)), settings.look_back);
            seen.summary.push_str(&format!(": {times} times as much as ever before in {time}"));
        }
    }
    (seen.key, seen.status) = (key.into(), severity.into());
    let seen = seen.ratio("highest-before", usual);
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
    let window = Window::since(host.before(settings.look_back), Reduction::Maximum).until(host.before(NEWEST));
    let known = host.look_at(key, window).ok()?;
    (known.span >= settings.min_span.0.saturating_sub(NEWEST.0)).then_some(known.maximum)
}
