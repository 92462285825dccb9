//! The channel for threads.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use super::frame::{Frame, Reader, WITH_DESCRIPTOR, Writer};
use super::line::Line;
use super::socket::{Descriptors, ReceiveError};
use super::{Channel, ChannelError};
use crate::report::{MOST_BYTES, Report};

/// A channel for threads: of a child, or of a test.
#[derive(Debug)]
pub struct BlockingChannel {
    pub(super) sender: BlockingSender,
    pub(super) receiver: BlockingReceiver,
    /// What the other end passed to read from, until what to write to comes.
    pub(super) to_read: Option<OwnedFd>,
}

/// The half that sends.
#[derive(Debug)]
pub struct BlockingSender {
    pub(super) line: Line,
    pub(super) writer: Writer,
    pub(super) ended: bool,
}

/// The half that receives.
#[derive(Debug)]
pub struct BlockingReceiver {
    pub(super) line: Line,
    pub(super) reader: Reader,
    pub(super) ended: bool,
    pub(super) descriptors: Descriptors,
}

impl BlockingChannel {
    /// A channel that accepts no descriptor, over one end of a pair of stream sockets.
    pub fn new(socket: OwnedFd) -> Self {
        Self::with(socket, Descriptors::Refused)
    }

    /// The channel of a child: it accepts one descriptor with each frame.
    pub fn of_child(socket: OwnedFd) -> Self {
        Self::with(socket, Descriptors::Accepted)
    }

    fn with(socket: OwnedFd, descriptors: Descriptors) -> Self {
        let socket = Arc::new(socket);
        let [to_send, to_receive] = [socket.clone(), socket].map(Line::of);
        BlockingChannel {
            sender: BlockingSender { line: to_send, writer: Writer::default(), ended: false },
            receiver: BlockingReceiver { line: to_receive, reader: Reader::default(), ended: false, descriptors },
            to_read: None,
        }
    }

    /// Two connected channels; the second accepts descriptors.
    ///
    /// # Errors
    /// This process has too many open files.
    pub fn pair() -> std::io::Result<(BlockingChannel, BlockingChannel)> {
        let (one, other) = super::socket::pair()?;
        Ok((Self::new(one), Self::of_child(other)))
    }

    /// As [`BlockingSender::send`].
    ///
    /// # Errors
    /// As there.
    pub fn send(
        &mut self,
        payload: &[u8],
        descriptor: Option<BorrowedFd<'_>>,
        limit: Option<Duration>,
    ) -> Result<(), ChannelError> {
        self.sender.send(payload, descriptor, limit)
    }

    /// As [`BlockingReceiver::receive`].
    ///
    /// # Errors
    /// As there.
    pub fn receive(&mut self, most: usize, limit: Option<Duration>) -> Result<Frame, ChannelError> {
        loop {
            let frame = self.receiver.receive_frame(most, limit)?;
            if !frame.is_pipe {
                return Ok(frame);
            }
            self.take_pipe(frame);
        }
    }

    /// The report of the child, which is its first frame.
    ///
    /// # Errors
    /// As [`BlockingChannel::receive`]; and the frame is no report, which ends the channel.
    pub fn report(&mut self, limit: Duration) -> Result<Report, ChannelError> {
        let frame = self.receive(MOST_BYTES, Some(limit))?;
        let report = Report::from_child(&frame.payload);
        self.sender.ended |= report.is_none();
        self.receiver.ended |= report.is_none();
        report.ok_or(ChannelError::Protocol("the first frame is no report"))
    }

    /// Its two halves.
    pub fn into_split(self) -> (BlockingSender, BlockingReceiver) {
        (self.sender, self.receiver)
    }

    /// The same channel for tokio, from where it is. It accepts no descriptors any more.
    ///
    /// # Errors
    /// There is no runtime, or the kernel refuses.
    pub fn into_async(self) -> std::io::Result<Channel> {
        Channel::going_on(self.sender, self.receiver)
    }
}

impl BlockingSender {
    /// Sends a frame, and a copy of a descriptor with it. Without `limit`, waits as long as the other end reads nothing.
    ///
    /// # Errors
    /// The payload is 4 GiB or more (nothing was sent), the other end is closed, or it did not read the frame in time. The
    /// channel cannot send any more then: the other end has a part of the frame.
    pub fn send(
        &mut self,
        payload: &[u8],
        descriptor: Option<BorrowedFd<'_>>,
        limit: Option<Duration>,
    ) -> Result<(), ChannelError> {
        if self.ended {
            return Err(ChannelError::Closed);
        }
        self.send_flagged(payload, descriptor, if descriptor.is_some() { WITH_DESCRIPTOR } else { 0 }, limit)
    }

    /// The same with these flags.
    pub(super) fn send_flagged(
        &mut self,
        payload: &[u8],
        descriptor: Option<BorrowedFd<'_>>,
        flags: u32,
        limit: Option<Duration>,
    ) -> Result<(), ChannelError> {
        let head = self.writer.head(payload, flags)?;
        let sent = self.send_all(&head, payload, descriptor, limit);
        self.ended = sent.is_err();
        sent
    }

