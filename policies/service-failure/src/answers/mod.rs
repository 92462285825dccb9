//! Services that are active and answer nothing.

mod judge;
mod since;
#[cfg(test)]
mod tests;

use ansai_sdk::{Failure, Host, Measure, Observation, Refusal, Severity, Span, Status, text};

pub(crate) use judge::{Answered, Round};

use crate::calls;
use crate::condition::{Condition, word};
use crate::imports::ansai::service::service_probe::{ActiveState, ServiceUnit};
use crate::settings::Settings;
use since::Since;

/// The keys of these findings begin with this; the name of the service follows.
const PREFIX: &str = "answers-nothing:";
/// The key of the finding that no service is reached.
const COMMON: &str = "no-answers";

/// The key of the finding about a service.
pub(crate) fn key(unit: &str) -> String {
    format!("{PREFIX}{unit}")
}

/// The name of the service of such a finding, as the setting has it. It can be an alias.
pub(crate) fn name_of(finding: &Observation) -> &str {
    finding.key.strip_prefix(PREFIX).unwrap_or(&finding.about.name)
}

/// Whether a finding is about answers, not about the state in systemd.
pub(crate) fn is_about_answers(finding: &Observation) -> bool {
    finding.key.starts_with(PREFIX) || is_common(finding)
}

/// Whether it is the finding that no service is reached.
pub(crate) fn is_common(finding: &Observation) -> bool {
    finding.key == COMMON
}

/// Whether a service runs, so that it must answer.
pub(crate) fn must_answer(unit: &ServiceUnit) -> bool {
    matches!(unit.active, ActiveState::Active | ActiveState::Reloading)
}

/// Observes each service that must answer, and each open finding about answers.
pub(crate) fn observe(settings: &Settings, host: &Host, units: &[(ServiceUnit, Condition)]) -> Vec<Observation> {
    let open: Vec<&Observation> = host.open_incidents().iter().filter(|one| is_about_answers(one)).collect();
    if settings.serves.0.is_empty() && open.is_empty() {
        return Vec::new();
    }
    let states: Vec<(&str, Result<ServiceUnit, Refusal>)> =
        settings.serving().into_iter().map(|unit| (unit, state(host, unit, units))).collect();
    let runs = |unit: &str| states.iter().any(|(id, found)| *id == unit && found.as_ref().is_ok_and(must_answer));
    let round = Round::ask(settings, host, runs);
    let mut since = Since::recall(host);
    let mut found: Vec<Observation> = Vec::new();
    found.extend(common(&round, &mut since, settings, host));
    for (unit, state) in &states {
        match state {
            Ok(state) if must_answer(state) => found.push(running(unit, state, &round, &mut since, settings, host)),
            // Its state is a finding of its own.
            Ok(_) if !host.is_open(&key(unit)) => {}
            state => found.push(not_running(unit, state, host.is_open(&key(unit)))),
        }
    }
    since.remember(host);
    let is_left = |one: &&Observation| !found.iter().any(|seen| seen.key == one.key);
    let over =
        |one: &Observation| if is_common(one) { no_longer_common(one, &states, &round) } else { no_longer_asked(one) };
    let left: Vec<Observation> = open.into_iter().filter(is_left).map(over).collect();
    found.extend(left);
    found
}

/// As listed, or by its name: the setting can name a service that `units` leaves out, or an alias.
fn state(host: &Host, unit: &str, units: &[(ServiceUnit, Condition)]) -> Result<ServiceUnit, Refusal> {
    let listed = units.iter().find(|(listed, _)| listed.id == unit).map(|(listed, _)| listed.clone());
    listed.map_or_else(|| calls::look(host, unit), Ok)
}

/// One finding for all of them: a restart of each would not help.
fn common(round: &Round, since: &mut Since, settings: &Settings, host: &Host) -> Option<Observation> {
    if !round.is_common {
        return None;
    }
    let silent = since.silent_for(COMMON, None, host.now());
    let words = format!("no target of {} answers", text::count(round.asked() as u64, "service"));
    let status = match is_due(host, COMMON, silent, settings) {
        true => Status::Unhealthy(Severity::Warning),
        false => Status::Unknown(format!("{words} for {silent}")),
    };
    Some(Observation::new(COMMON, host.host(), status, words).with(Measure::milliseconds("no-answer-for", silent.0)))
}

fn is_due(host: &Host, key: &str, silent: Span, settings: &Settings) -> bool {
    host.is_open(key) || silent >= settings.unanswered_for
}

