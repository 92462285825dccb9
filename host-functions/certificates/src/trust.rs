//! Whether a client would trust a chain, and all reasons why not: one reason must not hide another.

use std::time::Duration;

use ansai_core::Timestamp;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use serde::{Deserialize, Serialize};
use webpki::{EndEntityCert, Error, KeyUsage};
use x509_parser::certificate::X509Certificate;

use crate::Roots;
use crate::describe::{all_names, is_weak, name_text, parse, validity_of};

/// Names that an explanation lists.
const SHOWN_NAMES: usize = 5;
/// The longest way from a certificate to its authority that is followed.
const LONGEST_WAY: usize = 8;

/// Why a client would not trust a chain, as in the WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Distrust {
    Expired,
    NotYetValid,
    WrongName,
    UnknownIssuer,
    IncompleteChain,
    ExpiredIntermediate,
    BadSignature,
    Weak,
    Other,
}

/// Whether a client would trust a chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// `None` if the authorities of the host are unknown and nothing else is wrong.
    pub trusted: Option<bool>,
    /// Each reason once.
    pub distrust: Vec<Distrust>,
    /// The same for a person.
    pub explanation: String,
}

impl Judgement {
    pub(crate) fn add(&mut self, distrust: Distrust, why: impl Into<String>) {
        if self.distrust.contains(&distrust) {
            return;
        }
        self.distrust.push(distrust);
        self.trusted = Some(false);
        if !self.explanation.is_empty() {
            self.explanation.push_str("; ");
        }
        self.explanation.push_str(&why.into());
    }
}

impl Judgement {
    /// The server has not shown that it has the key of its certificate.
    #[must_use]
    pub fn without_key(mut self) -> Judgement {
        self.add(Distrust::BadSignature, "the server does not have the key of its certificate");
        self
    }
}

