//! A channel that goes on over two pipes.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::net::{Shutdown, shutdown};

use super::frame::{Frame, PIPE, WITH_DESCRIPTOR};
use super::{BlockingChannel, ChannelError};

impl BlockingChannel {
    /// Passes two pipes to the child at the other end, over which the frames go on: a round trip takes half as long. The kernel
    /// refuses what the child sends over the socket from then on. Where the child sends, its time limit bounds nothing.
    ///
    /// # Errors
    /// As [`BlockingChannel::send`]; this process has too many open files.
    pub fn over_pipes(&mut self, limit: Option<Duration>) -> Result<(), ChannelError> {
        let (they_read, writes) = std::io::pipe()?;
        let (reads, they_write) = std::io::pipe()?;
        let [reads, writes]: [OwnedFd; 2] = [reads.into(), writes.into()];
        // Each end has this flag for itself: a child cannot make this process wait.
        for own in [&reads, &writes] {
            fcntl_setfl(own, fcntl_getfl(own)? | OFlags::NONBLOCK)?;
        }
        for pipe in [they_read.as_fd(), they_write.as_fd()] {
            self.sender.send_flagged(&[], Some(pipe), WITH_DESCRIPTOR | PIPE, limit)?;
        }
        self.sender.line.go_on_over(writes);
        self.receiver.line.go_on_over(reads);
        shutdown(self.receiver.line.socket(), Shutdown::Read)?;
        Ok(())
    }

    /// Takes a pipe that the supervisor passed. With the second one, all goes over both.
    pub(super) fn take_pipe(&mut self, frame: Frame) {
        match (self.to_read.take(), frame.descriptor) {
            (Some(to_read), Some(to_write)) => {
                self.receiver.line.go_on_over(to_read);
                self.receiver.reader.descriptors_come_apart();
                self.sender.line.go_on_over(to_write);
            }
            (_, to_read) => self.to_read = to_read,
        }
    }

    /// What it writes to, for programs that do not keep to the format of frames.
    #[doc(hidden)]
    pub fn written_to(&self) -> std::os::fd::BorrowedFd<'_> {
        self.sender.line.fd()
    }
}
