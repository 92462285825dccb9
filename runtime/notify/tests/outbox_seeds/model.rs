//! What a receiver has seen, and what must hold of it.

use std::collections::{BTreeMap, BTreeSet};

use ansai_notify::message::{Kind, Message};

/// The receiver of one channel.
#[derive(Default)]
pub(crate) struct Receiver {
    /// Ids of messages that arrived whole.
    arrived: BTreeSet<String>,
    /// Those whose end the outbox has stored: they must never come again.
    settled: BTreeSet<String>,
    /// The message of each notice.
    told: BTreeMap<String, String>,
    /// Numbers of the events that were told of each incident, in the order of arrival.
    order: BTreeMap<String, Vec<u64>>,
}

impl Receiver {
    /// A message arrived whole.
    pub(crate) fn arrives(&mut self, message: &Message, seed: u64) {
        let id = &message.id;
        assert!(!self.settled.contains(id), "seed {seed}: {id} came again after it was acknowledged");
        let is_first = self.arrived.insert(id.clone());
        assert!(is_first || message.may_repeat, "seed {seed}: {id} came again without its mark");
        // A message of a channel that does not deliver repeats what that one has.
        if !is_first || message.notices.iter().any(|notice| notice.kind == Kind::Undelivered) {
            self.told.extend(message.notices.iter().map(|notice| (notice.id.clone(), id.clone())));
            return;
        }
        for notice in &message.notices {
            let before = self.told.insert(notice.id.clone(), id.clone());
            assert!(before.is_none() || message.reminder, "seed {seed}: {} is in {before:?} and {id}", notice.id);
            let Some(incident) = &notice.incident else { continue };
            // Of an event of the incident; those of a plan have the id of the plan.
            let number = notice.id.strip_prefix(&format!("{}-{}-", notice.kind.name(), incident.id));
            if let Some(number) = number.and_then(|number| number.parse().ok()) {
                self.order.entry(incident.id.clone()).or_default().push(number);
            }
        }
    }

    /// The end of its attempt is stored.
    pub(crate) fn is_settled(&mut self, id: &str) {
        self.settled.insert(id.to_owned());
    }

    /// Whether it was told of this.
    pub(crate) fn knows(&self, notice: &str) -> bool {
        self.told.contains_key(notice)
    }

    /// News of an incident came in their order.
    pub(crate) fn check_order(&self, seed: u64) {
        for (incident, numbers) in &self.order {
            assert!(numbers.is_sorted(), "seed {seed}: {incident}: {numbers:?}");
        }
    }
}
