//! Settings, see `settings.schema.json`.

use ansai_sdk::{Failure, ForTarget as _, Levels, Span};

ansai_sdk::settings! {
    /// Percentages, but those of the load.
    pub(crate) struct Settings {
        load: Levels,
        processors: Levels,
        memory: Levels,
        swap: Levels,
        stalled_processors: Levels,
        stalled_memory: Levels,
        stalled_io: Levels,
        open_files: Levels,
        threads: Levels,
        factor: f64 = "baseline.factor",
        look_back: Span = "baseline.look_back",
        min_span: Span = "baseline.min_span",
        clock_grace: Span,
        restart_within: Span,
        ignore: Vec<String>,
    }
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.check_each()?;
        Failure::unless(self.min_span < self.look_back, "`baseline.min_span` must be below `baseline.look_back`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;
    use crate::what;

    #[test]
    fn the_schema_and_the_policy_agree() {
        let settings = settings(|_| {});
        let load = settings.load.goal();
        assert_eq!((load, settings.factor, settings.clock_grace), (Some(4.0), 2.0, Span(1_800_000)));
        assert_eq!(settings.check(), Ok(()));
        let schema: serde_json::Value = serde_json::from_str(include_str!("../settings.schema.json")).unwrap();
        let names = schema["properties"]["ignore"]["items"]["enum"].as_array().unwrap();
        assert!(names.iter().map(|name| name.as_str().unwrap()).eq(what::ALL.iter().map(|what| what.name)));
    }

    #[test]
    fn every_setting_is_described() {
        let (schema, readme) = (include_str!("../settings.schema.json"), include_str!("../README.md"));
        assert_eq!(ansai_sdk::testing::undescribed_settings(schema, readme), [""; 0]);
    }

    #[test]
    fn what_makes_no_sense_together_is_named() {
        for (place, value, named) in [
            ("/memory/critical", 5, "`memory`: threshold `critical`"),
            ("/baseline/min_span", 700_000_000, "`baseline."),
        ] {
            let error = settings(|settings| *settings.pointer_mut(place).unwrap() = value.into()).check();
            assert!(matches!(&error, Err(Failure::InvalidSettings(why)) if why.contains(named)), "{error:?}");
        }
    }
}
