//! Judges a single certificate: how long it lives, and for which names it is.

use ansai_sdk::{Life, Severity, text};

use crate::imports::ansai::certificate::certificate_probe::Certificate;
use crate::settings::Settings;

const DAY: u64 = 24 * 3_600_000;

/// Where a certificate is in its life.
pub(crate) fn life(certificate: &Certificate, now: u64) -> Life {
    Life::of(certificate.not_before, certificate.not_after, now)
}

/// How bad it is that so little of its life is left; `None` if enough is. Each severity begins at its remaining time or at
/// its share of the lifetime, whichever is later: a certificate for 6 days never has 7 days left.
pub(crate) fn severity(settings: &Settings, certificate: &Certificate, now: u64) -> Option<Severity> {
    let lifetime = certificate.not_after.saturating_sub(certificate.not_before) as f64;
    let left = certificate.not_after.saturating_sub(now) as f64;
    settings.remaining(|span, percent| (span.0 as f64).min(lifetime * percent / 100.0)).severity(left, None)
}

/// Days until enough of its life would be left; 0 if it is.
pub(crate) fn distance(settings: &Settings, certificate: &Certificate, now: u64) -> f64 {
    let lifetime = certificate.not_after.saturating_sub(certificate.not_before) as f64;
    let goal = (settings.notice.0 as f64).min(lifetime * settings.notice_percent / 100.0);
    let left = certificate.not_after as f64 - now as f64;
    (goal - left).max(0.0) / DAY as f64
}

/// Whether a certificate takes the place of another one: it lives longer, or was issued later and has half of its life left.
/// Authorities issue for shorter times than they did.
pub(crate) fn replaces(new: &Certificate, old: &Certificate, now: u64) -> bool {
    new.not_after > old.not_after
        || (new.not_before > old.not_before && now <= Life::middle(new.not_before, new.not_after))
}

/// Whether a certificate is for a name. One whose names are not all known counts as if it were.
pub(crate) fn is_for(certificate: &Certificate, name: &str) -> bool {
    certificate.omitted_names > 0 || certificate.names.iter().any(|pattern| text::is_host(pattern, name))
}

/// Its names for a person: `www.example.org, example.org and 3 more`.
pub(crate) fn names(certificate: &Certificate) -> String {
    text::first(&certificate.names, certificate.omitted_names.into()).unwrap_or_else(|| "no name".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{certificate, settings};
    use ansai_sdk::testing::StandIn;

    #[test]
    fn a_later_certificate_with_a_shorter_life_takes_the_place() {
        let old = certificate(90.0, 60.0);
        for (lifetime, left, expected) in [
            (90.0, 89.0, true),
            (90.0, 61.0, true),
            (45.0, 44.0, true),
            (45.0, 20.0, false),
            (90.0, 60.0, false),
            (365.0, 59.0, false),
        ] {
            assert_eq!(replaces(&certificate(lifetime, left), &old, StandIn::NOW), expected, "{lifetime} {left}");
        }
    }

    #[test]
    fn each_lifetime_has_its_own_days() {
        use Severity::*;
        let settings = settings(|_| {});
        let found = |lifetime, left| severity(&settings, &certificate(lifetime, left), StandIn::NOW);
        for (lifetime, left, expected) in [
            (365.0, 30.01, None),
            (365.0, 30.0, Some(Notice)),
            (365.0, 14.0, Some(Warning)),
            (365.0, 7.0, Some(Critical)),
            (365.0, 3.0, Some(Emergency)),
            (365.0, 0.0, Some(Emergency)),
            (365.0, -10.0, Some(Emergency)),
            (90.0, 22.6, None),
            (90.0, 22.4, Some(Notice)),
            (90.0, 7.1, Some(Warning)),
            (47.0, 12.0, None),
            (47.0, 1.8, Some(Emergency)),
            (6.0, 1.6, None),
            (6.0, 1.4, Some(Notice)),
            (6.0, 0.2, Some(Emergency)),
            // A certificate that ends when it begins, as broken ones do.
            (0.0, 5.0, None),
            (0.0, -1.0, Some(Emergency)),
        ] {
            assert_eq!(found(lifetime, left), expected, "{left} of {lifetime}");
        }
        let backwards = Certificate { not_before: u64::MAX, not_after: 0, ..certificate(1.0, 1.0) };
        assert_eq!(severity(&settings, &backwards, StandIn::NOW), Some(Emergency));
        assert_eq!(distance(&settings, &certificate(365.0, 20.0), StandIn::NOW), 10.0);
        assert_eq!(distance(&settings, &certificate(365.0, 200.0), StandIn::NOW), 0.0);
    }

    #[test]
    fn names_and_wildcards() {
        let of = |names: &[&str], omitted_names| Certificate {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            omitted_names,
            ..certificate(90.0, 60.0)
        };
        for (names, name, expected) in [
            (&["example.org", "*.example.org"][..], "www.example.org", true),
            (&["*.example.org"], "WWW.Example.org", true),
            (&["*.example.org"], "example.org", false),
            (&["*.example.org"], "a.b.example.org", false),
            (&["*.example.org"], ".example.org", false),
            (&["www.example.org"], "www.example.org.", true),
            (&["192.0.2.1"], "192.0.2.1", true),
            (&[], "www.example.org", false),
        ] {
            assert_eq!(is_for(&of(names, 0), name), expected, "{names:?} {name}");
        }
        assert!(is_for(&of(&["a"], 1), "www.example.org"), "a name that was left out may be this one");
        assert_eq!(names(&of(&["a", "b", "c", "d"], 6)), "a, b, c and 7 more");
        assert_eq!(names(&of(&[], 0)), "no name");
    }
}
