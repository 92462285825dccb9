//! How much is in quarantine. Counting reads directories, which may be many and may hang: it happens beside the page, which
//! shows what was counted last.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ansai_core::Millis;
use ansai_core::control::Quarantined;

use crate::clock;
use crate::supervisor::Supervisor;

/// A page waits so long for a new count. Few quarantines are counted within it.
const PATIENCE: Duration = Duration::from_millis(30);
/// A count is shown for so long before the next one.
const FRESH: Millis = Millis::new(10_000);

/// The last count.
#[derive(Default)]
pub(crate) struct QuarantineSize {
    last: Arc<Mutex<Option<Quarantined>>>,
    is_counting: Arc<AtomicBool>,
}

/// Another count may begin when this one has ended, also by a panic.
struct Counting(Arc<AtomicBool>);

impl Drop for Counting {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl QuarantineSize {
    fn last(&self) -> Option<Quarantined> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last count. Begins another one if it is old and none is going on, and waits a moment for it.
    fn read(&self, count: impl FnOnce() -> Quarantined + Send + 'static) -> Option<Quarantined> {
        // Also after the clock was set back, what is long ago is not fresh.
        let is_fresh = |last: Quarantined| clock::now().as_millis().abs_diff(last.at.as_millis()) < FRESH.get();
        if self.last().is_some_and(is_fresh) || self.is_counting.swap(true, Ordering::AcqRel) {
            return self.last();
        }
        let (last, counting) = (self.last.clone(), Counting(self.is_counting.clone()));
        let (send, counted) = sync_channel::<()>(1);
        let begun = std::thread::Builder::new().name("ansai-quarantine".into()).spawn(move || {
            let found = count();
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
            drop((counting, send));
        });
        if begun.is_ok() {
            // It ends with an error in any case: nothing is ever sent.
            let _ = counted.recv_timeout(PATIENCE);
        }
        self.last()
    }
}

impl Supervisor {
    /// What is in quarantine below the directories that instances may remove files from; `None` if there are none, or if
    /// they were never counted to the end.
    pub(super) fn quarantine(&self) -> Option<Quarantined> {
        let host = self.0.executor.host.clone();
        let (interface, field) = (&host.quarantine_expiry().interface.name, host.quarantine_roots());
        let mut roots = BTreeSet::new();
        for instance in &self.0.expiry.instances {
            let Ok(grants) = self.0.passes.authority.grants_of_a_pass(instance) else { continue };
            if let Some(granted) = grants.scopes.get(interface) {
                roots.extend(granted.together().roots(field).iter().cloned());
            }
        }
        if roots.is_empty() {
            return None;
        }
        let roots: Vec<String> = roots.into_iter().collect();
        self.0.quarantine.read(move || host.quarantined(&roots, clock::now()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn count(files: u64) -> Quarantined {
        Quarantined { at: clock::now(), files, bytes: 1, first_expires: None, complete: true }
    }

    #[test]
    fn a_directory_that_hangs_holds_no_page_up() {
        let (size, (hold, held)) = (QuarantineSize::default(), channel::<()>());
        let hanging = move || {
            let _ = held.recv();
            count(1)
        };
        assert_eq!(size.read(hanging), None);
        // One count at a time.
        assert_eq!(size.read(|| count(2)), None);
        drop(hold);
        while size.is_counting.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        assert_eq!(size.read(|| count(3)).map(|found| found.files), Some(1), "still fresh");
    }

    /// Would break: after the clock was set back, the same count for hours.
    #[test]
    fn a_count_of_the_future_is_not_fresh() {
        let size = QuarantineSize::default();
        size.read(|| Quarantined { at: clock::now() + Millis::from_hours(1), ..count(1) });
        while size.is_counting.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        size.read(|| count(2));
        while size.is_counting.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        assert_eq!(size.last().map(|found| found.files), Some(2));
    }

    #[test]
    fn a_count_that_panics_is_not_the_last_one() {
        let size = QuarantineSize::default();
        assert_eq!(size.read(|| panic!("for the test")), None);
        while size.is_counting.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        let mut found = None;
        while found.is_none() {
            found = size.read(|| count(3));
        }
        assert_eq!(found.map(|found| found.files), Some(3));
    }
}
