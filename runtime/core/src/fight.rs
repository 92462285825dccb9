//! Two policies that undo what the other does.

use serde::{Deserialize, Serialize};

use crate::codes::{self, Code};
use crate::order::Person;
use crate::{InstanceName, Millis, Subject, Timestamp};

/// Two instances change the same thing by turns. Plans of both that change it are held until a person decides, or until
/// the configuration of one of them changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Fight {
    /// The two instances, in the order of their names.
    pub instances: (InstanceName, InstanceName),
    /// What both change.
    pub about: Subject,
    /// How often each of them changed it by turns.
    pub turns: u32,
    /// Within this time.
    pub within: Millis,
    /// When it was found.
    pub since: Timestamp,
}

impl Fight {
    /// The code that `ansai explain` knows.
    pub const CODE: Code = codes::POLICIES_FIGHT;

    /// Whether this is one of the two.
    pub fn is_of(&self, instance: &InstanceName) -> bool {
        self.instances.0 == *instance || self.instances.1 == *instance
    }

    /// The other one, as seen from one of the two.
    pub fn other(&self, instance: &InstanceName) -> &InstanceName {
        if self.instances.0 == *instance { &self.instances.1 } else { &self.instances.0 }
    }
}

/// Why a fight is no longer held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FightEnd {
    /// A person resumed one of the two.
    Resumed(Person),
    /// The component, the settings, the grants or the mode of this instance changed, or it is gone.
    Configuration(InstanceName),
}
