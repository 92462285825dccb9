//! What servers present, however they behave.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ansai_certificates::client::{Endpoint, Opening, Presented, is_special, look, permit};
use ansai_core::scope::{Endpoints, TypedField};
use ansai_core::{Refusal, Scope};
use ansai_harness::pki::{Authority, Issued, LONG};
use ansai_harness::tls_server::{Before, TlsServer, at_once, dialogue};

const PATIENT: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

fn ask(server: &TlsServer, opening: Opening, within: Duration) -> Result<Presented, Refusal> {
    let endpoint = Endpoint { address: server.address(), server_name: "a.example".into(), opening };
    look(&endpoint, within, &|_| Ok(()))
}

fn issued() -> Issued {
    Authority::root("Root", LONG).issue(&["a.example"], LONG)
}

fn server(before: Before) -> (TlsServer, Issued) {
    let issued = issued();
    (TlsServer::start(std::slice::from_ref(&issued.der), &issued.key_der, before), issued)
}

/// Waits for these bytes, then says others.
fn packets(expected: &'static [u8], greeting: &'static [u8], answer: &'static [u8]) -> Before {
    Arc::new(move |stream: &mut TcpStream| {
        let mut found = vec![0; expected.len()];
        stream.write_all(greeting).is_ok()
            && stream.read_exact(&mut found).is_ok()
            && found == expected
            && stream.write_all(answer).is_ok()
    })
}

const LDAP: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
const LDAP_YES: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
const POSTGRESQL: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 47];
/// Version 8.0, with TLS.
const MYSQL: &[u8] = b"\x1d\x00\x00\x00\x0a8.0.36\x00\x01\x00\x00\x0012345678\x00\xff\xff\x2d\x02\x00\xff\xdf\x15";
const MYSQL_PLAIN: &[u8] =
    b"\x1d\x00\x00\x00\x0a8.0.36\x00\x01\x00\x00\x0012345678\x00\xff\xf7\x2d\x02\x00\xff\xdf\x15";

#[test]
fn every_opening_leads_to_the_certificate() {
    let mysql: Before = Arc::new(|stream| {
        let mut request = [0; 36];
        stream.write_all(MYSQL).is_ok() && stream.read_exact(&mut request).is_ok() && request[..4] == [32, 0, 0, 1]
    });
    let cases: [(Opening, Before); 7] = [
        (Opening::Tls, at_once()),
        (Opening::Smtp, dialogue(&["220-a\r\n220 b\r\n", "250-b\r\n250-SIZE 1\r\n250 starttls\r\n", "220 go\r\n"])),
        (Opening::Imap, dialogue(&["* OK [CAPABILITY IMAP4rev1]\r\n", "* x\r\na OK go\r\n"])),
        (Opening::Pop3, dialogue(&["+OK a\r\n", "+OK go\r\n"])),
        (Opening::Ldap, packets(LDAP, b"", LDAP_YES)),
        (Opening::Postgresql, packets(POSTGRESQL, b"", b"S")),
        (Opening::Mysql, mysql),
    ];
    for (opening, before) in cases {
        let (server, issued) = server(before);
        let found = ask(&server, opening, PATIENT).unwrap_or_else(|why| panic!("{opening:?}: {why}"));
        assert_eq!(found.certificates[0].as_ref(), issued.der, "{opening:?}");
        assert_eq!((found.has_key, found.protocol), (Some(true), "TLS 1.3"), "{opening:?}");
    }
}

