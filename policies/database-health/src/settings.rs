//! Settings, see `settings.schema.json`.

use ansai_sdk::{Failure, ForTarget as _, Levels, Size, Span, text};

/// What swings around a threshold has to be clearly better before its finding ends: below half of the threshold.
pub(crate) const HALF: f64 = 0.5;

ansai_sdk::settings! {
    /// Levels of durations are in milliseconds, those of sizes in bytes.
    pub(crate) struct Settings {
        targets: Vec<String>,
        files: Vec<String>,
        connections: Levels,
        leak_percent: f64,
        blocked: Levels,
        idle: Levels = "idle_in_transaction",
        long_transaction: Span,
        spare_users: Vec<String>,
        lag: Levels,
        retained: Levels,
        dead_rows: Levels,
        dead_least: u64 = "dead_rows.least",
        wraparound: Levels,
        cache_hits: f64,
        bloat_percent: f64 = "bloat.percent",
        bloat_least: Size = "bloat.least",
        slow_times: f64 = "slow_statements.times",
        slow_least: Span = "slow_statements.least",
        slower_percent: f64 = "slow_statements.weeks_percent",
        unused_room: Levels,
        unused_least: Size = "unused_room.least",
        history: Levels = "history_list",
        running: Levels,
        slow_queries: Levels,
        tables_every: Span,
        maintain_within: Span,
        wal: Levels,
        free_pages: f64,
        held: Span,
        copies: String,
    }
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.check_each()
    }

    /// Of the percentage of the connections of ordinary roles.
    pub(crate) fn connections(&self) -> Levels {
        self.connections.rearm(5.0)
    }

    /// Of the percentage of the file of a table that its rows do not need.
    pub(crate) fn bloat(&self) -> Levels {
        Levels::rising().notice(self.bloat_percent).rearm_by(0.25)
    }

    /// Of the percentage of pages.
    pub(crate) fn free_pages(&self) -> Levels {
        Levels::rising().warning(self.free_pages).rearm_by(HALF)
    }

    /// Whether the sessions of a role are left to a person.
    pub(crate) fn spares(&self, user: &str) -> bool {
        text::any_matches(&self.spare_users, user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;

    #[test]
    fn the_schema_and_the_policy_agree() {
        let settings = settings(|_| {});
        assert_eq!(settings.check(), Ok(()));
        assert!(settings.spares("postgres") && !settings.spares("app"));
        assert_eq!((settings.tables_every, settings.bloat_least), (Span(900_000), Size(1 << 30)));
    }

    #[test]
    fn thresholds_that_contradict_each_other_are_named() {
        for (group, value, expected) in [
            ("connections", 96.into(), "`connections`: threshold `critical` must be above `warning`"),
            ("blocked", 600_000.into(), "`blocked`: threshold `critical` must be above `warning`"),
            ("wraparound", serde_json::json!(60.5), "`wraparound`: threshold `critical` must be above `warning`"),
        ] {
            let error = settings(|settings| settings[group]["warning"] = value).check();
            assert_eq!(error, Err(Failure::InvalidSettings(expected.into())));
        }
    }

    #[test]
    fn every_setting_is_described() {
        let (schema, readme) = (include_str!("../settings.schema.json"), include_str!("../README.md"));
        assert_eq!(ansai_sdk::testing::undescribed_settings(schema, readme), [""; 0]);
    }
}
