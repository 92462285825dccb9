//! Labelled curves of the memory of a service, each made by its own rule. The same name makes the same curve.
//!
//! A value is a share of the service's limit. There are twelve samples an hour. A leak ends when it reaches the limit.

use std::f64::consts::TAU;

pub(crate) const AN_HOUR: usize = 12;

pub(crate) struct Curve {
    pub(crate) name: &'static str,
    /// The hour from which the service leaks; `None` if it does not.
    pub(crate) leaks_from: Option<usize>,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) memory: f64,
    pub(crate) processes: f64,
    /// The service was started at the sample with this index.
    pub(crate) run: usize,
}

/// Random numbers from 0 to 1 (SplitMix64), from a seed that is the name of the curve.
struct Random(u64);

impl Random {
    fn of(name: &str) -> Random {
        Random(
            name.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)),
        )
    }

    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normally distributed, with a standard deviation of 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }
}

/// A rule: the memory at an hour, with the noise added after it.
struct Rule {
    name: &'static str,
    leaks_from: Option<usize>,
    hours: usize,
    noise: f64,
    /// The hour of the last start before an hour. The rule begins again there.
    started: fn(f64) -> f64,
    memory: fn(f64) -> f64,
}

const fn rule(name: &'static str, hours: usize, noise: f64, memory: fn(f64) -> f64) -> Rule {
    Rule { name, leaks_from: None, hours, noise, started: |_| 0.0, memory }
}

const fn leak(name: &'static str, from: usize, hours: usize, noise: f64, memory: fn(f64) -> f64) -> Rule {
    Rule { leaks_from: Some(from), ..rule(name, hours, noise, memory) }
}

/// Between 0 and 1: how far the time is in a cycle of so many hours.
fn phase(hour: f64, cycle: f64) -> f64 {
    (hour / cycle).fract()
}

/// 1 for `length` hours of each day, from the hour `begin` on.
fn nightly(hour: f64, begin: f64, length: f64) -> f64 {
    f64::from((hour - begin).rem_euclid(24.0) < length)
}

/// -1 to 1, lowest at midnight.
fn daily(hour: f64) -> f64 {
    -(TAU * hour / 24.0).cos()
}

fn levels_off(hour: f64, time: f64) -> f64 {
    1.0 - (-hour / time).exp()
}

fn after(hour: f64, begin: f64) -> f64 {
    (hour - begin).max(0.0)
}

