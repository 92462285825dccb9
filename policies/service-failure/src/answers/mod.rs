//! Services that are active and answer nothing.

mod judge;
#[cfg(test)]
mod tests;

use ansai_sdk::{Failure, Host, Observation, Refusal, Severity, Since, Span, Status, Subject, text};

pub(crate) use judge::{Answered, Round};

use crate::calls;
use crate::condition::{Condition, word};
use crate::imports::ansai::service::service_probe::{ActiveState, ServiceUnit};
use crate::settings::Settings;

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
    if settings.serves.0.is_empty() && !host.open_incidents().iter().any(is_about_answers) {
        return Vec::new();
    }
    let states: Vec<(&str, Result<ServiceUnit, Refusal>)> =
        settings.serving().into_iter().map(|unit| (unit, state(host, unit, units))).collect();
    let runs = |unit: &str| states.iter().any(|(id, found)| *id == unit && found.as_ref().is_ok_and(must_answer));
    let round = Round::ask(settings, host, runs);
    let mut look = Look { settings, host, round, since: Since::recall(host, "unanswered") };
    let mut found: Vec<Observation> = look.common().into_iter().collect();
    found.extend(states.iter().filter_map(|(unit, state)| look.service(unit, state)));
    let Look { round, since, .. } = look;
    since.remember(host);
    host.add_unmentioned(&mut found, |one| is_about_answers(one).then(|| over(one, &states, &round)));
    found
}

/// As listed, or by its name: the setting can name a service that `units` leaves out, or an alias.
fn state(host: &Host, unit: &str, units: &[(ServiceUnit, Condition)]) -> Result<ServiceUnit, Refusal> {
    let listed = units.iter().find(|(listed, _)| listed.id == unit).map(|(listed, _)| listed.clone());
    listed.map_or_else(|| calls::look(host, unit), Ok)
}

/// What one evaluation knows of all services.
struct Look<'a> {
    settings: &'a Settings,
    host: &'a Host,
    round: Round,
    since: Since,
}

impl Look<'_> {
    /// One finding for all of them: a restart of each would not help.
    fn common(&mut self) -> Option<Observation> {
        if !self.round.is_common {
            return None;
        }
        let silent = self.since.lasts(COMMON, None, self.host.now());
        let words = format!("no target of {} answers", text::count(self.round.asked() as u64, "service"));
        let status = match self.is_due(COMMON, silent) {
            true => Status::Unhealthy(Severity::Warning),
            false => Status::Unknown(format!("{words} for {silent}")),
        };
        Some(Observation::new(COMMON, self.host.host(), status, words).milliseconds("no-answer-for", silent.0))
    }

    fn is_due(&self, key: &str, silent: Span) -> bool {
        self.host.is_open(key) || silent >= self.settings.unanswered_for
    }

    fn service(&mut self, name: &str, state: &Result<ServiceUnit, Refusal>) -> Option<Observation> {
        let is_open = self.host.is_open(&key(name));
        match state {
            Ok(unit) if must_answer(unit) => Some(self.running(name, unit)),
            // Its state is a finding of its own.
            Ok(_) if !is_open => None,
            state => Some(not_running(name, state, is_open)),
        }
    }

    fn running(&mut self, name: &str, unit: &ServiceUnit) -> Observation {
        let (id, key, about) = (&unit.id, key(name), unit.about.clone());
        let unknown = |why: String| Observation::unknown(&key, about.clone(), why);
        let not_asked = || Answered::Unknown(format!("{id} was not asked"));
        let answered = self.round.of(name).cloned().unwrap_or_else(not_asked);
        if matches!(answered, Answered::Unknown(_)) || self.round.is_common {
            self.since.keep(name);
        }
        let severity = self.settings.severity(id);
        let (severity, how, words) = match answered {
            Answered::Well(words) => {
                return Observation::new(&key, about, Status::Healthy, format!("{id} answers: {words}"));
            }
            Answered::Unknown(why) => return unknown(why),
            _ if self.round.is_common => {
                return unknown(format!("no target of any service answers, so it is unknown whether {id} does"));
            }
            Answered::Unreachable(words) => (Severity::Notice, "is active, and cannot be reached", words),
            Answered::Wrong(words) => (severity, "is active, and answers badly", words),
            Answered::Nothing(words) => (severity, "is active, and answers nothing", words),
            Answered::Overloaded(words) => (severity, "is overloaded", words),
        };
        let (words, now) = (format!("{id} {how}: {words}"), self.host.now());
        let silent = self.since.lasts(name, unit.since, now);
        // A start in the future is one by a clock that was wrong.
        let runs = Span(now.saturating_sub(unit.since.filter(|since| *since <= now).unwrap_or(0)));
        if !self.host.is_open(&key) && runs < self.settings.starts_within {
            return unknown(format!("{words}; it was started {runs} ago"));
        }
        if !self.is_due(&key, silent) {
            return unknown(format!("{words}; this is reported when it lasts {}", self.settings.unanswered_for));
        }
        let told = if unit.never_touch { "; no step may touch it" } else { "" };
        let seen = Observation::new(&key, about, severity, format!("{words}{told}"));
        let targets = self.settings.targets_of(name);
        seen.milliseconds("no-answer-for", silent.0).text("targets", text::cut(&targets, 200))
    }
}

