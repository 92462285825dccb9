//! What the state knows of the shares, so that a restart is no way out, also if ansai is killed again and again.
//!
//! While ansai runs, a row of the state is no count but a bound: the instance has used at most so much. It is a little more
//! than what was used, so it is written again only when that little is used up, and an instance with a steady use writes
//! nothing. Whoever finds a bound after a crash takes it for what was used.

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use ansai_core::{Millis, Share, Shares};

use super::{Bucket, Meter, Meters, Standing, Used, rate};
use crate::state::ShareRow;

/// A bound is this part of the share above what was used when it was written.
const AHEAD: f64 = 1.0 / 64.0;
/// A bound that is further above what is used than this is written again, so that a burst of long ago is not held against an
/// instance after a crash.
const TOO_FAR: f64 = 1.0 / 8.0;

/// What the state knows of one instance.
#[derive(Debug, Default)]
pub(super) struct Kept {
    shares: [KeptShare; Share::ALL.len()],
    told: Standing,
    /// The last attempt to write it failed.
    is_lost: bool,
}

/// What the state knows of one share.
#[derive(Debug, Default)]
struct KeptShare {
    level: f64,
    standing: Standing,
    /// Whether this run has written the level, as a bound.
    is_bound: bool,
}

impl KeptShare {
    /// Whether a crash would leave a good row. What nobody used in this run is as it was. A share of which nothing was used
    /// when the run began needs no row before so much is used that it is [sudden](Used::is_sudden): that much counts as used
    /// after a crash in any case.
    fn is_right(&self, bucket: &Bucket, limit: f64) -> bool {
        let is_near = bucket.level <= self.level && self.level <= bucket.level + TOO_FAR * limit;
        let is_little = self.level == 0.0 && bucket.level <= AHEAD * limit;
        self.standing == bucket.standing && if self.is_bound { is_near } else { bucket.level == 0.0 || is_little }
    }
}

impl Used {
    /// What the last run left, at `now`. Runs that were killed may have used `owed` of each share more than its rows say.
    pub(super) fn known(rows: &[ShareRow], shares: &Shares, (boot, now): (&str, Millis), owed: f64) -> Used {
        // A bound drains from now on: nobody knows when it was reached. After a reboot, only the time since then counts.
        let since = |row: &ShareRow| match (row.boot == boot, row.is_bound) {
            (false, _) => Millis::ZERO,
            (true, true) => now,
            (true, false) => row.up,
        };
        let at = rows.iter().map(since).fold(now, Millis::max);
        let mut used = Used {
            at,
            buckets: Default::default(),
            told: Standing::Free,
            events_told: false,
            is_changed: false,
            kept: Kept::default(),
        };
        let all = used.buckets.iter_mut().zip(&mut used.kept.shares);
        for ((bucket, kept), share) in all.zip(Share::ALL) {
            let rate = rate(shares, share);
            if let Some(row) = rows.iter().find(|row| row.share == share) {
                *bucket = row.bucket;
                used.told = row.told;
                bucket.drain(rate, Millis::new(at.get().saturating_sub(since(row).get())));
            }
            bucket.add(rate, owed * rate.limit);
            *kept = KeptShare { level: bucket.level, standing: bucket.standing, is_bound: false };
        }
        used.kept.told = used.told;
        used
    }

    /// Whether so much was used since the last row that it is written before anything else is used. Who is suspended has
    /// no use for it.
    pub(super) fn is_sudden(&self, shares: &Shares) -> bool {
        let all = self.buckets.iter().zip(&self.kept.shares).zip(Share::ALL);
        let is_sudden = |((bucket, kept), share): ((&Bucket, &KeptShare), Share)| {
            bucket.level > kept.level + AHEAD * rate(shares, share).limit
                && !(kept.is_bound && kept.standing == Standing::Suspended)
        };
        !self.kept.is_lost && all.into_iter().any(is_sudden)
    }

