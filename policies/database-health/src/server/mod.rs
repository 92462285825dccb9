//! What every server has: connections, sessions, locks and replicas.

mod connections;
mod known;
mod leak;
mod locks;
mod replicas;
mod sessions;
mod statements;
mod weeks;

use ansai_sdk::context::Target;
use ansai_sdk::pages::{End, Part};
use ansai_sdk::{
    CouldNotTell as _, Decision, Failure, ForTarget as _, Host, Measure, Observation, Refusal, Status, Value,
};

use crate::due::{listed_last, took_turn, turn};
use crate::imports::ansai::database::database_probe::{Server, Session};
use crate::plan::Situation;
use crate::report::{Report, is_late};
use crate::settings::Settings;
use crate::{calls, mysql, postgresql};

const LATE: &str = "too many other servers do not answer in time";

/// A server as one evaluation sees it.
pub(crate) struct View<'a> {
    pub(crate) target: &'a str,
    pub(crate) server: Server,
    /// Empty if they cannot be listed.
    pub(crate) sessions: Vec<Session>,
    /// The time by the clock of the server, which may differ from that of this host.
    pub(crate) now: u64,
}

impl View<'_> {
    /// A count that the engine has besides.
    pub(crate) fn count(&self, name: &str) -> Option<u64> {
        match self.measure(name)?.value {
            Value::Count(count) => Some(count),
            _ => None,
        }
    }

    pub(crate) fn measure(&self, name: &str) -> Option<&Measure> {
        self.server.numbers.iter().find(|one| one.name == name)
    }

    /// Milliseconds since an instant of the server.
    pub(crate) fn since(&self, instant: Option<u64>) -> u64 {
        instant.map_or(0, |instant| self.now.saturating_sub(instant))
    }

    /// The server as it is in `plan`.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn again<'a>(situation: &Situation<'a>) -> Result<View<'a>, Failure> {
        let (host, target) = (situation.host, situation.target);
        let unknown = format!("{target} cannot be checked");
        let server = calls::look(host, target).could_not_tell(&unknown)?;
        let sessions = calls::sessions(host, target, Part::Same).could_not_tell(&unknown)?.entries;
        Ok(View { target, server, now: now(&sessions, host), sessions })
    }
}

/// The server's time: the session of ansai itself got its state when it asked, and no session got it later. The begin of a
/// transaction is not used: MySQL tells it in local time, so it can be an hour late where the clocks are set back.
fn now(sessions: &[Session], host: &Host) -> u64 {
    sessions.iter().filter_map(|one| one.since).max().unwrap_or_else(|| host.now())
}

/// Observes servers: first whether each answers, so that one that hangs takes no time from the findings about the others.
pub(crate) fn observe_all(targets: &[&Target], settings: &Settings, report: &mut Report<'_>) {
    let mut answered: Vec<(&Target, Server)> = Vec::new();
    for target in targets {
        match look(target, report) {
            Ok(server) => answered.push((target, server)),
            Err(refusal) => {
                report.count(&refusal);
                let why = format!("the server of {} cannot be checked: {}", target.name, refusal.words());
                report.add(Observation::unknown(format!("server:{}", target.name), target.about.clone(), why));
            }
        }
    }
    // What waited longest is first, because one evaluation cannot read everything.
    answered.sort_by_key(|(target, _)| listed_last(report.host(), &target.name));
    for (target, server) in answered {
        let own = settings.for_target(report.host(), &target.name).and_then(|own| own.check().map(|()| own));
        let why = match own {
            Ok(own) if !is_late(report) => {
                observe(target, server, &own, report);
                continue;
            }
            Ok(_) => LATE.to_owned(),
            Err(Failure::InvalidSettings(why) | Failure::CouldNotTell(why) | Failure::Other(why)) => why,
        };
        report.add(Observation::unknown(format!("server:{}", target.name), target.about.clone(), why));
    }
}

fn look(target: &Target, report: &Report<'_>) -> Result<Server, Refusal> {
    if is_late(report) {
        return Err(Refusal::OverBudget(LATE.into()));
    }
    calls::look(report.host(), &target.name)
}

fn observe(target: &Target, server: Server, settings: &Settings, report: &mut Report<'_>) {
    let (host, name) = (report.host(), &*target.name);
    let about = server.about.clone();
    let mut words = format!("{name} answers: {} {}", server.engine, server.version);
    if server.replica {
        words.push_str(", a replica");
    }
    let mut view = View { target: name, server, sessions: Vec::new(), now: host.now() };
    connections::observe(&view, settings, report);
    // A list that is refused hides no other one, but a server that does not answer in time is not asked again.
    let earlier = report.timeouts();
    let part = turn(host, name);
    let listed = calls::sessions(host, name, part);
    let others = listed.as_ref().ok().filter(|listed| matches!(listed.end, Some(End::More)));
    let others = others.and_then(|listed| listed.missing("session"));
    if let Some(all) = report.listed("session", "session", name, &about, listed) {
        view.now = now(&all, host);
        view.sessions = all;
        let has_findings = sessions::observe(&view, others.clone(), settings, report);
        locks::observe(&view, others.clone(), settings, report);
        match others {
            None => leak::observe(&view, settings, report),
            Some(why) => {
                report.looked("leak", name, Some(why));
                took_turn(host, name, part, has_findings);
            }
        }
    }
    if report.timeouts() == earlier
        && let Some(all) = report.listed("replica", "replica", name, &about, calls::replicas(host, name))
    {
        replicas::observe(&view, all, settings, report);
    }
    if report.timeouts() == earlier {
        let skipped = match &*view.server.engine {
            "postgresql" => postgresql::observe(&view, settings, report),
            "mysql" | "mariadb" => mysql::observe(&view, settings, report),
            other => Some(format!("tables and indexes are not checked: {other} is not supported")),
        };
        words.extend(skipped.map(|skipped| format!("; {skipped}")));
    }
    if report.timeouts() == earlier {
        let skipped = statements::observe(&view, settings, report);
        words.extend(skipped.map(|skipped| format!("; {skipped}")));
    }
    report.add(Observation::new(format!("server:{name}"), about, Status::Healthy, words));
}

/// What to do about a finding of every server; `None` if it is none of them.
pub(crate) fn plan(situation: &Situation<'_>) -> Option<Result<Decision, Failure>> {
    Some(match situation.kind {
        "session" => sessions::plan(situation),
        "replica" => Ok(replicas::plan(situation)),
        _ => return None,
    })
}
