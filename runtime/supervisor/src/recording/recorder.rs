//! Records an evaluation: its recording, and a record in the audit log with the hash of the recording.

use std::sync::{Arc, Mutex};

use ansai_audit::{Class, RecordingId, Recordings};
use ansai_core::event::{EvaluationResult, Phase, RecordingRef};
use ansai_core::{Decision, Event, InstanceName, Share, Timestamp, Usage};
use ansai_engine::Recording;
use ansai_engine::recording::RecordedEnd;
use ansai_kit::evaluation_state::Trigger;

use super::journal::Journal;
use super::sampling::{Admitted, Sampling};
use crate::ids::Ids;
use crate::repeats::{Repeats, Thing, Told, without_numbers};
use crate::shares::Meters;

/// Records evaluations: all that have news or led to an act, and a sample of those that found everything healthy. What is
/// unhealthy as before is counted.
pub(crate) struct Recorder {
    journal: Arc<Journal>,
    pub(super) repeats: Arc<Repeats>,
    meters: Arc<Meters>,
    recordings: Mutex<Recordings>,
    sampling: Sampling,
    ids: Arc<Ids>,
}

/// A finished evaluation.
pub(crate) struct Ended {
    pub(crate) instance: InstanceName,
    pub(crate) component: String,
    pub(crate) at: Timestamp,
    pub(crate) phase: Phase,
    pub(crate) trigger: String,
    pub(crate) result: EvaluationResult,
    pub(crate) kind: Option<ansai_core::ErrorKind>,
    pub(crate) usage: Usage,
    pub(crate) late_ms: u64,
    /// Whether no incident was open, and it verifies nothing.
    pub(crate) is_calm: bool,
    /// The key of the finding that was planned.
    pub(crate) finding: Option<String>,
    /// What it says, if saying the same again is no news: it leads to no act and verifies none.
    pub(crate) says: Option<String>,
}

/// An evaluation that is recorded when it is known whether it leads to an act.
pub(crate) struct Unrecorded {
    pub(crate) ended: Ended,
    pub(crate) recording: Recording,
}

impl Ended {
    /// Whether it found everything healthy and no incident was open.
    fn is_quiet(&self) -> bool {
        self.is_calm && matches!(self.result, EvaluationResult::Observed { unhealthy: 0, unknown: 0, .. })
    }

    fn thing(&self) -> Thing<'_> {
        self.finding.as_deref().map_or(Thing::Detect, Thing::Plan)
    }

    fn event(self, recording: Option<RecordingRef>, unrecorded: u64) -> Event {
        Event::Evaluated {
            instance: self.instance.clone(),
            component: self.component,
            phase: self.phase,
            trigger: self.trigger,
            result: self.result,
            kind: self.kind,
            recording,
            usage: self.usage,
            late_ms: self.late_ms,
            unrecorded,
        }
    }
}

impl Recorder {
    pub(crate) fn new(
        journal: Arc<Journal>,
        repeats: Arc<Repeats>,
        meters: Arc<Meters>,
        recordings: Recordings,
        ids: Arc<Ids>,
        instances: usize,
    ) -> Recorder {
        Recorder {
            journal,
            repeats,
            meters,
            recordings: Mutex::new(recordings),
            sampling: Sampling::new(instances),
            ids,
        }
    }

    /// Records an evaluation of `plan`. `acts`: what it proposes is applied. `said`: what a person reads of it.
    pub(crate) fn record_plan(&self, unrecorded: Unrecorded, acts: bool, said: &str) {
        let Unrecorded { mut ended, recording } = unrecorded;
        ended.says = ended.says.filter(|_| !acts).map(|says| format!("{says}\n{said}"));
        self.record(ended, |_| recording);
    }

    /// Records an evaluation. A recording that cannot be stored is reported and does not stop healing.
    pub(crate) fn record(&self, ended: Ended, recording: impl FnOnce(&Ended) -> Recording) {
        let at = ended.at;
        let Some(Admitted { unrecorded, is_sample }) = self.admit(&ended) else {
            self.journal.publish(at, || ended.event(None, 0));
            return;
        };
        let reference = match self.store(&ended.instance, at, &recording(&ended), is_sample) {
            Ok(reference) => Some(reference),
            Err(error) => {
                let (name, instance) = (&ended.instance, ended.instance.as_str());
                let thing = Thing::Warning("recording");
                if let Told::News(_) = self.repeats.say(name, thing, &without_numbers(&error), None, at) {
                    tracing::warn!(instance, "the recording of an evaluation is not stored, ansai goes on: {error}");
                }
                None
            }
        };
        self.journal.note(at, ended.event(reference, unrecorded));
    }

    /// Decides whether an evaluation is recorded.
    fn admit(&self, ended: &Ended) -> Option<Admitted> {
        let (instance, at, thing) = (&ended.instance, ended.at, ended.thing());
        if ended.is_quiet() {
            self.repeats.forget(instance, thing, at);
            return self.sampling.admit(instance, at, Some(ended.result.clone()));
        }
        let counted = match &ended.says {
            Some(says) => match self.repeats.say(instance, thing, says, None, at) {
                Told::Unchanged(_) => return None,
                Told::News(counted) => counted,
            },
            None if ended.finding.is_some() => self.repeats.forget(instance, thing, at),
            None => 0,
        };
        let Admitted { unrecorded, is_sample } = self.sampling.admit(instance, at, None)?;
        Some(Admitted { unrecorded: unrecorded.saturating_add(counted.into()), is_sample })
    }

    /// Number of evaluations without a record since the last record of each instance.
    pub(crate) fn unrecorded(&self) -> u64 {
        self.sampling.unrecorded()
    }

    fn store(
        &self,
        instance: &InstanceName,
        at: Timestamp,
        recording: &Recording,
        is_sample: bool,
    ) -> Result<RecordingRef, String> {
        let id = self.ids.fresh(at);
        let id: RecordingId = format!("{id}-{instance}").parse().map_err(|e| format!("{e}"))?;
        let class = class_of(recording);
        let content = serde_json::to_vec(recording).map_err(|error| error.to_string())?;
        let mut recordings = self.recordings.lock().map_err(|_| "an earlier write panicked".to_owned())?;
        let put = match class {
            Class::Healthy if is_sample => recordings.put_sample(&id, instance.as_str(), &content),
            class => recordings.put(&id, instance.as_str(), class, &content),
        };
        let (stored, evicted) = match put {
            Ok(stored) => {
                self.meters.charge(instance.as_str(), Share::RecordingBytes, stored.stored_bytes as f64);
                (Ok(hex::encode(stored.sha256)), stored.evicted)
            }
            Err(error) => (Err(error.refusal.to_string()), error.evicted),
        };
        drop(recordings);
        if !evicted.is_empty() {
            let ids = evicted.iter().map(ToString::to_string).collect();
            self.journal.note(at, Event::RecordingsDropped { ids });
        }
        Ok(RecordingRef { id: id.to_string(), sha256: stored? })
    }
}

/// Evidence is what led to an act and what was found after it.
fn class_of(recording: &Recording) -> Class {
    let acts = |decision: &Decision| matches!(decision, Decision::Apply(_) | Decision::ApplyThenReplan(_));
    match &recording.end {
        RecordedEnd::Decided(decision) if acts(decision) => Class::Evidence,
        RecordedEnd::Observed(_) if recording.trigger == Trigger::Verification.name() => Class::Evidence,
        RecordedEnd::Observed(observations) if observations.iter().all(|one| one.status.is_closing()) => Class::Healthy,
        _ => Class::Notable,
    }
}
