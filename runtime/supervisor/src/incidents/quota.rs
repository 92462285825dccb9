//! Limits the open incidents of one policy: a policy chooses its keys, and must not fill the state with them. The more
//! severe findings have the places.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use ansai_core::{Incident, Observation, Severity};

/// Maximum size of the findings of all open incidents of an instance, in bytes of JSON.
const MOST_BYTES: usize = 4 << 20;

/// Who has a place after an evaluation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// The keys of new findings that get an incident.
    pub(super) opened: BTreeSet<String>,
    /// The ids of open incidents that make room for more severe ones.
    pub(super) displaced: BTreeSet<String>,
}

/// Which new findings get an incident beside the open ones, of which some are `healing`; at most `most` in total. A full
/// quota makes room for a more severe finding: the least severe incident ends. One with attempts does not, because it would
/// begin again without them.
pub(super) fn places(open: &[Incident], healing: &BTreeSet<String>, observations: &[Observation], most: u32) -> Places {
    let is_open = |key: &str| open.iter().any(|incident| incident.finding.key == key);
    let mut new: Vec<(&Observation, Severity)> =
        observations.iter().filter(|one| !is_open(&one.key)).filter_map(|one| Some((one, one.severity()?))).collect();
    // Most passes open no incident.
    if new.is_empty() {
        return Places::default();
    }
    new.sort_by_key(|(_, severity)| Reverse(*severity));
    // As severe as it is now, or was until now.
    let severity = |incident: &Incident| {
        let now = observations.iter().find(|one| one.key == incident.finding.key).and_then(Observation::severity);
        now.max(incident.finding.severity())
    };
    let may_end = |incident: &&Incident| incident.begun == 0 && !healing.contains(&incident.id);
    // The least severe last, and of those the newest.
    let mut weakest: Vec<(Option<Severity>, &Incident)> =
        open.iter().filter(may_end).map(|incident| (severity(incident), incident)).collect();
    weakest.sort_by_key(|(severity, incident)| (Reverse(*severity), incident.opened));
    let mut quota = Quota {
        incidents: open.len(),
        bytes: open.iter().map(|incident| size(&incident.finding)).sum(),
        most: most as usize,
    };
    let mut places = Places::default();
    for (finding, severity) in new {
        let size = size(finding);
        let mut room = quota;
        let weaker = weakest.iter().rev().take_while(|(weakest, _)| *weakest < Some(severity));
        let ends = weaker.take_while(|(_, incident)| {
            let is_needed = !room.has(size);
            if is_needed {
                room.free(self::size(&incident.finding));
            }
            is_needed
        });
        let ends: Vec<String> = ends.map(|(_, incident)| incident.id.clone()).collect();
        if room.has(size) {
            weakest.truncate(weakest.len().saturating_sub(ends.len()));
            room.take(size);
            quota = room;
            places.opened.insert(finding.key.clone());
            places.displaced.extend(ends);
        }
    }
    places
}

/// What is used.
#[derive(Debug, Clone, Copy)]
struct Quota {
    incidents: usize,
    bytes: usize,
    most: usize,
}

impl Quota {
    fn has(&self, size: usize) -> bool {
        self.incidents < self.most && self.bytes.saturating_add(size) <= MOST_BYTES
    }

    fn take(&mut self, size: usize) {
        self.incidents += 1;
        self.bytes = self.bytes.saturating_add(size);
    }

    fn free(&mut self, size: usize) {
        self.incidents = self.incidents.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(size);
    }
}

fn size(finding: &Observation) -> usize {
    serde_json::to_vec(finding).map_or(usize::MAX / 2, |bytes| bytes.len())
}

#[cfg(test)]
mod tests {
    use ansai_core::{InstanceName, Severity, Status, Subject, Timestamp};

    use super::*;

    static I: InstanceName = InstanceName::from_static("i");

    fn finding(summary: usize) -> Observation {
        Observation {
            key: "k".into(),
            about: Subject::new("k", "k"),
            status: Status::Unhealthy(Severity::Notice),
            summary: "x".repeat(summary),
            evidence: vec![],
            related: vec![],
            distance: None,
        }
    }

    fn keyed(key: usize, summary: usize) -> Observation {
        Observation { key: key.to_string(), ..finding(summary) }
    }

    /// The keys that get an incident.
    fn opened(open: &[Incident], sizes: &[usize], most: u32) -> Vec<usize> {
        let observations: Vec<Observation> = sizes.iter().enumerate().map(|(key, size)| keyed(key, *size)).collect();
        let places = places(open, &BTreeSet::new(), &observations, most);
        assert!(places.displaced.is_empty(), "all are as severe");
        places.opened.iter().filter_map(|key| key.parse().ok()).collect()
    }

    #[test]
    fn both_number_and_size_are_bounded() {
        assert_eq!(opened(&[], &[0; 3], 2), [0, 1]);
        let large = MOST_BYTES / 3;
        assert_eq!(opened(&[], &[large, large, large, 10], 100), [0, 1, 3]);
        let open: Vec<Incident> = Incident::open(&I, &finding(MOST_BYTES), Timestamp::EPOCH).into_iter().collect();
        assert!(opened(&open, &[0], 100).is_empty());
    }

    /// Only as many end as are needed, and none in vain.
    #[test]
    fn only_what_makes_room_ends() {
        let open: Vec<Incident> = [10, MOST_BYTES / 2]
            .iter()
            .zip(["one", "two"])
            .filter_map(|(size, key)| {
                let finding = Observation { key: key.into(), ..finding(*size) };
                Incident::open(&I, &finding, Timestamp::from_millis(*size as u64))
            })
            .collect();
        let worse = |size| [Observation { status: Status::Unhealthy(Severity::Emergency), ..finding(size) }];
        let almost_all = MOST_BYTES - size(&finding(0)) - 60;
        let displaced = |size, most| places(&open, &BTreeSet::new(), &worse(size), most).displaced.len();
        assert_eq!([displaced(10, 3), displaced(10, 2), displaced(almost_all, 3)], [0, 1, 2]);
        assert_eq!(displaced(MOST_BYTES + 1, 3), 0, "it has no place at all");
    }
}
