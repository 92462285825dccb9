//! An end of a channel that writes bytes of the test's choice.

use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use ansai_isolation::channel::frame::GREETING;
use ansai_isolation::{BlockingChannel, ChannelError};

/// For what does not come.
pub(crate) const SOON: Option<Duration> = Some(Duration::from_millis(50));
/// For what is there, however busy the machine is.
pub(crate) const READY: Option<Duration> = Some(Duration::from_secs(30));
pub(crate) const MOST: usize = 1 << 20;

pub(crate) struct Peer(pub(crate) UnixStream);

impl Peer {
    /// An end that has greeted, and the channel at the other end.
    pub(crate) fn greeted() -> (Peer, BlockingChannel) {
        let (mut peer, channel) = Self::new();
        peer.write(&GREETING);
        (peer, channel)
    }

    pub(crate) fn new() -> (Peer, BlockingChannel) {
        let (one, other) = UnixStream::pair().unwrap();
        (Peer(one), BlockingChannel::new(OwnedFd::from(other)))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    pub(crate) fn header(&mut self, sequence: u64, bytes: u32, flags: u32) {
        self.write(&header(sequence, bytes, flags));
    }

    pub(crate) fn frame(&mut self, sequence: u64, payload: &[u8]) {
        self.header(sequence, u32::try_from(payload.len()).unwrap(), 0);
        self.write(payload);
    }
}

pub(crate) fn header(sequence: u64, bytes: u32, flags: u32) -> Vec<u8> {
    [&sequence.to_le_bytes()[..], &bytes.to_le_bytes(), &flags.to_le_bytes()].concat()
}

/// What the channel says, and that it has ended.
pub(crate) fn refused(channel: &mut BlockingChannel) -> String {
    let error = channel.receive(MOST, READY).unwrap_err();
    assert!(!matches!(error, ChannelError::TimedOut | ChannelError::Io(_)), "{error}");
    assert!(matches!(channel.receive(MOST, READY), Err(ChannelError::Closed)), "it goes on after {error}");
    error.to_string()
}
