//! Helpers of the unit tests.

use ansai_sdk::testing::{StandIn, default_settings};
use ansai_sdk::{FromSettings as _, Subject};
use serde_json::Value;

use crate::imports::ansai::service::service_probe::{ActiveState, Ended, LoadState, ServiceUnit, UnitPage};
use crate::settings::Settings;

const MINUTE: u64 = 60_000;

/// The defaults of the schema, with some replaced.
pub(crate) fn settings(change: impl FnOnce(&mut Value)) -> Settings {
    let mut settings = default_settings(include_str!("../settings.schema.json"));
    change(&mut settings);
    Settings::from_settings(&settings.to_string()).unwrap()
}

/// A service that has run for an hour.
pub(crate) fn unit(id: &str) -> ServiceUnit {
    ServiceUnit {
        about: Subject::new("unit", id),
        id: id.into(),
        invocation: "0123456789abcdef0123456789abcdef".into(),
        last_job: Some("done".into()),
        load: LoadState::Loaded,
        active: ActiveState::Active,
        sub_state: "running".into(),
        ended: Ended::Success,
        exit_code: None,
        exit_signal: None,
        enabled: true,
        one_shot: false,
        restarts_itself: false,
        never_touch: false,
        can_reload: false,
        since: Some(StandIn::NOW - 60 * MINUTE),
        restarts: 0,
        start_burst: 5,
        start_interval: 10_000,
        restart_delay: 100,
        main_pid: Some(812),
    }
}

/// A service that failed an hour ago.
pub(crate) fn failed(id: &str, ended: Ended) -> ServiceUnit {
    let active = ActiveState::Failed;
    ServiceUnit { active, ended, sub_state: "failed".into(), exit_code: Some(1), main_pid: None, ..unit(id) }
}

/// A host with these services, which can be looked at as well.
pub(crate) fn listing(units: Vec<ServiceUnit>) -> StandIn {
    let look = |host: StandIn, unit: &ServiceUnit| {
        host.answers_with("ansai:service/service-probe.look", &format!("{:?}", unit.id), unit.clone())
    };
    let host = units.iter().fold(StandIn::default(), look);
    let page = UnitPage { entries: units, skipped: 0, complete: true, cursor: None };
    host.answers("ansai:service/service-probe.list-units", page)
}
