//! One plan at a time on one resource; plans on different resources go on side by side.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use ansai_core::Subject;
use tokio::sync::{Mutex as Lease, OwnedMutexGuard};

/// Leases by subject.
#[derive(Default)]
pub(crate) struct Leases(Mutex<HashMap<Subject, Arc<Lease<()>>>>);

impl Leases {
    /// Waits for all of these; in one order, so that two plans cannot wait for each other.
    pub(crate) async fn take(&self, subjects: BTreeSet<Subject>) -> Vec<OwnedMutexGuard<()>> {
        let mut held = Vec::with_capacity(subjects.len());
        for subject in subjects {
            let lease = match self.0.lock() {
                Ok(mut leases) => leases.entry(subject).or_default().clone(),
                Err(broken) => broken.into_inner().entry(subject).or_default().clone(),
            };
            held.push(lease.lock_owned().await);
        }
        held
    }
}
