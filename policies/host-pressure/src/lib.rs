//! host-pressure: tells when something that all programs of a host share runs short. It only observes and advises.

mod advice;
mod calls;
mod detect;
mod reading;
mod settings;
#[cfg(test)]
mod testing;
mod what;

use ansai_sdk::{Decision, Failure, Host, Observation, Policy};

use settings::Settings;

ansai_sdk::policy!(HostPressure);

struct HostPressure;

impl Policy for HostPressure {
    type Settings = Settings;

    fn check(settings: &Settings) -> Result<(), Failure> {
        settings.check()
    }

    fn detect(settings: &Settings, host: &Host) -> Result<Vec<Observation>, Failure> {
        Ok(detect::detect(settings, host))
    }

    fn plan(_: &Settings, _: &Host, finding: &Observation) -> Result<Decision, Failure> {
        Ok(advice::on(finding))
    }
}
