//! Whether what is staged may be installed.

use ansai_certificates::{
    Bundle, CertificateDer, Distrust, Links, Pairing, Roots, describe, judge, names_cover, pairing,
};
use ansai_core::{Refusal, Timestamp};

use super::site::{Site, Version};
use super::staging;

/// What is staged, if it may replace `installed`, the content of the certificate file of the target.
///
/// # Errors
/// `not-found` if nothing is staged, else `unavailable` with what is wrong with it.
pub(super) fn check(
    site: &Site,
    name: &str,
    installed: &[u8],
    roots: Option<&Roots>,
    now: Timestamp,
) -> Result<Version, Refusal> {
    let nothing = || Refusal::NotFound(format!("nothing is staged for {name}"));
    let staged = staging::version(site, name)?.ok_or_else(nothing)?;
    let chain = staged.chain()?;
    let installed = Bundle::read(installed)
        .map_err(|error| Refusal::Unavailable(format!("the installed certificate cannot be read: {error}")))?;
    compare(&chain, staged.key(), &installed.certificates, roots, now)
        .map_err(|why| Refusal::Unavailable(format!("the staged certificate of {name} is not installed: {why}")))?;
    Ok(staged)
}

fn compare(
    chain: &[CertificateDer<'_>],
    key: &[u8],
    installed: &[CertificateDer<'_>],
    roots: Option<&Roots>,
    now: Timestamp,
) -> Result<(), String> {
    let damaged = || "it is damaged".to_owned();
    let (leaf, old) = chain.first().zip(installed.first()).ok_or_else(damaged)?;
    let (new, before) = describe(leaf).zip(describe(old)).ok_or_else(damaged)?;
    if new.about == before.about {
        return Err("it is installed already".into());
    }
    if before.omitted_names > 0 {
        return Err("the installed certificate has too many names to compare".into());
    }
    if names_cover(leaf, &before.names) != Some(true) {
        let missing = before.names.iter().find(|name| names_cover(leaf, std::slice::from_ref(name)) != Some(true));
        return Err(format!("it is not for {}", missing.map_or("all names", String::as_str)));
    }
    match pairing(leaf, key) {
        Pairing::Matches => {}
        Pairing::Differs => return Err("its key does not belong to it".into()),
        Pairing::Unknown => return Err("whether its key belongs to it is unknown".into()),
    }
    if new.not_after <= before.not_after {
        return Err("it is not valid for longer than the installed one".into());
    }
    let judged = judge(chain, None, roots, now);
    // An authority that this host does not know is the operator's own, if the installed certificate has it, too.
    let only_unknown = judged.distrust.iter().all(|one| *one == Distrust::UnknownIssuer);
    if judged.trusted == Some(true) {
        return Ok(());
    }
    if !only_unknown {
        return Err(judged.explanation);
    }
    let (links, old_links) = Links::of(chain, now).zip(Links::of(installed, before.not_after)).ok_or_else(damaged)?;
    let is_known_before = judge(installed, None, roots, before.not_after).trusted == Some(true);
    if !links.are_valid {
        return Err("a certificate of its chain is not signed by the next one, or is not valid now".into());
    }
    if is_known_before {
        return Err(judged.explanation);
    }
    if links.top_issuer != old_links.top_issuer || links.length < old_links.length {
        let (new, old) = (links.top_issuer, old_links.top_issuer);
        return Err(format!("its chain ends at {new}, that of the installed one at {old}"));
    }
    Ok(())
}