static LEAKS: &[Rule] = &[
    leak("leak: full in 10 h", 0, 12, 0.005, |h| 0.15 + 0.085 * h),
    leak("leak: full in 6 h", 0, 8, 0.005, |h| 0.15 + 0.14 * h),
    leak("leak: full in 20 h", 0, 24, 0.005, |h| 0.2 + 0.04 * h),
    leak("leak: full in 2 days", 0, 60, 0.005, |h| 0.2 + 0.8 / 48.0 * h),
    leak("leak: full in 5 days", 0, 140, 0.005, |h| 0.2 + 0.8 / 120.0 * h),
    leak("leak: full in 10 days", 0, 260, 0.005, |h| 0.2 + 0.8 / 240.0 * h),
    leak("leak: noisy", 0, 90, 0.03, |h| 0.2 + 0.01 * h),
    leak("leak: very noisy", 0, 90, 0.08, |h| 0.2 + 0.01 * h),
    leak("leak: at a high level", 0, 80, 0.005, |h| 0.7 + 0.005 * h),
    leak("leak: under a job of each night", 0, 80, 0.005, |h| 0.2 + 0.01 * h + 0.2 * nightly(h, 14.0, 3.0)),
    leak("leak: under the load of the day", 0, 100, 0.005, |h| 0.25 + 0.008 * h + 0.08 * daily(h)),
    leak("leak: under a collector, 40 min", 0, 80, 0.005, |h| 0.15 + 0.01 * h + 0.15 * phase(h, 0.66)),
    leak("leak: under a collector, 8 h", 0, 120, 0.005, |h| 0.15 + 0.008 * h + 0.1 * phase(h, 8.0)),
    leak("leak: since a deployment", 72, 160, 0.005, |h| 0.3 + 0.015 * after(h, 72.0)),
    leak("leak: since a deployment that needs more", 72, 160, 0.005, |h| {
        0.3 + if h < 72.0 { 0.0 } else { 0.15 } + 0.012 * after(h, 72.0)
    }),
    leak("leak: since a deployment that needs less", 72, 160, 0.005, |h| {
        if h < 72.0 { 0.5 } else { 0.3 + 0.012 * (h - 72.0) }
    }),
    leak("leak: faster and faster", 0, 110, 0.005, |h| 0.25 + 0.00008 * h * h),
    leak("leak: with each job of an hour", 0, 100, 0.003, |h| 0.2 + 0.01 * h.floor()),
    leak("leak: with each job of a night", 0, 260, 0.005, |h| 0.2 + 0.08 * (h / 24.0).floor()),
    leak("leak: in office hours", 0, 220, 0.005, |h| {
        0.2 + 0.012 * ((h / 24.0).floor() * 9.0 + ((h % 24.0) - 8.0).clamp(0.0, 9.0))
    }),
    leak("leak: two at once", 0, 120, 0.005, |h| 0.2 + 0.004 * h + 0.012 * after(h, 30.0)),
    leak("leak: after its caches are warm", 0, 120, 0.005, |h| 0.15 + 0.2 * levels_off(h, 3.0) + 0.008 * h),
    leak("leak: with a pause of a day", 0, 160, 0.005, |h| 0.2 + 0.01 * (h.min(30.0) + after(h, 54.0))),
    leak("leak: parts are freed", 0, 130, 0.005, |h| 0.2 + 0.01 * h - 0.06 * phase(h, 13.0)),
    Rule {
        started: |h| if h < 40.0 { 0.0 } else { 40.0 },
        ..leak("leak: a restart postpones it", 0, 120, 0.005, |h| 0.2 + 0.012 * h)
    },
    leak("leak: slow, with steps of the load", 0, 160, 0.01, |h| 0.3 + 0.005 * h + 0.05 * nightly(h, 8.0, 10.0)),
];

static QUIET: &[Rule] = &[
    rule("steady", 168, 0.002, |_| 0.5),
    rule("noise", 168, 0.03, |_| 0.5),
    rule("much noise", 168, 0.1, |_| 0.5),
    rule("full by design", 168, 0.002, |_| 0.92),
    rule("a cache levels off in hours", 120, 0.005, |h| 0.2 + 0.5 * levels_off(h, 4.0)),
    rule("a cache levels off in half a day", 168, 0.005, |h| 0.2 + 0.65 * levels_off(h, 12.0)),
    rule("a cache levels off in days", 220, 0.005, |h| 0.2 + 0.6 * levels_off(h, 36.0)),
    rule("a cache grows evenly to its size", 168, 0.005, |h| 0.2 + (0.02 * h).min(0.4)),
    rule("a heap grows to its size", 168, 0.003, |h| 0.1 + (0.08 * h.floor()).min(0.6)),
    rule("a job of each night", 168, 0.005, |h| 0.3 + 0.5 * nightly(h, 2.0, 3.0)),
    rule("a job of each night, nearly full", 168, 0.005, |h| 0.4 + 0.55 * nightly(h, 2.0, 2.0)),
    rule("a job of each night that builds up", 168, 0.005, |h| {
        0.3 + 0.06 * ((h % 24.0) - 1.0).clamp(0.0, 5.0) * nightly(h, 1.0, 6.0)
    }),
    rule("a job of 10 h that builds up", 168, 0.005, |h| 0.2 + 0.05 * (h % 24.0) * nightly(h, 0.0, 10.0)),
    rule("the load of the day", 168, 0.01, |h| 0.4 + 0.1 * daily(h)),
    rule("the load of the day, strong", 168, 0.01, |h| 0.5 + 0.3 * daily(h)),
    rule("the load of office hours", 168, 0.01, |h| 0.3 + 0.3 * nightly(h, 8.0, 10.0)),
    rule("the load of the week", 336, 0.01, |h| 0.4 + if phase(h, 168.0) < 0.7 { 0.15 * daily(h) } else { -0.15 }),
    rule("a deployment that needs more", 168, 0.01, |h| if h < 80.0 { 0.3 } else { 0.55 }),
    rule("a deployment that needs more at once", 168, 0.01, |h| if h < 7.0 { 0.3 } else { 0.55 }),
    rule("two deployments", 168, 0.01, |h| 0.3 + if h < 50.0 { 0.0 } else { 0.15 } + if h < 90.0 { 0.0 } else { 0.15 }),
    rule("three deployments in a day", 168, 0.005, |h| 0.3 + 0.12 * ((h - 40.0) / 6.0).clamp(0.0, 3.0).floor()),
    rule("a deployment that needs less", 168, 0.01, |h| if h < 80.0 { 0.6 } else { 0.3 }),
    rule("a collector, 40 min", 168, 0.005, |h| 0.3 + 0.4 * phase(h, 0.66)),
    rule("a collector, 6 h", 168, 0.005, |h| 0.3 + 0.3 * phase(h, 6.0)),
    rule("a collector, 12 h", 168, 0.005, |h| 0.3 + 0.3 * phase(h, 12.0)),
    rule("a cache that is emptied each day", 168, 0.005, |h| 0.25 + 0.35 * phase(h, 24.0)),
    rule("warm-up of half an hour", 100, 0.005, |h| 0.1 + 0.6 * (2.0 * h).min(1.0)),
    rule("warm-up of 5 h", 100, 0.005, |h| 0.1 + 0.6 * (h / 5.0).min(1.0)),
    rule("slow growth, weeks from the limit", 168, 0.005, |h| 0.3 + 0.0005 * h),
    Rule {
        started: |h| (h / 24.0).floor() * 24.0,
        ..rule("a restart each night", 168, 0.005, |h| 0.2 + 0.3 * levels_off(h, 5.0))
    },
];

