//! What to do about a finding: one line for each kind.

use ansai_sdk::{Decision, Failure, ForTarget as _, Host, Observation, Staged};

use crate::postgresql::{age, indexes, tables};
use crate::report::scope;
use crate::server::{replicas, sessions};
use crate::settings::Settings;
use crate::sqlite::{damage, sizes};
use crate::{advice, mysql};

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
    let situation = &Situation { host, settings, finding, next, kind, target };
    match kind {
        "session" => sessions::plan(situation),
        "replica" => Ok(replicas::plan(situation)),
        "dead-rows" => tables::plan(situation),
        "index" => indexes::plan(situation),
        "wraparound" => age::plan(situation),
        "unused-room" => mysql::rebuild(situation),
        "history" => mysql::advise_history(situation),
        "damage" => Ok(damage::plan(situation)),
        "wal" => sizes::plan_wal(situation),
        "free-pages" => sizes::plan_free_pages(situation),
        _ => Ok(advice::plan(situation)),
    }
}

impl Situation<'_> {
    /// How long a step that maintains something may take.
    pub(crate) fn within(&self) -> u64 {
        self.settings.maintain_within.0
    }
}
