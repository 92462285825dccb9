//! Framed messages over one end of a pair of stream sockets.
//!
//! | bytes | content |
//! |--:|---|
//! | 8 | once in each direction: `ansaich`, and the version of the protocol as one byte |
//! | 8 | sequence number of the frame, from 0, little-endian |
//! | 4 | bytes of the payload |
//! | 4 | flags: 1 if a descriptor comes with the header; 2 as well if it is a pipe |
//! | … | payload |
//!
//! The receiver says how large a payload may be, and checks it before it allocates. Memory grows only with bytes that
//! came. A gap, a repetition, an unknown version or flag, and a descriptor that was not announced end the channel: after
//! such an error every call answers [`ChannelError::Closed`], and the other process has to be replaced.
//!
//! A round trip over two pipes takes half as long as over the socket. So a supervisor can
//! [pass a pipe](BlockingChannel::over_pipes) for each direction, over which the frames go on. A descriptor then goes over the
//! socket, with one byte and before its frame, and the supervisor never reads from the socket again.
//!
//! [`Channel`] is for tokio and never accepts a descriptor; [`BlockingChannel`] is for threads, and the one of a child
//! accepts one descriptor per frame. The latter can be split, so that one thread sends while another receives.

mod asynchronous;
mod blocking;
pub mod frame;
mod line;
mod pipes;
mod socket;
pub(crate) use socket::pair;

pub use asynchronous::Channel;
pub use blocking::{BlockingChannel, BlockingReceiver, BlockingSender};
pub use frame::Frame;

/// Why nothing was sent or received.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The other process closed its end, or ended. Also after any earlier error but a time-out of receiving.
    #[error("the other process closed the channel")]
    Closed,
    /// The other process broke the rules of the channel.
    #[error("protocol error: {0}")]
    Protocol(&'static str),
    /// The frame has more bytes than its receiver allows.
    #[error("a frame of {bytes} bytes; the limit is {most} bytes")]
    TooLarge {
        /// Bytes of the payload, as its header says.
        bytes: u64,
        /// What the receiver allows.
        most: u64,
    },
    /// Nothing complete within the time limit. After a time-out of receiving, receiving can go on.
    #[error("no complete frame within the time limit")]
    TimedOut,
    /// The kernel refused.
    #[error("channel: {0}")]
    Io(#[from] std::io::Error),
}

impl From<rustix::io::Errno> for ChannelError {
    fn from(error: rustix::io::Errno) -> Self {
        match error {
            rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET => ChannelError::Closed,
            _ => ChannelError::Io(error.into()),
        }
    }
}
