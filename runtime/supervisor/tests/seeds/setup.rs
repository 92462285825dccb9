//! What a seed draws: instances with their rules, faults, and what happens when.

use std::collections::BTreeMap;
use std::sync::Arc;

use ansai_core::maintenance::Maintenance;
use ansai_core::scope::PER_HOURS;
use ansai_core::{
    InstanceName, InterfaceName, Limits, Millis, Mode, RetryPolicy, Scope, Severity, Shares, Subject, Timestamp,
};
use ansai_local::files::fields::{MAX_BYTES, MAX_FILES};
use ansai_supervisor::Instance;
use ansai_supervisor::authority::{EffectiveGrants, Fixed, scopes};
use ansai_supervisor::simulation::{Begins, Fault, Random};

use crate::guest;

pub(crate) const ACTION: &str = "ansai:files/files-actions.remove";
const INTERFACE: InterfaceName = InterfaceName::from_static("ansai:files/files-actions");
/// 2026-03-28T18:00:00Z: in the night, the clocks of Europe change.
pub(crate) const BEGINS: Timestamp = Timestamp::from_millis(1_774_720_800_000);
/// Faults begin for so long; then the host is left to come to rest.
pub(crate) const LIFE: Millis = Millis::from_hours(10);
const MINUTE: u64 = 60_000;

/// One instance and its rules.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) name: InstanceName,
    pub(crate) mode: Mode,
    pub(crate) every: Millis,
    pub(crate) retry: RetryPolicy,
    pub(crate) windows: Maintenance,
    /// Files within so many hours.
    pub(crate) budget: (u64, u64),
}

/// Something from outside.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    /// The process is gone after so many polls of tasks.
    Crash {
        polls: u64,
    },
    /// The process is gone at the next step: before it acts, or before its outcome is recorded.
    CrashAtStep {
        after: bool,
    },
    /// The process stops in order, and starts again.
    Restart,
    /// The machine is off for so long. `true`: without an orderly stop.
    Reboot {
        off: Millis,
        by_force: bool,
    },
    /// The time of day is set.
    Jump {
        milliseconds: i64,
    },
    /// A person says that the time of day is right, and starts ansai again.
    AcceptClock,
    Suspend {
        time: Millis,
    },
    Pause {
        instance: Option<InstanceName>,
        time: Millis,
    },
    Resume,
    Silence {
        fault: usize,
        time: Millis,
    },
    /// A person decides about all that waits.
    Decide {
        approve: bool,
    },
}

/// All of it.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) rules: Vec<Rules>,
    pub(crate) faults: Vec<Fault>,
    /// In order of their times.
    pub(crate) happenings: Vec<(Millis, Happening)>,
}

impl Setup {
    pub(crate) fn draw(seed: u64) -> Setup {
        let mut random = Random::new(seed, "setup");
        let names = ["cache", "disk", "web"].map(InstanceName::from_static);
        let rules: Vec<Rules> = names.iter().map(|name| draw_rules(&mut random, name)).collect();
        let mut faults: Vec<Fault> = Vec::new();
        for name in &names {
            for key in ["a", "b"].into_iter().take(1 + random.below(2) as usize) {
                faults.push(draw_fault(&mut random, name, key));
            }
        }
        // Two policies that fight: what heals one breaks the other.
        if random.percent(30) {
            let places: Vec<usize> =
                names.iter().filter_map(|name| faults.iter().position(|fault| fault.instance == *name)).collect();
            for (one, other) in [(places[0], places[1]), (places[1], places[0])] {
                faults[one].breaks = Some((faults[other].instance.clone(), faults[other].key.clone()));
                faults[one].helps = 100;
            }
        }
        let count = 2 + random.below(9);
        let mut happenings: Vec<(Millis, Happening)> = (0..count)
            .map(|_| (random.between(Millis::ZERO, LIFE), draw_happening(&mut random, &names, faults.len())))
            .collect();
        happenings.sort_by_key(|(at, _)| *at);
        Setup { rules, faults, happenings }
    }

    pub(crate) fn instances(&self) -> Vec<Instance> {
        let instance = |rules: &Rules| Instance {
            name: rules.name.clone(),
            policy: guest::policy(),
            version: "1.0.0".into(),
            settings: Arc::new(serde_json::json!({})),
            limits: Limits::default(),
            shares: Shares::default(),
            retry_policy: rules.retry.clone(),
            approval_expires: Millis::from_hours(3),
            announce: Millis::ZERO,
            maintenance: Arc::new(rules.windows.clone()),
            every: rules.every,
            timing: Arc::default(),
            watches: Arc::new([]),
        };
        self.rules.iter().map(instance).collect()
    }

