//! disk-space: finds file systems that are full, or soon will be, and proposes steps that free space.

mod calls;
mod containers;
mod detect;
mod growth;
mod plan;
mod settings;
#[cfg(test)]
mod testing;

use ansai_sdk::{Decision, Failure, Host, Observation, Policy};

use settings::Settings;

ansai_sdk::policy!(DiskSpace);

struct DiskSpace;

impl Policy for DiskSpace {
    type Settings = Settings;

    fn check(settings: &Settings) -> Result<(), Failure> {
        settings.check()
    }

    fn detect(settings: &Settings, host: &Host) -> Result<Vec<Observation>, Failure> {
        detect::detect(settings, host)
    }

    fn plan(settings: &Settings, host: &Host, finding: &Observation) -> Result<Decision, Failure> {
        plan::plan(settings, host, finding)
    }
}
