//! New versions on trial: one that keeps failing in its first evaluations is taken back by the daemon itself.

use std::collections::BTreeMap;

use ansai_config::PolicySource;
use ansai_core::{Event, InstanceName, Timestamp};
use ansai_registry::{Digest, Lock, Locked, RegistryError, ShadowRecord, Store, Trial, Verdict, WentBack};

use super::shadow::current;
use crate::configuration::Configuration;

/// So many answers end a trial: the version is good.
const ANSWERS: u32 = 10;

/// The version of a source that runs here: the pinned one, one that took over from it, or the last good one with the reason.
pub(super) struct Chosen<'a> {
    pub(super) locked: &'a Locked,
    pub(super) went_back: Option<WentBack>,
}

/// A version that failed on this host does not run again, if there is an earlier one that did not.
pub(super) fn choose<'a>(
    lock: &'a Lock,
    source: &str,
    trials: &BTreeMap<Digest, Trial>,
    shadows: &BTreeMap<String, ShadowRecord>,
) -> Result<Chosen<'a>, RegistryError> {
    let (locked, earlier) = current(lock, source, shadows)?;
    let (Some(Trial { verdict: Verdict::Faulty(why), .. }), Some(earlier)) =
        (trials.get(&locked.digest), earlier.filter(|earlier| !is_faulty(&earlier.digest, trials)))
    else {
        return Ok(Chosen { locked, went_back: None });
    };
    let error = WentBack { version: locked.version.clone(), why: why.clone(), runs: earlier.version.clone() };
    Ok(Chosen { locked: earlier, went_back: Some(error) })
}

/// Whether a version failed on this host.
pub fn is_faulty(digest: &Digest, trials: &BTreeMap<Digest, Trial>) -> bool {
    trials.get(digest).is_some_and(|trial| matches!(trial.verdict, Verdict::Faulty(_)))
}

/// Whether a pinned version becomes the last good one if another is pinned now. One that never ran to the end of its trial
/// replaces none that is there.
pub fn is_good(lock: &Lock, store: &Store, pinned: &Locked, trials: &BTreeMap<Digest, Trial>) -> bool {
    match trials.get(&pinned.digest) {
        Some(trial) => trial.verdict == Verdict::Good,
        None => lock
            .earlier(&pinned.source)
            .is_none_or(|one| is_faulty(&one.digest, trials) || store.component(&one.digest).is_err()),
    }
}

/// The instances that run a version for the first time on this host, and could go back to an earlier one.
#[derive(Debug, Clone, Default)]
pub struct Trials(BTreeMap<InstanceName, OnTrial>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct OnTrial {
    digest: Digest,
    answers: u32,
}

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The instance.
    pub instance: InstanceName,
    /// The version: the digest of its manifest.
    pub digest: Digest,
    /// How it did.
    pub verdict: Verdict,
}

impl Trials {
    /// Those of a configuration, out of the instances that loaded.
    pub(crate) fn of(
        configuration: &Configuration,
        loaded: &[&InstanceName],
        (lock, store): (&Lock, &Store),
        trials: &BTreeMap<Digest, Trial>,
        shadows: &BTreeMap<String, ShadowRecord>,
    ) -> Trials {
        let on_trial = |name: &InstanceName| {
            let PolicySource::Registry(source) = configuration.config.source(name)? else { return None };
            let (locked, earlier) = current(lock, &source, shadows).ok()?;
            let earlier = earlier?;
            let can_go_back = !is_faulty(&earlier.digest, trials) && store.component(&earlier.digest).is_ok();
            let is_new = !trials.contains_key(&locked.digest);
            (is_new && can_go_back).then(|| (name.clone(), OnTrial { digest: locked.digest.clone(), answers: 0 }))
        };
        Trials(loaded.iter().filter_map(|name| on_trial(name)).collect())
    }

    /// Whether nothing is on trial.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes notice of an event. What it ends is told again until [`Trials::end`].
    pub fn hear(&mut self, event: &Event) -> Option<Ended> {
        let verdict = match event {
            Event::BackedOff { faults, kind, .. } => {
                Verdict::Faulty(format!("{faults} faults in a row, the last one was {kind}"))
            }
            Event::Quarantined(one) => {
                Verdict::Faulty(format!("{} faults in a row, the last one was {}", one.faults, one.kind))
            }
            Event::Observed { .. } => Verdict::Good,
            _ => return None,
        };
        let (instance, trial) = self.0.iter_mut().find(|(name, _)| event.instance() == Some(name.as_str()))?;
        if verdict == Verdict::Good {
            trial.answers = trial.answers.saturating_add(1);
            if trial.answers < ANSWERS {
                return None;
            }
        }
        Some(Ended { instance: instance.clone(), digest: trial.digest.clone(), verdict })
    }

