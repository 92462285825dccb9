//! Two honest ends.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use ansai_isolation::{BlockingChannel, Channel, ChannelError};

use crate::peer::{MOST, READY, SOON};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn what_is_sent_is_received_in_order() {
    let (mut one, mut other) = BlockingChannel::pair().unwrap();
    for payload in [&b""[..], b"a", b"second", b""] {
        one.send(payload, None, READY).unwrap();
    }
    for payload in [&b""[..], b"a", b"second", b""] {
        assert_eq!(other.receive(MOST, READY).unwrap().payload, payload);
    }
    other.send(b"answer", None, None).unwrap();
    assert_eq!(one.receive(MOST, None).unwrap().payload, b"answer");
}

#[test]
fn who_does_not_read_costs_the_time_limit_and_the_channel() {
    let (mut one, _other) = BlockingChannel::pair().unwrap();
    let large = vec![0; 8 << 20];
    assert!(matches!(one.send(&large, None, SOON), Err(ChannelError::TimedOut)));
    // The other end has a part of the frame: what follows would be taken for its rest.
    assert!(matches!(one.send(b"small", None, READY), Err(ChannelError::Closed)));
}

#[test]
fn sending_to_nobody_is_an_error_and_no_signal() {
    let (mut one, other) = BlockingChannel::pair().unwrap();
    drop(other);
    assert!(matches!(one.send(b"x", None, None), Err(ChannelError::Closed)));
}

fn both() -> (Channel, BlockingChannel) {
    let (one, other) = UnixStream::pair().unwrap();
    (Channel::new(OwnedFd::from(one)).unwrap(), BlockingChannel::of_child(OwnedFd::from(other)))
}

#[tokio::test]
async fn tasks_and_threads_understand_each_other() {
    let (mut channel, mut child) = both();
    let large = vec![7; 5 << 20];
    let expected = large.clone();
    let thread = std::thread::spawn(move || {
        let frame = child.receive(8 << 20, None).unwrap();
        child.send(&frame.payload, None, None).unwrap();
        child.send(b"end", None, None).unwrap();
    });
    channel.send(&large, None, PATIENCE).await.unwrap();
    assert!(channel.receive(8 << 20, PATIENCE).await.unwrap() == expected);
    assert_eq!(channel.receive(MOST, PATIENCE).await.unwrap(), b"end");
    assert!(matches!(channel.receive(MOST, PATIENCE).await, Err(ChannelError::Closed)));
    thread.join().unwrap();
}

#[tokio::test]
async fn receiving_that_was_given_up_goes_on_later() {
    let (mut channel, mut child) = both();
    let short = Duration::from_millis(20);
    assert!(matches!(channel.receive(MOST, short).await, Err(ChannelError::TimedOut)));
    // Dropped, not timed out.
    assert!(tokio::time::timeout(short, channel.receive(MOST, PATIENCE)).await.is_err());
    child.send(b"late", None, None).unwrap();
    assert_eq!(channel.receive(MOST, PATIENCE).await.unwrap(), b"late");
}

#[tokio::test]
async fn sending_that_was_given_up_ends_the_channel() {
    let (mut channel, _child) = both();
    let large = vec![0; 8 << 20];
    assert!(tokio::time::timeout(Duration::from_millis(20), channel.send(&large, None, PATIENCE)).await.is_err());
    assert!(matches!(channel.send(b"small", None, PATIENCE).await, Err(ChannelError::Closed)));
}

#[test]
fn one_half_sends_while_the_other_receives() {
    let (channel, child) = BlockingChannel::pair().unwrap();
    let (mut sender, mut receiver) = channel.into_split();
    let (mut child_sender, mut child_receiver) = child.into_split();
    let large = vec![1; 4 << 20];
    // Both directions are full at the same time.
    let there = large.clone();
    let sending = std::thread::spawn(move || child_sender.send(&there, None, None).unwrap());
    let receiving = std::thread::spawn(move || child_receiver.receive(8 << 20, None).unwrap().payload.len());
    let here = std::thread::spawn(move || sender.send(&large, None, None).unwrap());
    let received = receiver.receive(8 << 20, Some(PATIENCE)).unwrap().payload.len();
    assert_eq!((received, receiving.join().unwrap()), (4 << 20, 4 << 20));
    sending.join().unwrap();
    here.join().unwrap();
}

#[test]
fn the_first_frame_is_the_report_or_nothing_goes_on() {
    for payload in [&b"{}"[..], b"", b"\xff", br#"{"profile":"root","uid":0,"missing":[]}"#] {
        let (mut channel, mut child) = BlockingChannel::pair().unwrap();
        child.send(payload, None, None).unwrap();
        assert!(matches!(channel.report(PATIENCE), Err(ChannelError::Protocol(_))));
        assert!(matches!(channel.receive(MOST, READY), Err(ChannelError::Closed)));
    }
    let (mut channel, mut child) = BlockingChannel::pair().unwrap();
    let report = br#"{"profile":"guest","uid":61184,"missing":[{"separation":"landlock","why":"old\u001b[31m"}]}"#;
    child.send(report, None, None).unwrap();
    let report = channel.report(PATIENCE).unwrap();
    assert_eq!(report.missing[0].why, "old\\u{1b}[31m");
    assert_eq!(report.missing_names().as_deref(), Some("landlock"));
}
