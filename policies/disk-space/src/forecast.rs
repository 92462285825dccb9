//! When a file system will be full, if it goes on like this.

use crate::fullness::Fullness;
use crate::port::Host;
use crate::settings::Settings;

const HOUR: u64 = 3_600_000;
/// What is looked back at.
const WEEK: u64 = 7 * 24 * HOUR;
/// The trend must be this unlikely to be chance.
const SIGNIFICANT: f64 = 0.01;

/// A file system that fills steadily.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forecast {
    /// Milliseconds until it is full.
    pub(crate) full_in: u64,
    /// Soon enough to say so.
    pub(crate) is_near: bool,
}

/// Takes this evaluation's sample and looks at the trend; only where the level is high enough already for the trend to
/// mean anything, so that a new host that is being filled does not alarm.
pub(crate) fn forecast(host: &dyn Host, mount: &str, level: Fullness, settings: &Settings) -> Option<Forecast> {
    let series = format!("used:{mount}");
    if 100.0 - level.percent() >= settings.forecast.free_below {
        host.append(&series, level.share());
        return None;
    }
    let trend = host.trend(&series, level.share(), host.now().saturating_sub(WEEK), 1.0).ok()?;
    let steady = trend.span >= settings.forecast.min_span && trend.slope_per_hour > 0.0 && trend.p_value < SIGNIFICANT;
    let full_in = trend.reaches_limit_in.filter(|_| steady)?;
    Some(Forecast { full_in, is_near: (full_in as f64) < settings.forecast.hours * HOUR as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Trend;
    use crate::settings::tests::with;
    use crate::stand_in::StandIn;

    fn trend() -> Trend {
        Trend {
            samples: 12,
            span: 11 * HOUR,
            latest: 0.7,
            minimum: 0.5,
            maximum: 0.7,
            mean: 0.6,
            median: 0.6,
            slope_per_hour: 0.02,
            p_value: 0.001,
            cusum: 1.0,
            reaches_limit_in: Some(15 * HOUR),
        }
    }

    fn at(percent: u64, change: impl FnOnce(&mut Trend)) -> Option<Forecast> {
        let mut trend = trend();
        change(&mut trend);
        let host = StandIn { trend: Some(trend), ..StandIn::default() };
        let settings = Settings::parse(&with(|_| {})).unwrap();
        forecast(&host, "/var", Fullness { used: percent, of: 100 }, &settings)
    }

    #[test]
    fn only_what_is_steady_and_high() {
        assert_eq!(at(70, |_| {}), Some(Forecast { full_in: 15 * HOUR, is_near: true }));
        assert_eq!(at(70, |t| t.reaches_limit_in = Some(24 * HOUR)).map(|f| f.is_near), Some(false));
        assert_eq!(at(60, |_| {}), None);
        assert_eq!(at(70, |t| t.span = 6 * HOUR - 1), None);
        assert_eq!(at(70, |t| t.p_value = 0.01), None);
        assert_eq!(at(70, |t| t.slope_per_hour = 0.0), None);
        assert_eq!(at(70, |t| t.reaches_limit_in = None), None);
    }
}
