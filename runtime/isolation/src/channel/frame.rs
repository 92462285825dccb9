//! The format of frames, without any input or output.

use std::os::fd::OwnedFd;

use super::ChannelError;

/// What each direction begins with: a name and the version of the protocol.
pub const GREETING: [u8; 8] = *b"ansaich\x01";
/// Bytes of a header.
pub const HEADER: usize = 16;
/// Flag of a header: one descriptor comes with it.
pub const WITH_DESCRIPTOR: u32 = 1;
/// The payload is read in pieces of at least this many bytes, if it has so many.
const PIECE: usize = 64 << 10;

/// A message.
#[derive(Debug)]
pub struct Frame {
    /// Its content.
    pub payload: Vec<u8>,
    /// The descriptor that came with it.
    pub descriptor: Option<OwnedFd>,
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
    pub fn head(&mut self, payload: &[u8], with_descriptor: bool) -> Result<Vec<u8>, ChannelError> {
        let length = u32::try_from(payload.len())
            .map_err(|_| ChannelError::TooLarge { bytes: payload.len() as u64, most: u32::MAX.into() })?;
        let mut head = Vec::with_capacity(GREETING.len() + HEADER);
        if !self.greeted {
            head.extend(GREETING);
            self.greeted = true;
        }
        head.extend(self.sequence.to_le_bytes());
        head.extend(length.to_le_bytes());
        head.extend(if with_descriptor { WITH_DESCRIPTOR } else { 0 }.to_le_bytes());
        self.sequence = self.sequence.wrapping_add(1);
        Ok(head)
    }
}

/// Reads the frames of one direction. It asks for bytes of the frame in progress only, so that a descriptor belongs to the
/// frame that it came with.
#[derive(Debug)]
pub struct Reader {
    part: Part,
    /// Bytes of `head` that were read.
    filled: usize,
    head: [u8; HEADER],
    sequence: u64,
    descriptor: Option<OwnedFd>,
    payload: Vec<u8>,
    /// Bytes of `payload` that were read.
    came: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Greeting,
    Header,
    /// With the bytes of the whole payload.
    Payload(usize),
}

impl Default for Reader {
    fn default() -> Self {
        Reader {
            part: Part::Greeting,
            filled: 0,
            head: [0; HEADER],
            sequence: 0,
            descriptor: None,
            payload: Vec::new(),
            came: 0,
        }
    }
}

impl Reader {
    /// Room for the next bytes; never empty.
    pub fn space(&mut self) -> &mut [u8] {
        match self.part {
            Part::Greeting => self.head.get_mut(self.filled..GREETING.len()).unwrap_or_default(),
            Part::Header => self.head.get_mut(self.filled..).unwrap_or_default(),
            Part::Payload(length) => {
                // At most twice what came, and one piece.
                let next = length.min(self.came.saturating_mul(2).max(self.came.saturating_add(PIECE)));
                if self.payload.len() < next {
                    self.payload.reserve_exact(next.saturating_sub(self.payload.len()));
                    self.payload.resize(next, 0);
                }
                self.payload.get_mut(self.came..).unwrap_or_default()
            }
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
            let is_expected = matches!(self.part, Part::Greeting | Part::Header);
            if !is_expected || self.descriptor.replace(descriptor).is_some() {
                return Err(ChannelError::Protocol("a descriptor that no header announces"));
            }
        }
        match self.part {
            Part::Payload(_) => self.came = self.came.saturating_add(count),
            Part::Greeting | Part::Header => self.filled = self.filled.saturating_add(count),
        }
        match self.part {
            Part::Greeting if self.filled >= GREETING.len() => {
                self.greet()?;
                Ok(None)
            }
            Part::Header if self.filled >= HEADER => {
                let length = self.header(most)?;
                Ok(if length == 0 { self.complete() } else { None })
            }
            Part::Payload(length) if self.came >= length => Ok(self.complete()),
            Part::Greeting | Part::Header | Part::Payload(_) => Ok(None),
        }
    }

    fn greet(&mut self) -> Result<(), ChannelError> {
        let (name, version) = GREETING.split_at_checked(GREETING.len() - 1).unwrap_or_default();
        let came = self.head.get(..GREETING.len()).unwrap_or_default();
        match came.strip_prefix(name) {
            None => return Err(ChannelError::Protocol("the other end does not speak this protocol")),
            Some(other) if other != version => return Err(ChannelError::Protocol("unknown version of the protocol")),
            Some(_) => {}
        }
        (self.part, self.filled) = (Part::Header, 0);
        Ok(())
    }

    /// The length of the payload that follows.
    fn header(&mut self, most: usize) -> Result<usize, ChannelError> {
        let number = |from: usize| self.head.get(from..from + 4).and_then(|bytes| bytes.try_into().ok());
        let number = |from| u32::from_le_bytes(number(from).unwrap_or_default());
        let sequence = u64::from(number(0)) | u64::from(number(4)) << 32;
        let (length, flags) = (number(8), number(12));
        if sequence != self.sequence {
            return Err(ChannelError::Protocol("a frame is missing or came twice"));
        }
        if flags & !WITH_DESCRIPTOR != 0 {
            return Err(ChannelError::Protocol("unknown flag"));
        }
        if (flags & WITH_DESCRIPTOR != 0) != self.descriptor.is_some() {
            return Err(ChannelError::Protocol("a descriptor is missing, or no header announces it"));
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > most {
            return Err(ChannelError::TooLarge { bytes: length as u64, most: most as u64 });
        }
        self.sequence = self.sequence.wrapping_add(1);
        (self.part, self.filled, self.came) = (Part::Payload(length), 0, 0);
        Ok(length)
    }

    fn complete(&mut self) -> Option<Frame> {
        self.part = Part::Header;
        Some(Frame { payload: std::mem::take(&mut self.payload), descriptor: self.descriptor.take() })
    }
}
