//! Decisions of `plan`.

use crate::{Decision, Recommendation};

impl Decision {
    /// Recommends something to a person, if no step is suitable.
    ///
    /// ```
    /// use ansai_sdk::Decision;
    ///
    /// let decision = Decision::advise("make / larger", "no old file is left");
    /// assert!(matches!(decision, Decision::Recommend(advice) if advice.len() == 1));
    /// ```
    pub fn advise(summary: impl Into<String>, detail: impl Into<String>) -> Decision {
        let (summary, detail) = (summary.into(), detail.into());
        Decision::Recommend(vec![Recommendation { summary, detail, measures: Vec::new() }])
    }
}