/// All curves.
pub(crate) fn all() -> Vec<Curve> {
    let mut all: Vec<Curve> = LEAKS.iter().chain(QUIET).map(made).collect();
    all.extend([page_cache(), walk(), storm(), workers()]);
    all
}

fn made(rule: &Rule) -> Curve {
    let mut random = Random::of(rule.name);
    let mut samples = Vec::new();
    for index in 0..rule.hours * AN_HOUR {
        let hour = index as f64 / AN_HOUR as f64;
        let run = (rule.started)(hour);
        let memory = ((rule.memory)(hour - run) + rule.noise * random.normal()).max(0.01);
        let run = (run * AN_HOUR as f64) as usize;
        samples.push(Sample { memory: memory.min(1.0), processes: 4.0, run });
        if memory >= 1.0 && rule.leaks_from.is_some() {
            break;
        }
    }
    Curve { name: rule.name, leaks_from: rule.leaks_from, samples }
}

/// The cache of files grows until memory is full; what is not of files stays.
fn page_cache() -> Curve {
    let mut curve = made(&rule("a page cache fills the memory", 168, 0.004, |_| 0.35));
    curve.name = "a page cache fills the memory";
    curve
}

/// A random walk that always returns to its middle.
fn walk() -> Curve {
    let name = "a walk around a middle";
    let mut random = Random::of(name);
    let mut at = 0.5;
    let samples = (0..168 * AN_HOUR).map(|_| {
        at += 0.01 * (0.5 - at) + 0.006 * random.normal();
        Sample { memory: at, processes: 4.0, run: 0 }
    });
    Curve { name, leaks_from: None, samples: samples.collect() }
}

/// Each request makes a process that stays. It fills the memory as well, and another cause than a leak is told.
fn storm() -> Curve {
    by_processes("a fork storm", 30, |hour| 10.0 + 8.0 * after(hour, 5.0))
}

/// As many workers as there is load, more each day of a campaign.
fn workers() -> Curve {
    by_processes("more workers for more load", 120, |hour| 10.0 + 1.4 * hour)
}

fn by_processes(name: &'static str, hours: usize, processes: fn(f64) -> f64) -> Curve {
    let mut random = Random::of(name);
    let samples = (0..hours * AN_HOUR).map(|index| {
        let processes = processes(index as f64 / AN_HOUR as f64).floor();
        Sample { memory: (0.05 + 0.005 * processes + 0.003 * random.normal()).min(1.0), processes, run: 0 }
    });
    Curve { name, leaks_from: None, samples: samples.collect() }
}
