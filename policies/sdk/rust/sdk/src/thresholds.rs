//! Levels as settings: a table with thresholds.

use crate::{Failure, Host, Json, Levels, Setting};

/// A table with at least one of `notice`, `warning`, `critical` and `emergency`, each a number, a size or a duration. Higher is
/// worse. Other keys of the table are settings of their own.
///
/// ```
/// use ansai_sdk::{FromSettings as _, Levels, Severity};
///
/// ansai_sdk::settings! {
///     struct Settings {
///         connections: Levels,
///     }
/// }
///
/// let settings = Settings::from_settings(r#"{"connections": {"warning": 80, "critical": 95}}"#).unwrap();
/// assert_eq!(settings.connections.severity(90.0, None), Some(Severity::Warning));
/// ```
impl Setting for Levels {
    const EXPECTED: &'static str = "a table of thresholds";

    fn read(value: &Json) -> Option<Levels> {
        let Json::Object(fields) = value else { return None };
        let mut levels = Levels::rising();
        for (name, found) in fields {
            levels = set(levels, name, || f64::read(found))?;
        }
        levels.mildest().map(|_| levels)
    }

    fn check(&self) -> Result<(), Failure> {
        Levels::check(self)
    }

    /// Asks for each threshold by itself: the host would have to write the table, and the policy to read it.
    fn of_target(host: &Host, target: &str, path: &str, other: &Levels) -> Result<Levels, Failure> {
        let mut levels = *other;
        for (_, name, threshold) in other.thresholds() {
            let own = f64::of_target(host, target, &[path, ".", name].concat(), &threshold)?;
            levels = set(levels, name, || Some(own)).unwrap_or(levels);
        }
        Ok(levels)
    }
}

/// Sets one threshold by its name. Another name changes nothing.
fn set(levels: Levels, name: &str, threshold: impl FnOnce() -> Option<f64>) -> Option<Levels> {
    Some(match name {
        "notice" => levels.notice(threshold()?),
        "warning" => levels.warning(threshold()?),
        "critical" => levels.critical(threshold()?),
        "emergency" => levels.emergency(threshold()?),
        _ => levels,
    })
}

impl Levels {
    /// Sets the re-arm distance to a share of the mildest threshold: with 0.5, an incident that begins at 10 ends below 5.
    ///
    /// ```
    /// use ansai_sdk::Levels;
    ///
    /// assert_eq!(Levels::rising().warning(10.0).critical(50.0).rearm_by(0.5).goal(), Some(5.0));
    /// ```
    #[must_use]
    pub fn rearm_by(self, share: f64) -> Levels {
        self.rearm(self.mildest().unwrap_or_default() * share)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::testing::StandIn;
    use crate::{ForTarget as _, FromSettings as _, Severity};

    crate::settings! {
        struct Own {
            wal: Levels,
        }
    }

    fn read(json: &str) -> Option<Levels> {
        Levels::read(&Json::parse(json).unwrap())
    }

    #[test]
    fn a_table_has_some_of_the_thresholds() {
        assert_eq!(read(r#"{"warning": 1.5, "least": 3}"#), Some(Levels::rising().warning(1.5)));
        let all = Levels::rising().notice(1.0).warning(2.0).critical(3.0).emergency(4.0);
        assert_eq!(read(r#"{"emergency": 4, "critical": 3, "warning": 2, "notice": 1}"#), Some(all));
        for bad in [r#"{"warning": "1"}"#, r#"{"warning": 1, "critical": null}"#, r#"{"least": 3}"#, "{}", "80"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    /// Would break: a target whose own threshold is ignored.
    #[test]
    fn a_target_has_thresholds_of_its_own() {
        let all = Own::from_settings(r#"{"wal": {"warning": 10, "critical": 20}}"#).unwrap();
        let own = [("wal.warning", "5")];
        let host = StandIn::default().with_target("main", "postgresql", &own).host();
        let found = ["main", "other"].map(|name| all.for_target(&host, name).unwrap().wal.severity(6.0, None));
        assert_eq!(found, [Some(Severity::Warning), None]);
        let bad = StandIn::default().with_target("main", "postgresql", &[("wal.critical", "much")]).host();
        let error = all.for_target(&bad, "main").err();
        assert!(matches!(&error, Some(Failure::InvalidSettings(why)) if why.contains("`wal.critical`")), "{error:?}");
    }

    #[test]
    fn the_wrong_setting_is_named() {
        let levels = |critical: f64| Levels::rising().warning(2.0).critical(critical);
        assert_eq!(Own { wal: levels(3.0) }.check_each(), Ok(()));
        let error = Own { wal: levels(1.0) }.check_each();
        let why = "`wal`: threshold `critical` must be above `warning`";
        assert_eq!(error, Err(Failure::InvalidSettings(why.into())));
    }

    #[test]
    fn without_a_threshold_there_is_nothing_to_rearm() {
        assert_eq!(Levels::rising().rearm_by(0.5), Levels::rising());
        assert_eq!(Levels::rising().warning(8.0).rearm(1.0).rearm_by(0.25).goal(), Some(6.0));
    }
}
