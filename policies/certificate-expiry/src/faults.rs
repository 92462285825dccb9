//! Faults of what a server presents that have nothing to do with the age of its certificate: another name, a bad chain.

use ansai_sdk::{Host, Observation, Severity, Status, text};

use crate::imports::ansai::certificate::served_certificate_probe::Distrust;
use crate::judge::names;
use crate::seen::Seen;

/// The kinds of faults: the prefix of the key.
pub(crate) const NAME: &str = "name:";
pub(crate) const CHAIN: &str = "chain:";

/// Maximum length of an explanation of the host, in bytes.
const MOST_WORDS: usize = 200;

/// The faults of an endpoint that answered; healthy for those whose incident is open.
pub(crate) fn observe(seen: &Seen<'_>, host: &Host) -> Vec<Observation> {
    let (Ok(served), Ok(leaf)) = (&seen.served, seen.leaf()) else { return Vec::new() };
    let (key, wanted) = (seen.server.key(), seen.server.wanted_name());
    let has_wrong_name = served.distrust.contains(&Distrust::WrongName);
    let name = has_wrong_name.then(|| {
        (
            Severity::Critical,
            format!("{} presents a certificate for {}, not for {wanted}", seen.server.address, names(leaf)),
        )
    });
    let worst = served.distrust.iter().filter(|one| **one != Distrust::WrongName && seen.counts(**one));
    let worst = worst.copied().max_by_key(|one| severity(*one));
    let chain = worst.map(|one| {
        let more = text::cut(&served.explanation, MOST_WORDS);
        let more = if more.is_empty() { String::new() } else { format!(": {more}") };
        (severity(one), format!("{key} presents a chain that clients refuse: {}{more}", words(one)))
    });
    let healthy = [format!("{key} presents a certificate for {wanted}"), format!("{key} presents a complete chain")];
    let found = [NAME, CHAIN].into_iter().zip([name, chain]).zip(healthy);
    let observe = |((kind, fault), healthy): ((&str, Option<(Severity, String)>), String)| {
        let key = format!("{kind}{key}");
        let open = host.is_open(&key);
        let (status, words) = match fault {
            Some((severity, words)) => (Status::Unhealthy(severity), words),
            None if !open => return None,
            None if kind == CHAIN && served.trusted.is_none() => {
                return Some(Observation::unknown(key, served.about.clone(), "it is unknown whom this host trusts"));
            }
            None => (Status::Healthy, healthy),
        };
        Some(crate::detect::evidence(Observation::new(key, served.about.clone(), status, words), leaf))
    };
    found.filter_map(observe).collect()
}

/// Clients refuse all of these, or soon will. Of the last two, only some do.
pub(crate) fn severity(distrust: Distrust) -> Severity {
    match distrust {
        Distrust::Weak | Distrust::Other => Severity::Warning,
        _ => Severity::Critical,
    }
}

pub(crate) fn words(distrust: Distrust) -> &'static str {
    match distrust {
        Distrust::Expired => "it has expired",
        Distrust::NotYetValid => "it is not valid yet",
        Distrust::WrongName => "it is for another name",
        Distrust::UnknownIssuer => "its issuer is unknown here, or an intermediate certificate is missing",
        Distrust::IncompleteChain => "an intermediate certificate is missing",
        Distrust::ExpiredIntermediate => "an intermediate certificate has expired",
        Distrust::BadSignature => "a signature is wrong",
        Distrust::Weak => "a key or signature is too weak",
        Distrust::Other => "a rule of an authority forbids it",
    }
}

/// What a person can do about a bad chain.
pub(crate) fn advice(distrust: &[Distrust]) -> &'static str {
    let has = |one| distrust.contains(&one);
    match () {
        () if has(Distrust::ExpiredIntermediate) => {
            "get the current intermediate certificate from the authority, and put it into the file in place of the expired one"
        }
        () if has(Distrust::IncompleteChain) => {
            "have the server load the file with the whole chain: `fullchain.pem` with certbot, not `cert.pem`"
        }
        () if has(Distrust::UnknownIssuer) => {
            "if the authority is your own, set `private_issuer = true` for this endpoint; otherwise have the server load the \
             file with the whole chain"
        }
        () if has(Distrust::BadSignature) => "check which files the server loads: they do not belong together",
        () if has(Distrust::Weak) => "issue a certificate with a key of at least 2,048 bits (RSA) or 256 bits (ECDSA)",
        () => "issue a certificate that its authority may issue",
    }
}
