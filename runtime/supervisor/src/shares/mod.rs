//! Shares over time: how much of the processor, of ansai's files and of a person's attention an instance may use. One that
//! uses more is slowed down, then suspended until half of its share is free again. Others never notice.
//!
//! Only time while the host runs counts, by a clock that nobody can set.

mod bucket;
mod keeping;
mod processor;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ansai_core::control::ShareUse;
use ansai_core::{InstanceName, Millis, Share, ShareLimit, Shares};

pub(crate) use self::bucket::{Bucket, Standing};
use self::bucket::{EIGHTH, HALF, QUARTER, Rate};
use self::keeping::Kept;
pub(crate) use self::processor::metered;
use crate::clock;
use crate::instance::Instance;
use crate::permits::uptime;
use crate::state::{ShareRow, State, StateError};

/// How long the host has run.
type Uptime = Box<dyn Fn() -> Millis + Send + Sync>;

/// The shares of all instances.
pub(crate) struct Meters {
    state: Arc<State>,
    boot: String,
    uptime: Uptime,
    /// By name.
    meters: HashMap<String, Meter>,
    /// The run before this one was killed, and what it may have used without a trace is not in the rows yet.
    is_owed: AtomicBool,
    /// Held from the calculation of rows until they are written, so that no older row takes the place of a newer one. First this,
    /// then a meter, then the state.
    writing: Mutex<()>,
}

struct Meter {
    shares: Shares,
    used: Mutex<Used>,
}

/// What one instance has used, at a time.
struct Used {
    at: Millis,
    buckets: [Bucket; Share::ALL.len()],
    /// What was told of it.
    told: Standing,
    /// Whether it was told that events wait.
    events_told: bool,
    is_changed: bool,
    /// What the state knows of it.
    kept: Kept,
}

/// The state of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) standing: Standing,
    /// The share that is used most.
    pub(crate) most: ShareLimit,
    /// When half of it is free.
    pub(crate) wait: Millis,
    /// Whether its next pass is due.
    pub(crate) is_due: bool,
    /// Whether the standing is news. Answered once.
    pub(crate) is_news: bool,
    /// What was told before.
    pub(crate) told: Standing,
    /// The share that keeps events waiting, and until when.
    pub(crate) events: Option<(ShareLimit, Millis)>,
    /// Whether so little is used that events do not wait again soon.
    pub(crate) is_calm: bool,
}

impl Meters {
    /// Goes on where the last run ended.
    ///
    /// # Errors
    /// The state cannot be read.
    pub(crate) fn open(state: Arc<State>, instances: &[Instance]) -> Result<Meters, StateError> {
        let boot = uptime::read().boot;
        let shares = instances.iter().map(|instance| (instance.name.clone(), instance.shares.clone()));
        Meters::with_clock(state, shares, boot, Box::new(clock::since_boot))
    }

    fn with_clock(
        state: Arc<State>,
        shares: impl IntoIterator<Item = (InstanceName, Shares)>,
        boot: String,
        uptime: Uptime,
    ) -> Result<Meters, StateError> {
        let now = uptime();
        let before = state.begin_shares(&boot, now)?;
        let mut rows = HashMap::<String, Vec<ShareRow>>::new();
        for row in state.shares()? {
            rows.entry(row.instance.clone()).or_default().push(row);
        }
        let mut meter = |name: InstanceName, shares: Shares| {
            let known = rows.remove(name.as_str()).unwrap_or_default();
            let used = Used::known(&known, &shares, (&boot, now), before);
            (name.to_string(), Meter { shares, used: Mutex::new(used) })
        };
        let meters = shares.into_iter().map(|(name, shares)| meter(name, shares)).collect();
        Ok(Meters { state, boot, uptime, meters, is_owed: AtomicBool::new(before > 0.0), writing: Mutex::new(()) })
    }

