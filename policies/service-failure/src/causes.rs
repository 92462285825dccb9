//! Which failed service is the cause of a service that was not started.

use ansai_sdk::{Host, Observation};

use crate::calls;
use crate::condition::Condition;
use crate::imports::ansai::service::service_probe::ServiceUnit;

/// Maximum number of failed services whose dependants are read.
const MOST_CAUSES: usize = 32;

/// Adds to each service that was not started the failed services that it requires. A cause that is not known is no
/// guess: then the service is a finding of its own.
pub(crate) fn add(host: &Host, units: &[(ServiceUnit, Condition)], observations: &mut [Observation]) {
    let all = |is: fn(Condition) -> bool| units.iter().filter(move |(_, it)| is(*it)).map(|(unit, _)| unit);
    let waiting: Vec<&ServiceUnit> = all(|it| it == Condition::Dependency).collect();
    if waiting.is_empty() {
        return;
    }
    for cause in all(|it| it.is_failure() && it != Condition::Dependency).take(MOST_CAUSES) {
        // As far as they can be read.
        for dependant in calls::dependants(host, &cause.id).map(|listed| listed.entries).unwrap_or_default() {
            let is_waiting = dependant.id != cause.id && waiting.iter().any(|unit| unit.id == dependant.id);
            let seen = observations.iter_mut().find(|one| one.about == dependant.about && one.severity().is_some());
            if let Some(seen) = seen.filter(|_| is_waiting) {
                *seen = seen.clone().caused_by(cause.about.clone());
            }
        }
    }
}
