//! The labels that a route compares: those of the host, and of the target that a notice is about.

use std::collections::BTreeMap;
use std::sync::Arc;

use ansai_core::Subject;

use crate::message::Notice;

/// Names of labels and their values.
pub type Labels = BTreeMap<String, String>;

/// The labels of the targets of each instance: instance, target, labels.
pub type TargetLabels = BTreeMap<String, BTreeMap<String, Labels>>;

/// All labels that routes can compare.
#[derive(Debug, Clone, Default)]
pub(super) struct AllLabels {
    pub(super) host: Arc<Labels>,
    pub(super) targets: Arc<TargetLabels>,
}

impl AllLabels {
    /// Whether labels depend on what a notice is about.
    pub(super) fn depend_on_subject(&self) -> bool {
        self.targets.values().flat_map(BTreeMap::values).any(|labels| !labels.is_empty())
    }

    /// Whether a notice has all of these labels. A label of its target counts in place of that of the host with the same name.
    pub(super) fn has(&self, wanted: &Labels, notice: &Notice) -> bool {
        let own = if wanted.is_empty() { None } else { self.of_target(notice) };
        wanted.iter().all(|(name, value)| {
            let found = own.and_then(|labels| labels.get(name)).or_else(|| self.host.get(name));
            found == Some(value)
        })
    }

    /// The labels of the target that a notice is about. Only targets of its instance count: a policy chooses its subjects, and
    /// must not choose a route of others.
    fn of_target(&self, notice: &Notice) -> Option<&Labels> {
        let targets = self.targets.get(notice.instance.as_ref()?)?;
        targets.get(target_of(notice.subject.as_ref()?))
    }
}

/// The name of the target of a subject: of the target itself, or of a thing that a target has, such as the session
/// `main-db/4711`.
fn target_of(subject: &Subject) -> &str {
    subject.name.split_once('/').map_or(subject.name.as_str(), |(target, _)| target)
}
