//! Settings, as the host hands them over: defaults filled in, sizes in bytes, durations in milliseconds.

use serde_json::Value;

use crate::port::Failure;

const HOUR: u64 = 3_600_000;

#[derive(Debug, Clone)]
pub(crate) struct Thresholds {
    pub(crate) warning: f64,
    pub(crate) critical: f64,
    pub(crate) emergency: f64,
}

#[derive(Debug, Clone)]
pub(crate) struct Forecast {
    pub(crate) hours: f64,
    /// Percent.
    pub(crate) free_below: f64,
    /// Milliseconds.
    pub(crate) min_span: u64,
}

/// Percentages are between 0 and 100.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) thresholds: Thresholds,
    pub(crate) rearm_points: f64,
    pub(crate) forecast: Forecast,
    logs_older_than: u64,
    compress_logs_older_than: u64,
    temp_files_older_than: u64,
    pub(crate) journal_size: u64,
    pub(crate) package_cache: bool,
    pub(crate) log_dirs: Vec<String>,
    pub(crate) log_globs: Vec<String>,
    pub(crate) temp_dirs: Vec<String>,
    pub(crate) ignore_mounts: Vec<String>,
    pub(crate) inodes: bool,
}

/// Reads by path. No derive: it would be a fifth of the component.
struct Reader(Value);

impl Reader {
    fn get<'v, T>(&'v self, path: &str, read: fn(&'v Value) -> Option<T>) -> Result<T, Failure> {
        path.split('.')
            .try_fold(&self.0, |value, part| value.get(part))
            .and_then(read)
            .ok_or_else(|| Failure::InvalidSettings(format!("`{path}` is missing or of another type")))
    }
    fn number(&self, path: &str) -> Result<f64, Failure> {
        self.get(path, Value::as_f64)
    }
    fn count(&self, path: &str) -> Result<u64, Failure> {
        self.get(path, Value::as_u64)
    }
    fn flag(&self, path: &str) -> Result<bool, Failure> {
        self.get(path, Value::as_bool)
    }
    fn texts(&self, path: &str) -> Result<Vec<String>, Failure> {
        self.get(path, texts)
    }
}

/// A list of texts; `None` where it is anything else.
pub(crate) fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|one| one.as_str().map(str::to_owned)).collect()
}

impl Settings {
    pub(crate) fn parse(json: &str) -> Result<Settings, Failure> {
        let read = serde_json::from_str(json).map(Reader);
        let read = read.map_err(|_| Failure::InvalidSettings("they are no JSON".into()))?;
        let settings = Settings {
            thresholds: Thresholds {
                warning: read.number("thresholds.warning")?,
                critical: read.number("thresholds.critical")?,
                emergency: read.number("thresholds.emergency")?,
            },
            rearm_points: read.number("rearm_points")?,
            forecast: Forecast {
                hours: read.number("forecast.hours")?,
                free_below: read.number("forecast.free_below")?,
                min_span: read.count("forecast.min_span")?,
            },
            logs_older_than: read.count("logs_older_than")?,
            compress_logs_older_than: read.count("compress_logs_older_than")?,
            temp_files_older_than: read.count("temp_files_older_than")?,
            journal_size: read.count("journal_size")?,
            package_cache: read.flag("package_cache")?,
            log_dirs: read.texts("log_dirs")?,
            log_globs: read.texts("log_globs")?,
            temp_dirs: read.texts("temp_dirs")?,
            ignore_mounts: read.texts("ignore_mounts")?,
            inodes: read.flag("inodes")?,
        };
        let Thresholds { warning, critical, emergency } = settings.thresholds;
        if !(warning < critical && critical < emergency) {
            return Err(Failure::InvalidSettings(
                "thresholds: `warning` must be below `critical`, and `critical` below `emergency`".into(),
            ));
        }
        if settings.rearm_points >= warning {
            return Err(Failure::InvalidSettings("`rearm_points` must be below `thresholds.warning`".into()));
        }
        Ok(settings)
    }

    /// Where cleaning aims, in percent: below this it is healthy again.
    pub(crate) fn goal(&self) -> f64 {
        self.thresholds.warning - self.rearm_points
    }
    pub(crate) fn remove_logs_hours(&self) -> u32 {
        hours(self.logs_older_than)
    }
    pub(crate) fn compress_logs_hours(&self) -> u32 {
        hours(self.compress_logs_older_than)
    }
    pub(crate) fn temp_hours(&self) -> u32 {
        hours(self.temp_files_older_than)
    }
}

/// Rounded up: never younger than asked for.
fn hours(duration: u64) -> u32 {
    u32::try_from(duration.div_ceil(HOUR)).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The defaults of the schema, with some replaced.
    pub(crate) fn with(change: impl FnOnce(&mut serde_json::Value)) -> String {
        let schema: serde_json::Value = serde_json::from_str(include_str!("../settings.schema.json")).unwrap();
        let mut settings = defaults(&schema);
        for (name, amount) in [
            ("/logs_older_than", 30 * 24 * HOUR),
            ("/compress_logs_older_than", 24 * HOUR),
            ("/temp_files_older_than", 7 * 24 * HOUR),
            ("/journal_size", 100 << 20),
            ("/forecast/min_span", 6 * HOUR),
        ] {
            *settings.pointer_mut(name).unwrap() = amount.into();
        }
        change(&mut settings);
        settings.to_string()
    }

    fn defaults(schema: &serde_json::Value) -> serde_json::Value {
        let properties = schema["properties"].as_object().unwrap();
        properties
            .iter()
            .map(|(name, one)| {
                let value = if one["type"] == "object" { defaults(one) } else { one["default"].clone() };
                assert!(!value.is_null(), "{name} has no default");
                (name.clone(), value)
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    #[test]
    fn the_schema_and_the_policy_agree() {
        let settings = Settings::parse(&with(|_| {})).unwrap();
        assert_eq!(settings.goal(), 75.0);
        assert_eq!(settings.remove_logs_hours(), 720);
        assert_eq!(settings.journal_size, 100 << 20);
    }

    #[test]
    fn every_setting_is_described() {
        let schema: serde_json::Value = serde_json::from_str(include_str!("../settings.schema.json")).unwrap();
        let readme = include_str!("../README.md");
        let mut open = vec![(String::new(), &schema)];
        while let Some((path, one)) = open.pop() {
            for (name, below) in one["properties"].as_object().into_iter().flatten() {
                let path = format!("{path}{name}");
                assert!(below["description"].is_string(), "{path}");
                if below["type"] == "object" {
                    open.push((format!("{path}."), below));
                } else {
                    assert!(readme.contains(&format!("`{path}`")), "{path} is not in README.md");
                }
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let text = with(|settings| settings["log_dirs"] = serde_json::json!(["/a", 1]));
        assert!(matches!(Settings::parse(&text), Err(Failure::InvalidSettings(why)) if why.contains("log_dirs")));
        assert!(Settings::parse("{}").is_err() && Settings::parse("no").is_err());
    }

    #[test]
    fn thresholds_must_rise() {
        let text = with(|settings| settings["thresholds"]["critical"] = 80.into());
        assert!(matches!(Settings::parse(&text), Err(Failure::InvalidSettings(_))));
        let text = with(|settings| settings["rearm_points"] = 80.into());
        assert!(matches!(Settings::parse(&text), Err(Failure::InvalidSettings(_))));
    }

    #[test]
    fn hours_round_up() {
        assert_eq!(hours(1), 1);
        assert_eq!(hours(HOUR), 1);
        assert_eq!(hours(HOUR + 1), 2);
        assert_eq!(hours(u64::MAX), u32::MAX);
    }
}