    /// The rows that have to be written, as bounds. They count as written.
    fn bounds(&mut self, instance: &str, boot: &str, shares: &Shares, is_all: bool) -> Vec<ShareRow> {
        let is_all = is_all || std::mem::take(&mut self.kept.is_lost) || self.kept.told != self.told;
        self.kept.told = self.told;
        let mut rows = Vec::new();
        for ((bucket, kept), share) in self.buckets.iter().zip(&mut self.kept.shares).zip(Share::ALL) {
            let limit = rate(shares, share).limit;
            if !is_all && kept.is_right(bucket, limit) {
                continue;
            }
            *kept = KeptShare { level: bucket.level + AHEAD * limit, standing: bucket.standing, is_bound: true };
            rows.push(ShareRow {
                instance: instance.to_owned(),
                share,
                bucket: Bucket { level: kept.level, standing: kept.standing },
                told: self.told,
                boot: boot.to_owned(),
                up: self.at,
                is_bound: true,
            });
        }
        rows
    }

    /// What was used, exactly, as of now.
    fn exact(&mut self, instance: &str, boot: &str, is_all: bool) -> Vec<ShareRow> {
        let is_written = self.kept.shares.iter().any(|kept| kept.is_bound);
        let is_used = self.buckets.iter().any(|bucket| bucket.level > 0.0);
        if !std::mem::take(&mut self.is_changed) && !is_written && !is_used && !is_all {
            return Vec::new();
        }
        for (kept, bucket) in self.kept.shares.iter_mut().zip(&self.buckets) {
            *kept = KeptShare { level: bucket.level, standing: bucket.standing, is_bound: false };
        }
        let all = self.buckets.iter().zip(Share::ALL);
        let row = |(bucket, share): (&Bucket, Share)| ShareRow {
            instance: instance.to_owned(),
            share,
            bucket: *bucket,
            told: self.told,
            boot: boot.to_owned(),
            up: self.at,
            is_bound: false,
        };
        all.map(row).collect()
    }
}

impl Meters {
    fn writes(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the bounds that are no longer right, durable with the next flush. Answers how many.
    pub(crate) fn store(&self) -> usize {
        let _one_at_a_time = self.writes();
        let (now, is_owed) = ((self.uptime)(), self.is_owed.swap(false, Ordering::Relaxed));
        let mut rows = Vec::new();
        for (instance, meter) in &self.meters {
            if !is_owed && !meter.lock().is_changed {
                continue;
            }
            let mut used = meter.at(now);
            used.is_changed = false;
            rows.append(&mut used.bounds(instance, &self.boot, &meter.shares, is_owed));
        }
        // With the rows, what the killed run may have used is in the state, and no longer owed.
        if let Err(error) = self.state.put_shares(&rows, is_owed) {
            tracing::error!("what instances used of their shares is not stored, ansai tries again: {error}");
            self.is_owed.fetch_or(is_owed, Ordering::Relaxed);
            self.are_lost();
        }
        rows.len()
    }

    /// What was written may not be on the disk: the next time, all of it is written again.
    pub(crate) fn are_lost(&self) {
        for meter in self.meters.values() {
            let mut used = meter.lock();
            used.kept.is_lost = true;
            used.is_changed = true;
        }
    }

    /// Writes what was used exactly: this run has ended. What is used afterwards is written with the last owner.
    pub(crate) fn end(&self) {
        let _one_at_a_time = self.writes();
        let (now, is_owed) = ((self.uptime)(), self.is_owed.swap(false, Ordering::Relaxed));
        let exact = |(instance, meter): (&String, &Meter)| meter.at(now).exact(instance, &self.boot, is_owed);
        let rows: Vec<ShareRow> = self.meters.iter().flat_map(exact).collect();
        if let Err(error) = self.state.end_shares(&rows) {
            tracing::error!("what instances used of their shares counts as of a run that was killed: {error}");
        }
    }

    /// Durably: an instance that can kill ansai must not have used it for nothing.
    pub(super) fn store_at_once(&self, instance: &str, meter: &Meter) {
        let _one_at_a_time = self.writes();
        // Held until it is written: nothing else is used meanwhile.
        let mut used = meter.lock();
        let rows = used.bounds(instance, &self.boot, &meter.shares, false);
        if let Err(error) = self.state.put_shares_durably(&rows) {
            tracing::error!(instance, "what it used of its shares is not stored, ansai tries again: {error}");
            (used.kept.is_lost, used.is_changed) = (true, true);
        }
    }
}

impl Drop for Meters {
    fn drop(&mut self) {
        self.end();
    }
}