fn running(
    name: &str,
    unit: &ServiceUnit,
    round: &Round,
    since: &mut Since,
    settings: &Settings,
    host: &Host,
) -> Observation {
    let (id, key, about) = (&unit.id, key(name), unit.about.clone());
    let unknown = |why: String| Observation::unknown(&key, about.clone(), why);
    let answered = round.of(name).cloned();
    if matches!(answered, None | Some(Answered::Unknown(_))) || round.is_common {
        since.keep(name);
    }
    let (severity, words) = match answered {
        Some(Answered::Well(words)) => {
            return Observation::new(&key, about, Status::Healthy, format!("{id} answers: {words}"));
        }
        None => return unknown(format!("{id} was not asked")),
        Some(Answered::Unknown(why)) => return unknown(why),
        Some(_) if round.is_common => {
            return unknown(format!("no target of any service answers, so it is unknown whether {id} does"));
        }
        Some(Answered::Unreachable(words)) => {
            (Severity::Notice, format!("{id} is active, and cannot be reached: {words}"))
        }
        Some(Answered::Wrong(words)) => (settings.severity(id), format!("{id} is active, and answers badly: {words}")),
        Some(Answered::Nothing(words)) => {
            (settings.severity(id), format!("{id} is active, and answers nothing: {words}"))
        }
        Some(Answered::Overloaded(words)) => (settings.severity(id), format!("{id} is overloaded: {words}")),
    };
    let now = host.now();
    let silent = since.silent_for(name, unit.since, now);
    // A start in the future is one by a clock that was wrong.
    let runs = Span(now.saturating_sub(unit.since.filter(|since| *since <= now).unwrap_or(0)));
    if !host.is_open(&key) && runs < settings.starts_within {
        return unknown(format!("{words}; it was started {runs} ago"));
    }
    if !is_due(host, &key, silent, settings) {
        return unknown(format!("{words}; this is reported when it lasts {}", settings.unanswered_for));
    }
    let told = if unit.never_touch { "; no step may touch it" } else { "" };
    Observation::new(&key, about, Status::Unhealthy(severity), format!("{words}{told}"))
        .with(Measure::milliseconds("no-answer-for", silent.0))
        .with(Measure::text("targets", text::cut(&settings.targets_of(name), 200)))
}

fn not_running(unit: &str, state: &Result<ServiceUnit, Refusal>, is_open: bool) -> Observation {
    let about = ansai_sdk::Subject::new("unit", unit);
    match state {
        Ok(state) => {
            let about = state.about.clone();
            let condition = Condition::of(state, 0, Span(0));
            match condition {
                Condition::Fine => Observation::new(
                    key(unit),
                    about,
                    Status::Healthy,
                    format!("{unit} does not run, and need not answer"),
                ),
                Condition::Gone => {
                    Observation::gone(key(unit), about, format!("the unit file of {unit} no longer exists"))
                }
                _ => Observation::unknown(key(unit), about, format!("{unit} is {}, so it cannot answer", word(state))),
            }
        }
        Err(Refusal::NotFound(_)) if is_open => Observation::gone(key(unit), about, format!("{unit} no longer exists")),
        Err(refusal) => Observation::unknown(key(unit), about, format!("{unit} cannot be read: {}", refusal.words())),
    }
}

/// The finding that no service is reached, if it is not so now.
fn no_longer_common(
    incident: &Observation,
    states: &[(&str, Result<ServiceUnit, Refusal>)],
    round: &Round,
) -> Observation {
    let words = match () {
        () if round.is_reached => "targets answer again",
        () if states.iter().all(|(_, state)| need_not_answer(state)) => "no service must answer now",
        () => {
            let why = "no target was reached, so it is unknown whether they answer";
            return Observation::unknown(&incident.key, incident.about.clone(), why);
        }
    };
    Observation::new(&incident.key, incident.about.clone(), Status::Healthy, words)
}

/// Whether a service does not run, and that is no failure.
fn need_not_answer(state: &Result<ServiceUnit, Refusal>) -> bool {
    match state {
        Ok(state) => {
            let condition = Condition::of(state, 0, Span(0));
            !must_answer(state) && matches!(condition, Condition::Fine | Condition::Gone)
        }
        Err(refusal) => matches!(refusal, Refusal::NotFound(_)),
    }
}

fn no_longer_asked(incident: &Observation) -> Observation {
    let words = format!("{} need not answer any more: `serves` does not name it", incident.about.name);
    Observation::new(&incident.key, incident.about.clone(), Status::Healthy, words)
}

/// What a service answers now.
///
/// # Errors
/// It cannot be told.
pub(crate) fn now(settings: &Settings, host: &Host, unit: &str) -> Result<(Answered, bool), Failure> {
    let others = settings.serving().into_iter().filter(|other| *other != unit);
    let running: Vec<&str> =
        others.filter(|other| calls::look(host, other).is_ok_and(|found| must_answer(&found))).collect();
    let round = Round::ask(settings, host, |one| one == unit || running.contains(&one));
    match round.of(unit) {
        Some(Answered::Unknown(why)) => Err(Failure::CouldNotTell(why.clone())),
        Some(answered) => Ok((answered.clone(), round.is_common)),
        None => Err(Failure::CouldNotTell(format!("`serves` does not name {unit} any more"))),
    }
}
