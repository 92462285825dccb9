//! One action of an instance, with its level and its record.

use ansai_config::{granted_actions, level};
use ansai_core::promotion::{Achieved, ActionRecord, Missing};
use ansai_core::{InstanceName, Interface, InterfaceName, Mode, Timestamp};
use ansai_daemon::Configuration;

use super::of_interface;

/// An interface with actions that an instance is granted. Its functions are granted, and promoted, together.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) instance: InstanceName,
    pub(super) action: InterfaceName,
    pub(super) level: Mode,
    /// What all its functions achieved together.
    pub(super) achieved: Achieved,
    /// What each of them did.
    pub(super) functions: Vec<ActionRecord>,
    /// The level that it would get; `None` if it has that one.
    pub(super) to: Option<Mode>,
    /// What its record lacks for that.
    pub(super) missing: Vec<Missing>,
}

/// All actions of a configuration, by instance and name.
pub(super) fn rows(
    configuration: &Configuration,
    records: &[ActionRecord],
    interfaces: &[Interface],
    now: Timestamp,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, instance) in &configuration.config.policies {
        for action in granted_actions(instance, interfaces) {
            let functions: Vec<ActionRecord> = of_interface(records, name, action.as_str()).cloned().collect();
            let achieved = functions.iter().fold(Achieved::default(), |sum, one| sum.with(&one.achieved));
            let level = level(instance, action);
            let row = Row {
                instance: name.clone(),
                action: action.clone(),
                level,
                achieved,
                functions,
                to: None,
                missing: Vec::new(),
            };
            rows.push(match level {
                Mode::Observe => row.towards(Mode::Approve, now),
                Mode::Approve => row.towards(Mode::Enforce, now),
                Mode::Enforce => row,
            });
        }
    }
    rows
}

impl Row {
    /// The same on its way to a level.
    pub(super) fn towards(&self, to: Mode, now: Timestamp) -> Row {
        let missing = self.achieved.missing(self.level, to, now);
        Row { to: (to != self.level).then_some(to), missing, ..self.clone() }
    }

    /// Whether its record is enough for the next level.
    pub(super) fn is_ready(&self) -> bool {
        self.to.is_some() && self.missing.is_empty()
    }
}
