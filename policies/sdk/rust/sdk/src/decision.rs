//! Decisions of `plan`, and recommendations.

use crate::{Decision, Measure, Observation, Recommendation, Subject};

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
        Decision::Recommend(vec![Recommendation::new(summary, detail)])
    }

    /// The same with the evidence of the finding.
    ///
    /// ```
    /// use ansai_sdk::{Decision, Observation, Severity, Subject};
    ///
    /// let finding = Observation::new("/", Subject::new("filesystem", "/"), Severity::Notice, "/ is full in 9 h");
    /// let decision = Decision::advise_on(&finding.bytes("available", 7), "make / larger", "a notice removes nothing");
    /// assert!(matches!(decision, Decision::Recommend(advice) if advice.iter().all(|one| one.measures.len() == 1)));
    /// ```
    pub fn advise_on(finding: &Observation, summary: impl Into<String>, detail: impl Into<String>) -> Decision {
        let measures = finding.evidence.clone();
        Decision::Recommend(vec![Recommendation { measures, ..Recommendation::new(summary, detail) }])
    }
}

impl Recommendation {
    /// Creates a recommendation about the thing of the finding.
    ///
    /// ```
    /// use ansai_sdk::{Decision, Measure, Recommendation};
    ///
    /// let index = Recommendation::new("add an index on orders.customer", "42 slow queries read all rows");
    /// let decision = Decision::Recommend(vec![index.with(Measure::count("slow queries", 42))]);
    /// # let _ = decision;
    /// ```
    pub fn new(summary: impl Into<String>, detail: impl Into<String>) -> Recommendation {
        Recommendation { about: None, summary: summary.into(), detail: detail.into(), measures: Vec::new() }
    }

    /// Names the thing to change, if it is not that of the finding.
    pub fn about(self, about: Subject) -> Recommendation {
        Recommendation { about: Some(about), ..self }
    }

    /// Adds a piece of evidence. Add the most important one first.
    pub fn with(mut self, measure: Measure) -> Recommendation {
        self.measures.push(measure);
        self
    }
}
