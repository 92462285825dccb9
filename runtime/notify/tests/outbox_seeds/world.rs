//! One run: an audit log that grows, a notifier that crashes, channels with faults, and a clock.

use std::collections::BTreeMap;
use std::time::Duration;

use ansai_core::incident::{Change, Reason};
use ansai_core::notify::Grouping;
use ansai_core::{Millis, Timestamp};
use ansai_notify::channel::{Fault, Receipt};
use ansai_notify::outbox::{Concluded, Outbox};
use ansai_notify::tell::{Heard, Teller};

use crate::fixtures::events::{escalated, incident};
use crate::fixtures::started;
use crate::model::Receiver;

const CHANNELS: [&str; 2] = ["mail", "log"];
const STEPS: usize = 60;
const INCIDENTS: u64 = 4;

/// How often each fault happened.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Totals {
    crashes_before: u32,
    crashes_after: u32,
    crashes_else: u32,
    refused: u32,
    failed: u32,
    unknown: u32,
    jumps: u32,
    sent: u32,
}

impl Totals {
    /// Whether each of them did.
    pub(crate) fn has_seen_all(&self) -> bool {
        let Totals { crashes_before, crashes_after, crashes_else, refused, failed, unknown, jumps, sent } = *self;
        [crashes_before, crashes_after, crashes_else, refused, failed, unknown, jumps, sent].iter().all(|n| *n > 100)
    }
}

impl std::iter::Sum for Totals {
    fn sum<I: Iterator<Item = Totals>>(all: I) -> Totals {
        all.fold(Totals::default(), |a, b| Totals {
            crashes_before: a.crashes_before + b.crashes_before,
            crashes_after: a.crashes_after + b.crashes_after,
            crashes_else: a.crashes_else + b.crashes_else,
            refused: a.refused + b.refused,
            failed: a.failed + b.failed,
            unknown: a.unknown + b.unknown,
            jumps: a.jumps + b.jumps,
            sent: a.sent + b.sent,
        })
    }
}

/// A run.
pub(crate) struct World {
    seed: u64,
    random: u64,
    directory: tempfile::TempDir,
    now: u64,
    /// The audit log.
    log: Vec<Heard>,
    /// Ids of notices that must be told.
    owed: Vec<String>,
    /// What each incident is: closed, open, escalated.
    incidents: BTreeMap<u64, (String, bool)>,
    receivers: BTreeMap<&'static str, Receiver>,
    teller: Option<Teller>,
    totals: Totals,
}

impl World {
    pub(crate) fn new(seed: u64) -> World {
        // A sync of a disk for each step takes minutes.
        let directory = ansai_harness::scene::memory_dir();
        let receivers = CHANNELS.into_iter().map(|name| (name, Receiver::default())).collect();
        World {
            seed,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            directory,
            now: 1_764_400_000_000,
            log: Vec::new(),
            owed: Vec::new(),
            incidents: BTreeMap::new(),
            receivers,
            teller: None,
            totals: Totals::default(),
        }
    }

    /// Runs with faults, then without, and checks what must hold.
    pub(crate) fn run(mut self) -> Totals {
        self.start();
        for _ in 0..STEPS {
            match self.below(10) {
                0..=3 => self.event(),
                4 => self.hear(),
                5 => self.flush(),
                6..=7 => self.send(true),
                8 => self.crash(|totals| &mut totals.crashes_else),
                _ => self.time(),
            }
        }
        // Everything works again: all that waits is sent.
        for _ in 0..40 {
            self.hear();
            self.now += 3_600_000;
            self.flush();
            for _ in 0..20 {
                self.send(false);
            }
            let status = self.outbox().status(&[]).unwrap();
            if status.grouping == 0 && status.channels.iter().all(|channel| channel.waiting == 0) {
                break;
            }
        }
        self.check();
        self.totals
    }

    fn check(&self) {
        let outbox = self.outbox();
        let status = outbox.status(&[]).unwrap();
        assert_eq!(status.grouping, 0, "seed {}: {status:?}", self.seed);
        assert!(status.channels.iter().all(|channel| channel.waiting == 0), "seed {}: {status:?}", self.seed);
        for (name, receiver) in &self.receivers {
            receiver.check_order(self.seed);
            for notice in &self.owed {
                // What a channel refuses is told through the other one.
                let is_told = receiver.knows(notice) || self.receivers.iter().any(|(_, other)| other.knows(notice));
                assert!(is_told, "seed {}: {name} never got {notice}", self.seed);
            }
        }
    }

