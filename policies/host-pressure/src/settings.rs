//! Settings, see `settings.schema.json`.

use ansai_sdk::{Failure, Span};

use crate::what::{self, What};

ansai_sdk::entries! {
    /// Percentages, but those of the load.
    #[derive(Copy)]
    pub(crate) struct Thresholds: "a table with `warning`" {
        warning: f64,
        critical: Option<f64> => None,
    }
}

ansai_sdk::settings! {
    pub(crate) struct Settings {
        load: Thresholds,
        processors: Thresholds,
        memory: Thresholds,
        swap: Thresholds,
        stalled_processors: Thresholds,
        stalled_memory: Thresholds,
        stalled_io: Thresholds,
        open_files: Thresholds,
        threads: Thresholds,
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
        for what in &what::ALL {
            what.levels(self).check().map_err(|failure| match failure {
                Failure::InvalidSettings(why) => Failure::InvalidSettings(format!("{}: {why}", what.name)),
                other => other,
            })?;
        }
        if self.min_span >= self.look_back {
            let why = "`baseline.min_span` must be below `baseline.look_back`";
            return Err(Failure::InvalidSettings(why.into()));
        }
        Ok(())
    }

    pub(crate) fn ignores(&self, what: &What) -> bool {
        self.ignore.iter().any(|name| name == what.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;

    #[test]
    fn the_schema_and_the_policy_agree() {
        let settings = settings(|_| {});
        assert_eq!((settings.load.warning, settings.factor, settings.clock_grace), (4.0, 2.0, Span(1_800_000)));
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
        for (place, value, named) in
            [("/memory/critical", 5, "memory: threshold `critical`"), ("/baseline/min_span", 700_000_000, "`baseline.")]
        {
            let error = settings(|settings| *settings.pointer_mut(place).unwrap() = value.into()).check();
            assert!(matches!(&error, Err(Failure::InvalidSettings(why)) if why.contains(named)), "{error:?}");
        }
    }
}
