//! Sending and receiving on the socket, once each.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

use super::ChannelError;

/// Two connected ends.
///
/// # Errors
/// This process has too many open files.
pub(crate) fn pair() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
}

/// Whether a descriptor that the other end passes is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Descriptors {
    /// None is: the kernel closes it, and the channel ends.
    Refused,
    /// One with each frame is.
    Accepted,
}

/// Sends a part of it. A descriptor goes with the first byte.
pub(super) fn send(
    socket: impl AsFd,
    parts: [&[u8]; 2],
    descriptor: Option<BorrowedFd<'_>>,
    flags: SendFlags,
) -> rustix::io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = descriptor.as_slice();
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(Errno::NOBUFS);
    }
    rustix::net::sendmsg(socket, &parts.map(IoSlice::new), &mut control, flags | SendFlags::NOSIGNAL)
}

/// Receives some bytes and the descriptor that came with them.
///
/// # Errors
/// The other end is closed, passed more descriptors than are accepted, or the kernel refuses.
pub(super) fn receive(
    socket: impl AsFd,
    into: &mut [u8],
    descriptors: Descriptors,
    flags: RecvFlags,
) -> Result<(usize, Option<OwnedFd>), ReceiveError> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut nothing = [];
    let mut control = match descriptors {
        Descriptors::Accepted => RecvAncillaryBuffer::new(&mut space),
        // Without room for it, the kernel closes a descriptor and says that something was cut off.
        Descriptors::Refused => RecvAncillaryBuffer::new(&mut nothing),
    };
    let mut buffers = [IoSliceMut::new(into)];
    let received = rustix::net::recvmsg(socket, &mut buffers, &mut control, flags | RecvFlags::CMSG_CLOEXEC)?;
    let mut came: Vec<OwnedFd> = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            came.extend(rights);
        }
    }
    if received.flags.contains(ReturnFlags::CTRUNC) || came.len() > 1 {
        return Err(ReceiveError::Ended(ChannelError::Protocol("a descriptor that is not accepted")));
    }
    if received.bytes == 0 {
        return Err(ReceiveError::Ended(ChannelError::Closed));
    }
    Ok((received.bytes, came.pop()))
}

/// Why nothing was received.
pub(super) enum ReceiveError {
    /// The system call failed.
    Errno(Errno),
    /// The channel has ended.
    Ended(ChannelError),
}

impl From<Errno> for ReceiveError {
    fn from(error: Errno) -> Self {
        ReceiveError::Errno(error)
    }
}

impl From<ReceiveError> for ChannelError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Errno(error) => error.into(),
            ReceiveError::Ended(error) => error,
        }
    }
}
