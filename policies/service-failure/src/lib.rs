//! service-failure: finds services of systemd that failed or do not answer, restarts them within limits, and reports what
//! stays broken.

mod answers;
mod calls;
mod causes;
mod condition;
mod detect;
mod flapping;
mod plan;
mod serves;
mod settings;
#[cfg(test)]
mod testing;

use ansai_sdk::{Decision, Failure, Host, Observation, Policy};

use settings::Settings;

ansai_sdk::policy!(ServiceFailure);

struct ServiceFailure;

impl Policy for ServiceFailure {
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
