//! Figures of a chaos board: what was done about faults that were made on purpose, and how long it took.
//!
//! An author ships them as `chaos.json` beside a policy; `make chaos` writes one for all policies of this repository.

use serde::{Deserialize, Serialize};

use ansai_core::Millis;
use ansai_core::text::inert;

/// The file beside a policy.
pub const CHAOS_FILE: &str = "chaos.json";
/// The most bytes of such a file.
pub const MOST_CHAOS_BYTES: u64 = 64 << 10;
const FORMAT: u32 = 1;
/// The most faults in a file.
const MOST_FAULTS: usize = 100;
const MOST_TEXT: usize = 200;

/// The figures of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChaosFile {
    format: u32,
    /// When and on what it was measured.
    measured: String,
    faults: Vec<FaultOf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultOf {
    /// The policy that is there for it.
    policy: String,
    fault: String,
    what: String,
    found_ms: Option<u64>,
    healed_ms: Option<u64>,
    #[serde(default)]
    is_simulated: bool,
    damage: u32,
    false_alarms: u32,
}

/// The chaos board of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chaos {
    /// When and on what it was measured.
    pub measured: String,
    /// What was done about each fault.
    pub faults: Vec<Fault>,
}

/// What was done about a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its name, such as `disk-fill`.
    pub fault: String,
    /// What happens.
    pub what: String,
    /// Time until it was found; `None` if it was not.
    pub found_ms: Option<Millis>,
    /// Time until all was well again, and stayed well; `None` if it was not.
    pub healed_ms: Option<Millis>,
    /// Whether these times are simulated: one look is one hour.
    #[serde(default)]
    pub is_simulated: bool,
    /// How many things changed that no repair may touch.
    pub damage: u32,
    /// How many reports were about what was well.
    pub false_alarms: u32,
}

impl ChaosFile {
    /// Reads a file of an author. All of its texts are made inert.
    ///
    /// # Errors
    /// Why it is refused, as the end of a sentence that begins with the name of the file.
    pub fn read(bytes: &[u8]) -> Result<ChaosFile, String> {
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MOST_CHAOS_BYTES {
            return Err(format!("is larger than {MOST_CHAOS_BYTES} bytes"));
        }
        let mut file: ChaosFile =
            serde_json::from_slice(bytes).map_err(|error| format!("is invalid: {}", inert(&error.to_string(), 200)))?;
        if file.format != FORMAT {
            return Err(format!("has format {}; this ansai reads format {FORMAT}", file.format));
        }
        if file.faults.len() > MOST_FAULTS {
            return Err(format!("has {} faults, more than {MOST_FAULTS}", file.faults.len()));
        }
        file.measured = inert(&file.measured, MOST_TEXT);
        for one in &mut file.faults {
            (one.fault, one.what) = (inert(&one.fault, MOST_TEXT), inert(&one.what, MOST_TEXT));
            if one.healed_ms.is_some_and(|healed| one.found_ms.is_some_and(|found| healed < found)) {
                return Err(format!("says that `{}` was healed before it was found", one.fault));
            }
        }
        Ok(file)
    }

    /// The board of a policy; `None` if the file has nothing about it.
    pub fn of(&self, policy: &str) -> Option<Chaos> {
        let faults: Vec<Fault> = self.faults.iter().filter(|one| one.policy == policy).map(FaultOf::fault).collect();
        (!faults.is_empty()).then(|| Chaos { measured: self.measured.clone(), faults })
    }
}

impl FaultOf {
    fn fault(&self) -> Fault {
        Fault {
            fault: self.fault.clone(),
            what: self.what.clone(),
            found_ms: self.found_ms.map(Millis::new),
            healed_ms: self.healed_ms.map(Millis::new),
            is_simulated: self.is_simulated,
            damage: self.damage,
            false_alarms: self.false_alarms,
        }
    }
}

impl Chaos {
    /// How many of the faults it healed without damage.
    pub fn healed(&self) -> usize {
        self.faults.iter().filter(|one| one.healed_ms.is_some() && one.damage == 0).count()
    }

    /// How many of the faults did damage.
    pub fn damaging(&self) -> usize {
        self.faults.iter().filter(|one| one.damage > 0).count()
    }

    /// `heals 3 of 4 faults`.
    pub fn summary(&self) -> String {
        let (all, healed) = (self.faults.len(), self.healed());
        let faults = if all == 1 { "fault" } else { "faults" };
        match self.damaging() {
            0 => format!("heals {healed} of {all} {faults}"),
            damaging => format!("heals {healed} of {all} {faults}, damage in {damaging}"),
        }
    }
}

impl Fault {
    /// `found after 12 s, healed after 34 s`; `found after 12 s, not healed`.
    pub fn words(&self) -> String {
        let words = |what: &str, after: Option<Millis>| match after {
            Some(_) => format!("{what} after {}", self.time(after)),
            None => format!("not {what}"),
        };
        format!("{}, {}", words("found", self.found_ms), words("healed", self.healed_ms))
    }

    /// `12 s`, `2 h (simulated)` or `no`.
    pub fn found(&self) -> String {
        self.time(self.found_ms)
    }

    /// The same for when it was healed.
    pub fn healed(&self) -> String {
        self.time(self.healed_ms)
    }

    fn time(&self, after: Option<Millis>) -> String {
        match after {
            Some(after) if self.is_simulated => format!("{after} (simulated)"),
            Some(after) => after.to_string(),
            None => "no".to_owned(),
        }
    }
}
