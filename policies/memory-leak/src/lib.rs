//! memory-leak: finds services whose memory grows without end, and frees it before the kernel kills them.

mod calls;
mod detect;
mod detector;
mod evidence;
mod plan;
mod service;
mod settings;
#[cfg(test)]
mod testing;

use ansai_sdk::{Decision, Failure, Host, Observation, Policy};

use settings::Settings;

ansai_sdk::policy!(MemoryLeak);

struct MemoryLeak;

impl Policy for MemoryLeak {
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
