//! The format of frames, without any input or output.

use std::ops::Range;
use std::os::fd::OwnedFd;

use super::ChannelError;

/// What each direction begins with: a name and the version of the protocol.
pub const GREETING: [u8; 8] = *b"ansaich\x01";
/// Bytes of a header.
pub const HEADER: usize = 16;
/// Flag of a header: one descriptor comes with it.
pub const WITH_DESCRIPTOR: u32 = 1;
/// Flag of a header: the descriptor is a pipe. The first one is what the other end reads from now on, the second one what it
/// writes to.
pub const PIPE: u32 = 2;
/// The payload is read in pieces of at least this many bytes, if it has so many.
const PIECE: usize = 64 << 10;
/// Bytes that are read at once while no payload is in progress: as many as most frames have.
const AHEAD: usize = 4 << 10;
const UNANNOUNCED: ChannelError = ChannelError::Protocol("a descriptor is missing, or no header announces it");

/// A message.
#[derive(Debug)]
pub struct Frame {
    /// Its content.
    pub payload: Vec<u8>,
    /// The descriptor that came with it.
    pub descriptor: Option<OwnedFd>,
    /// Whether the descriptor is a pipe that the channel goes on over. Whoever uses a channel never sees such a frame.
    pub(super) is_pipe: bool,
}

/// Writes the greeting and the headers of one direction.
#[derive(Debug, Default)]
pub struct Writer {
    greeted: bool,
    sequence: u64,
}

impl Writer {
    /// What comes before this payload.
    ///
    /// # Errors
    /// The payload is longer than a header can say, 4 GiB.
    pub fn head(&mut self, payload: &[u8], flags: u32) -> Result<Vec<u8>, ChannelError> {
        let length = u32::try_from(payload.len())
            .map_err(|_| ChannelError::TooLarge { bytes: payload.len() as u64, most: u32::MAX.into() })?;
        let mut head = Vec::with_capacity(GREETING.len() + HEADER);
        if !self.greeted {
            head.extend(GREETING);
            self.greeted = true;
        }
        head.extend(self.sequence.to_le_bytes());
        head.extend(length.to_le_bytes());
        head.extend(flags.to_le_bytes());
        self.sequence = self.sequence.wrapping_add(1);
        Ok(head)
    }
}

/// Reads the frames of one direction. What came with a frame and belongs to the next one is kept for it, so a small frame
/// takes one call of the kernel.
#[derive(Debug)]
pub struct Reader {
    part: Part,
    /// Room for greetings, headers, and the small payloads that come with them.
    ahead: Vec<u8>,
    /// The bytes of `ahead` that came and are not read yet.
    unread: Range<usize>,
    sequence: u64,
    /// Whether descriptors come another way than frames.
    apart: bool,
    /// The descriptor that came last, until its header is read.
    descriptor: Option<OwnedFd>,
    /// The descriptor of the frame in progress.
    announced: Option<OwnedFd>,
    /// Whether that is a pipe.
    is_pipe: bool,
    payload: Vec<u8>,
    /// Bytes of `payload` that were read.
    came: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Greeting,
    Header,
    /// The descriptor of a frame whose header was read, where it comes another way; with the bytes of the payload.
    Descriptor(usize),
    /// With the bytes of the whole payload.
    Payload(usize),
}

impl Default for Reader {
    fn default() -> Self {
        Reader {
            part: Part::Greeting,
            ahead: vec![0; AHEAD],
            unread: 0..0,
            sequence: 0,
            apart: false,
            descriptor: None,
            announced: None,
            is_pipe: false,
            payload: Vec::new(),
            came: 0,
        }
    }
}

impl Reader {
    /// Room for the next bytes; empty only where it needs a descriptor first. Whoever asks has called [`Reader::next`] before.
    pub fn space(&mut self) -> &mut [u8] {
        match self.part {
            Part::Greeting | Part::Header => {
                // What is there is less than a header.
                self.ahead.copy_within(self.unread.clone(), 0);
                self.unread = 0..self.unread.len();
                let greeting = if self.part == Part::Greeting { GREETING.len() } else { 0 };
                // While a descriptor waits for its header, only that is read: more would bring the descriptor of the next one.
                let end = if self.descriptor.is_some() { greeting.saturating_add(HEADER) } else { AHEAD };
                self.ahead.get_mut(self.unread.end..end).unwrap_or_default()
            }
            Part::Payload(length) => {
                self.make_room(length);
                self.payload.get_mut(self.came..).unwrap_or_default()
            }
            Part::Descriptor(_) => &mut [],
        }
    }

    /// From now on, descriptors come another way than frames: [`Reader::give`] takes them.
    pub(super) fn descriptors_come_apart(&mut self) {
        self.apart = true;
    }

    /// Whether the next thing it needs is the descriptor of a frame that announced one.
    pub(super) fn needs_descriptor(&self) -> bool {
        matches!(self.part, Part::Descriptor(_))
    }

    /// Takes the descriptor that it needs.
    pub(super) fn give(&mut self, descriptor: OwnedFd) {
        if let Part::Descriptor(length) = self.part {
            self.announced = Some(descriptor);
            (self.part, self.came) = (Part::Payload(length), 0);
        }
    }

