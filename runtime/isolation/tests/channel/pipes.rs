//! A channel that goes on over two pipes.

use std::io::Write as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use ansai_isolation::{BlockingChannel, ChannelError};

use crate::descriptors::file;
use crate::peer::{MOST, READY, SOON, header};

const PATIENCE: Duration = Duration::from_secs(60);

/// Two ends that go on over pipes, and the socket of the child.
fn over_pipes() -> (BlockingChannel, BlockingChannel, UnixStream) {
    let (one, other) = UnixStream::pair().unwrap();
    let socket = other.try_clone().unwrap();
    let mut supervisor = BlockingChannel::new(OwnedFd::from(one));
    let mut child = BlockingChannel::of_child(OwnedFd::from(other));
    child.send(b"report", None, None).unwrap();
    assert_eq!(supervisor.receive(MOST, READY).unwrap().payload, b"report");
    supervisor.over_pipes(READY).unwrap();
    supervisor.send(b"first", None, READY).unwrap();
    assert_eq!(child.receive(MOST, READY).unwrap().payload, b"first");
    (supervisor, child, socket)
}

#[test]
fn frames_go_on_over_pipes_and_nothing_over_the_socket() {
    let (mut supervisor, mut child, mut socket) = over_pipes();
    for payload in [&b"a"[..], b"", &[7; 60_000]] {
        supervisor.send(payload, None, READY).unwrap();
        assert_eq!(child.receive(MOST, None).unwrap().payload, payload);
        child.send(payload, None, None).unwrap();
        assert_eq!(supervisor.receive(MOST, READY).unwrap().payload, payload);
    }
    // A child that was taken over fills no memory there.
    assert_eq!(socket.write(b"x").unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    assert!(matches!(supervisor.receive(MOST, SOON), Err(ChannelError::TimedOut)));
    child.send(b"last", None, None).unwrap();
    assert_eq!(supervisor.receive(MOST, READY).unwrap().payload, b"last");
}

/// Would break: an end whose pipe waits for ever, since it has no flag for one read.
#[test]
fn each_end_waits_for_a_frame_as_long_as_it_may() {
    let (mut supervisor, mut child, _socket) = over_pipes();
    assert!(matches!(supervisor.receive(MOST, SOON), Err(ChannelError::TimedOut)));
    assert!(matches!(child.receive(MOST, SOON), Err(ChannelError::TimedOut)));
    supervisor.send(b"late", None, READY).unwrap();
    assert_eq!(child.receive(MOST, READY).unwrap().payload, b"late");
}

/// Would break: a descriptor that belongs to another frame, or that waits for ever.
#[test]
fn a_descriptor_still_belongs_to_its_frame() {
    use std::io::Read as _;
    let (mut supervisor, mut child, _socket) = over_pipes();
    supervisor.send(b"before", None, READY).unwrap();
    supervisor.send(b"one", Some(file("one").as_fd()), READY).unwrap();
    supervisor.send(b"", Some(file("two").as_fd()), READY).unwrap();
    supervisor.send(b"after", None, READY).unwrap();
    for (payload, content) in [("before", None), ("one", Some("one")), ("", Some("two")), ("after", None)] {
        let frame = child.receive(MOST, None).unwrap();
        let text = frame.descriptor.map(|descriptor| {
            let mut text = String::new();
            std::fs::File::from(descriptor).read_to_string(&mut text).unwrap();
            text
        });
        assert_eq!((frame.payload.as_slice(), text.as_deref()), (payload.as_bytes(), content));
    }
}

#[test]
fn who_does_not_read_costs_the_time_limit() {
    let (mut supervisor, child, _socket) = over_pipes();
    let large = vec![0; 8 << 20];
    assert!(matches!(supervisor.send(&large, None, SOON), Err(ChannelError::TimedOut)));
    assert!(matches!(supervisor.send(b"small", None, READY), Err(ChannelError::Closed)));
    drop(child);
}

#[test]
fn each_end_sees_that_the_other_one_is_gone() {
    let (mut supervisor, child, _socket) = over_pipes();
    drop(child);
    assert!(matches!(supervisor.receive(MOST, READY), Err(ChannelError::Closed)));
    assert!(matches!(supervisor.send(b"x", None, READY), Err(ChannelError::Closed)));
    let (supervisor, mut child, _socket) = over_pipes();
    drop(supervisor);
    assert!(matches!(child.receive(MOST, None), Err(ChannelError::Closed)));
    assert!(matches!(child.send(b"x", None, None), Err(ChannelError::Closed)));
}

/// What a child that was taken over writes into its pipe: the second number is that of the next frame.
#[test]
fn a_child_announces_no_descriptor_and_no_pipe() {
    for flags in [1, 2, 3, 4] {
        let (mut supervisor, child, _socket) = over_pipes();
        rustix::io::write(child.written_to(), &[&header(1, 1, flags)[..], b"x"].concat()).unwrap();
        assert!(matches!(supervisor.receive(MOST, READY), Err(ChannelError::Protocol(_))), "{flags}");
        assert!(matches!(supervisor.receive(MOST, READY), Err(ChannelError::Closed)), "{flags}");
    }
}

/// A frame that comes in pieces, and one whose end never comes.
#[test]
fn a_child_may_write_one_byte_after_the_other() {
    let (mut supervisor, child, _socket) = over_pipes();
    let frame = [&header(1, 3, 0)[..], b"abc"].concat();
    for byte in frame.chunks(1).take(18) {
        rustix::io::write(child.written_to(), byte).unwrap();
        assert!(matches!(supervisor.receive(MOST, SOON), Err(ChannelError::TimedOut)));
    }
    rustix::io::write(child.written_to(), &frame[18..]).unwrap();
    assert_eq!(supervisor.receive(MOST, READY).unwrap().payload, b"abc");
    rustix::io::write(child.written_to(), &header(2, 3, 0)).unwrap();
    drop(child);
    assert!(matches!(supervisor.receive(MOST, READY), Err(ChannelError::Closed)));
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Would break: a pipe that stays open for each child that ends too early.
#[test]
fn a_child_that_is_gone_leaves_no_pipe() {
    let (one, other) = UnixStream::pair().unwrap();
    let mut supervisor = BlockingChannel::new(OwnedFd::from(one));
    drop(other);
    let before = open_files();
    assert!(matches!(supervisor.over_pipes(READY), Err(ChannelError::Closed)));
    assert!(matches!(supervisor.send(b"x", None, READY), Err(ChannelError::Closed)));
    assert_eq!(open_files(), before);
}

#[test]
fn a_child_without_its_socket_gets_frames_and_no_descriptor() {
    let (mut supervisor, mut child, socket) = over_pipes();
    socket.shutdown(std::net::Shutdown::Both).unwrap();
    supervisor.send(b"a", None, READY).unwrap();
    assert_eq!(child.receive(MOST, None).unwrap().payload, b"a");
    child.send(b"b", None, None).unwrap();
    assert_eq!(supervisor.receive(MOST, READY).unwrap().payload, b"b");
    for descriptor in [Some(file("c").as_fd()), None] {
        assert!(matches!(supervisor.send(b"c", descriptor, READY), Err(ChannelError::Closed)));
    }
}

/// Would break: a supervisor that waits for a child that takes no descriptor, or has any number of files open for it.
#[test]
fn who_takes_no_descriptor_gets_no_more_of_them() {
    let (mut supervisor, child, _socket) = over_pipes();
    let file = file("x");
    let sent = (0..2_000).take_while(|_| supervisor.send(b"x", Some(file.as_fd()), None).is_ok()).count();
    assert!(sent < 1_000, "{sent}");
    assert!(matches!(supervisor.send(b"x", None, READY), Err(ChannelError::Closed)));
    drop(child);
}

#[test]
fn half_a_channel_takes_no_pipe() {
    let (mut supervisor, child) = BlockingChannel::pair().unwrap();
    let (_sender, mut receiver) = child.into_split();
    supervisor.over_pipes(READY).unwrap();
    assert!(matches!(receiver.receive(MOST, READY), Err(ChannelError::Protocol(_))));
    assert!(matches!(receiver.receive(MOST, READY), Err(ChannelError::Closed)));
}

#[tokio::test]
async fn tasks_use_them_too() {
    let (supervisor, mut child, _socket) = over_pipes();
    let mut supervisor = supervisor.into_async().unwrap();
    let large = vec![7; 5 << 20];
    let expected = large.clone();
    let thread = std::thread::spawn(move || {
        let frame = child.receive(8 << 20, None).unwrap();
        assert!(frame.descriptor.is_some());
        child.send(&frame.payload, None, None).unwrap();
        child.receive(MOST, None).unwrap().payload
    });
    supervisor.send(&large, Some(file("x").as_fd()), PATIENCE).await.unwrap();
    assert!(supervisor.receive(8 << 20, PATIENCE).await.unwrap() == expected);
    supervisor.send(b"end", None, PATIENCE).await.unwrap();
    assert_eq!(thread.join().unwrap(), b"end");
    assert!(matches!(supervisor.receive(MOST, PATIENCE).await, Err(ChannelError::Closed)));
}
