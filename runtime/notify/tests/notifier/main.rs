//! The threads of notifications, with channels of tests, and a disk that is really full.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

mod figures;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod full_disk;
mod support;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ansai_notify::channel::{Channel, Deadline, Fault, Receipt};
use ansai_notify::message::{Kind, Message};

use crate::support::{Scene, escalated, opened};

const LIMIT: Duration = Duration::from_secs(30);

/// Passes messages on to a test.
struct Passes(Mutex<Sender<Message>>);

impl Channel for Passes {
    fn send(&self, message: &Message, _: Deadline<'_>) -> Result<Receipt, Fault> {
        self.0.lock().unwrap().send(message.clone()).unwrap();
        Ok(Receipt { answer: "ok".into() })
    }
    fn kind(&self) -> &'static str {
        "test"
    }
    fn destination(&self) -> String {
        "a test".into()
    }
}

/// Says that it was asked, and then never answers until the test ends.
struct Hangs {
    asked: Mutex<Sender<()>>,
    ends: Mutex<Receiver<()>>,
}

impl Channel for Hangs {
    fn send(&self, _: &Message, _: Deadline<'_>) -> Result<Receipt, Fault> {
        let _ = self.asked.lock().unwrap().send(());
        let _ = self.ends.lock().unwrap().recv();
        Err(Fault::Unknown { why: "the test is over".into() })
    }
    fn kind(&self) -> &'static str {
        "test"
    }
    fn destination(&self) -> String {
        "nobody".into()
    }
}

struct Panics;

impl Channel for Panics {
    fn send(&self, _: &Message, _: Deadline<'_>) -> Result<Receipt, Fault> {
        panic!("a fault of a channel")
    }
    fn kind(&self) -> &'static str {
        "test"
    }
    fn destination(&self) -> String {
        "nobody".into()
    }
}

fn passes() -> (Arc<dyn Channel>, Receiver<Message>) {
    let (send, messages) = channel();
    (Arc::new(Passes(Mutex::new(send))), messages)
}

fn kinds(messages: &Receiver<Message>) -> Vec<Kind> {
    let message = messages.recv_timeout(LIMIT).expect("a message");
    message.notices.iter().map(|notice| notice.kind).collect()
}

/// Would break: one thread for all channels, or a fault of one channel that ends another.
#[test]
fn a_channel_that_hangs_or_panics_delays_no_other() {
    let (works, messages) = passes();
    let ((asked, is_asked), (end, ends)) = (channel(), channel());
    let hangs = Hangs { asked: Mutex::new(asked), ends: Mutex::new(ends) };
    let channels = vec![
        ("hangs".to_owned(), Arc::new(hangs) as Arc<dyn Channel>),
        ("panics".to_owned(), Arc::new(Panics)),
        ("works".to_owned(), works),
    ];
    let scene = Scene::new();
    let (notifier, tap) = scene.start(channels);
    scene.record(&tap, opened("a"));
    scene.record(&tap, escalated("a"));
    assert_eq!(kinds(&messages), [Kind::Escalated]);
    is_asked.recv_timeout(LIMIT).expect("it is asked once");
    for number in 0..5 {
        let id = format!("b{number}");
        scene.record(&tap, opened(&id));
        scene.record(&tap, escalated(&id));
        assert_eq!(kinds(&messages), [Kind::Escalated]);
    }
    let status = || notifier.outbox().status(&[]).unwrap();
    let of = |name: &str| status().channels.into_iter().find(|one| one.channel == name).unwrap();
    // Its thread may not have stored the end yet.
    let began = std::time::Instant::now();
    while of("panics").error.is_none() && began.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(of("hangs").sending_since.is_some() && of("hangs").waiting >= 1, "{:?}", status());
    assert!(of("panics").error.unwrap().contains("panicked"), "{:?}", status());
    drop(end);
}

/// Would break: events that came faster than they could be stored, or before the start, and were never told.
#[test]
fn what_did_not_reach_the_notifier_is_read_from_the_log() {
    let scene = Scene::new();
    let (works, messages) = passes();
    // Recorded while no notifier runs.
    scene.log(opened("before"));
    scene.log(escalated("before"));
    let (notifier, tap) = scene.start(vec![("works".to_owned(), works)]);
    assert_eq!(kinds(&messages), [Kind::Escalated]);
    // More than the queue takes. The last one is told when all before it were heard.
    for number in 0..6_000 {
        scene.record(&tap, opened(&format!("many{number}")));
    }
    scene.record(&tap, escalated("many5999"));
    assert_eq!(kinds(&messages), [Kind::Escalated]);
    drop(notifier);
}

/// Would break: what happened before the start, lost because of one error while the log is read.
#[test]
fn a_log_that_cannot_be_read_is_read_again() {
    let scene = Scene::new();
    let (works, messages) = passes();
    scene.log(opened("before"));
    scene.log(escalated("before"));
    scene.unreadable.store(1, std::sync::atomic::Ordering::Relaxed);
    let (notifier, tap) = scene.start(vec![("works".to_owned(), works)]);
    // Something new: it does not wait for the next look.
    scene.record(&tap, opened("after"));
    assert_eq!(kinds(&messages), [Kind::Escalated]);
    drop(notifier);
}

/// Would break: an audit log that cannot be written, and nobody who is told.
#[test]
fn an_audit_log_that_stops_is_told_once() {
    let scene = Scene::new();
    let (works, messages) = passes();
    let (notifier, tap) = scene.start(vec![("works".to_owned(), works)]);
    for _ in 0..3 {
        tap.failed("no space left on device");
    }
    assert_eq!(kinds(&messages), [Kind::AuditStopped]);
    drop(notifier);
    assert!(messages.try_recv().is_err());
}
