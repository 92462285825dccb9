//! The channel for tokio.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

use super::blocking::{BlockingReceiver, BlockingSender, Rest, wait};
use super::frame::{Reader, WITH_DESCRIPTOR, Writer};
use super::line::Line;
use super::socket::{Descriptors, ReceiveError};
use super::{BlockingChannel, ChannelError};

/// How long a thread of the runtime waits for a frame itself, before it does something else meanwhile. Most frames come
/// within this time: waiting for them here takes one wake-up, and no other thread of the runtime wakes up too. Guest code
/// that runs in this process keeps its thread ten times as long.
const BRIEF: Duration = Duration::from_millis(1);
/// The same where frames come later than that.
const BRIEFEST: Duration = Duration::from_micros(30);

/// The supervisor's end of a channel. It never accepts a descriptor.
#[derive(Debug)]
pub struct Channel {
    sender: AsyncSender,
    receiver: AsyncReceiver,
}

/// The half that sends.
#[derive(Debug)]
struct AsyncSender {
    line: Line,
    writer: Writer,
    ended: bool,
}

/// The half that receives.
#[derive(Debug)]
struct AsyncReceiver {
    line: Line,
    reader: Reader,
    ended: bool,
    brief: Duration,
}

impl Channel {
    /// A channel over one end of a pair of stream sockets.
    ///
    /// # Errors
    /// There is no runtime, or the kernel refuses.
    pub fn new(socket: OwnedFd) -> std::io::Result<Self> {
        BlockingChannel::new(socket).into_async()
    }

    pub(super) fn going_on(sender: BlockingSender, receiver: BlockingReceiver) -> std::io::Result<Self> {
        let _runtime = tokio::runtime::Handle::try_current().map_err(std::io::Error::other)?;
        Ok(Channel {
            sender: AsyncSender { line: sender.line, writer: sender.writer, ended: sender.ended },
            receiver: AsyncReceiver {
                line: receiver.line,
                reader: receiver.reader,
                ended: receiver.ended,
                brief: BRIEF,
            },
        })
    }

    /// Sends a frame, and a copy of a descriptor with it.
    ///
    /// # Errors
    /// The payload is 4 GiB or more (nothing was sent), the other end is closed, or it did not read the frame within
    /// `limit`. The channel cannot send any more then, and neither after the future was dropped: the other end has a part of
    /// the frame.
    pub async fn send(
        &mut self,
        payload: &[u8],
        descriptor: Option<BorrowedFd<'_>>,
        limit: Duration,
    ) -> Result<(), ChannelError> {
        self.sender.send(payload, descriptor, limit).await
    }

    /// Receives the next frame, whose payload has at most `most` bytes.
    ///
    /// # Errors
    /// The other end is closed, breaks a rule, passes a descriptor or sends too much: nothing can be received any more.
    /// After [`ChannelError::TimedOut`], and after the future was dropped, the next call goes on with the same frame.
    pub async fn receive(&mut self, most: usize, limit: Duration) -> Result<Vec<u8>, ChannelError> {
        self.receiver.receive(most, limit).await
    }
}

impl AsyncSender {
    async fn send(
        &mut self,
        payload: &[u8],
        descriptor: Option<BorrowedFd<'_>>,
        limit: Duration,
    ) -> Result<(), ChannelError> {
        if self.ended {
            return Err(ChannelError::Closed);
        }
        let head = self.writer.head(payload, if descriptor.is_some() { WITH_DESCRIPTOR } else { 0 })?;
        // Until all of it is sent.
        self.ended = true;
        timeout(limit, self.send_all(Rest { head: &head, payload, descriptor }))
            .await
            .map_err(|_| ChannelError::TimedOut)??;
        self.ended = false;
        Ok(())
    }

    async fn send_all(&self, mut rest: Rest<'_>) -> Result<(), ChannelError> {
        rest.pass_beside(&self.line)?;
        while !rest.is_empty() {
            match self.line.send([rest.head, rest.payload], rest.descriptor, SendFlags::DONTWAIT) {
                Ok(count) => rest.advance(count),
                Err(Errno::AGAIN) => ready(self.line.fd(), Interest::WRITABLE).await?,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl AsyncReceiver {
    async fn receive(&mut self, most: usize, limit: Duration) -> Result<Vec<u8>, ChannelError> {
        if self.ended {
            return Err(ChannelError::Closed);
        }
        let received = timeout(limit, self.receive_all(most)).await.unwrap_or(Err(ChannelError::TimedOut));
        self.ended = matches!(&received, Err(error) if !matches!(error, ChannelError::TimedOut));
        received
    }

    async fn receive_all(&mut self, most: usize) -> Result<Vec<u8>, ChannelError> {
        if let Some(frame) = self.reader.next(most)? {
            return Ok(frame.payload);
        }
        self.wait_briefly()?;
        loop {
            // Also where bytes are always there, others get their turn, and the time limit is checked.
            tokio::task::coop::consume_budget().await;
            match self.line.receive(self.reader.space(), Descriptors::Refused, RecvFlags::DONTWAIT) {
                Ok((count, _)) => {
                    if let Some(frame) = self.reader.advance(count, None, most)? {
                        return Ok(frame.payload);
                    }
                }
                Err(ReceiveError::Errno(Errno::AGAIN)) => ready(self.line.fd(), Interest::READABLE).await?,
                Err(ReceiveError::Errno(Errno::INTR)) => {}
                Err(ReceiveError::Errno(error)) => return Err(error.into()),
                Err(ReceiveError::Ended(error)) => return Err(error),
            }
        }
    }

    /// Waits in this thread, and learns how long that is worth while.
    fn wait_briefly(&mut self) -> Result<(), ChannelError> {
        let is_ready = wait(self.line.fd(), PollFlags::IN, Some(self.brief))?;
        self.brief = if is_ready { self.brief.saturating_mul(2).min(BRIEF) } else { (self.brief / 2).max(BRIEFEST) };
        Ok(())
    }
}

/// Waits in the runtime until the line is ready. It is registered for this time only: otherwise each frame would wake a
/// thread of the runtime, also where another one waits for it.
async fn ready(line: BorrowedFd<'_>, interest: Interest) -> std::io::Result<()> {
    #[expect(deprecated, reason = "the other one is unsafe; this descriptor stays open as long as it is registered")]
    let registered = AsyncFd::with_interest(line, interest)?;
    registered.ready(interest).await?.retain_ready();
    Ok(())
}