    /// An instance has used so much of a share.
    pub(crate) fn charge(&self, instance: &str, share: Share, amount: f64) {
        let Some(meter) = self.meters.get(instance).filter(|_| amount > 0.0) else { return };
        let mut used = meter.at((self.uptime)());
        let rate = meter.rate(share);
        if let Some((bucket, _)) = used.buckets.iter_mut().zip(Share::ALL).find(|(_, one)| *one == share) {
            bucket.add(rate, amount);
        }
        used.is_changed = true;
        let is_sudden = used.is_sudden(&meter.shares);
        drop(used);
        if is_sudden {
            self.store_at_once(instance, meter);
        }
    }

    /// An instance has used so much processor time.
    pub(crate) fn spent(&self, instance: &InstanceName, time: Duration) {
        self.charge(instance.as_str(), Share::Processor, time.as_secs_f64() * 1_000.0);
    }

    /// Whether it is news that events of an instance wait, or no longer do. Answered once.
    pub(crate) fn tell_events(&self, instance: &InstanceName, wait: bool) -> bool {
        let Some(meter) = self.meters.get(instance.as_str()) else { return false };
        std::mem::replace(&mut meter.lock().events_told, wait) != wait
    }

    /// What an instance may do now. Asked once for each decision: what is news is answered once.
    pub(crate) fn look(&self, instance: &InstanceName) -> Option<Look> {
        let meter = self.meters.get(instance.as_str())?;
        let mut used = meter.at((self.uptime)());
        let fullest = used.buckets.iter().copied().zip(Share::ALL).max_by(|(one, a), (other, b)| {
            let fill = |bucket: &Bucket, share: Share| bucket.level / meter.rate(share).limit;
            one.standing.cmp(&other.standing).then(fill(one, *a).total_cmp(&fill(other, *b)))
        });
        let (bucket, share) = fullest?;
        let is_due =
            used.buckets.iter().zip(Share::ALL).all(|(bucket, share)| bucket.is_within(HALF, meter.rate(share)));
        let limit = |share: Share| ShareLimit { share, limit: meter.shares.limit(share) };
        let of_events = used.buckets.iter().zip(Share::ALL).filter_map(|(bucket, share)| {
            let rate = meter.rate(share);
            (!bucket.is_within(QUARTER, rate)).then(|| (limit(share), bucket.until(QUARTER, rate)))
        });
        let events = of_events.max_by_key(|(_, wait)| *wait);
        let is_calm =
            used.buckets.iter().zip(Share::ALL).all(|(bucket, share)| bucket.is_within(EIGHTH, meter.rate(share)));
        let told = std::mem::replace(&mut used.told, bucket.standing);
        let is_news = told != bucket.standing;
        used.is_changed |= is_news;
        let (most, wait) = (limit(share), bucket.until(HALF, meter.rate(share)));
        Some(Look { standing: bucket.standing, most, wait, is_due, is_news, told, events, is_calm })
    }

    /// How much an instance has used of each share.
    pub(crate) fn used(&self, instance: &InstanceName) -> Vec<ShareUse> {
        let Some(meter) = self.meters.get(instance.as_str()) else { return Vec::new() };
        let used = meter.at((self.uptime)());
        let share = |(bucket, share): (&Bucket, Share)| {
            let percent = (100.0 * bucket.level / meter.rate(share).limit.max(1.0)).round();
            // Never negative, and saturating.
            let percent = percent as u64;
            ShareUse { share, percent, is_suspended: bucket.standing == Standing::Suspended }
        };
        used.buckets.iter().zip(Share::ALL).map(share).collect()
    }
}

/// What a share permits.
fn rate(shares: &Shares, share: Share) -> Rate {
    Rate { limit: shares.limit(share) as f64, window: share.window() }
}

impl Meter {
    fn rate(&self, share: Share) -> Rate {
        rate(&self.shares, share)
    }

    /// What is used at this time.
    fn at(&self, now: Millis) -> MutexGuard<'_, Used> {
        let mut used = self.lock();
        let passed = Millis::new(now.get().saturating_sub(used.at.get()));
        for (bucket, share) in used.buckets.iter_mut().zip(Share::ALL) {
            bucket.drain(self.rate(share), passed);
        }
        used.at = used.at.max(now);
        used
    }

    fn lock(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod killed;
#[cfg(test)]
mod tests;
