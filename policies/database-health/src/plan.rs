//! What to do about a finding. Each module plans its own kinds; what they share is here.

use ansai_sdk::{Decision, Failure, ForTarget as _, Host, Observation, Staged};

use crate::report::scope;
use crate::settings::Settings;
use crate::{advice, mysql, postgresql, server, sqlite};

/// The stages of `policy.toml`.
pub(crate) const MAINTAIN: &str = "maintain";
pub(crate) const CANCEL: &str = "cancel";
pub(crate) const TERMINATE: &str = "terminate";

/// A finding, and what is needed to decide about it.
pub(crate) struct Situation<'a> {
    pub(crate) host: &'a Host,
    pub(crate) settings: &'a Settings,
    pub(crate) finding: &'a Observation,
    /// Steps at their stages, and advice.
    pub(crate) next: Staged<'a>,
    /// `session` of the key `session:main-db/…`.
    pub(crate) kind: &'a str,
    /// `main-db` of this key.
    pub(crate) target: &'a str,
}

/// The target of a key `KIND:TARGET` or `KIND:TARGET/REST`.
pub(crate) fn target_of(key: &str) -> &str {
    scope(key).split_once(':').map_or(key, |(_, target)| target)
}

pub(crate) fn plan(settings: &Settings, host: &Host, finding: &Observation) -> Result<Decision, Failure> {
    let kind = finding.key.split(':').next().unwrap_or_default();
    let target = target_of(&finding.key);
    let (settings, next) = (&settings.for_target(host, target)?, Staged::new(host, finding));
    let situation = Situation { host, settings, finding, next, kind, target };
    let of_server = || server::plan(&situation).or_else(|| postgresql::plan(&situation));
    let of_others = || mysql::plan(&situation).or_else(|| sqlite::plan(&situation));
    let decision = advice::plan(&situation).or_else(of_server).or_else(of_others);
    decision.unwrap_or_else(|| Ok(Decision::Wait(format!("{} is no longer watched", finding.key))))
}

impl Situation<'_> {
    /// The thing of the finding is not in a list, all of which was read or not.
    pub(crate) fn not_listed(&self, is_whole: bool) -> Decision {
        let name = &self.finding.about.name;
        Decision::Wait(match is_whole {
            true => format!("{name} no longer exists"),
            false => format!("{name} is not in the part of the list that was read this time"),
        })
    }
}