    fn send_all(
        &self,
        head: &[u8],
        payload: &[u8],
        descriptor: Option<BorrowedFd<'_>>,
        limit: Option<Duration>,
    ) -> Result<(), ChannelError> {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let flags = if deadline.is_some() { SendFlags::DONTWAIT } else { SendFlags::empty() };
        let mut rest = Rest { head, payload, descriptor };
        rest.pass_beside(&self.line)?;
        while !rest.is_empty() {
            match self.line.send([rest.head, rest.payload], rest.descriptor, flags) {
                Ok(count) => rest.advance(count),
                Err(Errno::AGAIN) => {
                    wait_until(self.line.fd(), PollFlags::OUT, deadline)?;
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl BlockingReceiver {
    /// Receives the next frame, whose payload has at most `most` bytes. Without `limit`, waits as long as it takes.
    ///
    /// # Errors
    /// The other end is closed, breaks a rule or sends too much: nothing can be received any more. After
    /// [`ChannelError::TimedOut`] the next call goes on with the same frame.
    pub fn receive(&mut self, most: usize, limit: Option<Duration>) -> Result<Frame, ChannelError> {
        let frame = self.receive_frame(most, limit)?;
        self.ended = frame.is_pipe;
        // The other half does not know of it.
        if frame.is_pipe { Err(ChannelError::Protocol("a pipe for one half of a channel")) } else { Ok(frame) }
    }

    /// Also one that brings a pipe.
    fn receive_frame(&mut self, most: usize, limit: Option<Duration>) -> Result<Frame, ChannelError> {
        if self.ended {
            return Err(ChannelError::Closed);
        }
        let received = self.receive_all(most, limit);
        self.ended = matches!(&received, Err(error) if !matches!(error, ChannelError::TimedOut));
        received
    }

    fn receive_all(&mut self, most: usize, limit: Option<Duration>) -> Result<Frame, ChannelError> {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let flags = if deadline.is_some() { RecvFlags::DONTWAIT } else { RecvFlags::empty() };
        if let Some(frame) = self.reader.next(most)? {
            return Ok(frame);
        }
        loop {
            if self.reader.needs_descriptor() {
                self.reader.give(self.line.passed().map_err(ChannelError::from)?);
                if let Some(frame) = self.reader.next(most)? {
                    return Ok(frame);
                }
            }
            // The pipe of a child has no flag for one read.
            while deadline.is_some() && self.line.is_pipe() && !wait_until(self.line.fd(), PollFlags::IN, deadline)? {}
            match self.line.receive(self.reader.space(), self.descriptors, flags) {
                Ok((count, descriptor)) => {
                    if let Some(frame) = self.reader.advance(count, descriptor, most)? {
                        return Ok(frame);
                    }
                    // Who sends one byte after the other does not get more time.
                    if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                        return Err(ChannelError::TimedOut);
                    }
                }
                Err(ReceiveError::Errno(Errno::AGAIN)) => {
                    wait_until(self.line.fd(), PollFlags::IN, deadline)?;
                }
                Err(ReceiveError::Errno(Errno::INTR)) => {}
                Err(ReceiveError::Errno(error)) => return Err(error.into()),
                Err(ReceiveError::Ended(error)) => return Err(error),
            }
        }
    }
}

/// What is left to send.
pub(super) struct Rest<'a> {
    pub(super) head: &'a [u8],
    pub(super) payload: &'a [u8],
    pub(super) descriptor: Option<BorrowedFd<'a>>,
}

impl Rest<'_> {
    /// Over a pipe no descriptor goes: it is passed before.
    pub(super) fn pass_beside(&mut self, line: &Line) -> rustix::io::Result<()> {
        if line.is_pipe() { self.descriptor.take().map_or(Ok(()), |descriptor| line.pass(descriptor)) } else { Ok(()) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.head.is_empty() && self.payload.is_empty()
    }

    pub(super) fn advance(&mut self, count: usize) {
        let of_head = count.min(self.head.len());
        self.head = self.head.get(of_head..).unwrap_or_default();
        self.payload = self.payload.get(count.saturating_sub(of_head)..).unwrap_or_default();
        if count > 0 {
            self.descriptor = None;
        }
    }
}

/// Waits until the line is ready, at most until then. Returns whether it is, as [`wait`] does.
fn wait_until(line: BorrowedFd<'_>, events: PollFlags, deadline: Option<Instant>) -> Result<bool, ChannelError> {
    let rest = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    if rest.is_some_and(|rest| rest.is_zero()) {
        return Err(ChannelError::TimedOut);
    }
    wait(line, events, rest)
}

/// Waits until the line is ready, at most this long. Returns whether it is; a signal ends the wait too.
pub(super) fn wait(line: BorrowedFd<'_>, events: PollFlags, limit: Option<Duration>) -> Result<bool, ChannelError> {
    let limit = limit.map(|limit| Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: limit.subsec_nanos().into(),
    });
    match poll(&mut [PollFd::from_borrowed_fd(line, events)], limit.as_ref()) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
