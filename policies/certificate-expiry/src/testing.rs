//! Helpers of the unit tests.

use ansai_sdk::testing::{StandIn, default_settings};
use ansai_sdk::{FromSettings as _, Subject};
use serde_json::{Value, json};

use crate::imports::ansai::certificate::certificate_probe::{Certificate, LineagePage};
use crate::imports::ansai::certificate::served_certificate_probe::{Endpoint, Opening, Presented, Served};
use crate::settings::Settings;

pub(crate) const DAY: u64 = 24 * 3_600_000;

/// The defaults of the schema, with some replaced.
pub(crate) fn settings(change: impl FnOnce(&mut Value)) -> Settings {
    let mut settings = default_settings(include_str!("../settings.schema.json"));
    change(&mut settings);
    Settings::from_settings(&settings.to_string()).unwrap()
}

/// With one endpoint.
pub(crate) fn watching(address: &str, name: &str) -> Settings {
    settings(|settings| settings["endpoints"] = json!([{"address": address, "name": name}]))
}

/// A certificate with a lifetime, of which so much is left, both in days.
pub(crate) fn certificate(lifetime: f64, left: f64) -> Certificate {
    let not_after = (StandIn::NOW as f64 + left * DAY as f64) as u64;
    Certificate {
        about: Subject::new("certificate", format!("{lifetime}-{left}")),
        names: vec!["www.example.org".into()],
        omitted_names: 0,
        issuer: "CN=E7".into(),
        serial: "01".into(),
        key_kind: "ecdsa-p256".into(),
        is_authority: false,
        not_before: not_after - (lifetime * DAY as f64) as u64,
        not_after,
    }
}

/// What `www.example.org:443` presents.
pub(crate) fn served(presented: Presented) -> Served {
    let address = "www.example.org:443";
    let endpoint = Endpoint { address: address.into(), server_name: String::new(), opening: Opening::Tls };
    Served {
        about: Subject::new("endpoint", address),
        endpoint,
        presented,
        trusted: Some(true),
        distrust: vec![],
        explanation: String::new(),
        protocol: "TLS 1.3".into(),
        took: 1,
    }
}

/// A host on which certbot has nothing, and whose only server presents this.
pub(crate) fn presenting(presented: Presented) -> StandIn {
    let page = LineagePage { entries: vec![], skipped: 0, complete: true, cursor: None };
    StandIn::default()
        .answers("ansai:certificate/certificate-probe.list-lineages", page)
        .answers("ansai:certificate/served-certificate-probe.look", vec![served(presented)])
}
