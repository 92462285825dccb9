//! How certificates belong together and replace each other, whoever trusts them.

use ansai_core::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;

use crate::describe::{all_names, name_text, parse};
use crate::trust::way;
use crate::{Roots, judge};

/// How the certificates of a chain belong together, whoever trusts them: for authorities that this host does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// Who should have issued the last one.
    pub top_issuer: String,
    /// How many there are on the way, the certificate of the server among them.
    pub length: usize,
    /// Whether each is signed by the next, and valid.
    pub are_valid: bool,
}

impl Links {
    /// Of a chain at a time; `None` if a certificate is damaged.
    pub fn of(chain: &[CertificateDer<'_>], now: Timestamp) -> Option<Links> {
        let parsed: Vec<X509Certificate<'_>> = chain.iter().map(|der| parse(der)).collect::<Option<_>>()?;
        let way = way(&parsed);
        let last = way.last()?;
        let der = chain.iter().zip(&parsed).find(|(_, one)| std::ptr::eq(*one, *last))?.0;
        // As if the last one were trusted.
        let judged = judge(chain, None, Some(&Roots::trusting(der)), now);
        let are_valid = way.len() == 1 || judged.trusted == Some(true);
        Some(Links { top_issuer: name_text(last.issuer()), length: way.len(), are_valid })
    }
}

/// Whether a certificate is for each of these names; `None` if it is damaged.
pub fn names_cover(certificate: &[u8], names: &[String]) -> Option<bool> {
    let own = all_names(&parse(certificate)?);
    let is_covered = |name: &String| {
        let below = name.split_once('.').map(|(_, domain)| format!("*.{domain}"));
        own.contains(name) || below.is_some_and(|below| own.contains(&below))
    };
    Some(names.iter().all(is_covered))
}
