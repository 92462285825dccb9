//! Settings, see `settings.schema.json`.

use ansai_sdk::text::any_matches as any;
use ansai_sdk::{Failure, Size, Span};

use crate::imports::ansai::process::process_actions::Signal;

ansai_sdk::settings! {
    pub(crate) struct Settings {
        units: Vec<String>,
        exclude: Vec<String>,
        min_size: Size,
        host_percent: f64,
        min_span: Span,
        horizon: Span,
        first_day_horizon: Span,
        critical_within: Span,
        look_back: Span,
        warm_up: Span,
        stalled_percent: f64 = "emergency.stalled_percent",
        used_percent: f64 = "emergency.used_percent",
        collect_units: Vec<String> = "collect.units",
        /// Empty for none.
        collect_hook: String = "collect.hook",
        collect_signal: String = "collect.signal",
        hold_percent: f64,
        hold_for: Span,
        restart_every: Span,
        settle: Span,
        capture_lines: u32,
    }
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let can_collect = !self.collect_hook.is_empty() || self.signal().is_some();
        Failure::unless(self.min_span < self.look_back, "`min_span` must be below `look_back`")?;
        Failure::unless(self.first_day_horizon <= self.horizon, "`first_day_horizon` must not be above `horizon`")?;
        Failure::unless(self.critical_within <= self.horizon, "`critical_within` must not be above `horizon`")?;
        let why = "`collect.units` needs `collect.hook` or `collect.signal`";
        Failure::unless(self.collect_units.is_empty() || can_collect, why)
    }

    pub(crate) fn watches(&self, unit: &str) -> bool {
        any(&self.units, unit) && !any(&self.exclude, unit)
    }

    /// Whether a service can be made to collect garbage.
    pub(crate) fn collects(&self, unit: &str) -> bool {
        any(&self.collect_units, unit)
    }

    pub(crate) fn signal(&self) -> Option<Signal> {
        match self.collect_signal.as_str() {
            "hup" => Some(Signal::Hup),
            "usr1" => Some(Signal::Usr1),
            "usr2" => Some(Signal::Usr2),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;

    #[test]
    fn the_schema_and_the_policy_agree() {
        let settings = settings(|_| {});
        assert_eq!((settings.min_size, settings.min_span), (Size(64 << 20), Span::from_hours(6)));
        assert_eq!(settings.check(), Ok(()));
    }

    #[test]
    fn every_setting_is_described() {
        let (schema, readme) = (include_str!("../settings.schema.json"), include_str!("../README.md"));
        assert_eq!(ansai_sdk::testing::undescribed_settings(schema, readme), [""; 0]);
    }

    #[test]
    fn what_makes_no_sense_together_is_named() {
        let day = 86_400_000;
        for (place, value, named) in [
            ("/min_span", serde_json::json!(7 * day), "`min_span`"),
            ("/first_day_horizon", serde_json::json!(2 * day), "`first_day_horizon`"),
            ("/critical_within", serde_json::json!(2 * day), "`critical_within`"),
            ("/collect/units", serde_json::json!(["a"]), "`collect.units`"),
        ] {
            let error = settings(|settings| *settings.pointer_mut(place).unwrap() = value).check();
            assert!(matches!(&error, Err(Failure::InvalidSettings(why)) if why.starts_with(named)), "{error:?}");
        }
    }

    #[test]
    fn patterns_and_signals() {
        let settings = settings(|settings| {
            settings["collect"] = serde_json::json!({ "units": ["app-*"], "signal": "usr2", "hook": "" });
        });
        assert!(settings.watches("a.service") && !settings.watches("user@0.service"));
        assert!(settings.collects("app-1.service") && !settings.collects("b.service"));
        assert_eq!(settings.signal(), Some(Signal::Usr2));
    }
}
