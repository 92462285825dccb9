//! What a server may send: not more than expected, and during the login no demand for the password itself, or its MD5.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// How many bytes may still come. A call sets it.
pub(super) type Allowance = Arc<AtomicUsize>;

/// A connection whose input is examined.
pub(super) struct Guarded<S> {
    inner: S,
    allowance: Allowance,
    login: Option<Login>,
}

impl<S> Guarded<S> {
    /// A connection on which the login follows. `is_private` says that nobody but the right server can read.
    pub(super) fn new(inner: S, allowance: Allowance, is_private: bool) -> Self {
        Guarded { inner, allowance, login: Some(Login { is_private, ..Login::default() }) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let this = &mut *self;
        std::task::ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        let new = buf.filled().get(before..).unwrap_or_default();
        let is_enough = |left: usize| left.checked_sub(new.len());
        if this.allowance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_enough).is_err() {
            return Poll::Ready(Err(io::Error::other("the server sends more than is expected")));
        }
        if let Some(login) = &mut this.login
            && login.read(new)?
        {
            this.login = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// The host verifies the name of the server; SCRAM is not bound to the channel besides.
impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Guarded<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

/// Beyond this, SCRAM takes seconds; PostgreSQL uses 4,096.
const MOST_ITERATIONS: u64 = 1_000_000;
/// No message of a login is longer, except an error.
const MOST_KEPT: usize = 4_096;
const OK: u32 = 0;
const CLEAR_TEXT: u32 = 3;
const MD5: u32 = 5;
const SASL_CONTINUE: u32 = 11;

/// The messages of a login so far.
#[derive(Default)]
struct Login {
    is_private: bool,
    /// The begin of the message that arrives: its kind, its length (4 bytes), its content.
    kept: Vec<u8>,
    /// How much of it was read.
    read: usize,
}

impl Login {
    /// Whether the login is over.
    fn read(&mut self, bytes: &[u8]) -> io::Result<bool> {
        for byte in bytes {
            self.read = self.read.saturating_add(1);
            if self.kept.len() < MOST_KEPT {
                self.kept.push(*byte);
            }
            let Some(length) = number(&self.kept, 1) else { continue };
            // The length does not count the kind.
            if self.read > length as usize {
                let is_over = self.check()?;
                self.kept.clear();
                self.read = 0;
                if is_over {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Checks a whole message.
    fn check(&self) -> io::Result<bool> {
        if self.kept.first() != Some(&b'R') {
            return Ok(false);
        }
        match number(&self.kept, 5) {
            Some(OK) => Ok(true),
            Some(CLEAR_TEXT) if !self.is_private => {
                Err(io::Error::other("the server asks for the password in clear text, without TLS"))
            }
            Some(MD5) if !self.is_private => {
                Err(io::Error::other("the server asks for the MD5 of the password, without TLS"))
            }
            Some(SASL_CONTINUE) if self.iterations() > MOST_ITERATIONS => {
                Err(io::Error::other("the server asks for too many iterations of SCRAM"))
            }
            _ => Ok(false),
        }
    }

    /// `i=4096` of `r=…,s=…,i=4096`.
    fn iterations(&self) -> u64 {
        let content = self.kept.get(9..).unwrap_or_default();
        let iterations = content.split(|byte| *byte == b',').find_map(|part| part.strip_prefix(b"i="));
        let number = iterations.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        number.unwrap_or(u64::MAX)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len() + 4).unwrap_or(0).to_be_bytes();
        [&[kind][..], &length, content].concat()
    }

    fn demand(code: u32, content: &str) -> Vec<u8> {
        message(b'R', &[&code.to_be_bytes(), content.as_bytes()].concat())
    }

    /// However the bytes are cut.
    fn read(bytes: &[u8], is_private: bool) -> Option<bool> {
        let whole = Login { is_private, ..Login::default() }.read(bytes).ok();
        let mut login = Login { is_private, ..Login::default() };
        let mut one_by_one = Some(false);
        for byte in bytes {
            match login.read(&[*byte]) {
                Ok(is_over) => one_by_one = Some(is_over),
                Err(_) => one_by_one = None,
            }
            if one_by_one != Some(false) {
                break;
            }
        }
        assert_eq!(whole, one_by_one);
        whole
    }

    #[test]
    fn a_password_is_not_sent_in_clear_text_to_whoever_asks() {
        let notice = message(b'N', b"hello\0");
        assert_eq!(read(&demand(CLEAR_TEXT, ""), false), None);
        assert_eq!(read(&[notice.clone(), demand(CLEAR_TEXT, "")].concat(), false), None);
        assert_eq!(read(&demand(CLEAR_TEXT, ""), true), Some(false));
        assert_eq!([false, true].map(|is_private| read(&demand(MD5, "salt"), is_private)), [None, Some(false)]);
        assert_eq!(read(&[notice, demand(OK, "")].concat(), false), Some(true));
        assert_eq!(read(&[demand(OK, ""), demand(CLEAR_TEXT, "")].concat(), false), Some(true), "it is over");
    }

    #[test]
    fn a_login_does_not_compute_for_minutes() {
        let scram = |iterations: &str| demand(SASL_CONTINUE, &format!("r=abc,s=c2FsdA==,i={iterations}"));
        assert_eq!(read(&scram("4096"), false), Some(false));
        for hostile in ["4294967295", "1000001", "99999999999999999999999", "x", ""] {
            assert_eq!(read(&scram(hostile), true), None, "{hostile}");
        }
        assert_eq!(read(&demand(SASL_CONTINUE, "r=abc"), true), None);
        assert_eq!(read(&demand(SASL_CONTINUE, &"x".repeat(MOST_KEPT * 2)), true), None);
    }
}
