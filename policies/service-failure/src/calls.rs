//! The probes and actions, with their names in grants and attempts.

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
pub(crate) struct Listed {
    pub(crate) units: Vec<ServiceUnit>,
    /// Why a part of the list is missing.
    pub(crate) missing: Option<String>,
}

/// Reads all pages. What was read before a refusal stays.
///
/// # Errors
/// The refusal of the first page.
pub(crate) fn units(host: &Host, globs: &[String]) -> Result<Listed, Refusal> {
    let mut listed = Listed { units: Vec::new(), missing: None };
    let (mut cursor, mut skipped) = (None, 0_u32);
    for number in 0..MOST_PAGES {
        let one = match page(host, globs, cursor.as_deref()) {
            Ok(one) => one,
            Err(refusal) if number == 0 => return Err(refusal),
            Err(refusal) => {
                listed.missing = Some(format!("the list of services is incomplete: {}", refusal.words()));
                return Ok(listed);
            }
        };
        listed.units.extend(one.entries);
        skipped = skipped.saturating_add(one.skipped);
        cursor = one.cursor;
        if cursor.is_none() {
            if !one.complete {
                listed.missing = Some("the list of services is incomplete".into());
            }
            break;
        }
    }
    if cursor.is_some() {
        listed.missing = Some("there are more services than one evaluation reads".into());
    } else if skipped > 0 {
        listed.missing = Some(format!("{} cannot be read", ansai_sdk::text::count(skipped.into(), "service")));
    }
    Ok(listed)
}

/// The units that need a service, nearest first, as far as they can be read.
pub(crate) fn dependants(host: &Host, unit: &str) -> Vec<Dependant> {
    let (mut found, mut cursor) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let Ok(one) = dependants_page(host, unit, cursor.as_deref()) else { break };
        found.extend(one.entries);
        cursor = one.cursor;
        if cursor.is_none() {
            break;
        }
    }
    found
}
