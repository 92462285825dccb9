//! What was proposed in one plan, and what it adds up to.

use super::Situation;
use super::earlier::Earlier;
use crate::detect::said;
use crate::port::*;

pub(crate) struct Proposals<'a> {
    host: &'a dyn Host,
    earlier: Earlier,
    /// Bytes or inodes that must come back.
    pub(crate) need: u64,
    is_inodes: bool,
    later_counts: bool,
    now: u64,
    later: u64,
    /// Things that would be touched.
    pub(crate) items: u64,
    /// What could not be proposed, and why.
    pub(crate) notes: Vec<String>,
}

impl<'a> Proposals<'a> {
    pub(super) fn new(situation: &'a Situation<'_>, need: u64) -> Proposals<'a> {
        Proposals {
            host: situation.host,
            earlier: Earlier::recall(situation.host, &situation.key, &situation.attempts),
            need,
            is_inodes: situation.is_inodes,
            later_counts: !situation.is_urgent(),
            now: 0,
            later: 0,
            items: 0,
            notes: Vec::new(),
        }
    }

    /// What comes back, as far as it counts.
    pub(crate) fn back(&self) -> u64 {
        self.now.saturating_add(if self.later_counts { self.later } else { 0 })
    }

    /// What is still needed.
    pub(crate) fn remaining(&self) -> u64 {
        self.need.saturating_sub(self.back())
    }

    pub(crate) fn is_enough(&self) -> bool {
        self.remaining() == 0
    }

    /// Proposes a step, unless it is enough already or the same has failed before. `target` tells apart several steps
    /// of one action.
    pub(crate) fn propose(
        &mut self,
        action: &str,
        target: &str,
        call: impl FnOnce(&dyn Host, u64) -> Result<Preview, Refusal>,
    ) {
        if self.is_enough() {
            return;
        }
        if self.earlier.has_failed(action, target) {
            self.note(format!("{} {target} failed before", verb(action)));
            return;
        }
        match call(self.host, self.remaining()) {
            Ok(preview) => {
                self.earlier.propose(action, target);
                self.count(&preview);
            }
            Err(refusal) => {
                let note = format!("{} {target}: {}", verb(action), said(&refusal));
                self.host.log(&note);
                self.note(note);
            }
        }
    }

    /// So that the next plan knows which step was for what.
    pub(super) fn remember(&self, situation: &Situation<'_>) {
        self.earlier.remember(situation.host, &situation.key);
    }

    pub(crate) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn count(&mut self, preview: &Preview) {
        let (now, later) = match (self.is_inodes, preview.frees_later_bytes) {
            (false, later) => (preview.frees_now_bytes, later),
            // A file in quarantine keeps its inode.
            (true, 0) => (preview.items, 0),
            (true, _) => (0, preview.items),
        };
        self.now = self.now.saturating_add(now);
        self.later = self.later.saturating_add(later);
        self.items = self.items.saturating_add(preview.items);
    }
}

/// `remove` of `ansai:files/files-actions.remove`.
fn verb(action: &str) -> &str {
    action.rsplit('.').next().unwrap_or(action)
}