    /// Nothing is heard about this one any more. A version that failed ends the trials of all instances that run it.
    pub fn end(&mut self, ended: &Ended) {
        match ended.verdict {
            Verdict::Faulty(_) => self.0.retain(|_, trial| trial.digest != ended.digest),
            Verdict::Good => drop(self.0.remove(&ended.instance)),
        }
    }

    /// Ends those whose version is known to have failed: it did so after they were loaded, and before anybody listened.
    pub fn settle(&mut self, known: &BTreeMap<Digest, Trial>) -> Vec<Ended> {
        let mut settled: Vec<Ended> = Vec::new();
        for (instance, trial) in &self.0 {
            if let Some(Trial { verdict: verdict @ Verdict::Faulty(_), .. }) = known.get(&trial.digest)
                && settled.iter().all(|one| one.digest != trial.digest)
            {
                let (instance, digest) = (instance.clone(), trial.digest.clone());
                settled.push(Ended { instance, digest, verdict: verdict.clone() });
            }
        }
        settled.iter().for_each(|ended| self.end(ended));
        settled
    }
}

impl Ended {
    /// Records it, so that it is known after a restart. A version that failed for one instance is not good for another.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn record(&self, store: &Store, at: Timestamp) -> Result<(), RegistryError> {
        if self.verdict == Verdict::Good && is_faulty(&self.digest, &store.trials()?) {
            return Ok(());
        }
        store.note_trial(&self.digest, at, Some(self.verdict.clone()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use ansai_core::{ErrorKind, Mode};

    use super::*;

    const ONE: InstanceName = InstanceName::from_static("one");
    const TWO: InstanceName = InstanceName::from_static("two");

    fn on_trial() -> Trials {
        let trial = OnTrial { digest: Digest::of(b"new"), answers: 0 };
        Trials(BTreeMap::from([(ONE, trial.clone()), (TWO, trial)]))
    }

    fn answered(instance: InstanceName) -> Event {
        Event::Observed { instance, mode: Mode::Observe, findings: Vec::new(), without_incident: 0 }
    }

    fn failed(instance: InstanceName) -> Event {
        Event::BackedOff { instance, faults: 3, kind: ErrorKind::Trap, until: Timestamp::EPOCH }
    }

    #[test]
    fn a_version_that_fails_in_its_first_evaluations_ends_all_its_trials() {
        let mut trials = on_trial();
        assert_eq!(trials.hear(&answered(ONE)), None);
        let ended = trials.hear(&failed(ONE)).unwrap();
        assert!(matches!(&ended.verdict, Verdict::Faulty(why) if why.starts_with("3 faults")));
        assert_eq!(trials.hear(&failed(ONE)), Some(ended.clone()), "it is not recorded yet");
        trials.end(&ended);
        assert!(trials.is_empty());
        assert_eq!(trials.hear(&failed(TWO)), None, "it is told once");
    }

    #[test]
    fn a_version_that_answered_often_enough_is_good_and_may_fail_later() {
        let mut trials = on_trial();
        for _ in 1..ANSWERS {
            assert_eq!(trials.hear(&answered(ONE)), None);
        }
        let ended = trials.hear(&answered(ONE)).unwrap();
        assert_eq!(ended.verdict, Verdict::Good);
        trials.end(&ended);
        assert_eq!(trials.hear(&failed(ONE)), None);
        assert_eq!(trials.hear(&failed(InstanceName::from_static("other"))), None);
        assert!(trials.hear(&failed(TWO)).is_some());
    }

    #[test]
    fn a_version_that_failed_before_anybody_listened_ends_once() {
        let trial = |verdict| Trial { at: Timestamp::EPOCH, verdict };
        let known = |verdict| BTreeMap::from([(Digest::of(b"new"), trial(verdict))]);
        let mut trials = on_trial();
        assert!(trials.settle(&known(Verdict::Good)).is_empty() && !trials.is_empty());
        let ended = trials.settle(&known(Verdict::Faulty("why".to_owned())));
        assert_eq!(ended.iter().map(|one| &one.instance).collect::<Vec<_>>(), [&ONE]);
        assert!(trials.is_empty() && trials.settle(&BTreeMap::new()).is_empty());
    }
}
