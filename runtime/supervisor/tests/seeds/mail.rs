//! What a person is told of a life: its audit log goes through the outbox of notifications, while the mail server is away for
//! minutes to days, and the process ends wherever it ended in that life.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use ansai_core::event::Record;
use ansai_core::incident::{Change, Reason};
use ansai_core::notify::Grouping;
use ansai_core::{Event, Millis, Timestamp};
use ansai_notify::channel::{Fault, Receipt};
use ansai_notify::message::{Kind, Message};
use ansai_notify::outbox::Concluded;
use ansai_notify::tell::{Heard, Teller, is_told};
use ansai_supervisor::simulation::Random;

use crate::fixtures;
use crate::receiver::Receiver;
use crate::sabotage::Sabotage;
use crate::setup::LIFE;

pub(crate) const INVARIANT: &str = "mail loses nothing, repeats nothing that was acknowledged, and keeps the order";
const CHANNEL: &str = "mail";
/// Longer steps of the clock are jumps: nobody waited so long.
const LONGEST_WAIT: u64 = 6 * 3_600_000;
/// The time between two records in so many parts: attempts come in between.
const PARTS: u64 = 4;
/// After the life, the server comes back, and so many hours later everything has arrived.
const MOST_HOURS: u64 = 400;

/// What happened to mail in all lives.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Totals {
    sent: u64,
    failed: u64,
    unknown: u64,
    crashed: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, other: Totals) {
        self.sent += other.sent;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.crashed += other.crashed;
    }

    /// Whether each of them happened.
    pub(crate) fn has_seen_all(&self) -> bool {
        [self.sent, self.failed, self.unknown, self.crashed].iter().all(|count| *count > 0)
    }
}

/// Tells a life, and answers how the invariant is broken.
pub(crate) fn tell(seed: u64, log: &[Record], sabotage: Option<Sabotage>) -> (Totals, Option<String>) {
    let mut mail = Mail::new(seed, log, sabotage);
    // The model of the receiver panics with what is wrong.
    let told = catch_unwind(AssertUnwindSafe(|| mail.live()));
    let broken = told.err().map(|panic| {
        let text = panic.downcast::<String>().map_or_else(|_| "it panicked".to_owned(), |text| *text);
        format!("{INVARIANT}: {text}")
    });
    (mail.totals, broken)
}

struct Mail {
    seed: u64,
    random: Random,
    sabotage: Option<Sabotage>,
    log: Vec<Heard>,
    directory: tempfile::TempDir,
    teller: Option<Teller>,
    receiver: Receiver,
    /// When the server is away: since the begin of the life, without jumps of the clock.
    outages: Vec<(u64, u64)>,
    elapsed: u64,
    now: Timestamp,
    /// Notices that must arrive: each is one of these ids.
    owed: Vec<Vec<String>>,
    muted: BTreeMap<String, bool>,
    /// Incidents that a person was told of.
    escalated: BTreeSet<String>,
    totals: Totals,
}

impl Mail {
    fn new(seed: u64, log: &[Record], sabotage: Option<Sabotage>) -> Mail {
        let mut random = Random::new(seed, "mail");
        let outages = (0..1 + random.below(3))
            .map(|_| {
                let begins = random.below(LIFE.get());
                let longest = [1, 12, 72][random.below(3) as usize];
                let lasts = random.between(Millis::new(600_000), Millis::from_hours(longest));
                (begins, begins + lasts.get())
            })
            .collect();
        let heard =
            |(number, Record { at, event }): (u64, &Record)| Heard { sequence: number, at: *at, event: event.clone() };
        Mail {
            seed,
            random,
            sabotage,
            log: (1..).zip(log).map(heard).collect(),
            directory: ansai_harness::scene::memory_dir(),
            teller: None,
            receiver: Receiver::default(),
            outages,
            elapsed: 0,
            now: log.first().map_or(Timestamp::EPOCH, |record| record.at),
            owed: Vec::new(),
            muted: BTreeMap::new(),
            escalated: BTreeSet::new(),
            totals: Totals::default(),
        }
    }

    fn live(&mut self) {
        self.start();
        for place in 0..self.log.len() {
            let heard = self.log[place].clone();
            self.wait_until(heard.at);
            if matches!(heard.event, Event::Started { .. }) {
                self.start();
            }
            self.owe(&heard);
            if is_told(&heard.event) {
                self.hear(place);
            }
            self.teller().flush(self.now, false).unwrap();
            self.send();
        }
        for _ in 0..MOST_HOURS {
            self.pass(3_600_000);
            if !self.waits() {
                break;
            }
        }
        assert!(!self.waits(), "seed {}: mail still waits {MOST_HOURS} hours after the life", self.seed);
        self.check();
    }

    /// Whether something waits to be sent.
    fn waits(&self) -> bool {
        let status = self.teller().outbox().status(&[]).unwrap();
        status.grouping > 0 || status.channels.iter().any(|channel| channel.waiting > 0)
    }

