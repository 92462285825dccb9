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

/// Whether a certificate with this begin and end may follow one with that begin and end. An authority that wants an early
/// renewal may give shorter lives than before; a certificate of long ago is no renewal.
fn replaces(new: (Timestamp, Timestamp), before: (Timestamp, Timestamp), now: Timestamp) -> bool {
    let ((new_start, new_end), (old_start, old_end)) = (new, before);
    let between = |start: Timestamp, end: Timestamp| end.as_millis().saturating_sub(start.as_millis());
    let is_fresh = between(now, new_end) >= between(new_start, new_end).div_ceil(2) && new_end > now;
    new_end > old_end || (new_start > old_start && is_fresh)
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
    if !replaces((new.not_before, new.not_after), (before.not_before, before.not_after), now) {
        return Err(
            "it is not valid for longer than the installed one, nor issued later with half of its life left".into()
        );
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewal_lasts_longer_or_is_newer_and_fresh() {
        let day = |day: u64| Timestamp::from_millis(day * 86_400_000);
        let (installed, now) = ((day(100), day(190)), day(130));
        for (start, end, expected) in [
            (129, 219, true),
            (90, 191, true),
            (129, 136, true),
            (129, 190, true),
            (110, 150, true),
            (110, 149, false),
            (129, 131, true),
            (128, 131, false),
            (100, 180, false),
            (90, 180, false),
            (100, 190, false),
            (120, 130, false),
            (120, 125, false),
        ] {
            assert_eq!(replaces((day(start), day(end)), installed, now), expected, "{start}..{end}");
        }
    }
}