#[test]
fn a_server_without_tls_is_told_from_one_of_another_kind() {
    let no = |opening, before| ask(&server(before).0, opening, PATIENT).unwrap_err().to_string();
    let cases: [(Opening, Before, &str); 14] = [
        (Opening::Smtp, dialogue(&["220 a\r\n", "250 b\r\n"]), "no TLS over SMTP"),
        (Opening::Smtp, dialogue(&["554 password=hunter2 \u{1b}[2J\r\n"]), "does not answer as SMTP"),
        (Opening::Smtp, dialogue(&["220 a\r\n", "250 STARTTLS\r\n", "454 not now\r\n"]), "does not answer as SMTP"),
        (Opening::Imap, dialogue(&["* BYE\r\n"]), "does not answer as IMAP"),
        (Opening::Imap, dialogue(&["* OK\r\n", "a BAD\r\n"]), "no TLS over IMAP"),
        (Opening::Pop3, dialogue(&["+OK\r\n", "-ERR\r\n"]), "no TLS over POP3"),
        (
            Opening::Ldap,
            packets(LDAP, b"", b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"),
            "no TLS over LDAP",
        ),
        (Opening::Ldap, packets(LDAP, b"", b"HTTP/1.1 400"), "does not answer as LDAP"),
        (Opening::Ldap, packets(LDAP, b"", b"\x30\x84\xff\xff\xff\xff"), "4294967295 bytes"),
        (Opening::Postgresql, packets(POSTGRESQL, b"", b"N"), "no TLS over PostgreSQL"),
        (Opening::Postgresql, packets(POSTGRESQL, b"", b"H"), "does not answer as PostgreSQL"),
        (Opening::Mysql, packets(b"", MYSQL_PLAIN, b""), "no TLS over MySQL"),
        (Opening::Mysql, packets(b"", b"\x07\x00\x00\x00\xff\x69\x04Host", b""), "refuses the connection: `Host`"),
        (Opening::Mysql, packets(b"", b"SSH-2.0-OpenSSH\r\n", b""), "bytes, more than"),
    ];
    for (opening, before, expected) in cases {
        let found = no(opening, before);
        assert!(found.contains(expected), "{opening:?}: {found}");
        assert!(!found.contains(['\u{1b}']) && !found.contains("hunter2"), "{found}");
    }
}

/// Sends something until the client has gone.
fn forever(bytes: &'static [u8], pause: Duration) -> Before {
    Arc::new(move |stream| {
        while stream.write_all(bytes).is_ok() {
            std::thread::sleep(pause);
        }
        false
    })
}

#[test]
fn whatever_hangs_or_floods_ends_at_the_deadline() {
    let silent: Before = Arc::new(|stream| {
        let _ = stream.read_exact(&mut [0; 1]);
        std::thread::sleep(PATIENT);
        false
    });
    for opening in
        [Opening::Tls, Opening::Smtp, Opening::Imap, Opening::Pop3, Opening::Ldap, Opening::Postgresql, Opening::Mysql]
    {
        for before in
            [silent.clone(), forever(b".", Duration::from_millis(20)), forever(b"220-x\r\n", Duration::from_millis(5))]
        {
            let (server, _) = server(before);
            let began = Instant::now();
            let why = ask(&server, opening, SHORT).unwrap_err();
            assert!(
                matches!(why, Refusal::TimedOut(_) | Refusal::Invalid(_) | Refusal::Unavailable(_)),
                "{opening:?}: {why}"
            );
            assert!(began.elapsed() < PATIENT, "{opening:?}");
        }
    }
}

#[test]
fn a_flood_of_lines_and_a_chain_of_ten_megabytes_are_refused() {
    let (endless, _) =
        server(forever(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Duration::ZERO));
    let why = ask(&endless, Opening::Smtp, PATIENT).unwrap_err();
    assert!(why.to_string().contains("line of more than"), "{why}");
    let (lines, _) = server(forever(b"220-x\r\n", Duration::ZERO));
    let why = ask(&lines, Opening::Smtp, PATIENT).unwrap_err();
    assert!(why.to_string().contains("more than 100 lines"), "{why}");
    // A handshake message can be 16 MB long by its header.
    let issued = issued();
    let chain = vec![issued.der.clone(); 10 << 20 >> 9];
    let server = TlsServer::start(&chain, &issued.key_der, at_once());
    let why = ask(&server, Opening::Tls, PATIENT).unwrap_err();
    assert!(matches!(why, Refusal::Invalid(_) | Refusal::Unavailable(_)), "{why}");
}

#[test]
fn a_long_chain_is_cut_and_a_server_of_no_kind_is_typed() {
    let issued = issued();
    let server = TlsServer::start(&vec![issued.der.clone(); 100], &issued.key_der, at_once());
    assert_eq!(ask(&server, Opening::Tls, PATIENT).unwrap().certificates.len(), 32);
    for garbage in ["SSH-2.0-OpenSSH_9.2\r\n", "\u{16}\u{3}\u{3}\u{0}\u{0}", "HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let garbage: &'static [u8] = garbage.as_bytes();
        let before: Before = Arc::new(move |stream| {
            let _ = stream.write_all(garbage);
            let _ = stream.read_exact(&mut [0; 4096]);
            false
        });
        let (server, _) = self::server(before);
        let why = ask(&server, Opening::Tls, PATIENT).unwrap_err();
        assert!(matches!(why, Refusal::Invalid(_) | Refusal::Unavailable(_)), "{why}");
    }
    let closed = TlsServer::start(std::slice::from_ref(&issued.der), &issued.key_der, at_once()).address();
    let endpoint = Endpoint { address: closed, server_name: String::new(), opening: Opening::Tls };
    let why = look(&endpoint, PATIENT, &|_| Ok(())).unwrap_err();
    assert!(why.to_string().contains("nothing listens"), "{why}");
}

#[test]
fn special_addresses_are_known_in_every_form() {
    for special in [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "::1",
        "::",
        "fe80::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "2002:a9fe:a9fe::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "::7f00:1",
        "ff02::1",
    ] {
        assert!(is_special(special.parse().unwrap()), "{special}");
    }
    for plain in ["10.0.0.1", "192.168.1.1", "8.8.8.8", "2001:db8::1", "fd00::1", "64:ff9b::808:808", "2002:808:808::1"]
    {
        assert!(!is_special(plain.parse().unwrap()), "{plain}");
    }
    let (server, _) = server(at_once());
    let endpoint = Endpoint { address: server.address(), server_name: String::new(), opening: Opening::Tls };
    let deny = |_: SocketAddr| Err(Refusal::Denied("no".into()));
    assert!(matches!(look(&endpoint, PATIENT, &deny), Err(Refusal::Denied(_))));
}

/// Would break: a name that an attacker lets lead to this machine, or to the metadata of a cloud.
#[test]
fn a_special_address_needs_a_grant_that_names_it() {
    const FIELD: TypedField<Endpoints> = TypedField::set("endpoints", "");
    let permitted = |granted: &str, host: &str, address: &str| {
        let endpoint = Endpoint { address: host.into(), server_name: String::new(), opening: Opening::Tls };
        permit(&Scope::default().with_set(&FIELD, [granted]), &FIELD, &endpoint, address.parse().unwrap())
    };
    for (granted, host, address) in [
        ("127.0.0.1:443", "a.example:443", "127.0.0.1:443"),
        ("127.0.0.1:*", "a.example:443", "[::ffff:127.0.0.1]:443"),
        ("[::1]:443", "[::1]:443", "[::1]:443"),
        ("localhost:443", "localhost:443", "127.0.0.1:443"),
        ("169.254.169.254:80", "169.254.169.254:80", "169.254.169.254:80"),
    ] {
        assert_eq!(permitted(granted, host, address), Ok(()), "{granted} {address}");
    }
    for (granted, host, address) in [
        ("a.example:443", "a.example:443", "127.0.0.1:443"),
        ("*.example:*", "a.example:443", "[::1]:443"),
        ("127.0.0.1:80", "a.example:443", "127.0.0.1:443"),
        ("localhost:80", "localhost:80", "169.254.169.254:80"),
        ("a.example:80", "a.example:80", "169.254.169.254:80"),
    ] {
        let why = permitted(granted, host, address).unwrap_err();
        assert!(matches!(&why, Refusal::Denied(why) if why.contains(address)), "{granted} {address}: {why}");
    }
}

#[test]
fn names_that_are_none_are_refused_before_anything_is_sent() {
    for (address, name) in
        [("a", ""), ("", ""), (":1", ""), ("127.0.0.1:1", "a\0b"), ("127.0.0.1:1", "a b"), ("127.0.0.1:1", "..")]
    {
        let endpoint = Endpoint { address: address.into(), server_name: name.into(), opening: Opening::Tls };
        assert!(matches!(look(&endpoint, PATIENT, &|_| Ok(())), Err(Refusal::Invalid(_))), "{address} {name:?}");
    }
}