    /// Makes room for the next bytes of a payload: at most twice what came, and one piece.
    fn make_room(&mut self, length: usize) {
        let next = length.min(self.came.saturating_mul(2).max(self.came.saturating_add(PIECE)));
        if self.payload.len() < next {
            self.payload.reserve_exact(next.saturating_sub(self.payload.len()));
            self.payload.resize(next, 0);
        }
    }

    /// Bytes of memory that the payload in progress has.
    pub fn memory_bytes(&self) -> usize {
        self.payload.capacity()
    }

    /// Takes the bytes that were put into the first `count` bytes of [`Reader::space`], and a descriptor that came with
    /// them. Returns the frame if it is complete. `most` is the largest payload that is accepted, in bytes.
    ///
    /// # Errors
    /// The frame is too large, or breaks a rule. The reader cannot go on then.
    pub fn advance(
        &mut self,
        count: usize,
        descriptor: Option<OwnedFd>,
        most: usize,
    ) -> Result<Option<Frame>, ChannelError> {
        if let Some(descriptor) = descriptor {
            // It comes with the first byte of what is sent: the header, or the greeting before it.
            let is_expected = matches!(self.part, Part::Greeting | Part::Header) && !self.apart;
            if !is_expected || self.descriptor.replace(descriptor).is_some() {
                return Err(UNANNOUNCED);
            }
        }
        match self.part {
            Part::Payload(_) => self.came = self.came.saturating_add(count),
            Part::Greeting | Part::Header => self.unread.end = self.unread.end.saturating_add(count).min(AHEAD),
            Part::Descriptor(_) => {}
        }
        self.next(most)
    }

    /// The next frame, if all of it came with an earlier one.
    ///
    /// # Errors
    /// As [`Reader::advance`].
    pub fn next(&mut self, most: usize) -> Result<Option<Frame>, ChannelError> {
        loop {
            match self.part {
                Part::Greeting if self.unread.len() >= GREETING.len() => self.greet()?,
                Part::Header if self.unread.len() >= HEADER => self.header(most)?,
                Part::Greeting | Part::Header | Part::Descriptor(_) => return Ok(None),
                Part::Payload(length) => {
                    self.take_ahead(length);
                    // The kernel ends what it gives with the bytes that a descriptor comes with. So its header is there, or the
                    // beginning of it.
                    if self.unread.is_empty() && self.descriptor.is_some() {
                        return Err(UNANNOUNCED);
                    }
                    return Ok(if self.came >= length { Some(self.complete()) } else { None });
                }
            }
        }
    }

    /// The next `count` bytes that came, which are read with this.
    fn read_ahead(&mut self, count: usize) -> &[u8] {
        let end = self.unread.start.saturating_add(count).min(self.unread.end);
        let read = self.unread.start..end;
        self.unread.start = end;
        self.ahead.get(read).unwrap_or_default()
    }

    /// Moves to the payload what came of it with its header.
    fn take_ahead(&mut self, length: usize) {
        let count = length.saturating_sub(self.came).min(self.unread.len());
        if count == 0 {
            return;
        }
        self.make_room(length);
        let start = self.unread.start;
        let came = self.ahead.get(start..start.saturating_add(count)).unwrap_or_default();
        let end = self.came.saturating_add(came.len());
        if let Some(room) = self.payload.get_mut(self.came..end) {
            room.copy_from_slice(came);
        }
        self.came = end;
        self.unread.start = start.saturating_add(count);
    }

    fn greet(&mut self) -> Result<(), ChannelError> {
        let (name, version) = GREETING.split_at_checked(GREETING.len() - 1).unwrap_or_default();
        match self.read_ahead(GREETING.len()).strip_prefix(name) {
            None => return Err(ChannelError::Protocol("the other end does not speak this protocol")),
            Some(other) if other != version => return Err(ChannelError::Protocol("unknown version of the protocol")),
            Some(_) => {}
        }
        self.part = Part::Header;
        Ok(())
    }

    /// Reads the header of the payload that follows.
    fn header(&mut self, most: usize) -> Result<(), ChannelError> {
        let head = self.read_ahead(HEADER);
        let number = |from: usize| head.get(from..from + 4).and_then(|bytes| bytes.try_into().ok());
        let number = |from| u32::from_le_bytes(number(from).unwrap_or_default());
        let sequence = u64::from(number(0)) | u64::from(number(4)) << 32;
        let (length, flags) = (number(8), number(12));
        if sequence != self.sequence {
            return Err(ChannelError::Protocol("a frame is missing or came twice"));
        }
        if ![0, WITH_DESCRIPTOR, WITH_DESCRIPTOR | PIPE].contains(&flags) {
            return Err(ChannelError::Protocol("unknown flag"));
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > most {
            return Err(ChannelError::TooLarge { bytes: length as u64, most: most as u64 });
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.is_pipe = flags & PIPE != 0;
        if self.apart && flags & WITH_DESCRIPTOR != 0 {
            self.part = Part::Descriptor(length);
            return Ok(());
        }
        // One that came may belong to a header that follows: `next` sees whether it does.
        self.announced =
            if flags & WITH_DESCRIPTOR == 0 { None } else { Some(self.descriptor.take().ok_or(UNANNOUNCED)?) };
        (self.part, self.came) = (Part::Payload(length), 0);
        Ok(())
    }

    fn complete(&mut self) -> Frame {
        self.part = Part::Header;
        let is_pipe = std::mem::take(&mut self.is_pipe);
        Frame { payload: std::mem::take(&mut self.payload), descriptor: self.announced.take(), is_pipe }
    }
}
