//! Observes each service that systemd has in memory.

use ansai_sdk::{Counters, Failure, Host, Measure, Observation, Refusal, Status, text};

use crate::answers::{self, is_about_answers};
use crate::calls;
use crate::causes;
use crate::condition::{Condition, how, word};
use crate::imports::ansai::service::service_probe::{Ended, ServiceUnit};
use crate::settings::Settings;

/// The evidence that tells an incident of restarts from one of a failure.
const RECENT: &str = "recent-restarts";
/// The evidence that a service was not started because of another one.
const ENDED: &str = "ended";

pub(crate) fn detect(settings: &Settings, host: &Host) -> Result<Vec<Observation>, Failure> {
    let listed = match calls::units(host, &settings.units) {
        Ok(listed) => listed,
        // A host without systemd has no services to watch: a container, or another init. That is no trouble, and no health. It
        // logs nothing, because nobody wants to read that each minute.
        Err(Refusal::Unsupported(why)) => return Ok(host.keep_open(&why)),
        Err(refusal) => return Err(Failure::CouldNotTell(format!("cannot list services: {}", refusal.words()))),
    };
    let mut restarts = Counters::recall(host, "restarts", settings.flapping_within);
    let mut units = Vec::new();
    let mut observations = Vec::new();
    let missing_part = listed.missing("service");
    for unit in listed.entries.into_iter().filter(|unit| settings.watches(&unit.id)) {
        let condition = Condition::of(&unit, host.now(), settings.settle);
        let recent = restarts.grown(&unit.id, unit.restarts);
        if is_worth_a_word(&unit, condition, host) {
            observations.push(observe(&unit, condition, recent, settings, host));
        }
        units.push((unit, condition));
    }
    restarts.remember(host);
    causes::add(host, &units, &mut observations);
    observations.extend(answers::observe(settings, host, &units));
    host.add_unmentioned(&mut observations, |incident| Some(missing(incident, settings, host)));
    observations.extend(missing_part.map(|why| Observation::unknown("unreadable", host.host(), why)));
    Ok(observations)
}

/// Services that do not run and need not are left out, unless they close an incident.
fn is_worth_a_word(unit: &ServiceUnit, condition: Condition, host: &Host) -> bool {
    let is_idle = word(unit) == "inactive" || matches!(condition, Condition::Gone);
    condition.is_failure() || !is_idle || host.is_open(&unit.id)
}

fn observe(unit: &ServiceUnit, condition: Condition, recent: u32, settings: &Settings, host: &Host) -> Observation {
    let is_own = |incident: &&Observation| incident.about == unit.about && !is_about_answers(incident);
    let open = host.open_incidents().iter().find(is_own);
    let (id, about) = (&unit.id, unit.about.clone());
    let (severity, before) = (settings.severity(id), open.and_then(Observation::severity));
    let (mut worst, mut words) = match condition {
        Condition::Gone => return Observation::gone(id, about, format!("the unit file of {id} no longer exists")),
        Condition::Unclear => {
            let why = format!("{id} is in a state that is not known: {}", text::cut(&unit.sub_state, 100));
            return evidence(Observation::unknown(id, about, why), unit, recent);
        }
        Condition::Fine if is_reason_forgotten(unit, open) => {
            let why = format!("it is unknown why {id} does not run");
            return evidence(Observation::unknown(id, about, why).with(not_started()), unit, recent);
        }
        Condition::Fine => (None, fine(unit)),
        // While it is starting, an open incident is neither healed nor worse.
        Condition::Changing => (before, changing(unit)),
        // systemd heals it. Only if that takes long, a person should know; in an open incident it is not healed yet.
        Condition::Restarting(rest) => {
            let waited = host.since(unit.since.unwrap_or(host.now()));
            let found = if waited > settings.restart_wait { Some(severity) } else { before };
            (found, format!("{id} {}; systemd restarts it in {rest}", how(unit)))
        }
        Condition::Overdue => (Some(severity), format!("{id} {}, and systemd has not restarted it in time", how(unit))),
        Condition::Broken => (Some(severity), format!("{id} does not run: its unit file is invalid")),
        Condition::Failed | Condition::Dependency => (Some(severity), format!("{id} {}", how(unit))),
    };
    if is_flapping(open, recent, settings) {
        let count = text::count(recent.into(), "restart");
        let told = format!("{count} by systemd within {}", settings.flapping_within);
        words = match condition.is_failure() {
            true => format!("{words}, after {told}"),
            false => format!("{id} restarts again and again: {told}"),
        };
        worst = worst.max(Some(settings.flapping_severity(id)));
    }
    if unit.never_touch && worst.is_some() {
        words.push_str("; no step may touch it");
    }
    evidence(Observation::new(id, about, worst, words), unit, recent)
}

