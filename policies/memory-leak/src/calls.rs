//! The probes and actions, with their names in grants and attempts.

use ansai_sdk::pages::{self, Listed, Page};
use ansai_sdk::{Host, Preview, Refusal, Subject};

use crate::imports::ansai::hook::hook_actions;
pub(crate) use crate::imports::ansai::hook::hook_actions::Parameter;
use crate::imports::ansai::process::cgroup_probe::{self, Usage, UsagePage};
use crate::imports::ansai::process::process_actions::{self, Signal};
use crate::imports::ansai::process::process_probe::{self, Order, ProcessPage};
use crate::imports::ansai::service::service_probe::{self, ServiceUnit};
use crate::imports::ansai::service::{service_actions, service_memory_actions};
use crate::imports::ansai::system::system_probe::{self, MemoryState};

pub(crate) const SERVICE_ACTIONS: &str = "ansai:service/service-actions";
pub(crate) const MEMORY_ACTIONS: &str = "ansai:service/service-memory-actions";
pub(crate) const HOOK_ACTIONS: &str = "ansai:hook/hook-actions";
pub(crate) const PROCESS_ACTIONS: &str = "ansai:process/process-actions";

pub(crate) const RESTART: &str = "ansai:service/service-actions.restart";
pub(crate) const CAPTURE: &str = "ansai:service/service-actions.capture";
pub(crate) const CHECK_ACTIVE: &str = "ansai:service/service-actions.check-active";
pub(crate) const SET_HIGH: &str = "ansai:service/service-memory-actions.set-high";
pub(crate) const RUN_HOOK: &str = "ansai:hook/hook-actions.run";
pub(crate) const SEND: &str = "ansai:process/process-actions.send";

/// Maximum number of pages that are read: 256 services or 128 processes each.
pub(crate) const MOST_PAGES: usize = 20;

ansai_sdk::host_calls! {
    "ansai:process/cgroup-probe.look" => fn usage(about: &Subject) -> Usage = cgroup_probe::look;
    "ansai:process/cgroup-probe.list-usages" =>
        fn page(globs: &[String], cursor: Option<&str>) -> UsagePage = cgroup_probe::list_usages;
    "ansai:process/process-probe.list-processes" =>
        fn processes(by: Order, unit: Option<&str>, cursor: Option<&str>) -> ProcessPage = process_probe::list_processes;
    "ansai:service/service-probe.look" => fn unit(name: &str) -> ServiceUnit = service_probe::look;
    "ansai:system/system-probe.memory" => fn memory() -> MemoryState = system_probe::memory;
    RUN_HOOK => fn run_hook(hook: &str, parameters: &[Parameter], reason: &str) -> Preview = hook_actions::run;
    SEND => fn send(process: &str, signal: Signal, reason: &str) -> Preview = process_actions::send;
    SET_HIGH => fn set_high(unit: &str, bytes: u64, lasting: u64, reason: &str) -> Preview =
        service_memory_actions::set_high;
    CAPTURE => fn capture(unit: &str, lines: u32, reason: &str) -> Preview = service_actions::capture;
    RESTART => fn restart(unit: &str, invocation: &str, reason: &str) -> Preview = service_actions::restart;
    CHECK_ACTIVE => fn check_active(unit: &str, within: u64, reason: &str) -> Preview = service_actions::check_active;
}

/// The services that run.
///
/// # Errors
/// The refusal of the first page.
pub(crate) fn usages(host: &Host, globs: &[String]) -> Result<Listed<Usage>, Refusal> {
    pages::read(MOST_PAGES, |cursor| {
        let UsagePage { entries, skipped, complete, cursor } = page(host, globs, cursor)?;
        Ok(Page { entries, skipped, complete, cursor })
    })
}
