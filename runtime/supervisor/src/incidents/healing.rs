//! The incidents that are being healed. Healing may take hours, and the passes go on meanwhile. Such an incident belongs
//! to the task that heals it: passes neither plan it again nor change it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The ids of these incidents. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct HealingIncidents(Arc<Mutex<BTreeMap<String, u32>>>);

impl HealingIncidents {
    /// From now on, until the returned value is dropped, the incident is being healed: also by whoever began earlier.
    pub(crate) fn begin(&self, incident: &str) -> Healing {
        *self.lock().entry(incident.to_owned()).or_default() += 1;
        Healing { all: self.clone(), incident: incident.to_owned() }
    }

    /// All of them. Read this before the incidents themselves: who heals an incident stores it first and then leaves this
    /// list, so an incident that is not on the list is up to date.
    pub(crate) fn ids(&self) -> BTreeSet<String> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An incident that is being healed, until this is dropped.
#[must_use]
pub(crate) struct Healing {
    all: HealingIncidents,
    incident: String,
}

impl Drop for Healing {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        if let Some(count) = all.get_mut(&self.incident) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.incident);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_is_healed_until_the_last_one_ends() {
        let all = HealingIncidents::default();
        let (first, second, other) = (all.begin("a"), all.begin("a"), all.begin("b"));
        drop(first);
        assert_eq!(all.ids(), ["a", "b"].map(str::to_owned).into());
        drop((second, other));
        assert_eq!(all.ids(), BTreeSet::new());
    }
}
