//! Limits the open incidents of one policy: a policy chooses its keys, and must not fill the state with them.

use ansai_core::{Incident, Observation};

/// Maximum size of the findings of all open incidents of an instance, in bytes of JSON.
const MOST_BYTES: usize = 4 << 20;

/// The remaining quota of an instance.
pub(crate) struct IncidentQuota<'a> {
    open: &'a [Incident],
    most: usize,
    /// Number and bytes of incidents, counted when first needed: most passes open no incident.
    used: Option<(usize, usize)>,
}

impl<'a> IncidentQuota<'a> {
    /// The quota that these open incidents leave; at most `most` incidents in total.
    pub(crate) fn beside(open: &'a [Incident], most: u32) -> IncidentQuota<'a> {
        IncidentQuota { open, most: most as usize, used: None }
    }

    /// Uses the quota for one more incident; false if it does not fit.
    pub(crate) fn take(&mut self, finding: &Observation) -> bool {
        let (incidents, bytes) = *self
            .used
            .get_or_insert_with(|| (self.open.len(), self.open.iter().map(|incident| size(&incident.finding)).sum()));
        let after = (incidents + 1, bytes + size(finding));
        let fits = after.0 <= self.most && after.1 <= MOST_BYTES;
        if fits {
            self.used = Some(after);
        }
        fits
    }
}

fn size(finding: &Observation) -> usize {
    serde_json::to_vec(finding).map_or(usize::MAX / 2, |bytes| bytes.len())
}

#[cfg(test)]
mod tests {
    use ansai_core::{InstanceName, Severity, Status, Subject, Timestamp};

    use super::*;

    static I: InstanceName = InstanceName::from_static("i");

    fn finding(summary: usize) -> Observation {
        Observation {
            key: "k".into(),
            about: Subject::new("k", "k"),
            status: Status::Unhealthy(Severity::Notice),
            summary: "x".repeat(summary),
            evidence: vec![],
            related: vec![],
            distance: None,
        }
    }

    #[test]
    fn both_number_and_size_are_bounded() {
        let mut quota = IncidentQuota::beside(&[], 2);
        assert_eq!([0; 3].map(|size| quota.take(&finding(size))), [true, true, false]);
        let mut quota = IncidentQuota::beside(&[], 100);
        let large = MOST_BYTES / 3;
        assert_eq!([large, large, large, 10].map(|size| quota.take(&finding(size))), [true, true, false, true]);
        let open: Vec<Incident> = Incident::open(&I, &finding(MOST_BYTES), Timestamp::EPOCH).into_iter().collect();
        assert!(!IncidentQuota::beside(&open, 100).take(&finding(0)));
    }
}
