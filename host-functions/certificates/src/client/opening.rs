//! What is said before TLS begins. Only what is needed, and nothing that the server would log as a login.

use ansai_core::Refusal;

use super::Opening;
use super::stream::{Stream, shown};

/// The longest greeting of a database, and of an answer of LDAP.
const LONGEST_PACKET: usize = 4_096;

pub(super) fn open(opening: Opening, stream: &mut Stream) -> Result<(), Refusal> {
    match opening {
        Opening::Tls => Ok(()),
        Opening::Smtp => smtp(stream),
        Opening::Imap => imap(stream),
        Opening::Pop3 => pop3(stream),
        Opening::Ldap => ldap(stream),
        Opening::Postgresql => postgresql(stream),
        Opening::Mysql => mysql(stream),
    }
}

fn unexpected(protocol: &str, answer: &str) -> Refusal {
    Refusal::Invalid(format!("it does not answer as {protocol}: `{}`", shown(answer)))
}

fn no_tls(protocol: &str) -> Refusal {
    Refusal::Unavailable(format!("it offers no TLS over {protocol}"))
}

fn smtp(stream: &mut Stream) -> Result<(), Refusal> {
    let answer = |stream: &mut Stream, code: &str| {
        // `250-` begins a line that others follow.
        let lines = stream.lines(|line| line.as_bytes().get(3) != Some(&b'-'))?;
        match lines.iter().find(|line| !line.starts_with(code)) {
            Some(wrong) => Err(unexpected("SMTP", wrong)),
            None => Ok(lines),
        }
    };
    answer(stream, "220")?;
    stream.send(b"EHLO localhost\r\n")?;
    let offers = answer(stream, "250")?;
    let offers = offers.iter().filter_map(|line| line.get(4..));
    if !offers.into_iter().any(|offer| offer.trim().eq_ignore_ascii_case("STARTTLS")) {
        return Err(no_tls("SMTP"));
    }
    stream.send(b"STARTTLS\r\n")?;
    answer(stream, "220").map(drop)
}

fn imap(stream: &mut Stream) -> Result<(), Refusal> {
    let greeting = stream.line()?;
    if !starts_with(&greeting, "* OK") {
        return Err(unexpected("IMAP", &greeting));
    }
    stream.send(b"a STARTTLS\r\n")?;
    let lines = stream.lines(|line| starts_with(line, "a "))?;
    match lines.last() {
        Some(last) if starts_with(last, "a OK") => Ok(()),
        _ => Err(no_tls("IMAP")),
    }
}

fn pop3(stream: &mut Stream) -> Result<(), Refusal> {
    let greeting = stream.line()?;
    if !starts_with(&greeting, "+OK") {
        return Err(unexpected("POP3", &greeting));
    }
    stream.send(b"STLS\r\n")?;
    match starts_with(&stream.line()?, "+OK") {
        true => Ok(()),
        false => Err(no_tls("POP3")),
    }
}

fn starts_with(line: &str, beginning: &str) -> bool {
    line.get(..beginning.len()).is_some_and(|found| found.eq_ignore_ascii_case(beginning))
}

/// The extended request StartTLS (RFC 4511, section 4.14), message 1.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

fn ldap(stream: &mut Stream) -> Result<(), Refusal> {
    stream.send(START_TLS)?;
    let [tag, length] = stream.receive()?;
    if tag != 0x30 {
        return Err(Refusal::Invalid("it does not answer as LDAP".into()));
    }
    let length = match length {
        short if short < 0x80 => usize::from(short),
        0x81 => usize::from(stream.receive::<1>()?[0]),
        0x82 => usize::from(u16::from_be_bytes(stream.receive()?)),
        0x84 => usize::try_from(u32::from_be_bytes(stream.receive()?)).unwrap_or(usize::MAX),
        _ => return Err(Refusal::Invalid("it does not answer as LDAP".into())),
    };
    let answer = stream.receive_some(length, LONGEST_PACKET)?;
    // The message id, then the extended response `78`, whose first element is the result code `0a 01 NN`.
    let code = answer.strip_prefix(b"\x02\x01\x01\x78").and_then(|rest| {
        let lengths = match rest.first()? {
            short if *short < 0x80 => 1,
            long => 1 + usize::from(long & 0x7f),
        };
        rest.get(lengths..)?.strip_prefix(b"\x0a\x01")?.first()
    });
    match code {
        Some(0) => Ok(()),
        Some(_) => Err(no_tls("LDAP")),
        None => Err(Refusal::Invalid("it does not answer as LDAP".into())),
    }
}

/// `SSLRequest`: eight bytes, the code 80877103.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

fn postgresql(stream: &mut Stream) -> Result<(), Refusal> {
    stream.send(&SSL_REQUEST)?;
    match stream.receive()? {
        [b'S'] => Ok(()),
        [b'N' | b'E'] => Err(no_tls("PostgreSQL")),
        _ => Err(Refusal::Invalid("it does not answer as PostgreSQL".into())),
    }
}

/// Protocol 4.1, TLS, passwords of 4.1: what every server of today has.
const MYSQL_CAPABILITIES: u32 = 0x0200 | 0x0800 | 0x8000;
const MYSQL_TLS: u16 = 0x0800;

fn mysql(stream: &mut Stream) -> Result<(), Refusal> {
    let [a, b, c, sequence] = stream.receive()?;
    let length = usize::try_from(u32::from_le_bytes([a, b, c, 0])).unwrap_or(usize::MAX);
    let greeting = stream.receive_some(length, LONGEST_PACKET)?;
    let invalid = || Refusal::Invalid("it does not answer as MySQL".into());
    match greeting.first() {
        Some(10) => {}
        // Such as `Host … is blocked because of many connection errors`.
        Some(0xff) => {
            let why = String::from_utf8_lossy(greeting.get(3..).unwrap_or_default());
            return Err(Refusal::Unavailable(format!("MySQL refuses the connection: `{}`", shown(&why))));
        }
        _ => return Err(invalid()),
    }
    // The version as text with a zero, 4 bytes of the connection, 8 of a challenge, a zero, 2 of capabilities.
    let after = greeting.iter().position(|byte| *byte == 0).map(|end| end + 1 + 4 + 8 + 1).ok_or_else(invalid)?;
    let capabilities = greeting.get(after..after + 2).and_then(|two| two.try_into().ok()).ok_or_else(invalid)?;
    if u16::from_le_bytes(capabilities) & MYSQL_TLS == 0 {
        return Err(no_tls("MySQL"));
    }
    let mut request = vec![32, 0, 0, sequence.wrapping_add(1)];
    request.extend(MYSQL_CAPABILITIES.to_le_bytes());
    request.extend(0x0100_0000_u32.to_le_bytes());
    // utf8mb4, then 23 zeros.
    request.push(45);
    request.extend([0; 23]);
    stream.send(&request)
}
