//! What brings a finding down: the steps that are least regretted first, and no more of them than are needed.

mod earlier;
mod explain;
mod inodes;
mod ladder;
mod proposals;
mod selection;

use std::cell::RefCell;

use crate::detect::{INODES, in_hours, said};
use crate::fullness::Fullness;
use crate::port::*;
use crate::scopes::Scopes;
use crate::settings::Settings;
use crate::words;
use proposals::Proposals;

/// Quarantined files that come back within so long need no other step.
const SOON: u64 = 24 * 3_600_000;

/// What all steps need to know.
struct Situation<'a> {
    host: &'a dyn Host,
    settings: Settings,
    scopes: Scopes,
    filesystems: Vec<Filesystem>,
    attempts: Vec<Attempt>,
    /// Of the finding.
    key: String,
    mount: String,
    severity: Severity,
    level: Fullness,
    is_inodes: bool,
    /// A root that was not seen to its end.
    unfinished: RefCell<Option<String>>,
}

pub(crate) fn plan(host: &dyn Host, finding: &Observation) -> Result<Decision, Failure> {
    let Status::Unhealthy(severity) = finding.status else {
        return Ok(Decision::Wait("it is not known to be unhealthy".into()));
    };
    let situation = Situation::look(host, finding, severity)?;
    if severity == Severity::Notice {
        return Ok(Decision::Recommend(vec![situation.advice(finding)]));
    }
    let need = situation.level.above(situation.settings.goal());
    if need == 0 {
        return Ok(Decision::Wait(format!(
            "{} is below {} by now",
            situation.mount,
            words::percent(situation.settings.goal())
        )));
    }
    let coming = situation.coming_back();
    if !situation.is_inodes && coming.bytes >= need {
        return Ok(Decision::Wait(format!(
            "{} come back from quarantine within {}",
            words::bytes(coming.bytes),
            in_hours(coming.within)
        )));
    }
    let mut proposals = Proposals::new(&situation, need.saturating_sub(coming.bytes));
    if situation.is_inodes {
        inodes::propose(&situation, &mut proposals);
    } else {
        ladder::propose(&situation, &mut proposals);
    }
    if proposals.items == 0
        && let Some(root) = situation.unfinished.take()
    {
        return Ok(Decision::Wait(format!("{root} is too large for one look: the next plan looks on")));
    }
    // What brings back next to nothing after an attempt that was not enough would go on for ever.
    let hardly = !situation.attempts.is_empty() && proposals.back().saturating_mul(10) < proposals.need;
    if proposals.items == 0 || hardly {
        return Ok(Decision::GiveUp(explain::explain(&situation, &proposals)));
    }
    proposals.remember(&situation);
    Ok(Decision::Apply(OnFailure::Stop))
}

/// Bytes that come back by themselves soon.
#[derive(Default)]
struct Coming {
    bytes: u64,
    within: u64,
}

impl<'a> Situation<'a> {
    fn look(host: &'a dyn Host, finding: &Observation, severity: Severity) -> Result<Situation<'a>, Failure> {
        let settings = Settings::parse(&host.settings())?;
        let filesystems = host
            .filesystems()
            .map_err(|refusal| Failure::CouldNotTell(format!("file systems cannot be listed: {}", said(&refusal))))?
            .entries;
        let mount = finding.about.name.clone();
        let is_inodes = finding.key.starts_with(INODES);
        let level = filesystems
            .iter()
            .find(|one| one.mount == mount)
            .and_then(|one| if is_inodes { Fullness::inodes(one) } else { Fullness::bytes(one) })
            .ok_or_else(|| Failure::CouldNotTell(format!("{mount} is not among the file systems any more")))?;
        Ok(Situation {
            host,
            settings,
            scopes: Scopes::parse(&host.scopes()),
            filesystems,
            attempts: host.attempts(),
            key: finding.key.clone(),
            mount,
            severity,
            level,
            is_inodes,
            unfinished: RefCell::default(),
        })
    }

    /// Worse than a warning, only what comes back at once is of use.
    fn is_urgent(&self) -> bool {
        self.severity > Severity::Warning
    }

    fn held(&self) -> Vec<Held> {
        if !self.scopes.has(FILES_PROBE) {
            return Vec::new();
        }
        let mut held = self.host.held().unwrap_or_default();
        held.retain(|held| held.mount == self.mount);
        held
    }

    fn coming_back(&self) -> Coming {
        if self.is_urgent() || self.is_inodes {
            return Coming::default();
        }
        let now = self.host.now();
        self.held().iter().filter(|held| held.newest_until <= now.saturating_add(SOON)).fold(
            Coming::default(),
            |sum, held| Coming {
                bytes: sum.bytes.saturating_add(held.bytes),
                within: sum.within.max(held.newest_until.saturating_sub(now)),
            },
        )
    }

    /// Completes a reason: how full it is.
    fn how_full(&self) -> String {
        let what = if self.is_inodes { "of its inodes in use" } else { "full" };
        let has = if self.is_inodes { "has" } else { "is" };
        format!("{} {has} {} {what}", self.mount, words::percent(self.level.percent()))
    }

    fn advice(&self, finding: &Observation) -> Recommendation {
        let largest = explain::largest(self);
        Recommendation {
            summary: finding.summary.clone(),
            detail: if largest.is_empty() {
                "nothing is removed at this level: make room, or a larger file system".into()
            } else {
                format!("nothing is removed at this level: make room, or a larger file system; {largest}")
            },
            measures: finding.evidence.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
