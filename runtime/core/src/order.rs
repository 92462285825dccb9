//! What people order while ansai runs: a pause, or a silence. Each has a reason and an end, and is kept across restarts.

use serde::{Deserialize, Serialize};

use crate::fight::Fight;
use crate::quarantine::Quarantine;
use crate::storm::Storm;
use crate::{InstanceName, Millis, Timestamp};

/// The longest pause or silence. What shall last longer belongs into the configuration.
pub const LONGEST: Millis = Millis::from_hours(31 * 24);
/// The shortest one.
pub const SHORTEST: Millis = Millis::new(1_000);
/// Maximum number of characters of a reason.
pub const MOST_REASON: usize = 500;
/// Maximum number of bytes of a key.
pub const MOST_KEY: usize = 1_000;
/// Maximum number of silences at the same time.
pub const MOST_SILENCES: usize = 1_000;

/// The user who asked for something, as the kernel names the peer of a socket or the owner of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The number of the user.
    pub uid: u32,
    /// The name of the user, if `/etc/passwd` has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The host as the approver of a plan that it announced. No user has a name with a comma.
const AS_ANNOUNCED: &str = "ansai, as announced";

impl Person {
    /// The host, which runs as this user, where it approves a plan whose time after its announcement is over.
    pub fn host_as_announced(uid: u32) -> Person {
        Person { uid, name: Some(AS_ANNOUNCED.to_owned()) }
    }

    /// Whether it is the host, and no person.
    pub fn is_host(&self) -> bool {
        self.name.as_deref() == Some(AS_ANNOUNCED)
    }
}

/// `alice (uid 1000)`, or `uid 1000`.
impl std::fmt::Display for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} (uid {})", self.uid),
            None => write!(f, "uid {}", self.uid),
        }
    }
}

/// Who ordered something, why, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// When it began.
    pub since: Timestamp,
    /// When it ends. While the time of day is in doubt, it does not end.
    pub until: Timestamp,
    /// Why, in the words of the person.
    pub reason: String,
    /// Who ordered it.
    pub by: Person,
}

impl Order {
    /// Whether it is in force. `is_in_doubt`: the time of day jumped, so a jump ends nothing.
    pub fn is_in_force(&self, now: Timestamp, is_in_doubt: bool) -> bool {
        is_in_doubt || now < self.until
    }
}

/// No new steps begin for an instance, or for all of them. Evaluations go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The instance; `None` for all.
    pub instance: Option<InstanceName>,
    /// Who, why, until when.
    #[serde(flatten)]
    pub order: Order,
}

impl Pause {
    /// Whether it holds this instance.
    pub fn holds(&self, instance: &InstanceName) -> bool {
        self.instance.as_ref().is_none_or(|paused| paused == instance)
    }
}

/// Incidents with this key are neither told nor healed. Evaluations go on, and the status shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The instance; `None` for all that have incidents with this key.
    pub instance: Option<InstanceName>,
    /// The key of the incident.
    pub key: String,
    /// Who, why, until when.
    #[serde(flatten)]
    pub order: Order,
}

impl Silence {
    /// Whether it silences an incident of this instance with this key.
    pub fn silences(&self, instance: &InstanceName, key: &str) -> bool {
        self.key == key && self.instance.as_ref().is_none_or(|silenced| silenced == instance)
    }
}

/// Everything that holds plans: what people ordered, and what ansai itself stopped until they look at it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// Pauses: that of all instances first, then by name.
    pub pauses: Vec<Pause>,
    /// Silences, by instance and key.
    pub silences: Vec<Silence>,
    /// Instances that kept failing. ansai ordered these itself, and a person ends them.
    #[serde(default)]
    pub quarantines: Vec<Quarantine>,
    /// The storm, while ansai has stopped healing by itself. `ansai resume storm` ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storm: Option<Storm>,
    /// Fights, while ansai holds the plans of both. `ansai resume` with the name of one of the two ends them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fights: Vec<Fight>,
}

impl Orders {
    /// The pause that holds an instance and ends last.
    pub fn pause_of(&self, instance: &InstanceName, now: Timestamp, is_in_doubt: bool) -> Option<&Pause> {
        let holds = |pause: &&Pause| pause.holds(instance) && pause.order.is_in_force(now, is_in_doubt);
        self.pauses.iter().filter(holds).max_by_key(|pause| pause.order.until)
    }

    /// The silence of an incident that ends last.
    pub fn silence_of(
        &self,
        instance: &InstanceName,
        key: &str,
        now: Timestamp,
        is_in_doubt: bool,
    ) -> Option<&Silence> {
        let silences = |one: &&Silence| one.silences(instance, key) && one.order.is_in_force(now, is_in_doubt);
        self.silences.iter().filter(silences).max_by_key(|one| one.order.until)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    static ONE: InstanceName = InstanceName::from_static("one");
    static TWO: InstanceName = InstanceName::from_static("two");

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_millis(milliseconds)
    }

    fn order(until: u64) -> Order {
        let by = Person { uid: 0, name: None };
        Order { since: at(0), until: at(until), reason: "work".into(), by }
    }

    #[test]
    fn the_pause_that_ends_last_is_told_and_a_jump_ends_none() {
        let of = |instance: Option<&InstanceName>, until| Pause { instance: instance.cloned(), order: order(until) };
        let orders = Orders { pauses: vec![of(None, 10), of(Some(&ONE), 20)], ..Orders::default() };
        let until = |instance, now, doubt| orders.pause_of(instance, at(now), doubt).map(|one| one.order.until);
        assert_eq!((until(&ONE, 5, false), until(&TWO, 5, false)), (Some(at(20)), Some(at(10))));
        assert_eq!((until(&ONE, 10, false), until(&TWO, 10, false)), (Some(at(20)), None));
        assert_eq!((until(&ONE, 20, false), until(&ONE, 99, true)), (None, Some(at(20))));
    }

    #[test]
    fn a_silence_is_of_its_key_and_instance_only() {
        let silence = |instance: Option<&InstanceName>, key: &str| Silence {
            instance: instance.cloned(),
            key: key.into(),
            order: order(10),
        };
        let silences = vec![silence(Some(&ONE), "/var"), silence(None, "/tmp")];
        let orders = Orders { silences, ..Orders::default() };
        let is = |instance, key| orders.silence_of(instance, key, at(5), false).is_some();
        assert!(is(&ONE, "/var") && is(&ONE, "/tmp") && is(&TWO, "/tmp"));
        assert!(!is(&TWO, "/var") && !is(&ONE, "/va") && !is(&ONE, "/var/log"));
        assert!(orders.silence_of(&ONE, "/var", at(10), false).is_none());
    }

    #[test]
    fn an_order_is_flat_in_json() {
        let pause = Pause { instance: Some(ONE.clone()), order: order(10) };
        let json = serde_json::to_value(&pause).unwrap();
        let expected = serde_json::json!({
            "instance": "one", "since": 0, "until": 10, "reason": "work", "by": { "uid": 0 }
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Pause>(json).unwrap(), pause);
    }
}
