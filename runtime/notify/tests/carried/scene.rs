//! A channel whose messages another process sends, and an outbox.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::incident::{Change, Reason};
use ansai_core::notify::Grouping;
use ansai_core::{Millis, Timestamp};
use ansai_harness::until;
use ansai_isolation::{Profile, Start};
use ansai_kit::carrier::Carrier;
use ansai_notify::channel::{Channel, ChannelSettings, Surroundings, open};
use ansai_notify::message::Message;
use ansai_notify::tell::{Heard, Teller};
use ansai_reach::process::{CHILD, ReachProcess};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::NOW;
use crate::fixtures::{events, started};

/// Longer than any test.
pub(crate) const LONG: Duration = Duration::from_secs(60);
pub(crate) const CHANNEL: &str = "ops";

/// A process for one channel, which behaves like this.
pub(crate) fn process(manner: &str, channel: &str) -> ReachProcess {
    let start = Start::new(CHILD, Profile::Reach, &format!("notify-{channel}"));
    let start = Start {
        program: std::env::current_exe().unwrap(),
        arguments: vec!["child".to_owned(), manner.to_owned()],
        ..start
    };
    ReachProcess::new(start, Duration::from_secs(60))
}

/// A channel with these settings, whose messages this process sends; `None`: the process of the test.
pub(crate) fn channel(settings: Value, process: Option<&ReachProcess>) -> Box<dyn Channel> {
    let settings: ChannelSettings = serde_json::from_value(settings).unwrap();
    let carrier = process.map(|process| Arc::new(process.clone()) as Arc<dyn Carrier>);
    open(&settings, &Surroundings { credentials: None, carrier }).unwrap()
}

pub(crate) fn mail(port: u16) -> Value {
    json!({ "kind": "mail", "from": "ansai <ansai@web1.example.org>", "to": ["ops@example.org"],
            "server": format!("127.0.0.1:{port}"), "tls": "none" })
}

/// An outbox with one message.
pub(crate) struct Outgoing {
    directory: TempDir,
    teller: Option<Teller>,
    now: Timestamp,
}

impl Outgoing {
    pub(crate) fn new() -> Outgoing {
        let mut new = Outgoing { directory: tempfile::tempdir().unwrap(), teller: None, now: NOW };
        new.restart();
        let all = [events::incident("a", Change::Opened), events::escalated("a", Reason::Attempts { used: 3 })];
        let heard = |(sequence, event)| Heard { sequence, at: NOW, event };
        let all: Vec<Heard> = (1..).zip(all).map(heard).collect();
        new.teller().hear(&all, new.now).unwrap();
        new.teller().flush(new.now, true).unwrap();
        new
    }

    /// ansai ends and starts again.
    pub(crate) fn restart(&mut self) {
        self.teller = None;
        let grouping = Grouping { wait: Millis::ZERO, interval: Millis::ZERO, ..Grouping::default() };
        self.teller = Some(started(&self.directory.path().join("notify.db"), vec![CHANNEL.to_owned()], grouping));
    }

    pub(crate) fn teller(&self) -> &Teller {
        self.teller.as_ref().unwrap()
    }

    /// The message whose attempt begins, a day after the last one.
    pub(crate) fn begin(&mut self) -> Option<Message> {
        self.now = self.now + Millis::from_hours(24);
        self.teller().outbox().begin(CHANNEL, self.now).unwrap().map(|picked| picked.message)
    }

    pub(crate) fn conclude(
        &self,
        message: &Message,
        sent: &Result<ansai_notify::channel::Receipt, ansai_notify::channel::Fault>,
    ) {
        self.teller().conclude(&message.id, sent, self.now).unwrap();
    }
}

/// Kills the process and waits until it is gone.
pub(crate) fn kill(process: &ReachProcess) {
    let id = process.id().unwrap();
    ansai_harness::Invocation::of("kill").args(["-KILL", &id.to_string()]).run().code(0);
    until("the process is gone", LONG, || (process.id() != Some(id)).then_some(()));
}
