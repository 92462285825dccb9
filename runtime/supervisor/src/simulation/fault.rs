//! What goes wrong on a simulated host.

use std::collections::BTreeMap;

use ansai_core::{InstanceName, Millis, Severity, Subject};

/// When a fault begins. Times count from the beginning of the simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begins {
    /// At these times, in their order. What is over before the fault ended is left out.
    At(Vec<Millis>),
    /// After so long, and so long after each beginning. What comes before the fault ended is left out.
    Every(Millis),
    /// At random: so long after the last end, on average.
    OnAverage(Millis),
    /// Only because of another fault, see [`Fault::breaks`].
    Never,
}

/// One thing that goes wrong again and again, as an instance observes it. Several of one instance may have the same key,
/// and then the worst of those that last is its finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The instance that observes it.
    pub instance: InstanceName,
    /// The key of its finding.
    pub key: String,
    /// What it is about.
    pub about: Subject,
    /// Its severity.
    pub severity: Severity,
    /// When it begins.
    pub begins: Begins,
    /// How long it lasts by itself, up to a half more or less; `None`: until a step helps.
    pub lasts: Option<Millis>,
    /// Whether it lasts exactly so long: it was recorded.
    pub is_exact: bool,
    /// How many steps out of 100 end it.
    pub helps: u32,
    /// The steps of a plan for it.
    pub steps: u32,
    /// What a step uses of the bounds of its grant, by the name of the bound.
    pub uses: BTreeMap<String, u64>,
    /// The fault that a step for this one causes: its instance and key. Two policies can fight like this.
    pub breaks: Option<(InstanceName, String)>,
}

impl Fault {
    /// A fault that begins at random, lasts until a step helps, and that every second step ends.
    pub fn new(instance: InstanceName, key: impl Into<String>, begins: Begins) -> Fault {
        let key = key.into();
        Fault {
            about: Subject::new("simulated", &key),
            instance,
            key,
            severity: Severity::Warning,
            begins,
            lasts: None,
            is_exact: false,
            helps: 50,
            steps: 1,
            uses: BTreeMap::new(),
            breaks: None,
        }
    }

    /// The instance and the key, as one text.
    pub fn name(&self) -> String {
        format!("{}/{}", self.instance, self.key)
    }
}
