//! Settings, see `settings.schema.json`.

use ansai_sdk::{Failure, ForTarget as _, Levels, Size, Span};

ansai_sdk::settings! {
    /// Percentages are between 0 and 100.
    pub(crate) struct Settings {
        thresholds: Levels,
        rearm_points: f64,
        forecast_hours: f64 = "forecast.hours",
        forecast_free_below: f64 = "forecast.free_below",
        forecast_min_span: Span = "forecast.min_span",
        logs_older_than: Span,
        compress_logs_older_than: Span,
        temp_files_older_than: Span,
        journal_size: Size,
        package_cache: bool,
        images: bool,
        images_older_than: Span,
        tagged_images: bool,
        keep_tags: u32,
        unnamed_volumes: bool,
        log_dirs: Vec<String>,
        log_globs: Vec<String>,
        temp_dirs: Vec<String>,
        ignore_mounts: Vec<String>,
        inodes: bool,
    }
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.check_each()?;
        Failure::unless(self.goal() > 0.0, "`rearm_points` must be below `thresholds.warning`")
    }

    /// Severity levels for percent in use.
    pub(crate) fn levels(&self) -> Levels {
        self.thresholds.rearm(self.rearm_points)
    }

    /// Percent in use below which an incident ends, and cleaning stops.
    pub(crate) fn goal(&self) -> f64 {
        self.levels().goal().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{json, settings};
    use ansai_sdk::FromSettings as _;

    #[test]
    fn the_schema_and_the_policy_agree() {
        let settings = settings(|_| {});
        assert_eq!(settings.goal(), 75.0);
        assert_eq!(settings.logs_older_than.hours(), 720);
        assert_eq!(settings.journal_size, Size(100 << 20));
        assert_eq!(settings.check(), Ok(()));
    }

    #[test]
    fn every_setting_is_described() {
        let (schema, readme) = (include_str!("../settings.schema.json"), include_str!("../README.md"));
        assert_eq!(ansai_sdk::testing::undescribed_settings(schema, readme), [""; 0]);
    }

    #[test]
    fn an_invalid_setting_is_named() {
        let text = json(|settings| settings["log_dirs"] = serde_json::json!(["/a", 1]));
        let error = Settings::from_settings(&text).map(drop);
        assert!(matches!(&error, Err(Failure::InvalidSettings(why)) if why.contains("`log_dirs`")), "{error:?}");
    }

    #[test]
    fn thresholds_must_rise() {
        for (setting, value, named) in [("thresholds", 80, "`critical`"), ("rearm_points", 80, "`rearm_points`")] {
            let settings = settings(|settings| match setting {
                "thresholds" => settings["thresholds"]["critical"] = value.into(),
                _ => settings[setting] = value.into(),
            });
            let error = settings.check();
            assert!(matches!(&error, Err(Failure::InvalidSettings(why)) if why.contains(named)), "{error:?}");
        }
    }
}
