//! Observes one service: its series, its growth, and whether an incident is over.

use ansai_sdk::series::{Reduction, Window};
use ansai_sdk::{Host, Measure, Observation, Refusal, Severity, Size, Span, Status, share};

use crate::calls;
use crate::detector::{self, Growth, Low, Rules, Trend};
use crate::evidence::{self, BEFORE, BY_PROCESSES, CAUSE, FROM, MEMORY, PER_HOUR, RUN};
use crate::imports::ansai::process::cgroup_probe::Usage;
use crate::settings::Settings;

const HOUR: u64 = 3_600_000;
/// How much of the sampled hour must be there to call it an emergency.
const MOST_OF_AN_HOUR: Span = Span(HOUR / 2);
/// In an emergency, a service has grown by this share of its memory within the last hour.
const EMERGENCY_GROWTH: f64 = 0.1;
/// Instants that are not farther apart are the start of the same run.
const SAME_RUN: Span = Span(10_000);
/// A forecast that is this many times as far as `critical_within` ends a critical finding.
const REARM: f64 = 1.5;
/// Restarts do not help if memory then grows this many times as fast.
pub(crate) const FASTER: f64 = 1.25;

/// What is the same for all services of one evaluation.
pub(crate) struct Watch<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) host: &'a Host,
    /// The memory of the host, in bytes, if it is known.
    pub(crate) host_bytes: Option<u64>,
    /// Memory and swap of the host are nearly full.
    pub(crate) is_tight: bool,
}

pub(crate) fn memory_series(unit: &str) -> String {
    format!("memory:{unit}")
}

pub(crate) fn process_series(unit: &str) -> String {
    format!("processes:{unit}")
}

/// Heap and stack, also what was moved to swap: a limit must not hide a leak.
pub(crate) fn size(usage: &Usage) -> u64 {
    usage.anonymous_bytes.saturating_add(usage.swapped_bytes.unwrap_or_default())
}

