//! Descriptors that go with frames.

use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use ansai_isolation::{BlockingChannel, Channel, ChannelError};

use ansai_isolation::channel::frame::GREETING;

use crate::peer::{MOST, READY, SOON, header};

pub(crate) fn file(content: &str) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file.rewind().unwrap();
    file
}

#[test]
fn a_descriptor_belongs_to_its_frame() {
    let (mut supervisor, mut child) = BlockingChannel::pair().unwrap();
    supervisor.send(b"before", None, READY).unwrap();
    supervisor.send(b"first", Some(file("one").as_fd()), READY).unwrap();
    supervisor.send(b"second", Some(file("two").as_fd()), READY).unwrap();
    supervisor.send(b"after", None, READY).unwrap();
    for (payload, content) in [("before", None), ("first", Some("one")), ("second", Some("two")), ("after", None)] {
        let frame = child.receive(MOST, READY).unwrap();
        assert_eq!(frame.payload, payload.as_bytes());
        let text = frame.descriptor.map(|descriptor| {
            let flags = rustix::io::fcntl_getfd(&descriptor).unwrap();
            assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
            let mut text = String::new();
            std::fs::File::from(descriptor).read_to_string(&mut text).unwrap();
            text
        });
        assert_eq!(text.as_deref(), content);
    }
}

/// The first frame too, which comes after the greeting.
#[test]
fn a_descriptor_may_come_with_the_first_frame() {
    let (mut supervisor, mut child) = BlockingChannel::pair().unwrap();
    supervisor.send(b"", Some(file("one").as_fd()), READY).unwrap();
    assert!(child.receive(MOST, READY).unwrap().descriptor.is_some());
}

#[test]
fn a_supervisor_accepts_none_and_keeps_none() {
    let (mut supervisor, mut child) = BlockingChannel::pair().unwrap();
    let (mut one, other) = UnixStream::pair().unwrap();
    child.send(b"here", Some(other.as_fd()), READY).unwrap();
    drop(other);
    assert!(matches!(supervisor.receive(MOST, READY), Err(ChannelError::Protocol(_))));
    // The last copy of it is closed: the kernel says so at the other end.
    assert_eq!(one.read(&mut [0]).unwrap(), 0);
}

#[tokio::test]
async fn neither_does_one_with_tasks() {
    let (one, other) = UnixStream::pair().unwrap();
    let mut supervisor = Channel::new(OwnedFd::from(one)).unwrap();
    let mut child = BlockingChannel::new(OwnedFd::from(other));
    child.send(b"here", Some(file("x").as_fd()), READY).unwrap();
    let refused = supervisor.receive(MOST, Duration::from_secs(10)).await;
    assert!(matches!(refused, Err(ChannelError::Protocol(_))), "{refused:?}");
}

#[tokio::test]
async fn tasks_pass_descriptors() {
    let (one, other) = UnixStream::pair().unwrap();
    let mut supervisor = Channel::new(OwnedFd::from(one)).unwrap();
    let mut child = BlockingChannel::of_child(OwnedFd::from(other));
    supervisor.send(b"code", Some(file("x").as_fd()), Duration::from_secs(10)).await.unwrap();
    assert!(child.receive(MOST, READY).unwrap().descriptor.is_some());
}

/// Sends these bytes and a descriptor with them, as no honest end does.
fn send_with(socket: &UnixStream, bytes: &[u8]) {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    let (file, mut space) = (file("x"), [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))]);
    let (mut control, descriptors) = (SendAncillaryBuffer::new(&mut space), [file.as_fd()]);
    assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
    sendmsg(socket, &[std::io::IoSlice::new(bytes)], &mut control, SendFlags::empty()).unwrap();
}

/// Would break: two descriptors that come with one read, because the header of the first one began in the read before.
#[test]
fn a_header_may_be_split_where_what_is_read_at_once_ends() {
    let frame = |sequence, flags, payload: &[u8]| {
        [&header(sequence, u32::try_from(payload.len()).unwrap(), flags)[..], payload].concat()
    };
    for began in [4_090, 4_095, 4_081, 4_096, 4_080] {
        let (mut peer, other) = UnixStream::pair().unwrap();
        let mut child = BlockingChannel::of_child(OwnedFd::from(other));
        let before = vec![b'a'; began - GREETING.len() - header(0, 0, 0).len()];
        peer.write_all(&[&GREETING[..], &frame(0, 0, &before)[..]].concat()).unwrap();
        send_with(&peer, &frame(1, 1, b"second"));
        send_with(&peer, &frame(2, 1, b"third"));
        peer.write_all(&frame(3, 0, b"last")).unwrap();
        let payloads = [(&before[..], false), (b"second", true), (b"third", true), (b"last", false)];
        for (payload, has_descriptor) in payloads {
            let frame = child.receive(MOST, READY).unwrap_or_else(|error| panic!("{began}: {error}"));
            assert!(frame.payload == payload, "{began}");
            assert_eq!(frame.descriptor.is_some(), has_descriptor, "{began}");
        }
    }
}

/// The same with a greeting that comes in two pieces, the second one with a descriptor.
#[test]
fn a_greeting_may_be_split() {
    let (mut peer, other) = UnixStream::pair().unwrap();
    let mut child = BlockingChannel::of_child(OwnedFd::from(other));
    let (first, rest) = GREETING.split_at(3);
    peer.write_all(first).unwrap();
    assert!(matches!(child.receive(MOST, SOON), Err(ChannelError::TimedOut)));
    send_with(&peer, &[rest, &header(0, 1, 1)[..4]].concat());
    assert!(matches!(child.receive(MOST, SOON), Err(ChannelError::TimedOut)));
    peer.write_all(&[&header(0, 1, 1)[4..], b"x"].concat()).unwrap();
    send_with(&peer, &[&header(1, 1, 1)[..], b"y"].concat());
    for payload in [b"x", b"y"] {
        let frame = child.receive(MOST, READY).unwrap();
        assert_eq!((frame.payload.as_slice(), frame.descriptor.is_some()), (&payload[..], true));
    }
}

/// Would break: a descriptor that is kept for a later frame. Several frames may be read at once, the last of them with it.
#[test]
fn a_descriptor_that_its_header_does_not_announce_ends_the_channel() {
    let frame = |sequence, flags| [&header(sequence, 1, flags)[..], b"x"].concat();
    let silent = [frame(0, 0), frame(1, 0)].concat();
    for (before, with) in [(&b""[..], &silent[..]), (&frame(0, 0), &frame(1, 0)), (b"", &frame(0, 0))] {
        let (mut peer, other) = UnixStream::pair().unwrap();
        let mut child = BlockingChannel::of_child(OwnedFd::from(other));
        peer.write_all(&[&GREETING, before].concat()).unwrap();
        send_with(&peer, with);
        let mut ended = Ok(());
        for _ in 0..3 {
            ended = ended.and_then(|()| child.receive(MOST, READY).map(drop));
        }
        assert!(matches!(ended, Err(ChannelError::Protocol(_))), "{ended:?}");
        assert!(matches!(child.receive(MOST, READY), Err(ChannelError::Closed)));
    }
}
