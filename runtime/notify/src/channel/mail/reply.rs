//! Replies of a mail server (RFC 5321, section 4.2).

use std::io::{self, Read};

/// Longest line of a reply, in bytes. The standard has 512; some servers send more.
const MOST_LINE: usize = 4_096;
/// Most lines of a reply.
const MOST_LINES: usize = 128;

/// A reply: its code, and the text of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// Whether the server did what it was asked, or waits for more.
    pub(super) fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// Whether the server would refuse the same again.
    pub(super) fn is_permanent(&self) -> bool {
        (500..600).contains(&self.code)
    }

    /// What follows a keyword in the answer to EHLO; keywords have no case.
    pub(super) fn extension(&self, keyword: &str) -> Option<&str> {
        self.lines.iter().skip(1).find_map(|line| {
            let (word, rest) = line.split_once([' ', '=']).unwrap_or((line, ""));
            word.eq_ignore_ascii_case(keyword).then_some(rest)
        })
    }
}

/// `250 2.0.0 Ok: queued as 9F3C`.
impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.lines.join(" "))
    }
}

/// Bytes of the server that no reply has used yet.
#[derive(Default)]
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    /// Whether the server has said more than it was asked.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads one reply.
    pub(super) fn reply(&mut self, from: &mut dyn Read) -> io::Result<Reply> {
        let mut lines = Vec::new();
        let mut first = None;
        while lines.len() < MOST_LINES {
            let line = self.line(from)?;
            let invalid = || wrong("the answer is not SMTP");
            let (digits, rest) = line.split_at_checked(3).ok_or_else(invalid)?;
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            let code: u16 =
                digits.parse().ok().filter(|code| is_number && (200..600).contains(code)).ok_or_else(invalid)?;
            if *first.get_or_insert(code) != code {
                return Err(invalid());
            }
            let (is_last, text) = match rest.as_bytes().first() {
                None => (true, ""),
                Some(b' ') => (true, rest.get(1..).unwrap_or_default()),
                Some(b'-') => (false, rest.get(1..).unwrap_or_default()),
                Some(_) => return Err(invalid()),
            };
            lines.push(text.to_owned());
            if is_last {
                return Ok(Reply { code, lines });
            }
        }
        Err(wrong("the answer has too many lines"))
    }

    /// Reads one line, without its end.
    fn line(&mut self, from: &mut dyn Read) -> io::Result<String> {
        let mut part = [0; 1024];
        loop {
            if let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.0.drain(..=end).collect();
                let line = line.strip_suffix(b"\n").unwrap_or(&line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                return Ok(String::from_utf8_lossy(line).into_owned());
            }
            if self.0.len() > MOST_LINE {
                return Err(wrong("a line of the answer is too long"));
            }
            match from.read(&mut part)? {
                0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")),
                count => self.0.extend_from_slice(part.get(..count).unwrap_or_default()),
            }
        }
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(bytes: &[u8]) -> io::Result<Reply> {
        Buffer::default().reply(&mut &bytes[..])
    }

    #[test]
    fn replies_of_one_and_several_lines() {
        let ehlo = read(b"250-mail.example.org\r\n250-SIZE 1000\r\n250-auth=PLAIN LOGIN\r\n250 StartTLS\r\n").unwrap();
        assert_eq!((ehlo.code, ehlo.lines.len()), (250, 4));
        assert_eq!(ehlo.extension("AUTH"), Some("PLAIN LOGIN"));
        assert_eq!((ehlo.extension("STARTTLS"), ehlo.extension("SMTPUTF8")), (Some(""), None));
        assert_eq!(read(b"354\n").unwrap(), Reply { code: 354, lines: vec![String::new()] });
        assert!(read(b"550 5.1.1 no\r\n").unwrap().is_permanent());
    }

    /// Would break: a client that waits for the end of a line, or looks for a word in a line of blanks.
    #[test]
    fn hostile_replies_are_errors() {
        let endless = vec![b'2'; 2 << 20];
        let many = b"250-x\r\n".repeat(10_000);
        for bytes in [
            &b"hello\r\n"[..],
            b"25\r\n",
            b"250_x\r\n",
            b"+50 x\r\n",
            b"999 x\r\n",
            b"250-a\r\n550 b\r\n",
            &endless,
            &many,
        ] {
            assert_eq!(read(bytes).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
        assert_eq!(read(b"250-a\r\n").unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let blank = read(b"250-mail\r\n250-   \r\n250 \xff\xfe\r\n").unwrap();
        assert_eq!(blank.extension("STARTTLS"), None);
    }
}
