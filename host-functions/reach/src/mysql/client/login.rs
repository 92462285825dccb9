//! The login: who ansai is, without giving the password to whoever has the port.

use ring::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use super::error::Failure;
use super::packet::{Content, Packets, invalid};

/// What ansai can do, as bits: long flags, a database, the protocol since 4.1, transactions, long passwords, several results,
/// methods of login, attributes. No files of ansai's host, and no more than one statement at a time.
const ABLE: u32 = 1 | 1 << 3 | 1 << 9 | 1 << 13 | 1 << 15 | 1 << 17 | 1 << 19 | 1 << 20;
const TLS: u32 = 1 << 11;
/// utf8mb4_general_ci, which every version has.
const COLLATION: u8 = 45;
/// Methods that a server may try one after another.
const MOST_METHODS: usize = 4;

const NATIVE: &[u8] = b"mysql_native_password";
const SHA2: &[u8] = b"caching_sha2_password";

/// What a server says first.
pub(super) struct Greeting {
    /// The id of the connection.
    pub(super) id: u64,
    has_tls: bool,
    challenge: Vec<u8>,
    method: Vec<u8>,
}

impl Greeting {
    /// # Errors
    /// It refuses the host of ansai, or is not a MySQL server.
    pub(super) async fn read(packets: &mut Packets) -> Result<Greeting, Failure> {
        let content = packets.read().await?;
        if content.first() == Some(&0xff) {
            return Err(Failure::of_server(&content));
        }
        Greeting::parse(&content).ok_or_else(|| invalid("the server does not speak the protocol of MySQL").into())
    }

    fn parse(content: &[u8]) -> Option<Greeting> {
        let mut content = Content(content);
        if content.byte()? != 10 {
            return None;
        }
        content.until_zero();
        let id = content.number(4)?;
        let mut challenge = content.take(8)?.to_vec();
        content.take(1)?;
        let low = content.number(2)?;
        content.take(3)?;
        let able = low | content.number(2)? << 16;
        content.take(11)?;
        // The rest of the challenge has at least 13 bytes, of which the last is a zero.
        challenge.extend_from_slice(content.take(12)?);
        content.take(1)?;
        let method = content.until_zero().to_vec();
        Some(Greeting { id, has_tls: able & u64::from(TLS) != 0, challenge, method })
    }
}

/// Who logs in.
pub(super) struct Login<'a> {
    pub(super) user: &'a str,
    pub(super) password: &'a [u8],
    pub(super) database: &'a str,
    pub(super) application: &'a str,
    /// With TLS.
    pub(super) is_tls: bool,
    /// With TLS, or on a local socket: nobody but the right server can read.
    pub(super) is_private: bool,
}

/// Asks for TLS, after the greeting.
///
/// # Errors
/// The server has none.
pub(super) async fn ask_for_tls(packets: &mut Packets, greeting: &Greeting) -> Result<(), Failure> {
    if !greeting.has_tls {
        return Err(invalid("the server has no TLS").into());
    }
    packets.write(&head(ABLE | TLS)).await?;
    Ok(())
}

fn head(able: u32) -> Vec<u8> {
    let most_bytes = 1_u32 << 24;
    let mut head = [able.to_le_bytes(), most_bytes.to_le_bytes()].concat();
    head.push(COLLATION);
    head.resize(32, 0);
    head
}

