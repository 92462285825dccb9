//! What steps did and could not be written: the disk is full, or refuses. Until it is written, only this run can undo them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most files, and bytes of each, that are kept. What is more is lost, and the detail of its step says so anyway.
const MOST_FILES: usize = 16;
const MOST_BYTES: usize = 16 << 20;

/// Texts by the names of their files.
#[derive(Debug, Clone, Default)]
pub(super) struct Unwritten(Arc<Mutex<BTreeMap<String, Arc<[u8]>>>>);

impl Unwritten {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<[u8]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keep(&self, file: String, text: Vec<u8>) {
        let mut known = self.lock();
        if known.len() < MOST_FILES && text.len() <= MOST_BYTES {
            known.insert(file, text.into());
        }
    }

    pub(super) fn get(&self, file: &str) -> Option<Arc<[u8]>> {
        self.lock().get(file).cloned()
    }

    pub(super) fn remove(&self, file: &str) {
        self.lock().remove(file);
    }
}
