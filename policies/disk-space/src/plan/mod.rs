//! Proposes steps that free space: the mildest first, and no more than needed.

mod containers;
mod explain;
mod ladder;
mod selection;
#[cfg(test)]
mod tests;

use std::cell::{OnceCell, RefCell};

use ansai_sdk::{
    Decision, Failure, Host, Ladder, Observation, Preview, Refusal, Reversibility, Severity, Size, Span, Usage, paths,
    share,
};

use crate::calls::{self, FILES_ACTIONS, FILES_PROBE};
use crate::detect::{INODES, blocks_of, inodes_of, listed, mounts};
use crate::imports::ansai::container::container_probe::Engine;
use crate::imports::ansai::disk::disk_probe::Filesystem;
use crate::imports::ansai::files::files_probe::{FileQuery, Held, Quarantines};
use crate::settings::Settings;

/// If the quarantine frees enough within this time, no other step is needed.
const SOON: Span = Span::from_hours(24);

/// What all steps use.
struct Situation<'a> {
    host: &'a Host,
    settings: &'a Settings,
    filesystems: Vec<Filesystem>,
    mount: &'a str,
    usage: Usage,
    is_inodes: bool,
    /// Worse than a warning: only space that is freed immediately counts.
    is_urgent: bool,
    /// Complete scans, and the number of files that each found.
    scanned: RefCell<Vec<(FileQuery, u64)>>,
    /// A root whose scan did not reach its end.
    unfinished: RefCell<Option<String>>,
    /// The container engines whose store is on this file system, with their targets.
    engines: OnceCell<Vec<(String, Engine)>>,
}

pub(crate) fn plan(settings: &Settings, host: &Host, finding: &Observation) -> Result<Decision, Failure> {
    let situation = Situation::of(settings, host, finding)?;
    if finding.severity() <= Some(Severity::Notice) {
        return Ok(situation.advice(finding));
    }
    let need = situation.usage.excess_over(settings.goal());
    if need == 0 {
        let goal = share::percent_words(settings.goal());
        return Ok(Decision::Wait(format!("{} is now below {goal}", situation.mount)));
    }
    let (coming, within) = situation.coming();
    if coming >= need {
        return Ok(Decision::Wait(format!("quarantine frees {} within {within}", Size(coming))));
    }
    let mut ladder = Ladder::new(host, need - coming, |preview| situation.counts(preview));
    ladder::propose(&situation, &mut ladder);
    if let (0, Some(root)) = (ladder.items(), situation.unfinished.take()) {
        return Ok(Decision::Wait(format!("{root} is too large for one scan: the next plan continues it")));
    }
    Ok(ladder.decide(|ladder| explain::explain(&situation, ladder)))
}

