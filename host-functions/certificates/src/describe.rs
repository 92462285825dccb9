//! What a policy sees of a certificate.

use std::net::{Ipv4Addr, Ipv6Addr};

use ansai_core::text::inert;
use ansai_core::{Subject, Timestamp};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Name};

const MOST_NAMES: usize = 100;
const LONGEST: usize = 256;

/// A certificate, as in the WIT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Certificate {
    pub about: Subject,
    pub names: Vec<String>,
    pub omitted_names: u32,
    pub issuer: String,
    pub serial: String,
    pub key_kind: String,
    pub is_authority: bool,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// What is in a certificate; `None` if it is damaged.
pub fn describe(der: &[u8]) -> Option<Certificate> {
    let certificate = parse(der)?;
    let names = all_names(&certificate);
    let omitted = names.len().saturating_sub(MOST_NAMES);
    let (not_before, not_after) = validity_of(&certificate);
    let serial = certificate.tbs_certificate.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Some(Certificate {
        about: Subject::new("certificate", fingerprint(der)),
        names: names.into_iter().take(MOST_NAMES).collect(),
        omitted_names: u32::try_from(omitted).unwrap_or(u32::MAX),
        issuer: name_text(certificate.issuer()),
        serial: inert(&serial, LONGEST),
        key_kind: key_kind(certificate.public_key()),
        is_authority: certificate.is_ca(),
        not_before,
        not_after,
    })
}

/// The whole of `der`, without anything after it.
pub(crate) fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}

/// The SHA-256 of a certificate, as hexadecimal digits.
pub fn fingerprint(der: &[u8]) -> String {
    digest(&SHA256, der).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// From when until when a certificate is valid; `None` if it is damaged.
pub fn validity(der: &[u8]) -> Option<(Timestamp, Timestamp)> {
    parse(der).as_ref().map(validity_of)
}

pub(crate) fn validity_of(certificate: &X509Certificate<'_>) -> (Timestamp, Timestamp) {
    let validity = certificate.validity();
    (instant(validity.not_before), instant(validity.not_after))
}

/// Before 1970 is 1970: such a certificate is valid for longer than anybody asks.
fn instant(time: ASN1Time) -> Timestamp {
    Timestamp::from_millis(u64::try_from(time.timestamp()).unwrap_or(0).saturating_mul(1000))
}

/// All its names, as text that is safe for a terminal. Names in Unicode are in their ASCII form in certificates.
pub(crate) fn all_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let names = alternative.iter().flat_map(|extension| &extension.value.general_names);
    let names: Vec<String> = names.filter_map(name).collect();
    if !names.is_empty() {
        return names;
    }
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    common.take(1).map(|name| inert(name, LONGEST)).collect()
}

fn name(general: &GeneralName<'_>) -> Option<String> {
    match general {
        GeneralName::DNSName(name) => Some(inert(&name.to_ascii_lowercase(), LONGEST)),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(|bytes| Ipv4Addr::from(bytes).to_string());
            four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(|bytes| Ipv6Addr::from(bytes).to_string())).ok()
        }
        _ => None,
    }
}

pub(crate) fn name_text(name: &X509Name<'_>) -> String {
    inert(&name.to_string(), LONGEST)
}

fn key_kind(key: &SubjectPublicKeyInfo<'_>) -> String {
    if let Ok(PublicKey::RSA(key)) = key.parsed() {
        return format!("rsa-{}", key.key_size());
    }
    let of = |object: &x509_parser::der_parser::oid::Oid<'_>| object.to_id_string();
    let curve = key.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok()).map(|object| of(&object));
    let kind = match (of(&key.algorithm.algorithm).as_str(), curve.as_deref()) {
        ("1.2.840.10045.2.1", Some("1.2.840.10045.3.1.7")) => "ecdsa-p256",
        ("1.2.840.10045.2.1", Some("1.3.132.0.34")) => "ecdsa-p384",
        ("1.2.840.10045.2.1", Some("1.3.132.0.35")) => "ecdsa-p521",
        ("1.3.101.112", _) => "ed25519",
        ("1.3.101.113", _) => "ed448",
        _ => "other",
    };
    kind.to_owned()
}

/// Whether its key or its signature is too weak for clients.
pub(crate) fn is_weak(certificate: &X509Certificate<'_>, is_signature_used: bool) -> bool {
    let is_small = matches!(certificate.public_key().parsed(), Ok(PublicKey::RSA(key)) if key.key_size() < 2048);
    let signed = certificate.signature_algorithm.algorithm.to_id_string();
    // MD2, MD5 and SHA-1 with RSA, SHA-1 with DSA and ECDSA.
    let old = [
        "1.2.840.113549.1.1.2",
        "1.2.840.113549.1.1.4",
        "1.2.840.113549.1.1.5",
        "1.2.840.10040.4.3",
        "1.2.840.10045.4.1",
    ];
    is_small || (is_signature_used && old.contains(&signed.as_str()))
}