/// Whether a service that was not started because of another one looks as if nobody wanted it: the results of jobs are
/// known only since ansai connected to the bus.
fn is_reason_forgotten(unit: &ServiceUnit, open: Option<&Observation>) -> bool {
    let is_idle = word(unit) == "inactive" && unit.last_job.is_none();
    is_idle && open.is_some_and(|incident| incident.evidence.contains(&not_started()))
}

fn not_started() -> Measure {
    Measure::text(ENDED, "dependency")
}

fn fine(unit: &ServiceUnit) -> String {
    let id = &unit.id;
    match (word(unit), &unit.sub_state) {
        ("inactive", _) if unit.one_shot => format!("{id} has ended with success"),
        ("inactive" | "failed", _) => format!("{id} does not run, and that is no failure"),
        (_, sub) if sub == "exited" => format!("{id} has ended with success"),
        (state, _) => format!("{id} is {state}"),
    }
}

fn changing(unit: &ServiceUnit) -> String {
    format!("{} is being {}", unit.id, if word(unit) == "activating" { "started" } else { "stopped" })
}

fn is_flapping(open: Option<&Observation>, recent: u32, settings: &Settings) -> bool {
    let most = settings.flapping_restarts;
    let was = open.is_some_and(|incident| recent_of(incident) >= most);
    // Once it was reported, it ends when the window has no restart left.
    most > 0 && recent > 0 && (recent >= most || was)
}

/// The restarts that an observation reports.
pub(crate) fn recent_of(observation: &Observation) -> u32 {
    observation.counted(RECENT).and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
}

fn evidence(seen: Observation, unit: &ServiceUnit, recent: u32) -> Observation {
    let mut seen = seen.text("state", word(unit));
    if seen.status == Status::Healthy && recent == 0 {
        return seen;
    }
    seen.evidence.extend((unit.ended == Ended::Dependency).then(not_started));
    let code = unit.exit_code.and_then(|code| u64::try_from(code).ok());
    let seen = seen.text("sub-state", text::cut(&unit.sub_state, 100)).instant("since", unit.since);
    let seen = seen.count("exit-code", code).count("exit-signal", unit.exit_signal.map(u64::from));
    seen.count("restarts", u64::from(unit.restarts)).count(RECENT, u64::from(recent))
}

/// The status of an open incident whose service is not in the list.
fn missing(incident: &Observation, settings: &Settings, host: &Host) -> Observation {
    let id = &incident.about.name;
    if !settings.watches(id) {
        return incident.now_is(Status::Healthy, format!("{id} is no longer watched: the settings exclude it"));
    }
    match calls::look(host, id) {
        Ok(unit) => {
            let condition = Condition::of(&unit, host.now(), settings.settle);
            let (key, about) = (incident.key.clone(), incident.about.clone());
            Observation { key, about, ..observe(&unit, condition, 0, settings, host) }
        }
        Err(Refusal::NotFound(_)) => incident.now_is(Status::Gone, format!("{id} no longer exists")),
        Err(refusal) => incident.now_unknown(format!("{id} cannot be read: {}", refusal.words())),
    }
}
