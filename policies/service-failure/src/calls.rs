//! The probes and actions, with their names in grants and attempts.

use ansai_sdk::pages::{self, Listed, Page};
use ansai_sdk::{Host, Preview, Refusal};

use crate::imports::ansai::http::http_actions;
use crate::imports::ansai::http::http_probe::{self, Answer, Request};
use crate::imports::ansai::service::service_actions;
use crate::imports::ansai::service::service_probe::{self, Dependant, DependantPage, ServiceUnit, UnitPage};

pub(crate) const SERVICE_ACTIONS: &str = "ansai:service/service-actions";

pub(crate) const START: &str = "ansai:service/service-actions.start";
pub(crate) const RESTART: &str = "ansai:service/service-actions.restart";
pub(crate) const CAPTURE: &str = "ansai:service/service-actions.capture";
pub(crate) const CHECK_ACTIVE: &str = "ansai:service/service-actions.check-active";

pub(crate) const HTTP_ACTIONS: &str = "ansai:http/http-actions";
pub(crate) const CHECK: &str = "ansai:http/http-actions.check";

/// Maximum number of pages that are read: 128 units each.
const MOST_PAGES: usize = 40;

ansai_sdk::host_calls! {
    "ansai:service/service-probe.look" => fn look(name: &str) -> ServiceUnit = service_probe::look;
    "ansai:service/service-probe.list-units" =>
        fn page(globs: &[String], cursor: Option<&str>) -> UnitPage = service_probe::list_units;
    "ansai:service/service-probe.list-dependants" =>
        fn dependants_page(name: &str, cursor: Option<&str>) -> DependantPage = service_probe::list_dependants;
    START => fn start(unit: &str, reason: &str) -> Preview = service_actions::start;
    RESTART => fn restart(unit: &str, invocation: &str, reason: &str) -> Preview = service_actions::restart;
    CAPTURE => fn capture(unit: &str, lines: u32, reason: &str) -> Preview = service_actions::capture;
    CHECK_ACTIVE => fn check_active(unit: &str, within: u64, reason: &str) -> Preview = service_actions::check_active;
    "ansai:http/http-probe.look" => fn look_at_targets(requests: &[Request]) -> Vec<Answer> = http_probe::look;
    CHECK => fn check(
        request: &Request, least_status: u16, most_status: u16, within: u64, holds: u64, reason: &str
    ) -> Preview = http_actions::check;
}

/// The services that systemd has in memory.
///
/// # Errors
/// The refusal of the first page.
pub(crate) fn units(host: &Host, globs: &[String]) -> Result<Listed<ServiceUnit>, Refusal> {
    pages::read(MOST_PAGES, |cursor| {
        let UnitPage { entries, skipped, complete, cursor } = page(host, globs, cursor)?;
        Ok(Page { entries, skipped, complete, cursor })
    })
}

/// The units that need a service, nearest first, as far as they can be read.
pub(crate) fn dependants(host: &Host, unit: &str) -> Vec<Dependant> {
    let read = pages::read(MOST_PAGES, |cursor| {
        let DependantPage { entries, skipped, complete, cursor } = dependants_page(host, unit, cursor)?;
        Ok(Page { entries, skipped, complete, cursor })
    });
    read.map_or_else(|_| Vec::new(), |listed| listed.entries)
}
