//! What every server has: connections, sessions, locks and replicas.

mod connections;
mod leak;
mod locks;
pub(crate) mod replicas;
pub(crate) mod sessions;
mod statements;
mod weeks;

use ansai_sdk::context::Target;
use ansai_sdk::pages::{End, Part};
use ansai_sdk::report::Place;
use ansai_sdk::{CouldNotTell as _, Failure, ForTarget as _, Host, Measure, Observation, Refusal, Status};

use crate::due::{took_turn, turn};
use crate::imports::ansai::database::database_probe::{Server, Session};
use crate::plan::Situation;
use crate::report::{Report, is_late};
use crate::settings::Settings;
use crate::{calls, mysql, postgresql};

const LATE: &str = "too many other servers do not answer in time";

/// A server as one evaluation sees it.
pub(crate) struct View<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) server: Server,
    /// Empty if they cannot be listed.
    pub(crate) sessions: Vec<Session>,
    /// The time by the clock of the server, which may differ from that of this host.
    pub(crate) now: u64,
}

impl<'a> View<'a> {
    fn new(host: &'a Host, target: &'a str, server: Server, sessions: Vec<Session>) -> View<'a> {
        // The session of ansai itself got its state when it asked, and no session got it later. The begin of a transaction is not
        // used: MySQL tells it in local time, so it can be an hour late where the clocks are set back.
        let now = sessions.iter().filter_map(|one| one.since).max().unwrap_or_else(|| host.now());
        View { place: Place::new(host, target, server.about.clone()), server, sessions, now }
    }

    /// The server as it is in `plan`.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn again(situation: &Situation<'a>) -> Result<View<'a>, Failure> {
        let (host, target) = (situation.host, situation.target);
        let unknown = format!("{target} cannot be checked");
        let server = calls::look(host, target).could_not_tell(&unknown)?;
        let sessions = calls::sessions(host, target, Part::Same).could_not_tell(&unknown)?.entries;
        Ok(View::new(host, target, server, sessions))
    }

    /// A count that the engine has besides.
    pub(crate) fn count(&self, name: &str) -> Option<u64> {
        self.measure(name)?.value.as_count()
    }

    pub(crate) fn measure(&self, name: &str) -> Option<&Measure> {
        self.server.numbers.iter().find(|one| one.name == name)
    }

    /// Milliseconds since an instant of the server.
    pub(crate) fn since(&self, instant: Option<u64>) -> u64 {
        instant.map_or(0, |instant| self.now.saturating_sub(instant))
    }
}

/// Observes servers: first whether each answers, so that one that hangs takes no time from the findings about the others.
pub(crate) fn observe_all(targets: &[&Target], settings: &Settings, report: &mut Report<'_>) {
    let host = report.host();
    let unknown =
        |target: &Target, why| Observation::unknown(format!("server:{}", target.name), target.about.clone(), why);
    let mut answered: Vec<(&Target, Server)> = Vec::new();
    for target in targets {
        let late = is_late(report).then(|| Refusal::OverBudget(LATE.into()));
        match late.map_or_else(|| calls::look(host, &target.name), Err) {
            Ok(server) => answered.push((target, server)),
            Err(refusal) => {
                report.count(&refusal);
                let why = format!("the server of {} cannot be checked: {}", target.name, refusal.words());
                report.add(unknown(target, why));
            }
        }
    }
    // What waited longest is first, because one evaluation cannot read everything.
    answered.sort_by_key(|(target, _)| host.recall_numbers(&format!("tables:{}", target.name)).map(|[at]| at));
    for (target, server) in answered {
        match settings.for_target(host, &target.name).and_then(|own| own.check().map(|()| own)) {
            Ok(own) if !is_late(report) => observe(target, server, &own, report),
            Ok(_) => report.add(unknown(target, LATE.to_owned())),
            Err(Failure::InvalidSettings(why) | Failure::CouldNotTell(why) | Failure::Other(why)) => {
                report.add(unknown(target, why));
            }
        }
    }
}

fn observe(target: &Target, server: Server, settings: &Settings, report: &mut Report<'_>) {
    let (host, name) = (report.host(), &*target.name);
    let about = server.about.clone();
    let mut words = format!("{name} answers: {} {}", server.engine, server.version);
    if server.replica {
        words.push_str(", a replica");
    }
    let mut view = View::new(host, name, server, Vec::new());
    connections::observe(&view, settings, report);
    // A list that is refused hides no other one, but a server that does not answer in time is not asked again.
    let earlier = report.timeouts();
    let part = turn(&view);
    let listed = calls::sessions(host, name, part);
    let others = listed.as_ref().ok().filter(|listed| matches!(listed.end, Some(End::More)));
    let others = others.and_then(|listed| listed.missing("session"));
    if let Some(all) = report.listed("session", "session", name, &about, listed) {
        view = View::new(host, name, view.server, all);
        let has_findings = sessions::observe(&view, others.clone(), settings, report);
        locks::observe(&view, others.clone(), settings, report);
        match others {
            None => leak::observe(&view, settings, report),
            Some(why) => {
                report.looked("leak", name, Some(why));
                took_turn(&view, part, has_findings);
            }
        }
    }
    if report.timeouts() == earlier
        && let Some(all) = report.listed("replica", "replica", name, &about, calls::replicas(host, name))
    {
        replicas::observe(&view, all, settings, report);
    }
    let engine = match &*view.server.engine {
        "postgresql" => postgresql::observe,
        "mysql" | "mariadb" => mysql::observe,
        _ => unsupported,
    };
    for part in [engine, statements::observe] {
        if report.timeouts() == earlier {
            words.extend(part(&view, settings, report).map(|skipped| format!("; {skipped}")));
        }
    }
    report.add(view.place.observe("server", Status::Healthy, words));
}

fn unsupported(view: &View<'_>, _: &Settings, _: &mut Report<'_>) -> Option<String> {
    Some(format!("tables and indexes are not checked: {} is not supported", view.server.engine))
}