    fn outbox(&self) -> &Outbox {
        self.teller.as_ref().unwrap().outbox()
    }

    fn start(&mut self) {
        let file = self.directory.path().join("notify.db");
        let grouping = Grouping { wait: Millis::new(1_000), interval: Millis::new(60_000), ..Grouping::default() };
        self.teller = Some(started(&file, CHANNELS.map(str::to_owned).to_vec(), grouping));
    }

    fn crash(&mut self, count: impl Fn(&mut Totals) -> &mut u32) {
        *count(&mut self.totals) += 1;
        self.teller = None;
        self.start();
    }

    /// Appends an event to the audit log.
    fn event(&mut self) {
        let which = self.below(INCIDENTS);
        let sequence = self.log.len() as u64 + 1;
        let at = self.at();
        let (id, is_escalated) = self.incidents.get(&which).cloned().unwrap_or_default();
        let event = if id.is_empty() {
            let id = format!("disk//data{which}/{sequence}");
            self.incidents.insert(which, (id.clone(), false));
            incident(&id, Change::Opened)
        } else if is_escalated {
            self.incidents.remove(&which);
            self.owed.push(format!("recovered-{id}-{sequence}"));
            incident(&id, Change::Closed)
        } else {
            self.incidents.insert(which, (id.clone(), true));
            self.owed.push(format!("escalated-{id}-{sequence}"));
            escalated(&id, Reason::Attempts { used: 3 })
        };
        self.log.push(Heard { sequence, at, event });
    }

    /// The notifier hears what is new, or the last ones again.
    fn hear(&mut self) {
        let place = self.outbox().place().unwrap().unwrap_or(0);
        let from = place.saturating_sub(self.below(3)) as usize;
        let teller = self.teller.as_ref().unwrap();
        teller.hear(&self.log[from.min(self.log.len())..], self.at()).unwrap();
    }

    fn flush(&mut self) {
        self.teller.as_ref().unwrap().flush(self.at(), false).unwrap();
    }

    /// One attempt of one channel; with a fault, if they may happen.
    fn send(&mut self, has_faults: bool) {
        let channel = CHANNELS[self.below(2) as usize];
        let Some(picked) = self.outbox().begin(channel, self.at()).unwrap() else {
            // Its thread would look again and again.
            let wait = self.outbox().wait(channel, self.at()).unwrap();
            assert!(
                wait != Some(Duration::ZERO),
                "seed {}: nothing of {channel} is due, and it does not wait",
                self.seed
            );
            return;
        };
        let (message, seed) = (picked.message, self.seed);
        let fault = if has_faults { self.below(10) } else { 9 };
        let arrives = |world: &mut World| world.receivers.get_mut(channel).unwrap().arrives(&message, seed);
        let result = match fault {
            0 => return self.crash(|totals| &mut totals.crashes_before),
            1 => {
                arrives(self);
                return self.crash(|totals| &mut totals.crashes_after);
            }
            2 => {
                self.totals.refused += 1;
                Err(Fault::Never { why: "550 no such user".into() })
            }
            3 => {
                self.totals.failed += 1;
                let after = self.below(2) == 0;
                Err(Fault::Later { after: after.then_some(Duration::from_secs(90)), why: "421 busy".into() })
            }
            4 => {
                self.totals.unknown += 1;
                if self.below(2) == 0 {
                    arrives(self);
                }
                Err(Fault::Unknown { why: "closed after DATA".into() })
            }
            _ => {
                arrives(self);
                Ok(Receipt { answer: "250 ok".into() })
            }
        };
        let now = self.at();
        match self.teller.as_ref().unwrap().conclude(&message.id, &result, now).unwrap() {
            Concluded::Sent => {
                self.totals.sent += 1;
                self.receivers.get_mut(channel).unwrap().is_settled(&message.id);
            }
            Concluded::Again(_) | Concluded::Dead(..) => {}
        }
    }

    /// Time passes, or the clock is set.
    fn time(&mut self) {
        match self.below(6) {
            0 => {
                self.totals.jumps += 1;
                self.now -= 10 * 86_400_000;
            }
            1 => {
                self.totals.jumps += 1;
                self.now += 400 * 86_400_000;
            }
            _ => self.now += self.below(200_000),
        }
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % most
    }
}
