//! Observes the servers and files of the settings.

use ansai_sdk::context::Target;
use ansai_sdk::{Failure, Host, Observation};

use crate::plan::target_of;
use crate::report::{MOST, Report};
use crate::settings::Settings;
use crate::{server, sqlite};

/// The kinds of targets that are databases.
const KINDS: [&str; 2] = ["postgresql", "mysql"];

pub(crate) fn detect(settings: &Settings, host: &Host) -> Result<Vec<Observation>, Failure> {
    let mut report = Report::new(host, MOST);
    let all = host.targets();
    let targets = watched(&all, settings);
    for name in settings.targets.iter().filter(|name| !targets.iter().any(|target| target.name == **name)) {
        let why = format!(
            "this instance may not use a database with the name {name}: add [policy.NAME.target.{name}] to the configuration"
        );
        report.add(Observation::unknown(format!("server:{name}"), host.host(), why));
    }
    server::observe_all(&targets, settings, &mut report);
    sqlite::observe(settings, &mut report);
    let is_named = |name: &str| settings.targets.iter().any(|one| one == name);
    let is_server = |name: &str| is_named(name) || targets.iter().any(|target| target.name == name);
    Ok(report.finish(|key| sqlite::is_watched(key, settings).unwrap_or_else(|| is_server(target_of(key)))))
}

/// The databases that this instance may use, and that the settings name if they name any.
fn watched<'t>(all: &'t [Target], settings: &Settings) -> Vec<&'t Target> {
    let is_named = |target: &&Target| {
        let is_database = KINDS.contains(&&*target.kind);
        is_database && (settings.targets.is_empty() || settings.targets.contains(&target.name))
    };
    all.iter().filter(is_named).collect()
}
