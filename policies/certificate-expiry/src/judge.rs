//! Judges a single certificate: how long it lives, and for which names it is.

use ansai_sdk::{Severity, Span};

use crate::imports::ansai::certificate::certificate_probe::Certificate;
use crate::settings::Settings;

const DAY: u64 = 24 * 3_600_000;

/// Where a certificate is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// It becomes valid after this time.
    NotYet(Span),
    Left(Span),
    /// It expired this long ago.
    Over(Span),
}

impl Life {
    pub(crate) fn of(certificate: &Certificate, now: u64) -> Life {
        match () {
            () if now > certificate.not_after => Life::Over(Span(now - certificate.not_after)),
            () if now < certificate.not_before => Life::NotYet(Span(certificate.not_before - now)),
            () => Life::Left(Span(certificate.not_after - now)),
        }
    }

    pub(crate) fn is_now(self) -> bool {
        matches!(self, Life::Left(_))
    }

    /// After the name of the certificate: `expires in 12 d`.
    pub(crate) fn words(self) -> String {
        match self {
            Life::NotYet(rest) => format!("becomes valid in {rest}"),
            Life::Left(rest) => format!("expires in {rest}"),
            Life::Over(ago) => format!("expired {ago} ago"),
        }
    }
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

/// Whether a certificate is for a name. One whose names are not all known counts as if it were.
pub(crate) fn is_for(certificate: &Certificate, name: &str) -> bool {
    let is_one = |pattern: &String| match pattern.strip_prefix("*.") {
        // A wildcard stands for one label.
        Some(rest) => name.split_once('.').is_some_and(|(label, parent)| {
            !label.is_empty() && parent.trim_end_matches('.').eq_ignore_ascii_case(rest)
        }),
        None => pattern.eq_ignore_ascii_case(name.trim_end_matches('.')),
    };
    certificate.omitted_names > 0 || certificate.names.iter().any(is_one)
}

/// Its names for a person: `www.example.org, example.org and 3 more`.
pub(crate) fn names(certificate: &Certificate) -> String {
    const MOST: usize = 3;
    let shown: Vec<&str> = certificate.names.iter().take(MOST).map(String::as_str).collect();
    let more = certificate.names.len().saturating_sub(MOST) as u64 + u64::from(certificate.omitted_names);
    match (shown.is_empty(), more) {
        (true, _) => "no name".into(),
        (false, 0) => shown.join(", "),
        (false, _) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The day of an instant in UTC: `2026-11-29`.
pub(crate) fn date(instant: u64) -> String {
    // Days to a date of the Gregorian calendar, with years that begin in March.
    let days = instant / DAY + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (month, day) = (if month < 10 { month + 3 } else { month - 9 }, day - (153 * month + 2) / 5 + 1);
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + u64::from(month <= 2))
}
