//! Waiting messages survive crashes and failures, and reach only their own target.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

use ansai_core::{Millis, Timestamp};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ansai_delivery::{Attempted, Capacity, Delivery, Message, Options, OutboxError, Target, UrlTarget, statuses};
use tokio::sync::watch;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const MINUTE: Millis = Millis::new(60_000);

fn options() -> Options {
    Options { every_ms: None, limit: Duration::from_secs(60), capacity: Capacity::default() }
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn outbox(&self) -> PathBuf {
        self.path("outbox")
    }

    fn file(&self) -> Target {
        Target::File(self.path("messages"))
    }

    fn open(&self, targets: &[Target]) -> Delivery {
        Delivery::open(self.outbox(), targets.to_vec(), options()).unwrap()
    }

    fn lines(&self, name: &str) -> Vec<String> {
        std::fs::read_to_string(self.path(name)).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

fn message(number: u64) -> Message {
    Message::new("test", &number.to_string(), "text/plain", format!("message {number}").into_bytes())
}

fn deliver(delivery: &Delivery, now: Timestamp) -> Vec<Attempted> {
    let (_stop, stopping) = watch::channel(false);
    tokio::runtime::Runtime::new().unwrap().block_on(delivery.deliver(now, &stopping))
}

#[test]
fn messages_are_delivered_in_order_after_a_restart() {
    let place = Place::new();
    for number in 0..3 {
        place.open(&[place.file()]).put(&place.file(), &message(number)).unwrap();
    }
    let delivery = place.open(&[place.file()]);
    assert_eq!((delivery.wait(NOW), delivery.statuses()[0].waiting), (Some(Duration::ZERO), 3));
    let attempts = deliver(&delivery, NOW);
    assert_eq!((attempts.len(), attempts[0].error.as_ref()), (1, None));
    assert_eq!(place.lines("messages"), ["message 0", "message 1", "message 2"]);
    assert_eq!((delivery.wait(NOW), deliver(&delivery, NOW)), (None, vec![]), "nothing waits");
    drop(delivery);
    assert_eq!(deliver(&place.open(&[place.file()]), NOW), []);
    let status = statuses(place.outbox()).unwrap().remove(0);
    assert_eq!((status.sent_at, status.sent_id.as_deref(), status.waiting), (Some(NOW), Some("2"), 0));
}

#[test]
fn a_failing_target_is_retried_with_growing_delays_and_keeps_its_messages() {
    let place = Place::new();
    let target = Target::File(place.path("missing/messages"));
    let delivery = place.open(std::slice::from_ref(&target));
    for number in 0..2 {
        delivery.put(&target, &message(number)).unwrap();
    }
    let failed = |attempts: &[Attempted]| (attempts[0].failures_before, attempts[0].failures);
    assert_eq!(failed(&deliver(&delivery, NOW)), (0, 1));
    assert_eq!(delivery.wait(NOW), Some(Duration::from_secs(60)));
    assert_eq!(deliver(&delivery, NOW + MINUTE - Millis::new(1)), [], "not yet");
    assert_eq!(failed(&deliver(&delivery, NOW + MINUTE)), (1, 2));
    drop(delivery);
    // The schedule survives a restart.
    let delivery = place.open(std::slice::from_ref(&target));
    assert_eq!(delivery.wait(NOW + MINUTE), Some(Duration::from_secs(120)));
    std::fs::create_dir(place.path("missing")).unwrap();
    let attempts = deliver(&delivery, NOW + Millis::new(3 * 60_000));
    assert_eq!((failed(&attempts), attempts[0].error.as_ref()), ((2, 0), None));
    assert_eq!(place.lines("missing/messages"), ["message 0", "message 1"]);
}

#[test]
fn beyond_its_capacity_the_oldest_message_is_dropped_and_counted() {
    let place = Place::new();
    let capacity = Capacity { messages: 3, bytes: 1_000 };
    let open = || Delivery::open(place.outbox(), vec![place.file()], Options { capacity, ..options() }).unwrap();
    let delivery = open();
    for number in 0..5 {
        delivery.put(&place.file(), &message(number)).unwrap();
    }
    let large = |size: usize| Message::new("test", "large", "text/plain", vec![b'x'; size]);
    delivery.put(&place.file(), &large(985)).unwrap();
    assert!(matches!(delivery.put(&place.file(), &large(1_001)), Err(OutboxError::Io { .. })), "never fits");
    assert_eq!((delivery.statuses()[0].waiting, delivery.statuses()[0].dropped), (2, 4));
    drop(delivery);
    let delivery = open();
    assert_eq!(delivery.statuses()[0].waiting, 2);
    deliver(&delivery, NOW);
    assert_eq!(place.lines("messages"), ["message 4".to_owned(), "x".repeat(985)]);
}

#[test]
fn only_the_newest_of_superseding_messages_waits() {
    let place = Place::new();
    let delivery = place.open(&[place.file()]);
    delivery.put(&place.file(), &Message::new("other", "o", "text/plain", b"other".to_vec())).unwrap();
    for number in 0..3 {
        delivery.put(&place.file(), &message(number).superseding()).unwrap();
    }
    deliver(&delivery, NOW);
    assert_eq!(place.lines("messages"), ["other", "message 2"]);
    assert_eq!(delivery.statuses()[0].dropped, 0);
}

#[test]
fn a_changed_target_does_not_get_old_messages() {
    let place = Place::new();
    let url = |query: &str| {
        let url = format!("http://127.0.0.1:9/?{query}");
        Target::Url(UrlTarget { url, shown: "http://127.0.0.1:9/".into(), token_file: None, ca_file: None })
    };
    let command = |word: &str| Target::Command(vec!["/bin/true".into(), word.into()]);
    let before = [place.file(), url("a"), command("a")];
    let delivery = place.open(&before);
    for target in &before {
        delivery.put(target, &message(1)).unwrap();
    }
    drop(delivery);
    // The names that people see are the same, but the destinations differ.
    let after = [Target::File(place.path("others")), url("b"), command("b")];
    let delivery = place.open(&after);
    assert!(delivery.statuses().iter().all(|status| status.waiting == 0), "{:?}", delivery.statuses());
    assert!(matches!(delivery.put(&before[0], &message(2)), Err(OutboxError::UnknownTarget(_))));
    assert_eq!(deliver(&delivery, NOW), []);
    drop(delivery);
    assert!(place.open(&before).statuses().iter().all(|status| status.waiting == 0), "they are gone");
}

#[test]
fn foreign_files_in_the_outbox_are_removed() {
    let place = Place::new();
    place.open(&[place.file()]).put(&place.file(), &message(1)).unwrap();
    let directory = std::fs::read_dir(place.outbox()).unwrap().map(|entry| entry.unwrap().path());
    let queue = directory.into_iter().find(|path| path.is_dir()).unwrap();
    for (name, content) in [
        ("00000000000000000002.tmp", "torn"),
        ("00000000000000000003.message", "no header"),
        ("00000000000000000004.message", "{\"name\":1}\nbody"),
        ("not-a-message", ""),
    ] {
        std::fs::write(queue.join(name), content).unwrap();
    }
    std::fs::write(place.path("outbox/status.json"), "rubbish").unwrap();
    let delivery = place.open(&[place.file()]);
    assert_eq!(std::fs::read_dir(&queue).unwrap().count(), 1);
    deliver(&delivery, NOW);
    assert_eq!(place.lines("messages"), ["message 1"]);
}

#[test]
fn a_schedule_is_due_again_after_its_interval() {
    let place = Place::new();
    let every = Options { every_ms: Some(MINUTE.get()), ..options() };
    let delivery = Delivery::open(place.outbox(), vec![place.file()], every).unwrap();
    assert_eq!(delivery.due(NOW), [place.file()], "before the first message");
    delivery.put(&place.file(), &message(1)).unwrap();
    deliver(&delivery, NOW);
    assert_eq!((delivery.due(NOW), delivery.wait(NOW)), (vec![], Some(Duration::from_secs(60))));
    assert_eq!(delivery.due(NOW + MINUTE), [place.file()]);
}

#[test]
fn a_hanging_target_delays_no_other_and_ends_with_the_program() {
    let place = Place::new();
    let hangs = Target::Command(["/bin/sh", "-c", "exec sleep 1000"].map(str::to_owned).into());
    let delivery = place.open(&[hangs.clone(), place.file()]);
    for target in [&hangs, &place.file()] {
        delivery.put(target, &message(1)).unwrap();
    }
    let (stop, stopping) = watch::channel(false);
    let attempts = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let stops = async {
            while place.lines("messages").is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stop.send_replace(true);
        };
        tokio::join!(delivery.deliver(NOW, &stopping), stops).0
    });
    assert_eq!(attempts.len(), 1, "being stopped is no failure: {attempts:?}");
    assert_eq!(place.open(&[hangs.clone(), place.file()]).statuses().iter().map(|one| one.waiting).sum::<usize>(), 1);
}

