//! The probes and actions, with their names in grants and attempts.

use ansai_sdk::Preview;

use crate::imports::ansai::http::http_actions;
use crate::imports::ansai::http::http_probe::{self, Answer, Request};
use crate::imports::ansai::service::service_actions;
use crate::imports::ansai::service::service_probe::{self, Dependant, ServiceUnit};

pub(crate) const SERVICE_ACTIONS: &str = "ansai:service/service-actions";

pub(crate) const START: &str = "ansai:service/service-actions.start";
pub(crate) const RESTART: &str = "ansai:service/service-actions.restart";
pub(crate) const CAPTURE: &str = "ansai:service/service-actions.capture";
pub(crate) const CHECK_ACTIVE: &str = "ansai:service/service-actions.check-active";

pub(crate) const HTTP_ACTIONS: &str = "ansai:http/http-actions";
pub(crate) const CHECK: &str = "ansai:http/http-actions.check";

ansai_sdk::host_calls! {
    "ansai:service/service-probe.look" => fn look(name: &str) -> ServiceUnit = service_probe::look;
    START => fn start(unit: &str, reason: &str) -> Preview = service_actions::start;
    RESTART => fn restart(unit: &str, invocation: &str, reason: &str) -> Preview = service_actions::restart;
    CAPTURE => fn capture(unit: &str, lines: u32, reason: &str) -> Preview = service_actions::capture;
    CHECK_ACTIVE => fn check_active(unit: &str, within: u64, reason: &str) -> Preview = service_actions::check_active;
    "ansai:http/http-probe.look" => fn look_at_targets(requests: &[Request]) -> Vec<Answer> = http_probe::look;
    CHECK => fn check(
        request: &Request, least_status: u16, most_status: u16, within: u64, holds: u64, reason: &str
    ) -> Preview = http_actions::check;
}

// Pages of 128 units each.
ansai_sdk::lists! { 40 pages;
    /// The services that systemd has in memory.
    "ansai:service/service-probe.list-units" => fn units(globs: &[String]) -> ServiceUnit = service_probe::list_units;
    /// The units that need a service, nearest first.
    "ansai:service/service-probe.list-dependants" =>
        fn dependants(name: &str) -> Dependant = service_probe::list_dependants;
}
