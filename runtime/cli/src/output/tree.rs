//! The findings of a run in the order in which people read them: what is held under another finding comes right below it.

use std::collections::HashMap;

use ansai_supervisor::{FindingReport, InstanceReport};

/// A finding and its place.
pub(crate) struct Node<'a> {
    pub(crate) instance: &'a InstanceReport,
    pub(crate) finding: &'a FindingReport,
    /// How many shown findings it is held under, one under the other.
    pub(crate) depth: usize,
}

impl Node<'_> {
    /// What comes before the text of the finding.
    pub(crate) fn indent(&self) -> String {
        match self.depth {
            0 => String::new(),
            depth => format!("{}└ ", "  ".repeat(depth - 1)),
        }
    }
}

/// The findings that are wanted.
pub(crate) fn of(instances: &[InstanceReport], is_wanted: impl Fn(&FindingReport) -> bool) -> Vec<Node<'_>> {
    let all: Vec<(&InstanceReport, &FindingReport)> = instances
        .iter()
        .flat_map(|instance| instance.findings.iter().map(move |finding| (instance, finding)))
        .filter(|(_, finding)| is_wanted(finding))
        .collect();
    let places: HashMap<&str, usize> = all
        .iter()
        .enumerate()
        .filter_map(|(place, (_, finding))| Some((finding.incident.as_deref()?, place)))
        .collect();
    let parent = |finding: &FindingReport| places.get(finding.held_under.as_ref()?.incident.as_str()).copied();
    let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (place, (_, finding)) in all.iter().enumerate() {
        match parent(finding) {
            Some(parent) => children.entry(parent).or_default().push(place),
            None => open.push((place, 0)),
        }
    }
    open.reverse();
    let mut nodes = Vec::with_capacity(all.len());
    while let Some((place, depth)) = open.pop() {
        if let Some((instance, finding)) = all.get(place).copied() {
            nodes.push(Node { instance, finding, depth });
        }
        open.extend(children.remove(&place).unwrap_or_default().into_iter().rev().map(|child| (child, depth + 1)));
    }
    // A circle has no first one. The host makes none, but a report hides nothing.
    let rest = children.into_values().flatten().filter_map(|place| all.get(place).copied());
    nodes.extend(rest.map(|(instance, finding)| Node { instance, finding, depth: 0 }));
    nodes
}