/// Judges a chain, the certificate of the server first. Without a name, names are not checked; without roots, whether it
/// leads to a known authority is unknown.
pub fn judge(
    chain: &[CertificateDer<'_>],
    name: Option<&ServerName<'_>>,
    roots: Option<&Roots>,
    now: Timestamp,
) -> Judgement {
    let mut found = Judgement { trusted: roots.map(|_| true), ..Judgement::default() };
    let parsed: Vec<X509Certificate<'_>> = chain.iter().filter_map(|der| parse(der)).collect();
    let (Some(leaf), Some(first)) = (parsed.first(), chain.first()) else {
        found.add(Distrust::Other, "there is no certificate");
        return found;
    };
    if parsed.len() < chain.len() {
        found.add(Distrust::Other, "a certificate of the chain is damaged");
        return found;
    }
    judge_time(leaf, now, &mut found);
    let end = match EndEntityCert::try_from(first) {
        Ok(end) => end,
        Err(error) => {
            found.add(Distrust::Other, format!("clients refuse the certificate: {error}"));
            return found;
        }
    };
    if let Some(name) = name
        && end.verify_is_valid_for_subject_name(name).is_err()
    {
        let names = all_names(leaf);
        let shown = names.iter().take(SHOWN_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = names.len().saturating_sub(SHOWN_NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let shown = if shown.is_empty() { "no name".to_owned() } else { format!("{shown}{more}") };
        found.add(Distrust::WrongName, format!("the certificate is for {shown}, not for {}", name.to_str()));
    }
    let way = way(&parsed);
    if way.iter().enumerate().any(|(place, one)| is_weak(one, !is_self_issued(one) || place == 0)) {
        found.add(Distrust::Weak, "a key or a signature of the chain is too weak");
    }
    match roots {
        Some(roots) => judge_way(&end, chain, &way, roots, now, &mut found),
        None => judge_intermediates(&way, now, &mut found),
    }
    found
}

/// Of a chain that leads nowhere, or nobody knows where: an old certificate on another way harms nobody.
fn judge_intermediates(way: &[&X509Certificate<'_>], now: Timestamp, found: &mut Judgement) {
    if let Some(expired) = way.iter().skip(1).find(|one| validity_of(one).1 < now) {
        let (subject, until) = (name_text(expired.subject()), date(validity_of(expired).1));
        found.add(Distrust::ExpiredIntermediate, format!("the intermediate certificate {subject} expired on {until}"));
    }
}

fn judge_time(leaf: &X509Certificate<'_>, now: Timestamp, found: &mut Judgement) {
    let (not_before, not_after) = validity_of(leaf);
    if now > not_after {
        found.add(Distrust::Expired, format!("it expired on {}", date(not_after)));
    }
    if now < not_before {
        let why = format!("it is valid from {} on, and the clock of this host says {}", date(not_before), date(now));
        found.add(Distrust::NotYetValid, why);
    }
}

/// Whether a path leads to a root. Verified for a time within the life of the certificate, because its own time was
/// judged already.
fn judge_way(
    end: &EndEntityCert<'_>,
    chain: &[CertificateDer<'_>],
    way: &[&X509Certificate<'_>],
    roots: &Roots,
    now: Timestamp,
    found: &mut Judgement,
) {
    let Some(leaf) = way.first() else { return };
    let (not_before, not_after) = validity_of(leaf);
    let at = now.clamp(not_before, not_after.max(not_before));
    let at = UnixTime::since_unix_epoch(Duration::from_millis(at.as_millis()));
    let algorithms = default_provider().signature_verification_algorithms.all;
    let rest = chain.get(1..).unwrap_or_default();
    let verified = end.verify_for_usage(algorithms, &roots.0, rest, at, KeyUsage::server_auth(), None, None);
    let Err(error) = verified else { return };
    judge_intermediates(way, now, found);
    match error {
        Error::UnknownIssuer => judge_missing(way, found),
        // What `openssl req -x509` makes is an authority. Most clients accept it where it is trusted itself.
        Error::CaUsedAsEndEntity if is_self_issued(leaf) => {
            if !is_known(leaf, roots) {
                judge_missing(&[*leaf], found);
            }
        }
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } => {
            found.add(Distrust::ExpiredIntermediate, "a certificate of an authority in the chain is not valid now");
        }
        Error::InvalidSignatureForPublicKey => {
            if !found.distrust.contains(&Distrust::Weak) {
                found.add(Distrust::BadSignature, "a certificate is not signed by the one that should have issued it");
            }
        }
        _ if found.distrust.contains(&Distrust::Weak) => {}
        error => found.add(Distrust::Other, format!("clients refuse it: {error}")),
    }
}

/// The chain does not lead to a root: because a certificate is missing, or because nobody here knows the authority.
fn judge_missing(way: &[&X509Certificate<'_>], found: &mut Judgement) {
    let Some(last) = way.last() else { return };
    if found.distrust.contains(&Distrust::ExpiredIntermediate) {
        return;
    }
    if is_self_issued(last) {
        let subject = name_text(last.subject());
        let why = match way.len() {
            1 => "it is self-signed".to_owned(),
            _ => format!("this host does not know the authority {subject}"),
        };
        return found.add(Distrust::UnknownIssuer, why);
    }
    let issuer = name_text(last.issuer());
    // Public authorities say where the certificate that is missing can be fetched.
    match way.len() == 1 && names_its_issuer(last) {
        true => found.add(Distrust::IncompleteChain, format!("the chain lacks the intermediate certificate {issuer}")),
        false => found.add(
            Distrust::UnknownIssuer,
            format!("the chain ends at {issuer}, whose certificate is neither sent nor known to this host"),
        ),
    }
}

/// The certificate and those that issued it, as far as they are in the chain.
pub(crate) fn way<'c, 'a>(chain: &'c [X509Certificate<'a>]) -> Vec<&'c X509Certificate<'a>> {
    let mut way: Vec<&X509Certificate<'a>> = chain.first().into_iter().collect();
    while let Some(last) = way.last().filter(|last| !is_self_issued(last)) {
        let issuer = last.issuer().as_raw();
        let is_on_way = |one: &X509Certificate<'_>| way.iter().any(|known| std::ptr::eq(*known, one));
        match chain.iter().find(|one| one.subject().as_raw() == issuer && !is_on_way(one)) {
            Some(next) if way.len() < LONGEST_WAY => way.push(next),
            _ => break,
        }
    }
    way
}

fn is_self_issued(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
}

/// Whether it is one of the roots. They hold what is in the sequences, without their headers.
fn is_known(certificate: &X509Certificate<'_>, roots: &Roots) -> bool {
    let (subject, key) = (certificate.subject().as_raw(), certificate.public_key().raw);
    roots
        .0
        .iter()
        .any(|root| subject.ends_with(root.subject.as_ref()) && key.ends_with(root.subject_public_key_info.as_ref()))
}

fn names_its_issuer(certificate: &X509Certificate<'_>) -> bool {
    use x509_parser::extensions::ParsedExtension;
    certificate.extensions().iter().any(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityInfoAccess(access) => {
            access.accessdescs.iter().any(|one| one.access_method.to_id_string() == "1.3.6.1.5.5.7.48.2")
        }
        _ => false,
    })
}

/// `2026-11-29`.
pub(crate) fn date(at: Timestamp) -> String {
    let at = i64::try_from(at.as_millis()).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map_or_else(|| "the end of time".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}