fn not_running(name: &str, state: &Result<ServiceUnit, Refusal>, is_open: bool) -> Observation {
    let about = state.as_ref().map_or_else(|_| Subject::new("unit", name), |unit| unit.about.clone());
    let key = key(name);
    match state {
        Ok(unit) => match Condition::of(unit, 0, Span(0)) {
            Condition::Fine => {
                Observation::new(key, about, Status::Healthy, format!("{name} does not run, and need not answer"))
            }
            Condition::Gone => Observation::gone(key, about, format!("the unit file of {name} no longer exists")),
            _ => Observation::unknown(key, about, format!("{name} is {}, so it cannot answer", word(unit))),
        },
        Err(Refusal::NotFound(_)) if is_open => Observation::gone(key, about, format!("{name} no longer exists")),
        Err(refusal) => Observation::unknown(key, about, format!("{name} cannot be read: {}", refusal.words())),
    }
}

/// What is open, and not so now: that no service is reached, or that one that need not answer any more does not.
fn over(incident: &Observation, states: &[(&str, Result<ServiceUnit, Refusal>)], round: &Round) -> Observation {
    let name = &incident.about.name;
    let words = match () {
        () if !is_common(incident) => format!("{name} need not answer any more: `serves` does not name it"),
        () if round.is_reached => "targets answer again".into(),
        () if states.iter().all(|(_, state)| need_not_answer(state)) => "no service must answer now".into(),
        () => return incident.now_unknown("no target was reached, so it is unknown whether they answer"),
    };
    incident.now_is(Status::Healthy, words)
}

/// Whether a service does not run, and that is no failure.
fn need_not_answer(state: &Result<ServiceUnit, Refusal>) -> bool {
    match state {
        Ok(unit) if must_answer(unit) => false,
        Ok(unit) => matches!(Condition::of(unit, 0, Span(0)), Condition::Fine | Condition::Gone),
        Err(refusal) => matches!(refusal, Refusal::NotFound(_)),
    }
}

/// What a service answers now, and whether no target of any service is reached.
///
/// # Errors
/// `serves` does not name it.
pub(crate) fn now(settings: &Settings, host: &Host, unit: &str) -> Result<(Answered, bool), Failure> {
    let others = settings.serving().into_iter().filter(|other| *other != unit);
    let running: Vec<&str> =
        others.filter(|other| calls::look(host, other).is_ok_and(|found| must_answer(&found))).collect();
    let round = Round::ask(settings, host, |one| one == unit || running.contains(&one));
    let not_named = || Failure::CouldNotTell(format!("`serves` does not name {unit} any more"));
    Ok((round.of(unit).cloned().ok_or_else(not_named)?, round.is_common))
}