    pub(crate) fn authority(&self) -> Fixed {
        Fixed::new(self.rules.iter().map(|rules| {
            let scope = Scope::default()
                .with_number(&MAX_FILES, rules.budget.0)
                .with_number(&MAX_BYTES, u64::MAX)
                .with_number(&PER_HOURS, rules.budget.1);
            (rules.name.clone(), EffectiveGrants::new(scopes(BTreeMap::from([(INTERFACE, scope)])), rules.mode))
        }))
    }

    /// The longest interval between two looks.
    pub(crate) fn longest_interval(&self) -> Millis {
        self.rules.iter().map(|rules| rules.every).max().unwrap()
    }
}

fn draw_rules(random: &mut Random, name: &InstanceName) -> Rules {
    let windows = match random.below(4) {
        0 => vec!["22:00-02:30 Europe/Berlin".parse().unwrap()],
        1 => vec!["20:00-20:20 UTC".parse().unwrap(), "Sun 00:30-01:30 UTC".parse().unwrap()],
        _ => vec![],
    };
    let settle = if random.percent(30) { Millis::new(2 * MINUTE) } else { Millis::ZERO };
    let verify_within = if random.percent(30) { Millis::new(3 * MINUTE) } else { Millis::ZERO };
    Rules {
        name: name.clone(),
        mode: if random.percent(25) { Mode::Approve } else { Mode::Enforce },
        every: Millis::new(MINUTE * (10 + random.below(30))),
        retry: RetryPolicy {
            cooldown: Millis::new(MINUTE * random.below(90)),
            max_attempts: 1 + random.below(4) as u32,
            settle,
            verify_within,
            ..RetryPolicy::default()
        },
        windows: Maintenance { windows, emergency_passes: random.percent(30) },
        budget: (1 + random.below(6), 1 + random.below(5)),
    }
}

fn draw_fault(random: &mut Random, instance: &InstanceName, key: &str) -> Fault {
    let begins = match random.below(3) {
        0 => Begins::Every(random.between(Millis::new(50 * MINUTE), Millis::from_hours(4))),
        1 => Begins::At((0..3).map(|hour| Millis::from_hours(hour * 3 + random.below(3))).collect()),
        _ => Begins::OnAverage(random.between(Millis::new(30 * MINUTE), Millis::from_hours(3))),
    };
    let severities = [Severity::Warning, Severity::Critical, Severity::Emergency];
    Fault {
        // Of one thing, so that they have one budget.
        about: Subject::new("simulated", instance.as_str()),
        severity: severities[random.below(3) as usize],
        lasts: random.percent(50).then(|| random.between(Millis::new(5 * MINUTE), Millis::from_hours(2))),
        helps: [0, 40, 100][random.below(3) as usize],
        steps: 1 + random.below(2) as u32,
        uses: BTreeMap::from([("max_files".to_owned(), 1 + random.below(2))]),
        ..Fault::new(instance.clone(), key, begins)
    }
}

fn draw_happening(random: &mut Random, names: &[InstanceName], faults: usize) -> Happening {
    let hours = |random: &mut Random| random.between(Millis::new(MINUTE), Millis::from_hours(3));
    match random.below(100) {
        0..15 => Happening::Crash { polls: random.below(400) },
        15..38 => Happening::CrashAtStep { after: random.percent(50) },
        38..44 => Happening::Restart,
        44..50 => Happening::Reboot { off: hours(random), by_force: random.percent(50) },
        50..56 => Happening::Jump { milliseconds: 8 * 60_000 - random.below(16 * 60_000) as i64 },
        56..60 => Happening::Jump { milliseconds: 10 * 365 * 86_400_000 },
        60..62 => Happening::Jump { milliseconds: -365 * 86_400_000 },
        62..64 => Happening::AcceptClock,
        64..70 => Happening::Suspend { time: hours(random) },
        70..77 => {
            let instance = random.percent(60).then(|| names[random.below(names.len() as u64) as usize].clone());
            Happening::Pause { instance, time: hours(random) }
        }
        77..80 => Happening::Resume,
        80..85 => Happening::Silence { fault: random.below(faults as u64) as usize, time: hours(random) },
        85..88 => Happening::Decide { approve: false },
        _ => Happening::Decide { approve: true },
    }
}
