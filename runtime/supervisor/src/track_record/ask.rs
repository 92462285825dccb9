//! What people ask about the track record, and what they say.

use ansai_core::control::NewFeedback;
use ansai_core::order::Person;
use ansai_core::promotion::{ActionRecord, Feedback, FeedbackCounts, MOST_NOTE, Promotion};
use ansai_core::text::{inert, prose};
use ansai_core::{Event, InstanceName, Timestamp};

use super::FeedbackError;
use crate::clock;
use crate::recording::JournalError;
use crate::state::StateError;
use crate::supervisor::Supervisor;

/// Incidents whose ids are compared with one that is unknown.
const MOST_COMPARED: usize = 2_000;
/// Ids that are shown instead.
const MOST_NEAR: usize = 3;

impl Supervisor {
    /// What each action achieved until now, by instance and action. Waits for the disk.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn action_records(&self) -> Result<Vec<ActionRecord>, StateError> {
        self.0.track_record.settle();
        self.0.state.action_records(clock::now())
    }

    /// How many incidents people judged since an instant, of one instance or of all.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn feedback_counts(
        &self,
        instance: Option<&InstanceName>,
        since: Timestamp,
    ) -> Result<FeedbackCounts, StateError> {
        self.0.state.feedback_counts(instance, since)
    }

    /// What a person said about an incident last.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn feedback(&self, incident: &str) -> Result<Option<Feedback>, StateError> {
        self.0.state.feedback(incident)
    }

    /// Stores what a person says about an incident that is open or was, recorded first.
    ///
    /// # Errors
    /// See [`FeedbackError`].
    pub fn judge(&self, new: &NewFeedback, by: &Person) -> Result<Feedback, FeedbackError> {
        let NewFeedback { incident, judgement, note } = new;
        if note.as_ref().is_some_and(|note| note.len() > MOST_NOTE) {
            return Err(FeedbackError::Note);
        }
        // As one safe line: logs and terminals show it.
        let note = note.as_deref().map(str::trim).filter(|note| !note.is_empty()).map(|note| prose(note, MOST_NOTE));
        self.0.track_record.settle();
        let state = &self.0.state;
        let Some(known) = state.known_incident(incident)? else {
            let near = near(incident, state.latest_incidents(MOST_COMPARED)?);
            return Err(FeedbackError::Unknown { incident: inert(incident, 200), near });
        };
        let feedback = Feedback {
            incident: known.incident,
            instance: known.instance,
            key: known.key,
            judgement: *judgement,
            note,
            by: by.clone(),
            judged: clock::now(),
        };
        self.0.journal.durable(feedback.judged, Event::Feedback(feedback.clone()))?;
        state.put_feedback(&feedback)?;
        Ok(feedback)
    }

    /// Records durably that a person is about to write another level of an action to the configuration.
    ///
    /// # Errors
    /// It cannot be recorded.
    pub fn promoting(&self, promotion: &Promotion, by: &Person) -> Result<(), JournalError> {
        let promotion = Promotion {
            action: inert(&promotion.action, 200),
            configuration_sha256: inert(&promotion.configuration_sha256, 64),
            ..promotion.clone()
        };
        self.0.journal.durable(clock::now(), Event::Promoted { promotion, by: by.clone() })
    }
}

/// The ids that contain what was asked for, or are nearest to it. `ids` has the newest first.
fn near(asked: &str, ids: Vec<String>) -> Vec<String> {
    let asked = asked.trim();
    if !asked.is_empty() {
        let containing: Vec<String> =
            ids.iter().filter(|id| id.contains(asked)).take(MOST_NEAR).map(|id| inert(id, 200)).collect();
        if !containing.is_empty() {
            return containing;
        }
    }
    // The time at the end is long: without it, an id of another incident would be near.
    let name = |id: &str| id.rsplit_once('/').map_or(id, |(name, _)| name).to_owned();
    let names: Vec<String> = ids.iter().map(|id| name(id)).collect();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let Some(nearest) = ansai_config::nearest_word(&name(asked), known.iter().copied()) else { return Vec::new() };
    ids.iter().filter(|id| name(id) == nearest).take(MOST_NEAR).map(|id| inert(id, 200)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_like_an_id_is_shown() {
        let ids = || ["disk//var/30", "disk//tmp/20", "disk//var/10", "web/x/5"].map(str::to_owned).to_vec();
        assert_eq!(near("disk//var", ids()), ["disk//var/30", "disk//var/10"]);
        assert_eq!(near("dsik//tmp/20", ids()), ["disk//tmp/20"]);
        assert!(near("something else", ids()).is_empty());
        assert!(near("", Vec::new()).is_empty());
    }
}
