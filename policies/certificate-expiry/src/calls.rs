//! The probes and actions, with their names in grants and attempts.

use ansai_sdk::pages::{self, Page};
use ansai_sdk::{Host, Preview, Refusal};

use crate::imports::ansai::certificate::certificate_actions;
use crate::imports::ansai::certificate::certificate_probe::{self, Chain, Inquiry, Lineage, LineagePage};
use crate::imports::ansai::certificate::renewal_information_probe::{self, RenewalInformation};
use crate::imports::ansai::certificate::served_certificate_probe::{self, Endpoint, Served};
use crate::imports::ansai::system::system_probe;

pub(crate) const ACTIONS: &str = "ansai:certificate/certificate-actions";

pub(crate) const RENEWAL_INFORMATION: &str = "ansai:certificate/renewal-information-probe";

pub(crate) const RENEW: &str = "ansai:certificate/certificate-actions.renew";
pub(crate) const CHECK_STAGED: &str = "ansai:certificate/certificate-actions.check-staged";
pub(crate) const INSTALL: &str = "ansai:certificate/certificate-actions.install";
pub(crate) const RELOAD: &str = "ansai:certificate/certificate-actions.reload";
pub(crate) const CHECK_SERVED: &str = "ansai:certificate/certificate-actions.check-served";

/// Maximum number of pages of lineages that are read: 64 each.
const MOST_PAGES: usize = 20;

ansai_sdk::host_calls! {
    "ansai:certificate/served-certificate-probe.look" =>
        fn look(endpoints: &[Endpoint]) -> Vec<Served> = served_certificate_probe::look;
    "ansai:certificate/certificate-probe.look-file" =>
        fn look_file(path: &str, key_path: Option<&str>) -> Chain = certificate_probe::look_file;
    "ansai:certificate/certificate-probe.list-lineages" =>
        fn lineage_page(cursor: Option<&str>) -> LineagePage = certificate_probe::list_lineages;
    "ansai:certificate/renewal-information-probe.ask" =>
        fn ask_authorities(inquiries: &[Inquiry]) -> Vec<RenewalInformation> = renewal_information_probe::ask;
    "ansai:system/system-probe.clock-synchronized" =>
        fn clock_synchronized() -> bool = system_probe::clock_synchronized;
    RENEW => fn renew(lineage: &str, reason: &str) -> Preview = certificate_actions::renew;
    CHECK_STAGED =>
        fn check_staged(lineage: &str, target: &str, reason: &str) -> Preview = certificate_actions::check_staged;
    INSTALL => fn install(lineage: &str, target: &str, reason: &str) -> Preview = certificate_actions::install;
    RELOAD => fn reload(target: &str, reason: &str) -> Preview = certificate_actions::reload;
    CHECK_SERVED =>
        fn check_served(target: &str, endpoint: &Endpoint, within: u64, reason: &str) -> Preview =
            certificate_actions::check_served;
}

/// What each endpoint presents, in the order of the arguments.
pub(crate) fn served(host: &Host, endpoints: &[Endpoint]) -> Vec<Result<Served, Refusal>> {
    pages::each(endpoints, &|some| look(host, some))
}

/// What certbot manages on this host.
#[derive(Default)]
pub(crate) struct Lineages {
    pub(crate) list: Vec<Lineage>,
    /// Why a part of the list, or all of it, is unknown.
    pub(crate) missing: Option<String>,
    /// Whether this host has no certbot.
    pub(crate) no_manager: bool,
}

/// Reads all pages. What was read before a refusal stays.
pub(crate) fn lineages(host: &Host) -> Lineages {
    let read = pages::read(MOST_PAGES, |cursor| {
        let LineagePage { entries, skipped, complete, cursor } = lineage_page(host, cursor)?;
        Ok(Page { entries, skipped, complete, cursor })
    });
    let listed = match read {
        Ok(listed) => listed,
        Err(Refusal::Unsupported(_)) => return Lineages { no_manager: true, ..Lineages::default() },
        Err(refusal) => {
            let why = format!("the certificates of certbot cannot be listed: {}", refusal.words());
            return Lineages { missing: Some(why), ..Lineages::default() };
        }
    };
    let missing = listed.missing_from("certificate", " of certbot");
    Lineages { list: listed.entries, missing, no_manager: false }
}
