//! Allows one plan at a time for each resource; plans for different resources run in parallel.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use ansai_core::Subject;
use tokio::sync::{Mutex as Lease, OwnedMutexGuard};

/// Leases by subject.
#[derive(Default)]
pub(crate) struct Leases(Mutex<HashMap<Subject, Arc<Lease<()>>>>);

impl Leases {
    /// Waits for all leases in a fixed order, so that two plans cannot wait for each other.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn subjects(names: &[&str]) -> BTreeSet<Subject> {
        names.iter().map(|name| Subject::new("filesystem", *name)).collect()
    }

    #[tokio::test]
    async fn one_plan_at_a_time_on_one_resource() {
        let leases = Leases::default();
        let held = leases.take(subjects(&["/", "/var"])).await;
        let mut waits = std::pin::pin!(leases.take(subjects(&["/home", "/var"])));
        let mut ready = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(waits.as_mut().poll(&mut ready).is_pending(), "the other plan has /var");
        assert_eq!(leases.take(subjects(&["/srv"])).await.len(), 1);
        drop(held);
        assert_eq!(waits.await.len(), 2);
    }
}
