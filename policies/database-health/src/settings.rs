//! Settings, see `settings.schema.json`.

use ansai_sdk::text::matches;
use ansai_sdk::{Failure, Levels, Size, Span};

ansai_sdk::settings! {
    pub(crate) struct Settings {
        targets: Vec<String>,
        files: Vec<String>,
        connections_warning: f64 = "connections.warning",
        connections_critical: f64 = "connections.critical",
        leak_percent: f64,
        blocked_warning: Span = "blocked.warning",
        blocked_critical: Span = "blocked.critical",
        idle_warning: Span = "idle_in_transaction.warning",
        idle_critical: Span = "idle_in_transaction.critical",
        long_transaction: Span,
        spare_users: Vec<String>,
        lag_warning: Span = "lag.warning",
        lag_critical: Span = "lag.critical",
        retained_warning: Size = "retained.warning",
        retained_critical: Size = "retained.critical",
        dead_warning: f64 = "dead_rows.warning",
        dead_critical: f64 = "dead_rows.critical",
        dead_least: u64 = "dead_rows.least",
        wraparound_warning: f64 = "wraparound.warning",
        wraparound_critical: f64 = "wraparound.critical",
        wraparound_emergency: f64 = "wraparound.emergency",
        cache_hits: f64,
        bloat_percent: f64 = "bloat.percent",
        bloat_least: Size = "bloat.least",
        slow_times: f64 = "slow_statements.times",
        slow_least: Span = "slow_statements.least",
        slower_percent: f64 = "slow_statements.weeks_percent",
        unused_warning: f64 = "unused_room.warning",
        unused_least: Size = "unused_room.least",
        history_warning: u64 = "history_list.warning",
        history_critical: u64 = "history_list.critical",
        tables_every: Span,
        maintain_within: Span,
        wal_warning: Size = "wal.warning",
        wal_critical: Size = "wal.critical",
        free_pages: f64,
        held: Span,
        copies: String,
    }
}

/// Levels of two durations, in milliseconds.
fn of_spans(warning: Span, critical: Span) -> Levels {
    Levels::rising().warning(warning.0 as f64).critical(critical.0 as f64)
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let all = [
            ("connections", self.connections()),
            ("blocked", self.blocked()),
            ("idle_in_transaction", self.idle()),
            ("lag", self.lag()),
            ("retained", self.retained()),
            ("dead_rows", self.dead_rows()),
            ("wraparound", self.wraparound()),
            ("wal", self.wal()),
            ("history_list", self.history()),
        ];
        for (name, levels) in all {
            levels.check().map_err(|failure| match failure {
                Failure::InvalidSettings(why) => Failure::InvalidSettings(format!("`{name}`: {why}")),
                other => other,
            })?;
        }
        Ok(())
    }

    /// Of the percentage of the connections of ordinary roles.
    pub(crate) fn connections(&self) -> Levels {
        Levels::rising().warning(self.connections_warning).critical(self.connections_critical).rearm(5.0)
    }

    /// Of milliseconds, as those that follow.
    pub(crate) fn blocked(&self) -> Levels {
        of_spans(self.blocked_warning, self.blocked_critical)
    }

    pub(crate) fn idle(&self) -> Levels {
        of_spans(self.idle_warning, self.idle_critical)
    }

    /// A replica that swings around a threshold has to be clearly better.
    pub(crate) fn lag(&self) -> Levels {
        of_spans(self.lag_warning, self.lag_critical).rearm(self.lag_warning.0 as f64 / 2.0)
    }

    /// Of bytes.
    pub(crate) fn retained(&self) -> Levels {
        Levels::rising().warning(self.retained_warning.0 as f64).critical(self.retained_critical.0 as f64)
    }

    /// Of the percentage of rows.
    pub(crate) fn dead_rows(&self) -> Levels {
        Levels::rising().warning(self.dead_warning).critical(self.dead_critical).rearm(self.dead_warning / 2.0)
    }

    /// Of the percentage of the file of a table that its rows do not need.
    pub(crate) fn bloat(&self) -> Levels {
        Levels::rising().notice(self.bloat_percent).rearm(self.bloat_percent / 4.0)
    }

    /// Whether dead rows of a table are a finding.
    pub(crate) fn has_dead_rows(&self, live: u64, dead: u64) -> bool {
        let percent = ansai_sdk::share::of(dead, live.saturating_add(dead)).unwrap_or_default() * 100.0;
        dead > self.dead_least && percent >= self.dead_warning
    }

    /// Of the percentage of 2^31.
    pub(crate) fn wraparound(&self) -> Levels {
        let levels = Levels::rising().warning(self.wraparound_warning).critical(self.wraparound_critical);
        levels.emergency(self.wraparound_emergency)
    }

    /// Of bytes.
    pub(crate) fn wal(&self) -> Levels {
        let levels = Levels::rising().warning(self.wal_warning.0 as f64).critical(self.wal_critical.0 as f64);
        levels.rearm(self.wal_warning.0 as f64 / 2.0)
    }

    /// Of the percentage of pages.
    pub(crate) fn free_pages(&self) -> Levels {
        Levels::rising().warning(self.free_pages).rearm(self.free_pages / 2.0)
    }

    /// Of the percentage of the file of a table.
    pub(crate) fn unused_room(&self) -> Levels {
        Levels::rising().warning(self.unused_warning).rearm(self.unused_warning / 2.0)
    }

    /// Of changes that InnoDB cannot purge.
    pub(crate) fn history(&self) -> Levels {
        let levels = Levels::rising().warning(self.history_warning as f64).critical(self.history_critical as f64);
        levels.rearm(self.history_warning as f64 / 2.0)
    }

    /// Whether the sessions of a role are left to a person.
    pub(crate) fn spares(&self, user: &str) -> bool {
        self.spare_users.iter().any(|pattern| matches(pattern, user))
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
        assert_eq!((settings.tables_every, settings.retained_warning), (Span(900_000), Size(1 << 30)));
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