impl Watch<'_> {
    /// `None` for a service that is too small to be watched.
    pub(crate) fn observe(&self, usage: &Usage) -> Result<Option<Observation>, Refusal> {
        let (id, size) = (&usage.about.name, size(usage));
        let open = self.host.open_incidents().iter().find(|incident| incident.about == usage.about);
        if size < self.settings.min_size.0 && open.is_none() {
            return Ok(None);
        }
        self.host.append(&memory_series(id), size as f64)?;
        self.host.append(&process_series(id), usage.processes.into())?;
        if let Some(over) = open.and_then(|incident| over(incident, usage, size)) {
            return Ok(Some(self.healthy(usage, over)));
        }
        let Some(limit) = self.limit(usage) else {
            return Ok(
                open.map(|_| Observation::unknown(id, usage.about.clone(), format!("the limit of {id} is unknown")))
            );
        };
        let lows = if open.is_some() || self.can_reach(size, limit) { self.lows(usage)? } else { Vec::new() };
        let leak = detector::leak(&lows, &self.rules(limit), |first, last| self.trend(usage, first, last, limit))
            .filter(|growth| !has_freed(growth.from, growth.to, size));
        let is_emergency = self.is_emergency(usage);
        let fast = || self.growth_of_the_hour(usage, limit).filter(|_| is_emergency);
        let found = leak.or_else(fast).map(|growth| match is_emergency {
            true => (growth, Severity::Emergency),
            false => (growth, self.severity(&growth, open)),
        });
        Ok(Some(match (found, open) {
            (Some((growth, severity)), _) => self.leaks(usage, &growth, severity, limit, &lows),
            (None, Some(incident)) => self.still(usage, incident, &lows, limit),
            (None, None) => self.healthy(usage, format!("{id} uses {} and does not leak", Size(size))),
        }))
    }

    /// Whether a service has samples that still count. What cannot be read is kept.
    pub(crate) fn has_samples(&self, unit: &str) -> bool {
        let oldest = self.host.now().saturating_sub(self.settings.look_back.0);
        let window = Window::since(oldest, Reduction::Maximum).in_buckets(self.settings.look_back);
        match self.host.samples(&memory_series(unit), window) {
            Ok(samples) => !samples.is_empty(),
            Err(refusal) => !matches!(refusal, Refusal::NotFound(_)),
        }
    }

    /// Of the service, or the share of the host that services may use.
    fn limit(&self, usage: &Usage) -> Option<u64> {
        let of_host = self.host_bytes.map(|bytes| (bytes as f64 * self.settings.host_percent / 100.0) as u64);
        let own = usage.limit_bytes.filter(|limit| *limit > 0);
        match (own, self.host_bytes) {
            (Some(own), Some(host)) if own >= host => of_host,
            (Some(own), _) => Some(own),
            (None, _) => of_host,
        }
    }

    /// What has grown for `min_span` and reaches the limit within `horizon` is already at this share of it. So most
    /// services need no analysis.
    fn can_reach(&self, size: u64, limit: u64) -> bool {
        let (span, horizon) = (self.settings.min_span.0 as f64, self.settings.horizon.0 as f64);
        size as f64 >= 0.8 * limit as f64 * span / (span + horizon)
    }

    fn rules(&self, limit: u64) -> Rules {
        Rules {
            min_span: self.settings.min_span.0,
            horizon: self.settings.horizon.0,
            first_day_horizon: self.settings.first_day_horizon.0,
            limit: limit as f64,
        }
    }

    /// The first instant that counts. After a restart, nothing of before does. A start in the future is one by a clock that
    /// was wrong, so it tells nothing.
    fn begin(&self, usage: &Usage) -> u64 {
        let oldest = self.host.now().saturating_sub(self.settings.look_back.0);
        let since = usage.since.filter(|since| *since <= self.host.now());
        since.map_or(oldest, |since| since.saturating_add(self.settings.warm_up.0).max(oldest))
    }

    /// The hour that has just begun does not count: its lowest value is still to come.
    fn hours(&self, usage: &Usage) -> Window {
        let end = self.host.now() / HOUR * HOUR;
        Window::since(self.begin(usage), Reduction::Minimum).until(end).in_buckets(Span(HOUR))
    }

    fn lows(&self, usage: &Usage) -> Result<Vec<Low>, Refusal> {
        let samples = self.host.samples(&memory_series(&usage.about.name), self.hours(usage))?;
        Ok(samples.iter().map(|sample| Low { at: sample.at, bytes: sample.value }).collect())
    }

    /// From one low to another, both with their whole hours.
    fn trend(&self, usage: &Usage, first: u64, last: u64, limit: u64) -> Option<Trend> {
        let hours = self.hours(usage);
        let window = Window { since: hours.since.max(first / HOUR * HOUR), ..hours }.until(last / HOUR * HOUR + HOUR);
        let trend = self.host.look_at_limit(&memory_series(&usage.about.name), window, limit as f64).ok()?;
        Some(Trend {
            slope_per_hour: trend.slope_per_hour,
            p_value: trend.p_value,
            reaches_limit_in: trend.reaches_limit_in,
        })
    }

    fn severity(&self, leak: &Growth, open: Option<&Observation>) -> Severity {
        let was_critical = open.and_then(Observation::severity).is_some_and(|open| open >= Severity::Critical);
        let within = self.settings.critical_within.0 as f64 * if was_critical { REARM } else { 1.0 };
        if leak.reaches_limit_in as f64 <= within { Severity::Critical } else { Severity::Warning }
    }

    fn is_emergency(&self, usage: &Usage) -> bool {
        let stalled = usage.memory_stall.as_ref().map_or(0.0, |stall| stall.full.last60_seconds);
        self.is_tight || stalled * 100.0 >= self.settings.stalled_percent
    }

    /// All samples of the last hour, for a leak that is too fast for hours.
    fn growth_of_the_hour(&self, usage: &Usage, limit: u64) -> Option<Growth> {
        let now = self.host.now();
        let since = self.begin(usage).max(now.saturating_sub(HOUR));
        let window = Window::since(since, Reduction::Minimum);
        let trend = self.host.look_at_limit(&memory_series(&usage.about.name), window, limit as f64).ok()?;
        let grown = trend.slope_per_hour * trend.span as f64 / HOUR as f64;
        let is_much = grown >= EMERGENCY_GROWTH * trend.latest;
        (trend.rises_steadily(MOST_OF_AN_HOUR) && is_much).then(|| Growth {
            since: now.saturating_sub(trend.span),
            until: now,
            from: trend.minimum,
            to: trend.latest,
            slope_per_hour: trend.slope_per_hour,
            p_value: trend.p_value,
            reaches_limit_in: trend.reaches_limit_in.unwrap_or_default(),
        })
    }

    fn leaks(&self, usage: &Usage, growth: &Growth, severity: Severity, limit: u64, lows: &[Low]) -> Observation {
        let (id, size) = (&usage.about.name, size(usage));
        let mut words = format!("{id} {}", evidence::words(growth, limit));
        let mut measures = evidence::measures(growth, size, limit, usage.since, lows);
        if severity == Severity::Emergency {
            words = format!("memory is short, and {words}");
        }
        if let Some((before, now)) = self.processes(usage, growth) {
            words = format!("{words}, because it has {now} processes instead of {before}");
            measures.insert(0, Measure::text(CAUSE, BY_PROCESSES));
        } else {
            measures.extend(self.slope_before(usage, growth).map(|slope| Measure::bytes(BEFORE, slope)));
        }
        measures.push(Measure::count("processes", usage.processes.into()));
        measures.extend(usage.oom_kills.map(|kills| Measure::count("oom-kills", kills)));
        let mut seen = Observation::new(id, usage.about.clone(), Status::Unhealthy(severity), words);
        seen.evidence = measures;
        seen.at_distance(size as f64 - growth.from)
    }

    /// The processes at the beginning of the growth and now, if they explain it.
    fn processes(&self, usage: &Usage, growth: &Growth) -> Option<(u64, u64)> {
        let length = growth.until.saturating_sub(growth.since);
        let window = Window::since(growth.since / HOUR * HOUR, Reduction::Minimum).in_buckets(Span(length / 12));
        let samples = self.host.samples(&process_series(&usage.about.name), window).ok()?;
        let (first, last) = (samples.first()?.value, samples.last()?.value.max(usage.processes.into()));
        detector::is_by_processes((growth.from, growth.to), (first, last)).then_some((first as u64, last as u64))
    }

    /// How fast it grew before its last restart, in bytes an hour. The store has the run and the growth of the last leak, and
    /// the growth of the one before.
    fn slope_before(&self, usage: &Usage, growth: &Growth) -> Option<u64> {
        let (key, run) = (format!("growth:{}", usage.about.name), usage.since.unwrap_or_default());
        let stored = self.host.recall(&key).unwrap_or_default();
        let mut numbers = stored.split(' ').map(|number| number.parse::<u64>().unwrap_or_default());
        let (known_run, slope, earlier) = (
            numbers.next().unwrap_or_default(),
            numbers.next().unwrap_or_default(),
            numbers.next().unwrap_or_default(),
        );
        let before = if is_another_run(Some(run), Some(known_run)) { slope } else { earlier };
        self.host.remember(&key, &format!("{run} {} {before}", evidence::whole(growth.slope_per_hour)));
        (before > 0).then_some(before)
    }

    /// An open incident without a leak by the rules: it ends when the growth of the last hours has, not at the first hour
    /// that is a little lower. A service that is held has ended its growth only because it cannot go on.
    fn still(&self, usage: &Usage, incident: &Observation, lows: &[Low], limit: u64) -> Observation {
        let id = &usage.about.name;
        if is_held(usage) {
            let summary = format!("{id} is held at its `MemoryHigh=` and cannot grow");
            return Observation { summary, ..incident.clone() };
        }
        let since = self.host.now().saturating_sub(self.settings.min_span.0);
        let newest = lows.iter().find(|low| low.at >= since).zip(lows.last());
        let now = newest.and_then(|(first, last)| self.trend(usage, first.at, last.at, limit));
        let before = incident.counted(PER_HOUR).unwrap_or_default() as f64;
        match now {
            None => Observation::unknown(id, usage.about.clone(), format!("it is unknown whether {id} still grows")),
            Some(now) if now.slope_per_hour < before / 2.0 => {
                self.healthy(usage, format!("{id} uses {} and no longer grows as before", Size(size(usage))))
            }
            Some(_) => Observation { summary: format!("{id} still grows"), ..incident.clone() },
        }
    }

    fn healthy(&self, usage: &Usage, words: String) -> Observation {
        Observation::new(&usage.about.name, usage.about.clone(), Status::Healthy, words)
            .with(Measure::bytes(MEMORY, size(usage)))
    }
}