impl<'a> Situation<'a> {
    fn of(settings: &'a Settings, host: &'a Host, finding: &'a Observation) -> Result<Situation<'a>, Failure> {
        let filesystems = listed(host)?.entries;
        let mount = finding.about.name.as_str();
        let is_inodes = finding.key.starts_with(INODES);
        let usage = filesystems
            .iter()
            .find(|one| one.mount == mount)
            .and_then(if is_inodes { inodes_of } else { blocks_of })
            .ok_or_else(|| Failure::CouldNotTell(format!("{mount} is no longer mounted")))?;
        let is_urgent = finding.severity() > Some(Severity::Warning);
        let (scanned, unfinished, engines) = (RefCell::default(), RefCell::default(), OnceCell::new());
        Ok(Situation { host, settings, filesystems, mount, usage, is_inodes, is_urgent, scanned, unfinished, engines })
    }

    /// How much of the need a preview satisfies.
    fn counts(&self, preview: &Preview) -> u64 {
        let (now, later) = match (self.is_inodes, preview.frees_later_bytes) {
            (false, later) => (preview.frees_now_bytes, later),
            // A file in quarantine keeps its inode. Empty ones free no bytes, but can be restored.
            (true, 0) if preview.frees_now_bytes > 0 || preview.reversible == Reversibility::None => (preview.items, 0),
            (true, _) => (0, preview.items),
        };
        if self.is_urgent { now } else { now.saturating_add(later) }
    }

    /// Quarantined files on this file system, as far as they are known.
    fn held(&self) -> Quarantines {
        let known = if self.host.grants().has(FILES_PROBE) { calls::held(self.host).ok() } else { None };
        let mut held = known.unwrap_or(Quarantines { entries: Vec::new(), complete: false, skipped: 0 });
        held.entries.retain(|held| held.mount == self.mount);
        held
    }

    /// Bytes that the quarantine will free soon without a step, and the remaining time.
    fn coming(&self) -> (u64, Span) {
        if self.is_urgent || self.is_inodes {
            return (0, SOON);
        }
        let now = self.host.now();
        let left = |held: &Held| held.last_expires.saturating_sub(now);
        let soon = self.held().entries.into_iter().filter(|held| left(held) <= SOON.0);
        let (bytes, within) =
            soon.fold((0_u64, 0), |(bytes, within), held| (bytes.saturating_add(held.bytes), left(&held).max(within)));
        (bytes, Span(within).in_whole_hours())
    }

    /// The setting, or the `min_age_hours` that is granted for a directory if that is more.
    fn age(&self, root: &str, setting: Span) -> u32 {
        setting.hours_granted(self.host.grants().least_within(FILES_ACTIONS, root, "min_age_hours"))
    }

    /// The parts of these directories that are granted and on this file system.
    fn roots(&self, dirs: &[String], ladder: &mut Ladder<'_>) -> Vec<String> {
        if !ladder.is_granted(FILES_ACTIONS) {
            return Vec::new();
        }
        let granted = self.host.grants().texts(FILES_ACTIONS, "roots");
        let here = paths::granted(dirs, &granted).into_iter().flat_map(|part| self.here(part, ladder));
        let (protected, roots): (Vec<String>, Vec<String>) = here.partition(|root| paths::is_protected(root));
        protected.iter().for_each(|root| ladder.note(format!("{root} is never touched")));
        roots
    }

    /// The directories with temporary files that are granted and on this file system. Directories with logs are none of
    /// them: logs are kept longer.
    fn temp_roots(&self, ladder: &mut Ladder<'_>) -> Vec<String> {
        let mut roots = self.roots(&self.settings.temp_dirs, ladder);
        roots.retain(|root| !self.settings.log_dirs.iter().any(|log| paths::is_within(root, log)));
        roots
    }

    /// The parts of a directory that are on this file system, by the directory itself: one file system can have several
    /// mount points. By their paths if the host cannot tell.
    fn here(&self, directory: &str, ladder: &mut Ladder<'_>) -> Vec<String> {
        if self.host.grants().has(FILES_PROBE) {
            match calls::locate(self.host, directory) {
                Ok(found) => {
                    let here = found.entries.into_iter().filter(|one| one.about.name == self.mount);
                    return here.map(|one| one.path).collect();
                }
                // Behind a symbolic link, so it may be anywhere.
                Err(refusal @ Refusal::Invalid(_)) => {
                    ladder.note(refusal.words());
                    return Vec::new();
                }
                Err(_) => {}
            }
        }
        let part = if paths::is_within(self.mount, directory) { self.mount } else { directory };
        let is_here = paths::is_on(part, self.mount, &mounts(&self.filesystems));
        is_here.then(|| part.to_owned()).into_iter().collect()
    }

    fn how_full(&self) -> String {
        let used = self.usage.words();
        if self.is_inodes {
            format!("{} uses {used} of its inodes", self.mount)
        } else {
            format!("{} is {used} full", self.mount)
        }
    }

    fn advice(&self, finding: &Observation) -> Decision {
        let mut detail = vec!["a notice removes nothing: free some space, or enlarge the file system".to_owned()];
        detail.extend(explain::largest_directories(self));
        Decision::advise_on(finding, &finding.summary, detail.join("; "))
    }
}
