//! certificate-expiry: sees the certificates that servers present, tells before they expire, renews them, and has servers
//! load what was renewed.

mod calls;
mod clock;
mod detect;
mod faults;
mod files;
mod judge;
mod lineages;
mod plan;
mod seen;
mod settings;
#[cfg(test)]
mod testing;
mod wishes;

use ansai_sdk::{Decision, Failure, Host, Observation, Policy};

use settings::Settings;

ansai_sdk::policy!(CertificateExpiry);

struct CertificateExpiry;

impl Policy for CertificateExpiry {
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
