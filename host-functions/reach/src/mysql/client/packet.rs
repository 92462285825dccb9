//! Packets of the protocol of MySQL: a length of three bytes, a number, the content. A server sends no more than is allowed.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use crate::postgresql::client::connect::Socket;

/// The longest content of one packet. Longer contents are split, which no reply of ours needs.
const MOST: usize = 0xff_ffff;

/// A connection, packet by packet.
pub(super) struct Packets {
    stream: BufReader<Socket>,
    /// How many bytes may still come.
    left: usize,
    /// The number of the next packet.
    number: u8,
}

impl Packets {
    pub(super) fn new(socket: Socket, left: usize) -> Packets {
        Packets { stream: BufReader::with_capacity(16 << 10, socket), left, number: 0 }
    }

    /// Begins a command, whose reply has at most this many bytes.
    pub(super) fn begin(&mut self, left: usize) {
        self.left = left;
        self.number = 0;
    }

    /// The socket, for TLS to begin on it.
    ///
    /// # Errors
    /// The server has sent something already that would be taken for a part of what is encrypted.
    pub(super) fn into_socket(self) -> io::Result<Socket> {
        match self.stream.buffer().is_empty() {
            true => Ok(self.stream.into_inner()),
            false => Err(invalid("the server sends before it is asked")),
        }
    }

    /// Goes on, on another socket, in the same login.
    pub(super) fn on(socket: Socket, left: usize, number: u8) -> Packets {
        Packets { number, ..Packets::new(socket, left) }
    }

    /// The content of the next packet.
    ///
    /// # Errors
    /// Of the socket; or the server sends more than is expected, or packets out of order.
    pub(super) async fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head).await?;
        let [first, second, third, number] = head;
        let length = u32::from_le_bytes([first, second, third, 0]) as usize;
        if number != self.number {
            return Err(invalid("packets of the server are out of order"));
        }
        self.number = number.wrapping_add(1);
        let taken = length.saturating_add(head.len());
        self.left = self
            .left
            .checked_sub(taken)
            .filter(|_| length < MOST)
            .ok_or_else(|| io::Error::other("the server sends more than is expected"))?;
        let mut content = vec![0; length];
        self.stream.read_exact(&mut content).await?;
        Ok(content)
    }

    /// Sends one packet.
    ///
    /// # Errors
    /// Of the socket; or the content is too long.
    pub(super) async fn write(&mut self, content: &[u8]) -> io::Result<()> {
        let length = u32::try_from(content.len()).ok().filter(|length| (*length as usize) < MOST);
        let length = length.ok_or_else(|| invalid("a statement is too long"))?;
        let [first, second, third, _] = length.to_le_bytes();
        let mut packet = vec![first, second, third, self.number];
        packet.extend_from_slice(content);
        self.number = self.number.wrapping_add(1);
        self.stream.write_all(&packet).await?;
        self.stream.flush().await
    }

    /// How many bytes may still come, and the number of the next packet.
    pub(super) fn state(&self) -> (usize, u8) {
        (self.left, self.number)
    }
}

/// A reply that is not as documented.
pub(super) fn invalid(why: &'static str) -> io::Error {
    io::Error::other(why)
}

/// Reads the content of a packet from its begin. `None` if it is too short.
pub(super) struct Content<'a>(pub(super) &'a [u8]);

impl<'a> Content<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A number of up to eight bytes, the lowest first.
    pub(super) fn number(&mut self, bytes: usize) -> Option<u64> {
        let mut whole = [0; 8];
        whole.get_mut(..bytes)?.copy_from_slice(self.take(bytes)?);
        Some(u64::from_le_bytes(whole))
    }

    /// A number in as many bytes as its first one says.
    pub(super) fn length(&mut self) -> Option<u64> {
        match self.byte()? {
            0xfc => self.number(2),
            0xfd => self.number(3),
            0xfe => self.number(8),
            0xfb | 0xff => None,
            small => Some(small.into()),
        }
    }

    /// Bytes after their length.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        self.take(usize::try_from(length).ok()?)
    }

    /// Bytes up to a zero, or to the end.
    pub(super) fn until_zero(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0);
        let text = self.0.get(..end.unwrap_or(self.0.len())).unwrap_or_default();
        self.0 = end.and_then(|end| self.0.get(end.saturating_add(1)..)).unwrap_or_default();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_end_where_they_say() {
        let mut content = Content(b"\x05\xfc\x01\x02\xfd\x01\x00\x00\xfe\x01\0\0\0\0\0\0\0ab\0c");
        assert_eq!([(); 4].map(|()| content.length()), [Some(5), Some(0x201), Some(1), Some(1)]);
        assert_eq!(
            (content.until_zero(), content.until_zero(), content.until_zero()),
            (&b"ab"[..], &b"c"[..], &b""[..])
        );
        for short in [&b""[..], b"\xfc\x01", b"\xfe\x01\0\0\0\0\0\0", b"\x05abcd", b"\xfb", b"\xff"] {
            assert_eq!(Content(short).bytes(), None, "{short:?}");
        }
        let huge = [&[0xfe][..], &u64::MAX.to_le_bytes(), b"x"].concat();
        assert_eq!(Content(&huge).bytes(), None);
        assert_eq!(Content(b"abc").number(9), None);
    }
}
