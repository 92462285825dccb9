//! Calls the host through the component's imports. `testing` has the same functions for unit tests.

use crate::context::{self, Label, Target, Trigger, WallClock};
use crate::series::{Reduction, Sample, Trend, Window};
use crate::{
    Attempt, Measure, Observation, Recommendation, Refusal, Span, StepRef, Subject, advice, log, series, store,
};

const HOUR: u64 = 3_600_000;

#[derive(Debug, Default)]
pub(crate) struct Imported;

impl Imported {
    pub(crate) fn now(&self) -> u64 {
        context::now()
    }

    pub(crate) fn local_time(&self) -> WallClock {
        context::local_time()
    }

    pub(crate) fn last_evaluated(&self) -> Option<u64> {
        context::last_evaluated()
    }

    pub(crate) fn trigger(&self) -> Trigger {
        context::triggered_by()
    }

    pub(crate) fn subject(&self) -> Subject {
        context::host()
    }

    pub(crate) fn settings(&self) -> String {
        context::settings()
    }

    pub(crate) fn scopes(&self) -> String {
        context::scopes()
    }

    pub(crate) fn facts(&self) -> Vec<Measure> {
        context::host_facts()
    }

    pub(crate) fn open_incidents(&self) -> Vec<Observation> {
        context::open_incidents()
    }

    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        context::attempts()
    }

    pub(crate) fn stage(&self) -> String {
        context::stage()
    }

    pub(crate) fn labels(&self) -> Vec<Label> {
        context::labels()
    }

    pub(crate) fn targets(&self) -> Vec<Target> {
        context::targets()
    }

    pub(crate) fn target_setting(&self, target: &str, path: &str) -> Option<String> {
        context::target_setting(target, path)
    }

    pub(crate) fn history(&self, about: &Subject, since: u64) -> Result<Vec<Attempt>, Refusal> {
        context::history(about, since)
    }

    pub(crate) fn recommend(&self, what: &Recommendation) -> Result<(), Refusal> {
        advice::recommend(what)
    }

    pub(crate) fn look_again(&self, after: u64) -> Result<(), Refusal> {
        advice::look_again(after)
    }

    pub(crate) fn may_fail(&self, step: StepRef) -> Result<(), Refusal> {
        advice::may_fail(step)
    }

    pub(crate) fn log(&self, level: log::Level, line: &str) {
        log::write(level, line);
    }

    pub(crate) fn stored(&self, key: &str) -> Result<Option<String>, Refusal> {
        store::get(key)
    }

    pub(crate) fn store(&self, key: &str, value: &str) -> Result<(), Refusal> {
        store::set(key, value)
    }

    pub(crate) fn append(&self, series: &str, value: f64) -> Result<(), Refusal> {
        series::append(series, value)
    }

    pub(crate) fn look_at(&self, series: &str, window: Window) -> Result<Trend, Refusal> {
        series::analyse(series, window, None)
    }

    pub(crate) fn look_at_limit(&self, series: &str, window: Window, limit: f64) -> Result<Trend, Refusal> {
        series::analyse(series, window, Some(limit))
    }

    pub(crate) fn samples(&self, series: &str, window: Window) -> Result<Vec<Sample>, Refusal> {
        series::samples(series, window)
    }

    pub(crate) fn delete_series(&self, series: &str) -> Result<(), Refusal> {
        series::reset(series)
    }

    pub(crate) fn analyse(&self, series: &str, since: u64, limit: f64) -> Result<Trend, Refusal> {
        let window = Window::since(since, Reduction::Minimum).in_buckets(Span(HOUR));
        series::analyse(series, window, Some(limit))
    }

    #[inline(always)]
    pub(crate) fn ask<A, R>(
        &self,
        _call: &str,
        _arguments: A,
        answer: impl FnOnce() -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        answer()
    }
}
