//! Subscribers that are slow, panic, or disappear.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use ansai_core::{Event, Timestamp};
use ansai_events::{Item, Stream, Subscription};

/// A generous limit for things that happen immediately.
const PATIENCE: Duration = Duration::from_secs(60);

fn event(number: u64) -> Event {
    Event::Stopping { why: number.to_string() }
}

fn publish(stream: &Stream, numbers: std::ops::Range<u64>) {
    numbers.for_each(|number| stream.publish(Timestamp::from_millis(number), event(number)));
}

/// Sequence numbers, and missed events as negative counts.
fn drain(subscription: &mut Subscription) -> Vec<i64> {
    std::iter::from_fn(|| subscription.try_next())
        .map(|item| match item {
            Item::Event(published) => i64::try_from(published.sequence).unwrap(),
            Item::Missed { count } => -i64::try_from(count).unwrap(),
        })
        .collect()
}

#[test]
fn missed_events_are_counted_exactly_and_in_their_place() {
    let stream = Stream::new();
    let mut slow = stream.subscribe("slow", 3);
    publish(&stream, 0..5);
    assert_eq!(stream.subscribers()[0].missed, 2);
    assert!(matches!(slow.try_next(), Some(Item::Event(first)) if first.sequence == 1 && first.event == event(0)));
    // The queue has room for one more event, after the gap; then it is full again.
    publish(&stream, 5..9);
    assert_eq!(drain(&mut slow), [2, 3, -2, 6, -3]);
    publish(&stream, 9..10);
    assert_eq!(drain(&mut slow), [10]);
    assert_eq!((stream.subscribers()[0].waiting, stream.subscribers()[0].missed), (0, 5));
}

#[test]
fn every_subscriber_sees_one_order() {
    const THREADS: u64 = 4;
    const EACH: u64 = 500;
    let stream = Stream::new();
    let everything = usize::try_from(THREADS * EACH).unwrap();
    let mut subscriptions = [stream.subscribe("one", everything), stream.subscribe("two", everything)];
    let mut written = Vec::new();
    let log = std::sync::Mutex::new(&mut written);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (stream, log) = (&stream, &log);
            scope.spawn(move || {
                for number in 0..EACH {
                    let append = |event: &Event| {
                        log.lock().unwrap().push(event.clone());
                        Ok::<_, ()>(())
                    };
                    stream.publish_after(Timestamp::EPOCH, event(thread * EACH + number), append).unwrap();
                }
            });
        }
    });
    assert_eq!(written.len(), everything);
    for subscription in &mut subscriptions {
        for (index, written) in written.iter().enumerate() {
            let Some(Item::Event(published)) = subscription.try_next() else { panic!("event {index} is missing") };
            assert_eq!((published.sequence, &published.event), (index as u64 + 1, written));
        }
        assert_eq!(subscription.try_next(), None);
    }
}

#[test]
fn nothing_is_published_if_the_first_write_fails() {
    let stream = Stream::new();
    let mut subscription = stream.subscribe("one", 10);
    assert_eq!(stream.publish_after(Timestamp::EPOCH, event(0), |_| Err::<(), _>("disk full")), Err("disk full"));
    publish(&stream, 1..2);
    assert_eq!(drain(&mut subscription), [1], "and leaves no gap");
}

/// Publishing returns although the subscriber's function never does; other subscribers get everything.
#[test]
fn a_blocked_subscriber_delays_nobody() {
    let stream = Stream::new();
    let gate = Arc::new(Barrier::new(2));
    let (reports, missed) = mpsc::channel();
    let blocked = {
        let gate = gate.clone();
        let mut is_first = true;
        stream.spawn("blocks", 2, move |item| {
            if std::mem::take(&mut is_first) {
                gate.wait();
                gate.wait();
            }
            if let Item::Missed { count } = item {
                reports.send(count).unwrap();
            }
        })
    };
    let mut other = stream.subscribe("other", 100);
    publish(&stream, 0..1);
    gate.wait();
    // The function blocks in the first event; two events wait, and the rest are missed.
    publish(&stream, 1..50);
    assert_eq!(drain(&mut other), (1..=50).collect::<Vec<_>>());
    gate.wait();
    assert_eq!(missed.recv_timeout(PATIENCE), Ok(47));
    assert!(blocked.unwrap().finish(PATIENCE));
}

#[test]
fn a_blocked_subscriber_is_not_waited_for_forever() {
    let stream = Stream::new();
    let (release, hold) = mpsc::channel::<()>();
    let (entered, inside) = mpsc::channel();
    let blocked = stream.spawn("blocks", 2, move |_| {
        entered.send(()).unwrap();
        let _ = hold.recv();
    });
    publish(&stream, 0..1);
    inside.recv_timeout(PATIENCE).unwrap();
    assert!(!blocked.unwrap().finish(Duration::from_millis(1)));
    drop(release);
}

#[test]
fn a_subscriber_that_panics_is_removed() {
    let stream = Stream::new();
    let (sender, received) = mpsc::channel();
    let panics = stream.spawn("panics", 10, move |item| {
        let Item::Event(published) = item else { return };
        sender.send(published.sequence).unwrap();
        assert!(published.sequence != 2, "on purpose");
    });
    let mut other = stream.subscribe("other", 10);
    publish(&stream, 0..3);
    // The channel ends with the function, which is dropped when the thread ends.
    assert_eq!(received.iter().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(names(&stream), ["other"]);
    publish(&stream, 3..4);
    assert_eq!(drain(&mut other), [1, 2, 3, 4]);
    assert!(panics.unwrap().finish(PATIENCE));
}

#[test]
fn a_subscriber_that_disappears_is_removed() {
    let stream = Stream::new();
    let gone = stream.subscribe("gone", 10);
    let mut other = stream.subscribe("other", 10);
    publish(&stream, 0..1);
    drop(gone);
    assert_eq!(names(&stream), ["other"]);
    publish(&stream, 1..2);
    assert_eq!(drain(&mut other), [1, 2]);
    let in_a_thread = stream.subscribe("thread", 10);
    let panicked = std::thread::spawn(move || {
        let _held = in_a_thread;
        panic!("on purpose");
    });
    assert!(panicked.join().is_err());
    assert_eq!(names(&stream), ["other"]);
}

#[test]
fn waiting_events_can_be_read_after_the_end() {
    let stream = Stream::new();
    let mut closed = stream.subscribe("closed", 10);
    let mut outlives = stream.subscribe("outlives", 10);
    publish(&stream, 0..1);
    closed.close();
    publish(&stream, 1..2);
    drop(stream);
    assert!(matches!(closed.next_blocking(), Some(Item::Event(event)) if event.sequence == 1));
    assert_eq!(closed.next_blocking(), None);
    assert_eq!(drain(&mut outlives), [1, 2]);
    assert_eq!(outlives.next_blocking(), None);
}

#[test]
fn a_published_event_is_a_record_with_its_sequence() {
    let stream = Stream::new();
    let mut subscription = stream.subscribe("one", 10);
    stream.publish(Timestamp::from_millis(7), event(0));
    let Some(Item::Event(published)) = subscription.try_next() else { panic!("no event") };
    let json = serde_json::to_value(&*published).unwrap();
    assert_eq!(json, serde_json::json!({"sequence": 1, "at": 7, "event": "stopping", "why": "0"}));
}

fn names(stream: &Stream) -> Vec<String> {
    stream.subscribers().into_iter().map(|subscriber| subscriber.name).collect()
}
