//! Bounds of what a message holds: a policy decides how much it reports, and an outbox has limited space.

use ansai_core::{Measure, Value};

use super::{Message, Notice};

/// Most notices of one message; a storm has counts for the others.
pub const MOST_NOTICES: usize = 50;
/// Most bytes of one text.
pub const MOST_TEXT: usize = 1_000;
/// Most names of one step, and most entries of each other list.
pub const MOST_NAMES: usize = 20;
/// Most moments of a time line: the first one and the latest ones.
const MOST_MOMENTS: usize = 12;

impl Notice {
    /// The same notice, with every list and text cut to its bound. What is left out of a step's names is counted.
    #[must_use]
    pub fn bounded(mut self) -> Notice {
        let texts = [&mut self.id, &mut self.host, &mut self.summary];
        let options = [self.instance.as_mut(), self.audit_head.as_mut()];
        texts.into_iter().chain(options.into_iter().flatten()).for_each(cut);
        if let Some(incident) = &mut self.incident {
            [&mut incident.id, &mut incident.key].into_iter().for_each(cut);
        }
        if let Some(subject) = &mut self.subject {
            [&mut subject.kind, &mut subject.name].into_iter().for_each(cut);
        }
        self.evidence.truncate(MOST_NAMES);
        for Measure { name, value, .. } in &mut self.evidence {
            cut(name);
            if let Value::Text(text) = value {
                cut(text);
            }
        }
        self.steps.truncate(MOST_NAMES);
        for step in &mut self.steps {
            let left_out = step.names.len().saturating_sub(MOST_NAMES) as u64;
            step.more_names = step.more_names.saturating_add(left_out);
            step.names.truncate(MOST_NAMES);
            step.names.iter_mut().chain([&mut step.what]).chain(step.why.as_mut()).for_each(cut);
        }
        if let Some(undo) = &mut self.undo {
            cut(&mut undo.command);
        }
        if self.timeline.len() > MOST_MOMENTS {
            let latest = self.timeline.len() - (MOST_MOMENTS - 1);
            self.timeline.drain(1..latest);
        }
        self.timeline.iter_mut().for_each(|moment| cut(&mut moment.what));
        if let Some(asked) = &mut self.asked {
            asked.who.iter_mut().chain([&mut asked.what]).for_each(cut);
            asked.commands.truncate(MOST_NAMES);
            asked.commands.iter_mut().flat_map(|one| [&mut one.line, &mut one.does]).for_each(cut);
        }
        self
    }
}

impl Message {
    /// The same message with bounded notices, at most [`MOST_NOTICES`] of them: the worst ones, oldest first. If some are
    /// left out, `counts` has all of them.
    #[must_use]
    pub fn bounded(mut self) -> Message {
        if self.notices.len() > MOST_NOTICES {
            if self.counts.is_empty() {
                self.counts = super::counts(&self.notices);
            }
            let mut ranks: Vec<_> = self.notices.iter().enumerate().map(|(at, one)| (one.severity, at)).collect();
            ranks.sort_by_key(|(severity, at)| (std::cmp::Reverse(*severity), *at));
            let kept: std::collections::BTreeSet<usize> =
                ranks.into_iter().take(MOST_NOTICES).map(|(_, at)| at).collect();
            let mut at = 0..;
            self.notices.retain(|_| at.next().is_some_and(|at| kept.contains(&at)));
        }
        self.notices = self.notices.into_iter().map(Notice::bounded).collect();
        self
    }
}

fn cut(text: &mut String) {
    if text.len() > MOST_TEXT {
        text.truncate(text.floor_char_boundary(MOST_TEXT));
        text.push('…');
    }
}
