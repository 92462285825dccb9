//! Which channels a notice goes to.

mod labels;

use std::sync::Arc;

use ansai_core::Timestamp;
use ansai_core::maintenance::Window;
use ansai_core::notify::{GroupBy, Grouping, LOUD, Matcher, Route, Routing};

use crate::message::Notice;
use labels::AllLabels;
pub use labels::{Labels, TargetLabels};

/// When one of these windows opens; `None` if one is open now or the list is empty.
pub type Hours = dyn Fn(&[Window], Timestamp) -> Option<Timestamp> + Send + Sync;

/// The routes of a host.
#[derive(Clone)]
pub struct Router {
    routing: Arc<Routing>,
    labels: AllLabels,
    hours: Arc<Hours>,
}

/// A channel that a notice goes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken<'a> {
    /// The channel.
    pub channel: &'a str,
    /// How notices are put together there.
    pub grouping: &'a Grouping,
}

impl Router {
    /// The routes of a configuration, on a host with these labels.
    pub fn new(routing: Routing, labels: Labels, hours: Arc<Hours>) -> Router {
        let labels = AllLabels { host: Arc::new(labels), ..AllLabels::default() };
        Router { routing: Arc::new(routing), labels, hours }
    }

    /// With the labels of the targets of each instance, too.
    #[must_use]
    pub fn with_targets(mut self, targets: TargetLabels) -> Router {
        self.labels.targets = Arc::new(targets);
        self
    }

    /// The configuration.
    pub fn routing(&self) -> &Routing {
        &self.routing
    }

    /// The channels that a notice goes to, each once, by the first route that takes it and those after it that it goes on to.
    pub fn taken(&self, notice: &Notice, now: Timestamp) -> Vec<Taken<'_>> {
        let mut taken: Vec<Taken<'_>> = Vec::new();
        for route in &self.routing.routes {
            if !self.takes(&route.only, notice, now) {
                continue;
            }
            for channel in &route.channels {
                if taken.iter().all(|known| known.channel != channel) {
                    taken.push(Taken { channel, grouping: &route.grouping });
                }
            }
            if !route.goes_on {
                break;
            }
        }
        taken
    }

    /// Whether this is a quiet time.
    pub fn is_quiet(&self, now: Timestamp) -> bool {
        let quiet = &self.routing.quiet;
        !quiet.is_empty() && (self.hours)(quiet, now).is_none()
    }

    /// Whether a route or a group depends on what a notice is about.
    pub(crate) fn needs_subjects(&self) -> bool {
        let labels = self.labels.depend_on_subject();
        let needs = |route: &Route| {
            let Route { only, grouping, .. } = route;
            !only.subjects.is_empty() || (labels && !only.labels.is_empty()) || grouping.by.contains(&GroupBy::Subject)
        };
        self.routing.routes.iter().any(needs)
    }

    /// The route whose grouping applies to a channel where nothing else says so.
    pub fn grouping_of(&self, channel: &str) -> Option<&Grouping> {
        let sends = |route: &&Route| route.channels.iter().any(|known| known == channel);
        self.routing.routes.iter().find(sends).map(|route| &route.grouping)
    }

    fn takes(&self, only: &Matcher, notice: &Notice, now: Timestamp) -> bool {
        let Matcher { kinds, severity, instances, subjects, labels, windows } = only;
        let kind = notice.kind.name();
        let is_kind = match kinds.is_empty() {
            true => LOUD.contains(&kind),
            false => kinds.iter().any(|known| known == kind),
        };
        let subject = || notice.subject.as_ref().map(ToString::to_string);
        is_kind
            && severity.is_none_or(|least| notice.severity >= least)
            && (instances.is_empty()
                || notice.instance.as_ref().is_some_and(|name| instances.iter().any(|one| one.matches(name))))
            && (subjects.is_empty() || subject().is_some_and(|name| subjects.iter().any(|one| one.matches(&name))))
            && self.labels.has(labels, notice)
            && (windows.is_empty() || (self.hours)(windows, now).is_none())
    }
}

/// What notices of one message have in common, as text: the id of the incident unless the operator says otherwise.
pub(crate) fn group_of(by: &[GroupBy], notice: &Notice) -> String {
    let part = |by: &GroupBy| match by {
        GroupBy::Incident => notice.incident.as_ref().map_or_else(|| notice.id.clone(), |one| one.id.clone()),
        GroupBy::Instance => notice.instance.clone().unwrap_or_default(),
        GroupBy::Subject => notice.subject.as_ref().map(ToString::to_string).unwrap_or_default(),
        GroupBy::Severity => word(notice.severity),
        GroupBy::Kind => notice.kind.name().to_owned(),
    };
    match by {
        [] => "all".to_owned(),
        by => by.iter().map(part).collect::<Vec<_>>().join(" "),
    }
}

fn word(severity: ansai_core::Severity) -> String {
    serde_json::to_value(severity).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
