//! What goes when there is no room: the oldest item of whoever has most.

use std::collections::BTreeMap;

use ansai_audit::RecordingId;

/// Maximum size of what one incident keeps, in bytes on the disk.
pub(super) const MOST_OF_INCIDENT: u64 = 1 << 20;
/// Maximum size of what all incidents of an instance keep.
pub(super) const MOST_OF_INSTANCE: u64 = 16 << 20;
/// Maximum size of everything.
pub(super) const MOST_IN_ALL: u64 = 64 << 20;
/// Files take whole blocks.
const BLOCK: u64 = 4_096;

/// An item and its place.
pub(super) struct Item {
    id: RecordingId,
    instance: String,
    incident: String,
    bytes: u64,
}

impl Item {
    pub(super) fn new(id: RecordingId, instance: &str, incident: &str, bytes: u64) -> Item {
        let bytes = bytes.max(1).next_multiple_of(BLOCK);
        Item { id, instance: instance.to_owned(), incident: incident.to_owned(), bytes }
    }
}

/// What goes so that another item fits. `kept` is oldest first.
pub(super) fn victims(mut kept: Vec<Item>, new: &Item) -> Vec<RecordingId> {
    let mut victims = Vec::new();
    while let Some(place) = victim(&kept, new) {
        victims.push(kept.remove(place).id);
    }
    victims
}

/// What goes next; `None` if there is room, or nothing left.
fn victim(kept: &[Item], new: &Item) -> Option<usize> {
    let oldest = |is_wanted: &dyn Fn(&Item) -> bool| kept.iter().position(is_wanted);
    let sum = |is_wanted: &dyn Fn(&Item) -> bool| -> u64 {
        new.bytes + kept.iter().filter(|one| is_wanted(one)).map(|one| one.bytes).sum::<u64>()
    };
    let of_incident = |one: &Item| one.instance == new.instance && one.incident == new.incident;
    let of_instance = |one: &Item| one.instance == new.instance;
    if sum(&of_incident) > MOST_OF_INCIDENT {
        return oldest(&of_incident);
    }
    if sum(&of_instance) > MOST_OF_INSTANCE {
        return oldest(&of_instance);
    }
    if sum(&|_| true) <= MOST_IN_ALL {
        return None;
    }
    // The new item counts, so that an instance does not displace others to have the most afterwards.
    let mut used: BTreeMap<&str, u64> = BTreeMap::from([(new.instance.as_str(), new.bytes)]);
    for one in kept {
        *used.entry(&one.instance).or_default() += one.bytes;
    }
    let mut most: Vec<(u64, &str)> = used.into_iter().map(|(instance, bytes)| (bytes, instance)).collect();
    most.sort_unstable_by(|one, other| other.cmp(one));
    most.into_iter().find_map(|(_, instance)| oldest(&|one| one.instance == instance))
}
