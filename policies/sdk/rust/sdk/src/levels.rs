//! Thresholds, and the distance that an open incident keeps from them.

use crate::{Severity, Status};

/// How bad a number is, where more is worse, with hysteresis: while its incident is open, the lowest threshold lies
/// deeper, so that a value that swings about the threshold does not open and close an incident each time.
///
/// ```
/// use ansai_sdk::{Levels, Severity, Status};
///
/// let levels = Levels::rising().warning(85.0).critical(95.0).rearm(5.0);
/// assert_eq!(levels.status(82.0, false), Status::Healthy);
/// assert_eq!(levels.status(82.0, true), Status::Unhealthy(Severity::Warning));
/// assert_eq!(levels.status(95.0, false), Status::Unhealthy(Severity::Critical));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    notice: Option<f64>,
    warning: Option<f64>,
    critical: Option<f64>,
    emergency: Option<f64>,
    rearm: f64,
}

impl Levels {
    /// Without a threshold yet: everything is healthy.
    pub fn rising() -> Levels {
        Levels { notice: None, warning: None, critical: None, emergency: None, rearm: 0.0 }
    }

    /// A notice from here on.
    pub fn notice(self, threshold: f64) -> Levels {
        Levels { notice: Some(threshold), ..self }
    }

    /// A warning from here on.
    pub fn warning(self, threshold: f64) -> Levels {
        Levels { warning: Some(threshold), ..self }
    }

    /// Critical from here on.
    pub fn critical(self, threshold: f64) -> Levels {
        Levels { critical: Some(threshold), ..self }
    }

    /// An emergency from here on.
    pub fn emergency(self, threshold: f64) -> Levels {
        Levels { emergency: Some(threshold), ..self }
    }

    /// So far below the lowest threshold an open incident ends.
    pub fn rearm(self, distance: f64) -> Levels {
        Levels { rearm: distance, ..self }
    }

    /// How a value stands; `open` says whether there is an incident with its key now
    /// ([`Host::is_open`](crate::Host::is_open)). What is not a number cannot be told.
    pub fn status(&self, value: f64, open: bool) -> Status {
        if value.is_nan() {
            return Status::Unknown("the value is not a number".into());
        }
        let thresholds = [
            (self.notice, Severity::Notice),
            (self.warning, Severity::Warning),
            (self.critical, Severity::Critical),
            (self.emergency, Severity::Emergency),
        ];
        let mut lower = if open { self.rearm } else { 0.0 };
        let mut status = Status::Healthy;
        for (threshold, severity) in thresholds {
            let Some(threshold) = threshold else { continue };
            if value >= threshold - lower {
                status = Status::Unhealthy(severity);
            }
            // Only the lowest one: above it, a severity ends where it began.
            lower = 0.0;
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: fn() -> Levels = || Levels::rising().warning(85.0).critical(95.0).rearm(5.0);

    #[test]
    fn a_threshold_itself_is_over_it() {
        assert_eq!(LEVELS().status(84.9, false), Status::Healthy);
        assert_eq!(LEVELS().status(85.0, false), Status::Unhealthy(Severity::Warning));
        assert_eq!(LEVELS().status(95.0, false), Status::Unhealthy(Severity::Critical));
    }

    #[test]
    fn an_open_incident_lowers_the_lowest_threshold_only() {
        assert_eq!(LEVELS().status(80.0, true), Status::Unhealthy(Severity::Warning));
        assert_eq!(LEVELS().status(79.9, true), Status::Healthy);
        assert_eq!(LEVELS().status(94.0, true), Status::Unhealthy(Severity::Warning));
    }

    #[test]
    fn no_number_is_not_healthy() {
        assert!(matches!(LEVELS().status(f64::NAN, false), Status::Unknown(_)));
        assert_eq!(LEVELS().status(f64::INFINITY, false), Status::Unhealthy(Severity::Critical));
    }

    #[test]
    fn without_thresholds_all_is_well() {
        assert_eq!(Levels::rising().status(1e9, true), Status::Healthy);
    }
}
