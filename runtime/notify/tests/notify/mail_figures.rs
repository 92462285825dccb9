//! A figure, not a test: from an event to the acknowledgement of a mail server, while another channel has a queue.

use std::sync::mpsc::{Sender, channel as pipe};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ansai_core::Millis;
use ansai_core::incident::{Change, Reason};
use ansai_core::notify::Grouping;
use ansai_notify::channel::{Channel, Deadline, Fault, Receipt};
use ansai_notify::message::Message;
use ansai_notify::outbox::{Capacity, Outbox};
use ansai_notify::tell::Heard;
use ansai_notify::{Notifier, Parts, tap};

use crate::fixture::{NOW, channel};
use crate::fixtures::{self, events};
use crate::mail::Smtp;

/// Says when the server has acknowledged a mail.
struct Timed(Box<dyn Channel>, Mutex<Sender<Instant>>);

impl Channel for Timed {
    fn send(&self, message: &Message, deadline: Deadline<'_>) -> Result<Receipt, Fault> {
        let receipt = self.0.send(message, deadline)?;
        self.1.lock().unwrap().send(Instant::now()).unwrap();
        Ok(receipt)
    }
    fn kind(&self) -> &'static str {
        self.0.kind()
    }
    fn destination(&self) -> String {
        self.0.destination()
    }
}

#[test]
#[ignore = "run by name: it measures"]
fn from_event_to_acknowledgement() {
    let Some(server) = Smtp::start("starttls") else { return };
    let place = tempfile::tempdir().unwrap();
    let outbox = Arc::new(Outbox::open(&place.path().join("notify.db"), Capacity::default(), || false).unwrap());
    outbox.set_place(0).unwrap();
    let at_once = || Grouping { wait: Millis::ZERO, interval: Millis::ZERO, ..Grouping::default() };
    let heard = |id: &str, sequence: u64| {
        let told = [events::incident(id, Change::Opened), events::escalated(id, Reason::Attempts { used: 3 })];
        told.into_iter().zip(sequence..).map(|(event, sequence)| Heard { sequence, at: NOW, event })
    };
    let down = fixtures::teller(outbox.clone(), vec!["down".into()], at_once());
    for one in 0..1_000_u64 {
        down.hear(&heard(&format!("queued{one}"), one * 2 + 1).collect::<Vec<_>>(), NOW).unwrap();
        down.flush(NOW, false).unwrap();
    }
    let (sender, acknowledged) = pipe();
    let mail = Arc::new(Timed(channel(server.settings(&[])), Mutex::new(sender)));
    let teller = fixtures::teller(outbox.clone(), vec!["mail".into()], at_once());
    let (tap, tapped) = tap();
    let read_log = Box::new(|place: u64, _: &mut dyn FnMut(Vec<Heard>)| Ok::<u64, String>(place));
    let parts = Parts { outbox, teller, channels: vec![("mail".into(), mail)], read_log, now: Arc::new(|| NOW) };
    let _notifier = Notifier::start(parts, tapped).unwrap();
    let mut times: Vec<Duration> = (0..300_u64)
        .map(|one| {
            let began = Instant::now();
            for told in heard(&format!("new{one}"), 10_000 + one * 2) {
                tap.recorded(told.sequence, told.at, &told.event);
            }
            acknowledged.recv_timeout(Duration::from_secs(20)).unwrap() - began
        })
        .collect();
    times.sort();
    eprintln!(
        "event to acknowledgement, 1,000 queued: p50 {:?}, p99 {:?}, most {:?}",
        times[150], times[297], times[299]
    );
}
