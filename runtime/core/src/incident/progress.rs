//! Whether an attempt made things better, by the `distance` that the policy reports.

use serde::{Deserialize, Serialize};

use crate::Attempt;

/// A change by less than this share of the distance is none: values that are measured are never quite the same.
const NOISE: f64 = 0.01;

/// What became of the distance from healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// It is nearer to healthy.
    Improved,
    /// It is as far from healthy as before.
    Unchanged,
    /// It is farther from healthy.
    Worse,
}

impl Progress {
    /// Compares two distances; `None` if one of them is unknown or no number.
    ///
    /// ```
    /// use ansai_core::incident::Progress;
    /// assert_eq!(Progress::of(Some(12.0), Some(5.0)), Some(Progress::Improved));
    /// assert_eq!(Progress::of(Some(12.0), Some(12.01)), Some(Progress::Unchanged));
    /// assert_eq!(Progress::of(Some(12.0), None), None);
    /// ```
    pub fn of(before: Option<f64>, after: Option<f64>) -> Option<Progress> {
        let (before, after) = before.zip(after)?;
        if !before.is_finite() || !after.is_finite() {
            return None;
        }
        let noise = before.abs().max(after.abs()) * NOISE;
        Some(match after - before {
            change if change < -noise => Progress::Improved,
            change if change > noise => Progress::Worse,
            _ => Progress::Unchanged,
        })
    }
}

impl Attempt {
    /// Whether it made things better.
    pub fn progress(&self) -> Option<Progress> {
        Progress::of(self.distance_before, self.distance_after)
    }
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Progress::Improved => "improved",
            Progress::Unchanged => "unchanged",
            Progress::Worse => "worse",
        })
    }
}
