//! Syslog and the journal.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use ansai_notify::channel::Fault;
use ansai_notify::message::Kind;
use serde_json::json;

use crate::fixture::{Place, channel, hostile, message, send};

const LIMIT: Duration = Duration::from_secs(2);

fn receive(socket: &UnixDatagram) -> Vec<u8> {
    let mut bytes = vec![0; 1 << 20];
    let count = socket.recv(&mut bytes).unwrap();
    bytes.truncate(count);
    bytes
}

#[test]
fn syslog_gets_one_line() {
    let place = Place::new();
    let path = place.path().join("log");
    let socket = UnixDatagram::bind(&path).unwrap();
    let syslog = channel(json!({ "kind": "syslog", "socket": path }));
    send(&*syslog, &message(Kind::Healed), LIMIT).unwrap();
    assert_eq!(
        String::from_utf8(receive(&socket)).unwrap(),
        "<29>1 2026-11-21T03:02:43Z web1 ansai - healed - [ansai] web1: RESOLVED disk /var (healed in 41 s): \
         /var is 93.7 % full: 1.20 GiB available. (incident disk-space//var/1795230122000)"
    );
    send(&*syslog, &hostile(), LIMIT).unwrap();
    let line = String::from_utf8(receive(&socket)).unwrap();
    assert!(!line.contains(char::is_control) && line.len() <= 2_000, "{line}");
    drop(socket);
    assert!(matches!(send(&*syslog, &message(Kind::Healed), LIMIT), Err(Fault::Later { .. })));
}

/// Would break: a write that waits for a daemon that has stopped reading.
#[test]
fn a_daemon_that_does_not_read_is_left_in_time() {
    let place = Place::new();
    let path = place.path().join("log");
    let _socket = UnixDatagram::bind(&path).unwrap();
    let syslog = channel(json!({ "kind": "syslog", "socket": path }));
    let mut outcome = Ok(());
    for _ in 0..2_000 {
        outcome = send(&*syslog, &message(Kind::Healed), Duration::from_millis(200)).map(drop);
        if outcome.is_err() {
            break;
        }
    }
    assert!(matches!(outcome, Err(Fault::Later { .. })), "{outcome:?}");
}

#[test]
fn the_journal_gets_fields_that_cannot_begin_others() {
    let place = Place::new();
    let path = place.path().join("journal");
    let socket = UnixDatagram::bind(&path).unwrap();
    let journal = channel(json!({ "kind": "journal", "socket": path }));
    for message in [message(Kind::Escalated), hostile()] {
        send(&*journal, &message, LIMIT).unwrap();
        let entry = receive(&socket);
        let mut rest = entry.as_slice();
        let mut names = Vec::new();
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
            names.push(std::str::from_utf8(&rest[..end]).unwrap().to_owned());
            let length = u64::from_le_bytes(rest[end + 1..end + 9].try_into().unwrap()) as usize;
            assert_eq!(rest[end + 9 + length], b'\n');
            rest = &rest[end + 10 + length..];
        }
        let expected = [
            "MESSAGE",
            "PRIORITY",
            "SYSLOG_IDENTIFIER",
            "ANSAI_MESSAGE",
            "ANSAI_KIND",
            "ANSAI_INSTANCE",
            "ANSAI_INCIDENT",
        ];
        assert_eq!(names, expected);
    }
}
