//! What was measured, ready to be shown.

use crate::samples::Samples;

/// One question and its answers.
pub(crate) struct Figure {
    pub(crate) title: &'static str,
    /// How it is measured: the same text in every run.
    pub(crate) how: &'static str,
    pub(crate) rows: Vec<Row>,
    /// What has two dimensions.
    pub(crate) grid: Option<Grid>,
    /// What is said when an aim is missed: what holds it back.
    pub(crate) held_back_by: &'static str,
}

/// Several values of several things.
pub(crate) struct Grid {
    /// What the lines are, then what each column has.
    pub(crate) head: &'static [&'static str],
    /// As many cells in each as in the head.
    pub(crate) rows: Vec<Vec<String>>,
}

/// One line of a figure.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) value: String,
    /// Least to most, empty where there is one value only.
    pub(crate) spread: String,
    pub(crate) aim: Option<Aim>,
}

/// What is wanted.
pub(crate) struct Aim {
    pub(crate) text: String,
    /// `None` where it could not be measured.
    pub(crate) met: Option<bool>,
}

impl Row {
    pub(crate) fn new(what: &'static str, samples: &Samples, unit: &str) -> Row {
        let spread = format!("{} – {}", number(samples.minimum()), number(samples.maximum()));
        Row { what, value: with_unit(samples.median(), unit), spread, aim: None }
    }

    pub(crate) fn single(what: &'static str, value: f64, unit: &str) -> Row {
        Row { what, value: with_unit(value, unit), spread: String::new(), aim: None }
    }

    pub(crate) fn text(what: &'static str, value: impl Into<String>) -> Row {
        Row { what, value: value.into(), spread: String::new(), aim: None }
    }

    pub(crate) fn at_most(mut self, aim: f64, unit: &str, measured: Option<f64>) -> Row {
        self.aim = Some(Aim { text: format!("≤ {aim} {unit}"), met: measured.map(|measured| measured <= aim) });
        self
    }

    pub(crate) fn at_least(mut self, aim: f64, unit: &str, measured: Option<f64>) -> Row {
        self.aim =
            Some(Aim { text: format!("≥ {}", with_unit(aim, unit)), met: measured.map(|measured| measured >= aim) });
        self
    }
}

impl Figure {
    pub(crate) fn misses(&self) -> bool {
        self.rows.iter().any(|row| row.aim.as_ref().is_some_and(|aim| aim.met == Some(false)))
    }
}

fn with_unit(value: f64, unit: &str) -> String {
    format!("{} {unit}", number(value))
}

/// Three significant digits, with thousands apart.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        size if size < 10_000.0 => 0,
        _ => {
            let thousands = (value / 1000.0).round();
            return format!("{thousands:.0},000");
        }
    };
    format!("{value:.decimals$}")
}
