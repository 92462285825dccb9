//! Lists of revocations while ansai runs: a refreshed one stops what it revokes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ansai_core::codes;
use ansai_registry::{ListProblem, Lists};
use ansai_supervisor::clock;

use crate::configuration::Configuration;

/// The kept lists, and which of their problems are in the log already.
pub(super) struct Revocations {
    lists: Arc<Lists>,
    /// How many changes of the lists are known here. The authority of shadows asks the same lists.
    known: AtomicU64,
    told: Mutex<BTreeSet<ListProblem>>,
}

impl Revocations {
    pub(super) fn new(lists: Arc<Lists>) -> Revocations {
        Revocations { known: AtomicU64::new(lists.changes()), lists, told: Mutex::default() }
    }

    /// Reads them again, and answers whether one is another one now. A list that has expired is told once.
    pub(super) fn have_changed(&self, configuration: &Configuration) -> bool {
        self.lists.refresh();
        let changes = self.lists.changes();
        let have_changed = self.known.swap(changes, Ordering::Relaxed) != changes;
        let now = clock::now();
        let problems: BTreeSet<ListProblem> = configuration
            .vouching
            .lists()
            .filter_map(|source| match self.lists.get(source) {
                Ok(list) => list.overdue(source, now),
                Err(problem) => Some(problem),
            })
            .collect();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for problem in problems.difference(&told) {
            tracing::warn!(code = codes::REVOCATIONS_OVERDUE.word(), "{problem}; run `ansai pull`");
        }
        *told = problems;
        have_changed
    }
}
