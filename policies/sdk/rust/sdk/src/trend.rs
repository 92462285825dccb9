//! Windows of a series, and steady growth in it.

use crate::series::{Reduction, Trend, Window};
use crate::{Host, Refusal, Span};

/// Maximum probability that the trend is chance.
const SIGNIFICANT: f64 = 0.01;

impl Window {
    /// Selects the samples from an instant on (milliseconds since the Unix epoch; 0 for all), including that of this
    /// evaluation.
    ///
    /// ```
    /// use ansai_sdk::series::{Reduction, Window};
    /// use ansai_sdk::Span;
    ///
    /// # let now = 1_790_000_000_000;
    /// let ago = |span: Span| now - span.0;
    /// // The last hour, and the week before it: the hour does not count on both sides.
    /// let hour = Window::since(ago(Span::from_hours(1)), Reduction::Mean);
    /// let week = Window::since(ago(Span::from_days(7)), Reduction::Mean).until(hour.since);
    /// # assert_eq!((week.until, week.bucket), (Some(hour.since), None));
    /// ```
    pub fn since(since: u64, reduce: Reduction) -> Window {
        Window { since, until: None, bucket: None, reduce }
    }

    /// Leaves out the samples from this instant on.
    pub fn until(self, until: u64) -> Window {
        Window { until: Some(until), ..self }
    }

    /// Reduces each bucket of this length to one sample.
    pub fn in_buckets(self, bucket: Span) -> Window {
        Window { bucket: Some(bucket.0), ..self }
    }
}

impl Trend {
    /// Whether the trend rises steadily: samples over at least `min_span`, a positive Theil-Sen slope, and a
    /// Mann-Kendall p-value below 0.01.
    pub fn rises_steadily(&self, min_span: Span) -> bool {
        self.span >= min_span.0 && self.slope_per_hour > 0.0 && self.p_value < SIGNIFICANT
    }
}

/// Predicts when a value that is sampled in each evaluation reaches a limit. It uses hourly minima, so temporary peaks
/// do not count.
///
/// ```
/// use ansai_sdk::{Forecast, Span};
///
/// // Of a service's memory, from the samples since its restart.
/// let forecast = Forecast { limit: 2e9, look_back: Span::from_days(7), min_span: Span::from_hours(6) };
/// # let _ = forecast;
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Forecast {
    /// The limit.
    pub limit: f64,
    /// Maximum age of samples.
    pub look_back: Span,
    /// Minimum time that the samples must cover.
    pub min_span: Span,
}

impl Forecast {
    /// Adds a sample to a series, and returns the trend of its hourly minima.
    ///
    /// # Errors
    /// The host's refusal: an instance has a limited number of series.
    pub fn trend(&self, host: &Host, series: &str, value: f64) -> Result<Trend, Refusal> {
        host.append(series, value)?;
        host.analyse(series, host.now().saturating_sub(self.look_back.0), self.limit)
    }

    /// As [`trend`](Forecast::trend), but returns the time until the limit is reached; `None` if the value does not
    /// rise steadily, or the host refuses.
    pub fn reaches_limit_in(&self, host: &Host, series: &str, value: f64) -> Option<Span> {
        let trend = self.trend(host, series, value).ok()?;
        trend.reaches_limit_in.filter(|_| trend.rises_steadily(self.min_span)).map(Span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::StandIn;

    const HOUR: u64 = 3_600_000;

    fn with(change: impl FnOnce(&mut Trend)) -> Option<Span> {
        let mut trend = Trend {
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
        };
        change(&mut trend);
        let host = StandIn::default().with_trend(trend).host();
        let forecast = Forecast { limit: 1.0, look_back: Span::from_days(7), min_span: Span::from_hours(6) };
        forecast.reaches_limit_in(&host, "used", 0.7)
    }

    #[test]
    fn only_what_rises_steadily_reaches_the_limit() {
        assert_eq!(with(|_| {}), Some(Span::from_hours(15)));
        assert_eq!(with(|trend| trend.span = 6 * HOUR - 1), None);
        assert_eq!(with(|trend| trend.p_value = 0.01), None);
        assert_eq!(with(|trend| trend.slope_per_hour = 0.0), None);
        assert_eq!(with(|trend| trend.reaches_limit_in = None), None);
    }
}