impl Login<'_> {
    /// Answers the greeting, until the server agrees.
    ///
    /// # Errors
    /// The server refuses, or asks for what ansai does not give.
    pub(super) async fn run(&self, packets: &mut Packets, greeting: &Greeting) -> Result<(), Failure> {
        let mut method = greeting.method.clone();
        // A server whose usual method is another one asks to change it.
        let first = answer(&method, self.password, &greeting.challenge).unwrap_or_default();
        packets.write(&self.whole(&method, &first)).await?;
        for _ in 0..MOST_METHODS {
            let content = packets.read().await?;
            match content.first() {
                Some(0x00) => return Ok(()),
                Some(0xff) => return Err(Failure::of_server(&content)),
                Some(0xfe) => {
                    let mut content = Content(content.get(1..).unwrap_or_default());
                    method = content.until_zero().to_vec();
                    let challenge = content.0.strip_suffix(b"\0").unwrap_or(content.0);
                    let unknown = || invalid("the server asks for a method of login that ansai does not have");
                    packets.write(&answer(&method, self.password, challenge).ok_or_else(unknown)?).await?;
                }
                Some(0x01) if method == SHA2 => match content.get(1) {
                    // The server knows the password already, and agrees next.
                    Some(3) => {}
                    Some(4) if self.is_private => packets.write(&[self.password, b"\0"].concat()).await?,
                    Some(4) => return Err(invalid("the server asks for the password itself, without TLS").into()),
                    _ => break,
                },
                _ => break,
            }
        }
        Err(invalid("the login is invalid").into())
    }

    fn whole(&self, method: &[u8], answer: &[u8]) -> Vec<u8> {
        let able = if self.is_tls { ABLE | TLS } else { ABLE };
        let mut whole = head(able);
        whole.extend_from_slice(self.user.as_bytes());
        whole.push(0);
        whole.push(u8::try_from(answer.len()).unwrap_or(0));
        whole.extend_from_slice(answer);
        whole.extend_from_slice(self.database.as_bytes());
        whole.push(0);
        whole.extend_from_slice(method);
        whole.push(0);
        let mut attributes = Vec::new();
        for text in ["program_name", self.application] {
            attributes.push(u8::try_from(text.len()).unwrap_or(0));
            attributes.extend_from_slice(text.as_bytes());
        }
        whole.push(u8::try_from(attributes.len()).unwrap_or(0));
        whole.extend_from_slice(&attributes);
        whole
    }
}

/// What proves that ansai knows the password, without showing it; `None` for a method that would show it, or an unknown one.
fn answer(method: &[u8], password: &[u8], challenge: &[u8]) -> Option<Vec<u8>> {
    let proof = |algorithm: &'static Algorithm, order: fn([&[u8]; 2]) -> Vec<u8>| {
        let hash = |bytes: &[u8]| digest(algorithm, bytes).as_ref().to_vec();
        let once = hash(password);
        let mask = hash(&order([challenge, &hash(&once)]));
        once.iter().zip(mask).map(|(once, mask)| once ^ mask).collect()
    };
    match method {
        NATIVE | SHA2 if password.is_empty() => Some(Vec::new()),
        NATIVE => Some(proof(&SHA1_FOR_LEGACY_USE_ONLY, |parts| parts.concat())),
        SHA2 => Some(proof(&SHA256, |[challenge, twice]| [twice, challenge].concat())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that other clients compute.
    #[test]
    fn the_password_is_proven_and_not_sent() {
        let challenge: Vec<u8> = (1..=20).collect();
        let hex = |method| {
            let proof = answer(method, b"secret", &challenge).unwrap_or_default();
            proof.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        assert_eq!(hex(NATIVE), "b32bb3a583e1340c0a1108d58b1be49781ad8c2f");
        assert_eq!(hex(SHA2), "746ebe205d56a0707acb3e796e834e0dd7b1d61743b26bd5202c7a623230c7c9");
        assert_eq!(answer(NATIVE, b"", &challenge), Some(Vec::new()));
        for shown in [&b"mysql_clear_password"[..], b"mysql_old_password", b"sha256_password", b"dialog", b""] {
            assert_eq!(answer(shown, b"secret", &challenge), None);
        }
    }

    #[test]
    fn what_is_no_greeting_is_refused() {
        let mut good = b"\x0a5.5.5-10.11.6-MariaDB\0\x2a\0\0\0abcdefgh\0\xff\xff\x2d\x02\0\xff\xff\x15".to_vec();
        good.extend_from_slice(&[0; 10]);
        good.extend_from_slice(b"ijklmnopqrst\0mysql_native_password\0");
        let greeting = Greeting::parse(&good);
        let found = greeting.map(|it| (it.id, it.has_tls, it.challenge, it.method));
        assert_eq!(found, Some((42, true, b"abcdefghijklmnopqrst".to_vec(), NATIVE.to_vec())));
        for length in 0..good.len().saturating_sub(NATIVE.len() + 1) {
            assert!(Greeting::parse(good.get(..length).unwrap_or_default()).is_none(), "{length}");
        }
        assert!(Greeting::parse(b"HTTP/1.1 400 Bad Request\r\n").is_none());
    }
}
