//! `look`.

use std::time::Instant;

use ansai_certificates::client::{self, Endpoint, host_of};
use ansai_certificates::{Certificate, Distrust, Judgement, Roots, describe, judge};
use ansai_core::{Millis, Refusal, Subject};
use ansai_kit::host::ProbeContext;
use ansai_kit::remote::Server;
use serde::{Deserialize, Serialize};

use super::ENDPOINTS;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Look {
    endpoints: Vec<Endpoint>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Presented {
    Certificates(Vec<Certificate>),
    Failed(Refusal),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Served {
    about: Subject,
    endpoint: Endpoint,
    presented: Presented,
    trusted: Option<bool>,
    distrust: Vec<Distrust>,
    explanation: String,
    protocol: String,
    took: Millis,
}

pub(super) fn parts(look: Look) -> Vec<Endpoint> {
    look.endpoints
}

pub(super) fn server(endpoint: &Endpoint) -> Server {
    Server::Address(endpoint.address.clone())
}

/// One that failed.
pub(super) fn refused(endpoint: &Endpoint, refusal: Refusal) -> Served {
    Served {
        about: about(endpoint),
        endpoint: endpoint.clone(),
        presented: Presented::Failed(refusal),
        trusted: None,
        distrust: Vec::new(),
        explanation: String::new(),
        protocol: String::new(),
        took: Millis::ZERO,
    }
}

/// With the name only if it is not the host: two names on one address are two things.
fn about(endpoint: &Endpoint) -> Subject {
    let Endpoint { address, server_name, .. } = endpoint;
    let is_host = server_name.is_empty() || host_of(address).is_ok_and(|host| host == server_name);
    Subject::new("endpoint", if is_host { address.clone() } else { format!("{address} {server_name}") })
}

pub(super) fn look(ask: &ProbeContext<'_>, endpoint: &Endpoint) -> Result<Served, Refusal> {
    let began = Instant::now();
    let permit = |address| client::permit(ask.scope, &ENDPOINTS, endpoint, address);
    let presented = client::look(endpoint, ask.deadline.remaining(), &permit)?;
    let took = Millis::new(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
    let roots = Roots::of(ask.host);
    let mut judged = judge(&presented.certificates, Some(&endpoint.name()?), roots.as_deref(), ask.now);
    if roots.is_none() && judged.explanation.is_empty() {
        judged.explanation = "the list of authorities of this host cannot be read".into();
    }
    if presented.has_key == Some(false) && !judged.distrust.contains(&Distrust::Weak) {
        judged = judged.without_key();
    }
    let certificates: Vec<Certificate> = presented.certificates.iter().filter_map(|der| describe(der)).collect();
    if certificates.len() < presented.certificates.len() {
        return Err(Refusal::Invalid("it sent something that is no certificate".into()));
    }
    let Judgement { trusted, distrust, explanation } = judged;
    Ok(Served {
        about: about(endpoint),
        endpoint: endpoint.clone(),
        presented: Presented::Certificates(certificates),
        trusted,
        distrust,
        explanation,
        protocol: presented.protocol.to_owned(),
        took,
    })
}
