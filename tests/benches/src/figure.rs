//! Measured figures for the report.

use crate::samples::Samples;

/// One section of the report.
pub(crate) struct Figure {
    pub(crate) title: &'static str,
    /// How the section is measured; the same text in every run.
    pub(crate) how: &'static str,
    pub(crate) rows: Vec<Row>,
    /// Figures in two dimensions.
    pub(crate) grid: Option<Grid>,
    /// The reason for a missed target; shown only if one is missed.
    pub(crate) held_back_by: &'static str,
}

/// A table with several values for each thing.
pub(crate) struct Grid {
    /// Headings of the columns.
    pub(crate) head: &'static [&'static str],
    /// Each row has as many cells as the header.
    pub(crate) rows: Vec<Vec<String>>,
}

/// One row of a figure.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) value: String,
    /// Smallest to largest value; empty for a single value.
    pub(crate) spread: String,
    pub(crate) aim: Option<Aim>,
}

/// The target of a row.
pub(crate) struct Aim {
    pub(crate) text: String,
    /// `None` if it could not be measured.
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
        self.aim =
            Some(Aim { text: format!("≤ {} {unit}", limit(aim)), met: measured.map(|measured| measured <= aim) });
        self
    }

    pub(crate) fn at_least(mut self, aim: f64, unit: &str, measured: Option<f64>) -> Row {
        self.aim =
            Some(Aim { text: format!("≥ {} {unit}", limit(aim)), met: measured.map(|measured| measured >= aim) });
        self
    }
}

impl Aim {
    /// The status of the target, in one or two words.
    pub(crate) fn status(&self) -> &'static str {
        match self.met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "not measured",
        }
    }
}

impl Figure {
    pub(crate) fn misses(&self) -> bool {
        self.rows.iter().any(|row| row.aim.as_ref().is_some_and(|aim| aim.met == Some(false)))
    }
}

/// A limit as it was set, without rounding.
fn limit(value: f64) -> String {
    if value < 1_000.0 { value.to_string() } else { grouped(&format!("{value:.0}")) }
}

fn with_unit(value: f64, unit: &str) -> String {
    format!("{} {unit}", number(value))
}

/// Formats two or three significant digits, four below 10,000, with a comma for thousands.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        size if size < 10_000.0 => grouped(&format!("{value:.0}")),
        _ => grouped(&format!("{:.0}000", (value / 1000.0).round())),
    }
}

/// Formats an integer with a comma for thousands.
pub(crate) fn grouped(digits: &str) -> String {
    let length = digits.len();
    let mut out = String::with_capacity(length + length / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (length - index).is_multiple_of(3) && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        for (value, shown) in [
            (0.456, "0.46"),
            (45.67, "45.7"),
            (456.7, "457"),
            (-123.0, "-123"),
            (4567.8, "4,568"),
            (-4567.8, "-4,568"),
            (45_678.0, "46,000"),
            (1_234_567.0, "1,235,000"),
        ] {
            assert_eq!(number(value), shown);
        }
        assert_eq!([grouped("7"), grouped("100"), grouped("1483748")], ["7", "100", "1,483,748"]);
    }
}
