//! What a policy could not find out, for the log of the daemon: only events of every pass name it, and these are not
//! printed. There is a line when something becomes unknown, when the reason changes, and when it is known again. A
//! finding with an incident has events of its own.

use std::collections::BTreeMap;

use ansai_core::text::{inert, prose};
use ansai_core::{Event, InstanceName, Status};

use super::MOST_TEXT;

/// The most lines about one pass.
const MOST: usize = 20;

/// What was unknown after the latest pass of each instance: by key, the thing and the reason.
#[derive(Default)]
pub(crate) struct Unknowns(BTreeMap<InstanceName, BTreeMap<String, (String, String)>>);

impl Unknowns {
    /// The lines about what differs from the pass before.
    pub(crate) fn changed(&mut self, event: &Event) -> Vec<String> {
        let Event::Observed { instance, findings, .. } = event else { return Vec::new() };
        let mut now = BTreeMap::new();
        for finding in findings.iter().filter(|finding| finding.incident.is_none()) {
            if let Status::Unknown(why) = &finding.observation.status {
                let about = inert(&finding.observation.about.to_string(), 200);
                now.insert(finding.observation.key.clone(), (about, prose(why, MOST_TEXT)));
            }
        }
        let before = self.0.insert(instance.clone(), now.clone()).unwrap_or_default();
        let name = inert(instance.as_str(), 80);
        let new = now.iter().filter(|(key, what)| before.get(*key) != Some(*what));
        let mut lines: Vec<String> = new.map(|(_, (about, why))| format!("{name}: unknown: {about}: {why}")).collect();
        let known = before.iter().filter(|(key, _)| !now.contains_key(*key));
        lines.extend(known.map(|(_, (about, _))| format!("{name}: no longer unknown: {about}")));
        let more = lines.len().saturating_sub(MOST);
        lines.truncate(MOST);
        if more > 0 {
            lines.push(format!("{name}: and {more} more"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_core::event::Finding;
    use ansai_core::{Mode, Observation, Subject};

    use super::*;

    fn pass(mounts: &[(&str, Option<&str>)]) -> Event {
        let finding = |(mount, why): &(&str, Option<&str>)| Finding {
            observation: Observation {
                key: (*mount).into(),
                about: Subject::new("filesystem", *mount),
                status: why.map_or(Status::Healthy, |why| Status::Unknown(why.into())),
                summary: String::new(),
                evidence: vec![],
                related: vec![],
                distance: None,
            },
            incident: None,
            change: None,
            healing: false,
            held_under: None,
            not_held: None,
            silenced: false,
        };
        let findings = mounts.iter().map(finding).collect();
        Event::Observed { instance: "disk-space".parse().unwrap(), mode: Mode::Observe, findings, without_incident: 0 }
    }

    /// Would break: a log in which only the number of unknown findings is told, or nothing.
    #[test]
    fn what_is_unknown_is_named_when_it_changes() {
        let mut unknowns = Unknowns::default();
        let dead = pass(&[("/", None), ("/far", Some("it does not answer\u{1b}[2J"))]);
        let told = unknowns.changed(&dead);
        assert_eq!(told, ["disk-space: unknown: filesystem /far: it does not answer\\u{1b}[2J"]);
        assert_eq!(unknowns.changed(&dead), [""; 0], "once");
        let other = pass(&[("/", None), ("/far", Some("denied"))]);
        assert_eq!(unknowns.changed(&other), ["disk-space: unknown: filesystem /far: denied"]);
        assert_eq!(unknowns.changed(&pass(&[("/", None)])), ["disk-space: no longer unknown: filesystem /far"]);
        let many: Vec<String> = (0..100).map(|at| format!("/{at}")).collect();
        let many: Vec<_> = many.iter().map(|mount| (mount.as_str(), Some("dead"))).collect();
        let told = unknowns.changed(&pass(&many));
        assert_eq!((told.len(), told.last().unwrap().as_str()), (21, "disk-space: and 80 more"));
        assert_eq!(unknowns.changed(&Event::Stopping { why: "a".into() }), [""; 0]);
    }
}
