//! What frames go over: a socket, or a pipe in each direction beside it.

use std::io::IoSlice;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::net::{RecvFlags, SendFlags};

use super::ChannelError;
use super::socket::{self, Descriptors, ReceiveError};

/// What goes over the socket with a descriptor when frames go over pipes.
const WITH_IT: &[u8] = &[0];

/// What one half of a channel reads from, or writes to.
#[derive(Debug)]
pub(super) struct Line {
    socket: Arc<OwnedFd>,
    pipe: Option<OwnedFd>,
}

impl Line {
    pub(super) fn of(socket: Arc<OwnedFd>) -> Line {
        Line { socket, pipe: None }
    }

    /// Frames go over this pipe from now on. It has its own flag for waiting, unlike the socket, which is told each time.
    pub(super) fn go_on_over(&mut self, pipe: OwnedFd) {
        self.pipe = Some(pipe);
    }

    pub(super) fn is_pipe(&self) -> bool {
        self.pipe.is_some()
    }

    /// What to wait for.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_ref().unwrap_or(&self.socket).as_fd()
    }

    pub(super) fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Sends a part of it. A descriptor goes with the first byte; over a pipe none goes.
    pub(super) fn send(
        &self,
        parts: [&[u8]; 2],
        descriptor: Option<BorrowedFd<'_>>,
        flags: SendFlags,
    ) -> rustix::io::Result<usize> {
        match &self.pipe {
            // Programs in Rust ignore the signal that a pipe without a reader causes.
            Some(pipe) => rustix::io::writev(pipe, &parts.map(IoSlice::new)),
            None => socket::send(&self.socket, parts, descriptor, flags),
        }
    }

    /// Passes a descriptor beside the pipe, before the frame that announces it.
    pub(super) fn pass(&self, descriptor: BorrowedFd<'_>) -> rustix::io::Result<()> {
        socket::send(&self.socket, [WITH_IT, &[]], Some(descriptor), SendFlags::DONTWAIT).map(drop)
    }

    /// Receives some bytes and the descriptor that came with them.
    pub(super) fn receive(
        &self,
        into: &mut [u8],
        descriptors: Descriptors,
        flags: RecvFlags,
    ) -> Result<(usize, Option<OwnedFd>), ReceiveError> {
        let Some(pipe) = &self.pipe else { return socket::receive(&self.socket, into, descriptors, flags) };
        match rustix::io::read(pipe, into)? {
            0 => Err(ReceiveError::Ended(ChannelError::Closed)),
            count => Ok((count, None)),
        }
    }

    /// The descriptor that was passed beside the pipe.
    pub(super) fn passed(&self) -> Result<OwnedFd, ReceiveError> {
        let missing = || ReceiveError::Ended(ChannelError::Protocol("a descriptor is missing"));
        socket::receive(&self.socket, &mut [0], Descriptors::Accepted, RecvFlags::empty())?.1.ok_or_else(missing)
    }
}
