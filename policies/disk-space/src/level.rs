//! From percent to severity, with hysteresis: what is open stays open until it is clearly better.

use crate::port::Severity;
use crate::settings::{Settings, Thresholds};

/// The severity of a level, given the severity of the incident that is open for it; `None` is healthy.
pub(crate) fn severity(percent: f64, settings: &Settings, open: Option<Severity>) -> Option<Severity> {
    let Thresholds { warning, critical, emergency } = settings.thresholds;
    [(Severity::Emergency, emergency), (Severity::Critical, critical), (Severity::Warning, warning)]
        .into_iter()
        .find(|(severity, threshold)| {
            let rearm = if open.is_some_and(|open| open >= *severity) { settings.rearm_points } else { 0.0 };
            percent >= threshold - rearm
        })
        .map(|(severity, _)| severity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::with;
    use Severity::*;

    #[test]
    fn rises_at_thresholds_and_falls_below_them() {
        let settings = Settings::parse(&with(|_| {})).unwrap();
        for (percent, open, expected) in [
            (79.9, None, None),
            (80.0, None, Some(Warning)),
            (90.0, None, Some(Critical)),
            (95.0, Some(Warning), Some(Emergency)),
            (75.0, Some(Warning), Some(Warning)),
            (74.9, Some(Warning), None),
            (85.0, Some(Critical), Some(Critical)),
            (84.9, Some(Critical), Some(Warning)),
            (76.0, Some(Critical), Some(Warning)),
            (74.0, Some(Emergency), None),
            (89.0, Some(Warning), Some(Warning)),
            (90.0, Some(Emergency), Some(Emergency)),
            (76.0, Some(Notice), None),
        ] {
            assert_eq!(severity(percent, &settings, open), expected, "{percent} {open:?}");
        }
    }
}
