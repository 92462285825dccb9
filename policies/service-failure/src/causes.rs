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
    let is_waiting =
        |id: &str| units.iter().any(|(unit, condition)| unit.id == id && *condition == Condition::Dependency);
    if !units.iter().any(|(_, condition)| *condition == Condition::Dependency) {
        return;
    }
    let failed =
        |(_, condition): &&(ServiceUnit, Condition)| condition.is_failure() && *condition != Condition::Dependency;
    for (cause, _) in units.iter().filter(failed).take(MOST_CAUSES) {
        for dependant in calls::dependants(host, &cause.id) {
            let seen = observations.iter_mut().find(|one| one.about == dependant.about && one.severity().is_some());
            if let Some(seen) = seen.filter(|_| dependant.id != cause.id && is_waiting(&dependant.id)) {
                *seen = seen.clone().caused_by(cause.about.clone());
            }
        }
    }
}