/// Whether a service was started again since an instant. What the kernel counts since its boot differs a little from time to
/// time, because the clock is corrected.
fn is_another_run(now: Option<u64>, then: Option<u64>) -> bool {
    now.zip(then).is_some_and(|(now, then)| now > then.saturating_add(SAME_RUN.0))
}

/// Why an incident is over: the service was restarted, or has freed half of what it had grown.
fn over(incident: &Observation, usage: &Usage, size: u64) -> Option<String> {
    let id = &usage.about.name;
    let (before, from) = (incident.counted(MEMORY)?, incident.counted(FROM)?);
    let freed = Size(before.saturating_sub(size));
    let was_restarted = is_another_run(usage.since, incident.counted(RUN));
    match () {
        () if was_restarted => Some(format!("{id} was restarted and uses {}: freed {freed}", Size(size))),
        () if has_freed(from as f64, before as f64, size) => Some(format!("{id} uses {}: freed {freed}", Size(size))),
        () => None,
    }
}

/// Whether a service is so near its `MemoryHigh=` that the kernel keeps it from growing.
fn is_held(usage: &Usage) -> bool {
    usage.high_bytes.is_some_and(|high| high > 0 && size(usage) >= high / 10 * 9)
}

/// Whether half of what had grown is freed.
fn has_freed(from: f64, to: f64, size: u64) -> bool {
    to > from && size as f64 <= f64::midpoint(from, to)
}

/// Whether memory and swap of the host are nearly full. What cannot be read is no emergency.
pub(crate) fn is_tight(settings: &Settings, host: &Host) -> bool {
    let Ok(memory) = calls::memory(host) else { return false };
    let is_full = |total, free| share::in_use(total, free).is_some_and(|used| used * 100.0 >= settings.used_percent);
    let has_swap = memory.swap_total_bytes > 0;
    is_full(memory.total_bytes, memory.available_bytes)
        && (!has_swap || is_full(memory.swap_total_bytes, memory.swap_free_bytes))
}