    fn check(&self) {
        self.receiver.check_order(self.seed);
        for ids in &self.owed {
            assert!(ids.iter().any(|id| self.receiver.knows(id)), "seed {}: {ids:?} never arrived", self.seed);
        }
    }

    fn teller(&self) -> &Teller {
        self.teller.as_ref().unwrap()
    }

    /// The process starts; what it was doing before has ended in the middle.
    fn start(&mut self) {
        self.teller = None;
        let file = self.directory.path().join("notify.db");
        let grouping = Grouping { wait: Millis::new(30_000), interval: Millis::new(300_000), ..Grouping::default() };
        self.teller = Some(fixtures::started(&file, vec![CHANNEL.to_owned()], grouping));
    }

    /// Events come one by one, or again from the log.
    fn hear(&mut self, place: usize) {
        let from = place.saturating_sub(self.random.below(3) as usize);
        let mut heard = self.log[from..=place].to_vec();
        let is_escalated = |one: &Heard| matches!(one.event, Event::Escalated { .. });
        if self.sabotage == Some(Sabotage::Notices) {
            heard.retain(|one| !is_escalated(one));
        }
        self.teller().hear(&heard, self.now).unwrap();
    }

    /// What a person must be told of: an incident that is left to people, and its end.
    fn owe(&mut self, Heard { sequence, event, .. }: &Heard) {
        let ids = |incident: &str, kinds: &[Kind]| -> Vec<String> {
            kinds.iter().map(|kind| format!("{}-{incident}-{sequence}", kind.name())).collect()
        };
        match event {
            Event::Held { incident, .. } => drop(self.muted.insert(incident.clone(), true)),
            Event::NotHeld { incident, .. } => drop(self.muted.insert(incident.clone(), false)),
            Event::Escalated { incident, reason, .. } if self.muted.get(incident) != Some(&true) => {
                let kind = if matches!(reason, Reason::Flapping { .. }) { Kind::Flapping } else { Kind::Escalated };
                self.owed.push(ids(incident, &[kind]));
                self.escalated.insert(incident.clone());
            }
            Event::Incident { incident, change, held_under, .. } => {
                self.muted.insert(incident.clone(), held_under.is_some());
                let was_told = self.escalated.contains(incident);
                if was_told && matches!(change, Change::Closed | Change::Gone) {
                    self.owed.push(ids(incident, &[Kind::Healed, Kind::Recovered, Kind::Gone]));
                }
            }
            _ => {}
        }
    }

    fn wait_until(&mut self, at: Timestamp) {
        let time = at.as_millis().saturating_sub(self.now.as_millis());
        if (1..=LONGEST_WAIT).contains(&time) {
            for _ in 0..PARTS {
                self.pass(time / PARTS);
            }
        }
        self.now = at;
    }

    fn pass(&mut self, time: u64) {
        self.now = self.now + Millis::new(time);
        self.elapsed += time;
        self.teller().flush(self.now, false).unwrap();
        self.send();
    }

    /// Sends what is due.
    fn send(&mut self) {
        while let Some(picked) = self.teller().outbox().begin(CHANNEL, self.now).unwrap() {
            self.attempt(&picked.message);
        }
    }

    fn attempt(&mut self, message: &Message) {
        let is_away = self.outages.iter().any(|(begins, ends)| (*begins..*ends).contains(&self.elapsed));
        let result = match (is_away, self.random.below(40)) {
            (true, 0..30) => Err(Fault::Later { after: None, why: "connection refused".into() }),
            (true, 30..33) => {
                let after = Some(Duration::from_secs(self.random.below(7_200)));
                Err(Fault::Later { after, why: "421 closing".into() })
            }
            // It was accepted, and the answer is lost.
            (true, 33) => {
                self.receiver.arrives(message, self.seed);
                Err(Fault::Unknown { why: "closed after DATA".into() })
            }
            (true, 34..) => Err(Fault::Unknown { why: "closed after DATA".into() }),
            // The process ends before it stores that the message was sent.
            (false, 0) => {
                self.receiver.arrives(message, self.seed);
                self.totals.crashed += 1;
                return self.start();
            }
            (false, _) => {
                self.receiver.arrives(message, self.seed);
                Ok(Receipt { answer: "250 ok".into() })
            }
        };
        if result.is_ok() && self.sabotage == Some(Sabotage::Acknowledgements) {
            self.receiver.is_settled(&message.id);
            return self.start();
        }
        match &result {
            Ok(_) => self.totals.sent += 1,
            Err(Fault::Unknown { .. }) => self.totals.unknown += 1,
            Err(_) => self.totals.failed += 1,
        }
        match self.teller().conclude(&message.id, &result, self.now).unwrap() {
            Concluded::Sent => self.receiver.is_settled(&message.id),
            Concluded::Again(_) => {}
            Concluded::Dead(_, why) => panic!("seed {}: {} was given up: {why}", self.seed, message.id),
        }
    }
}
