//! Settings, see `settings.schema.json`.

use ansai_sdk::text::any_matches as any;
use ansai_sdk::{Entries, Failure, Severity, Span};

use crate::serves::Serve;

ansai_sdk::settings! {
    pub(crate) struct Settings {
        units: Vec<String>,
        exclude: Vec<String>,
        critical_units: Vec<String>,
        notice_units: Vec<String>,
        /// In 24 hours.
        attempts: u32,
        backoff_first: Span = "backoff.first",
        backoff_most: Span = "backoff.most",
        retry_oneshots: bool,
        settle: Span,
        /// 0 switches it off.
        flapping_restarts: u32 = "flapping.restarts",
        flapping_within: Span = "flapping.within",
        restart_wait: Span,
        capture_lines: u32,
        serves: Entries<Serve>,
        unanswered_for: Span,
        starts_within: Span,
    }
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), Failure> {
        Failure::unless(self.backoff_first <= self.backoff_most, "`backoff.first` must not be above `backoff.most`")?;
        if let Some(serve) = self.serves.0.iter().find(|serve| serve.least_status > serve.most_status) {
            let why = format!("`serves` of {}: `least_status` must not be above `most_status`", serve.unit);
            return Err(Failure::InvalidSettings(why));
        }
        Ok(())
    }

    pub(crate) fn watches(&self, unit: &str) -> bool {
        any(&self.units, unit) && !any(&self.exclude, unit)
    }

    /// How bad it is that a service does not run.
    pub(crate) fn severity(&self, unit: &str) -> Severity {
        match () {
            () if any(&self.critical_units, unit) => Severity::Critical,
            () if any(&self.notice_units, unit) => Severity::Notice,
            () => Severity::Warning,
        }
    }

    /// How bad it is that a service is restarted again and again: it runs most of the time.
    pub(crate) fn flapping_severity(&self, unit: &str) -> Severity {
        if any(&self.critical_units, unit) { Severity::Warning } else { Severity::Notice }
    }

    /// Time from a restart to the next one, after this many within a day.
    pub(crate) fn pause(&self, restarts: u32) -> Span {
        let doubled = 1_u64.checked_shl(restarts.saturating_sub(1)).unwrap_or(u64::MAX);
        Span(self.backoff_first.0.saturating_mul(doubled).min(self.backoff_most.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;

    #[test]
    fn the_schema_and_the_policy_agree() {
        let settings = settings(|_| {});
        assert_eq!((settings.attempts, settings.settle, settings.flapping_restarts), (3, Span(30_000), 3));
        assert_eq!(settings.check(), Ok(()));
    }

    #[test]
    fn the_pause_doubles_up_to_its_limit() {
        let settings = settings(|_| {});
        let minutes = |restarts| settings.pause(restarts).0 / 60_000;
        assert_eq!([0, 1, 2, 3, 7, 64, u32::MAX].map(minutes), [1, 1, 2, 4, 60, 60, 60]);
    }

    #[test]
    fn the_first_pause_is_the_shortest() {
        let error = settings(|settings| settings["backoff"]["most"] = 1.into()).check();
        assert!(matches!(&error, Err(Failure::InvalidSettings(why)) if why.contains("`backoff.first`")), "{error:?}");
    }

    #[test]
    fn patterns_decide_what_is_watched_and_how_bad_it_is() {
        let settings = settings(|settings| {
            settings["exclude"] = serde_json::json!(["user@*"]);
            settings["critical_units"] = serde_json::json!(["nginx*"]);
            settings["notice_units"] = serde_json::json!(["*-cache.service", "nginx-x.service"]);
        });
        assert!(settings.watches("a.service") && !settings.watches("user@0.service") && !settings.watches("a.timer"));
        let severities = ["nginx.service", "nginx-x.service", "a-cache.service", "b.service"];
        let found = severities.map(|unit| settings.severity(unit));
        assert_eq!(found, [Severity::Critical, Severity::Critical, Severity::Notice, Severity::Warning]);
        assert_eq!(settings.flapping_severity("nginx.service"), Severity::Warning);
        assert_eq!(settings.flapping_severity("b.service"), Severity::Notice);
    }

    #[test]
    fn every_setting_is_described() {
        let (schema, readme) = (include_str!("../settings.schema.json"), include_str!("../README.md"));
        assert_eq!(ansai_sdk::testing::undescribed_settings(schema, readme), [""; 0]);
    }
}