const PLACE: &str = "ANSAI_TEST_OUTBOX_PLACE";

#[test]
#[ignore = "not a test: what the test below runs as a process of its own"]
fn the_process_that_is_killed() {
    let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
    let target = Target::File(place.join("messages"));
    let delivery = Delivery::open(place.join("outbox"), vec![target.clone()], options()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_stop, stopping) = watch::channel(false);
    let first = std::fs::read_to_string(place.join("first")).unwrap().parse::<u64>().unwrap();
    for number in first.. {
        delivery.put(&target, &message(number)).unwrap();
        println!("put {number}");
        if number % 3 == 0 {
            runtime.block_on(delivery.deliver(NOW, &stopping));
        }
    }
}

/// A child process that is killed and awaited, even if the test fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the child until it has put this many messages, and kills it; returns the last one whose `put` returned.
fn run_and_kill(place: &Path, messages: usize) -> u64 {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_process_that_is_killed", "--ignored", "--nocapture"])
        .env(PLACE, place)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = Killed(child.unwrap());
    let output = BufReader::new(child.0.stdout.take().unwrap());
    let put = |line: std::io::Result<String>| line.ok()?.strip_prefix("put ")?.parse::<u64>().ok();
    let mut lines = output.lines().filter_map(put);
    let mut last = lines.by_ref().take(messages).last().unwrap();
    drop(child);
    last = lines.last().unwrap_or(last);
    last
}

#[test]
fn a_kill_loses_no_message_and_keeps_the_order() {
    let place = Place::new();
    let mut next = 1;
    for round in 0..8 {
        std::fs::write(place.path("first"), next.to_string()).unwrap();
        next = run_and_kill(place.0.path(), 3 + round * 5) + 1;
        // The next message may be on disk although its `put` did not return. The next round sends it again.
    }
    let delivery = place.open(&[place.file()]);
    deliver(&delivery, NOW);
    let lines = place.lines("messages");
    let numbers: Vec<u64> = lines.iter().map(|line| line.strip_prefix("message ").unwrap().parse().unwrap()).collect();
    let mut seen: Vec<u64> = numbers.clone();
    seen.sort_unstable();
    seen.dedup();
    assert!((1..next).all(|number| seen.binary_search(&number).is_ok()), "{numbers:?}");
    // Only the message that was being sent during the kill arrives twice, and immediately.
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] || pair[1] == pair[0] + 1), "{numbers:?}");
}
