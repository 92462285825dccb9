//! How new versions did on this host: a version that kept failing in its first evaluations is not run again, so a host never
//! goes back and forth between two versions.

use std::collections::BTreeMap;

use ansai_core::Timestamp;
use ansai_core::text::prose;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::store::INDEX;
use crate::{Digest, Result, Store};

const FILE: &str = "trials.json";
const MOST_BYTES: u64 = 4 << 20;
/// The oldest are forgotten.
const MOST_TRIALS: usize = 2_000;
/// The most characters of a reason.
const MOST_REASON: usize = 300;

/// How a version did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It answered often enough.
    Good,
    /// It kept failing in its first evaluations; why, for people.
    Faulty(String),
}

/// A version that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub verdict: Verdict,
}

/// A pinned version kept failing in its first evaluations here, so the last good one runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("version {version} kept failing on this host ({why}), so version {runs} runs")]
pub struct WentBack {
    /// The pinned version.
    pub version: String,
    /// How it failed.
    pub why: String,
    /// The version that runs.
    pub runs: String,
}

impl Store {
    /// The versions that were tried here, by the digest of their manifest.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn trials(&self) -> Result<BTreeMap<Digest, Trial>> {
        self.known(FILE, MOST_BYTES)
    }

    /// Records how a version did; `None` lets it be tried again.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub fn note_trial(&self, manifest: &Digest, at: Timestamp, verdict: Option<Verdict>) -> Result<()> {
        let _alone = self.lock(INDEX, FlockOperation::LockExclusive)?;
        let mut trials = self.trials()?;
        match verdict {
            None => drop(trials.remove(manifest)),
            Some(Verdict::Good) => drop(trials.insert(manifest.clone(), Trial { at, verdict: Verdict::Good })),
            Some(Verdict::Faulty(why)) => {
                let verdict = Verdict::Faulty(prose(&why, MOST_REASON));
                drop(trials.insert(manifest.clone(), Trial { at, verdict }));
            }
        }
        while trials.len() > MOST_TRIALS {
            let oldest = trials.iter().min_by_key(|(_, trial)| trial.at).map(|(digest, _)| digest.clone());
            oldest.and_then(|digest| trials.remove(&digest));
        }
        self.keep(FILE, &trials)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use ansai_storage::Directory;

    use super::*;
    use crate::RegistryError;

    fn store(place: &tempfile::TempDir) -> Store {
        Store::create(&Directory::open(place.path()).unwrap()).unwrap()
    }

    #[test]
    fn a_verdict_stays_until_it_is_taken_back() {
        let place = tempfile::tempdir().unwrap();
        let (good, bad) = (Digest::of(b"good"), Digest::of(b"bad"));
        let faulty = Verdict::Faulty("3 faults\u{1b}[2J".to_owned());
        store(&place).note_trial(&good, Timestamp::EPOCH, Some(Verdict::Good)).unwrap();
        store(&place).note_trial(&bad, Timestamp::EPOCH, Some(faulty)).unwrap();
        let trials = store(&place).trials().unwrap();
        assert_eq!(trials.get(&good).unwrap().verdict, Verdict::Good);
        assert!(matches!(&trials.get(&bad).unwrap().verdict, Verdict::Faulty(why) if !why.contains('\u{1b}')));
        store(&place).note_trial(&bad, Timestamp::EPOCH, None).unwrap();
        assert_eq!(store(&place).trials().unwrap().len(), 1);
    }

    #[test]
    fn a_damaged_file_is_an_error_and_no_verdict() {
        let place = tempfile::tempdir().unwrap();
        let store = store(&place);
        std::fs::write(place.path().join("registry").join(FILE), "{\"x\":1}").unwrap();
        assert!(matches!(store.trials(), Err(RegistryError::Invalid { .. })));
        assert!(store.note_trial(&Digest::of(b"a"), Timestamp::EPOCH, Some(Verdict::Good)).is_err());
    }

    #[test]
    fn the_oldest_verdicts_are_forgotten() {
        let place = tempfile::tempdir().unwrap();
        let store = store(&place);
        let many: BTreeMap<Digest, Trial> = (0..MOST_TRIALS)
            .map(|index| {
                let at = Timestamp::from_millis(u64::try_from(index).unwrap() + 1);
                (Digest::of(&index.to_le_bytes()), Trial { at, verdict: Verdict::Good })
            })
            .collect();
        let text = serde_json::to_string(&many).unwrap();
        std::fs::write(place.path().join("registry").join(FILE), text).unwrap();
        store.note_trial(&Digest::of(b"new"), Timestamp::from_millis(1_000_000), Some(Verdict::Good)).unwrap();
        let trials = store.trials().unwrap();
        assert_eq!(trials.len(), MOST_TRIALS);
        assert!(trials.contains_key(&Digest::of(b"new")) && !trials.contains_key(&Digest::of(&0_usize.to_le_bytes())));
    }
}
