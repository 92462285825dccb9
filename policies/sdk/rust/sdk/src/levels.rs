//! Thresholds of severities, with hysteresis.

use crate::{Failure, Severity, Status};

/// Turns a number into a severity.
///
/// With hysteresis: once an open incident has reached a severity, that severity ends only when the value is better than
/// its threshold by the re-arm distance. So a value that swings around a threshold does not open and close an incident
/// each time.
///
/// ```
/// use ansai_sdk::{Levels, Severity, Status};
///
/// let levels = Levels::rising().warning(85.0).critical(95.0).rearm(5.0);
/// assert_eq!(levels.status(82.0, None), Status::Healthy);
/// assert_eq!(levels.status(82.0, Some(Severity::Warning)), Status::Unhealthy(Severity::Warning));
/// assert_eq!(levels.status(95.0, None), Status::Unhealthy(Severity::Critical));
///
/// let days_left = Levels::falling().warning(14.0).critical(3.0).rearm(1.0);
/// assert_eq!(days_left.status(3.0, None), Status::Unhealthy(Severity::Critical));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    falling: bool,
    notice: Option<f64>,
    warning: Option<f64>,
    critical: Option<f64>,
    emergency: Option<f64>,
    rearm: f64,
}

impl Levels {
    /// Higher is worse: percent in use, connections, lag. Without a threshold, everything is healthy.
    pub const fn rising() -> Levels {
        Levels { falling: false, notice: None, warning: None, critical: None, emergency: None, rearm: 0.0 }
    }

    /// Lower is worse: days left, cache hits. Without a threshold, everything is healthy.
    pub const fn falling() -> Levels {
        Levels { falling: true, ..Levels::rising() }
    }

    /// Sets the threshold of a notice. A value equal to a threshold has reached it.
    pub const fn notice(self, threshold: f64) -> Levels {
        Levels { notice: Some(threshold), ..self }
    }

    /// Sets the threshold of a warning.
    pub const fn warning(self, threshold: f64) -> Levels {
        Levels { warning: Some(threshold), ..self }
    }

    /// Sets the threshold of critical.
    pub const fn critical(self, threshold: f64) -> Levels {
        Levels { critical: Some(threshold), ..self }
    }

    /// Sets the threshold of an emergency.
    pub const fn emergency(self, threshold: f64) -> Levels {
        Levels { emergency: Some(threshold), ..self }
    }

    /// Sets the re-arm distance.
    pub const fn rearm(self, distance: f64) -> Levels {
        Levels { rearm: distance, ..self }
    }

    /// The severity of a value; `None` if it is healthy. `open` is the severity of its open incident, see
    /// [`Host::open_severity`](crate::Host::open_severity).
    pub fn severity(&self, value: f64, open: Option<Severity>) -> Option<Severity> {
        self.thresholds()
            .filter(|(severity, _, threshold)| {
                let rearm = if open.is_some_and(|open| open >= *severity) { self.rearm } else { 0.0 };
                self.sign() * value >= self.sign() * threshold - rearm
            })
            .last()
            .map(|(severity, ..)| severity)
    }

    /// As [`severity`](Levels::severity), as a status. NaN is unknown.
    pub fn status(&self, value: f64, open: Option<Severity>) -> Status {
        if value.is_nan() {
            return Status::Unknown("the value is not a number".into());
        }
        self.severity(value, open).map_or(Status::Healthy, Status::Unhealthy)
    }

    /// The value at which an open incident ends: the mildest threshold, improved by the re-arm distance. Repairs aim
    /// for it. `None` without a threshold.
    pub fn goal(&self) -> Option<f64> {
        self.mildest().map(|threshold| threshold - self.sign() * self.rearm)
    }

    /// The mildest threshold.
    pub(crate) fn mildest(&self) -> Option<f64> {
        self.notice.or(self.warning).or(self.critical).or(self.emergency)
    }

    /// Checks that each threshold is worse than the next milder one. For [`Policy::check`](crate::Policy::check).
    ///
    /// # Errors
    /// [`Failure::InvalidSettings`] with the names of two thresholds.
    pub fn check(&self) -> Result<(), Failure> {
        let is_worse = |one: f64, other: f64| self.sign() * one > self.sign() * other;
        let mut milder: Option<(&str, f64)> = None;
        for (_, name, threshold) in self.thresholds() {
            if let Some((before, _)) = milder.filter(|(_, before)| !is_worse(threshold, *before)) {
                let place = if self.falling { "below" } else { "above" };
                return Err(Failure::InvalidSettings(format!("threshold `{name}` must be {place} `{before}`")));
            }
            milder = Some((name, threshold));
        }
        Ok(())
    }

    fn sign(&self) -> f64 {
        if self.falling { -1.0 } else { 1.0 }
    }

    /// The thresholds that are set, mildest first.
    pub(crate) fn thresholds(&self) -> impl Iterator<Item = (Severity, &'static str, f64)> {
        let all = [
            (Severity::Notice, "notice", self.notice),
            (Severity::Warning, "warning", self.warning),
            (Severity::Critical, "critical", self.critical),
            (Severity::Emergency, "emergency", self.emergency),
        ];
        all.into_iter().filter_map(|(severity, name, threshold)| Some((severity, name, threshold?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Severity::*;

    const PERCENT: Levels = Levels::rising().warning(80.0).critical(90.0).emergency(95.0).rearm(5.0);

    #[test]
    fn a_severity_begins_at_its_threshold_and_ends_below_it() {
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
            (f64::INFINITY, None, Some(Emergency)),
        ] {
            assert_eq!(PERCENT.severity(percent, open), expected, "{percent} {open:?}");
        }
    }

    #[test]
    fn falling_values_are_the_mirror_image() {
        let days = Levels::falling().warning(14.0).critical(3.0).rearm(1.0);
        for (left, open, expected) in [
            (14.1, None, None),
            (14.0, None, Some(Warning)),
            (15.0, Some(Warning), Some(Warning)),
            (15.1, Some(Warning), None),
            (3.0, None, Some(Critical)),
            (4.0, Some(Critical), Some(Critical)),
            (-1.0, None, Some(Critical)),
        ] {
            assert_eq!(days.severity(left, open), expected, "{left} {open:?}");
        }
        assert_eq!(days.goal(), Some(15.0));
    }

    #[test]
    fn not_a_number_is_unknown() {
        assert!(matches!(PERCENT.status(f64::NAN, None), Status::Unknown(_)));
        assert_eq!(Levels::rising().status(1e9, Some(Warning)), Status::Healthy);
    }

    #[test]
    fn the_goal_is_where_an_incident_ends() {
        assert_eq!(PERCENT.goal(), Some(75.0));
        assert_eq!(Levels::rising().goal(), None);
    }

    #[test]
    fn thresholds_must_get_worse() {
        assert_eq!(PERCENT.check(), Ok(()));
        let why = |levels: Levels| levels.check().map_err(|failure| format!("{failure:?}"));
        let error = why(PERCENT.critical(80.0));
        assert!(matches!(&error, Err(why) if why.contains("`critical` must be above `warning`")), "{error:?}");
        let error = why(Levels::falling().warning(3.0).emergency(14.0));
        assert!(matches!(&error, Err(why) if why.contains("`emergency` must be below `warning`")), "{error:?}");
        assert!(why(PERCENT.critical(f64::NAN)).is_err());
    }
}
