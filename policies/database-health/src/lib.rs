//! database-health: sees full, blocked, bloated and lagging databases, maintains what can be maintained beside normal work,
//! and ends sessions that block others. What every server has is in `server`; each engine has a module for the rest.

mod advice;
mod calls;
mod detect;
mod due;
mod mysql;
mod plan;
mod postgresql;
mod report;
mod server;
mod settings;
mod sqlite;
#[cfg(test)]
mod testing;

use ansai_sdk::{Decision, Failure, Host, Observation, Policy};

use settings::Settings;

ansai_sdk::policy!(DatabaseHealth);

struct DatabaseHealth;

impl Policy for DatabaseHealth {
    type Settings = Settings;

    fn check(settings: &Settings) -> Result<(), Failure> {
        settings.check()
    }

    fn detect(settings: &Settings, host: &Host) -> Result<Vec<Observation>, Failure> {
        Ok(detect::detect(settings, host))
    }

    fn plan(settings: &Settings, host: &Host, finding: &Observation) -> Result<Decision, Failure> {
        plan::plan(settings, host, finding)
    }
}
