//! Mail servers that refuse, hang, drip, or close.

use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ansai_notify::channel::Fault;
use ansai_notify::message::Kind;
use serde_json::json;

use crate::fixture::{Scripted, channel, hostile, line, message, send};

/// What a server answers to each command; `close` ends the connection, `hang` answers nothing.
type Answers = &'static [(&'static str, &'static str)];

const FINE: Answers = &[
    ("", "220 mail ESMTP\r\n"),
    ("EHLO", "250-mail\r\n250 8BITMIME\r\n"),
    ("MAIL", "250 2.1.0 Ok\r\n"),
    ("RCPT", "250 2.1.5 Ok\r\n"),
    ("DATA", "354 go on\r\n"),
    (".", "250 2.0.0 Ok: queued as 9F3C\r\n"),
];

fn server(changes: Answers) -> Scripted {
    Scripted::start(move |_, stream| {
        let mut mail = String::new();
        converse(&stream, changes, &mut mail);
        mail
    })
}

fn converse(mut stream: &TcpStream, changes: Answers, received: &mut String) {
    let mut reader = BufReader::new(stream);
    let answer_to = |command: &str| {
        let all = changes.iter().chain(FINE);
        all.clone()
            .find(|(word, _)| *word == command)
            .or_else(|| all.clone().find(|(word, _)| !word.is_empty() && command.starts_with(word)))
            .map_or("502 what?\r\n", |(_, answer)| *answer)
    };
    let mut command = String::new();
    loop {
        let is_in_mail = match answer_to(&command) {
            "close" => return,
            "hang" => {
                // Until the client gives up.
                line(&mut reader);
                return;
            }
            "drip" => {
                for _ in 0..200 {
                    if stream.write_all(b"2").is_err() {
                        return;
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
                return;
            }
            "flood" => {
                let _ = stream.set_write_timeout(Some(Duration::from_secs(5)));
                while stream.write_all(&[b'2'; 65_536]).is_ok() {}
                return;
            }
            answer => {
                if stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
                command == "DATA" && answer.starts_with('3')
            }
        };
        command = line(&mut reader);
        while is_in_mail && command != "." {
            if changes.iter().any(|(word, _)| *word == "within") && received.len() > 2_000 {
                return;
            }
            received.push_str(&command);
            received.push('\n');
            command = line(&mut reader);
            if command.is_empty() && received.ends_with("\n\n\n\n") {
                return;
            }
        }
        if command.is_empty() || command == "QUIT" {
            return;
        }
    }
}

fn settings(port: u16) -> serde_json::Value {
    json!({ "kind": "mail", "from": "ansai <ansai@web1.example.org>", "to": ["ops@example.org", "b@example.org"],
            "server": format!("127.0.0.1:{port}"), "tls": "none" })
}

fn fault(changes: Answers, within: Duration) -> Fault {
    let server = server(changes);
    send(&*channel(settings(server.port)), &message(Kind::Opened), within).unwrap_err()
}

fn kind(fault: &Fault) -> &'static str {
    match fault {
        Fault::Later { .. } => "later",
        Fault::Never { .. } => "never",
        Fault::Unknown { .. } => "unknown",
    }
}

#[test]
fn each_answer_says_whether_to_try_again() {
    let second = Duration::from_secs(5);
    let cases: &[(Answers, &str)] = &[
        (&[("", "421 4.3.2 busy\r\n")], "later"),
        (&[("", "554 5.7.1 go away\r\n")], "later"),
        (&[("", "close")], "later"),
        (&[("", "HTTP/1.1 400 Bad Request\r\n")], "later"),
        (&[("EHLO", "close")], "later"),
        (&[("MAIL", "451 4.3.0 later\r\n")], "later"),
        (&[("MAIL", "550 5.7.1 sender refused\r\n")], "never"),
        (&[("RCPT", "450 4.2.0 greylisted\r\n")], "later"),
        (&[("RCPT", "550 5.1.1 unknown user\r\n")], "never"),
        (&[("RCPT", "close")], "later"),
        (&[("DATA", "452 4.3.1 disk full\r\n")], "later"),
        (&[("DATA", "554 5.6.0 no\r\n")], "never"),
        (&[("DATA", "250 what\r\n")], "later"),
        (&[("DATA", "close")], "later"),
        (&[(".", "451 4.3.0 later\r\n")], "later"),
        (&[(".", "552 5.3.4 too large\r\n")], "never"),
        (&[(".", "close")], "unknown"),
        (&[(".", "2x0 hm\r\n")], "unknown"),
    ];
    for (changes, expected) in cases {
        let fault = fault(changes, second);
        assert_eq!(kind(&fault), *expected, "{changes:?}: {fault}");
    }
}

/// The kernel takes what fits its buffers, so it may only show when the answer is missing.
#[test]
fn closed_within_the_mail_is_never_success() {
    let server = server(&[("within", "")]);
    let mut large = message(Kind::Opened);
    for one in &mut large.notices {
        one.steps[0].names = vec!["x".repeat(900); 20];
        one.timeline = vec![one.timeline[0].clone(); 12];
    }
    large.notices = vec![large.notices[0].clone(); 40];
    let outcome = send(&*channel(settings(server.port)), &large.bounded(), Duration::from_secs(5)).unwrap_err();
    assert!(matches!(kind(&outcome), "later" | "unknown"), "{outcome}");
}

#[test]
fn one_refused_recipient_does_not_keep_the_mail_from_others() {
    let server = server(&[("RCPT TO:<b@example.org>", "550 5.1.1 unknown\u{1b}[31m user\r\n")]);
    let receipt = send(&*channel(settings(server.port)), &message(Kind::Opened), Duration::from_secs(5)).unwrap();
    assert!(receipt.answer.starts_with("250 2.0.0 Ok: queued as 9F3C; refused: b@example.org"), "{receipt:?}");
    assert!(!receipt.answer.contains('\u{1b}'));
}

/// Would break: a time limit for each read. A server that sends a byte now and then would hold the thread for days.
#[test]
fn servers_that_hang_or_drip_are_left_in_time() {
    let cases: [(Answers, &str); 4] = [
        (&[("", "hang")], "later"),
        (&[("", "drip")], "later"),
        (&[("EHLO", "drip")], "later"),
        (&[(".", "hang")], "unknown"),
    ];
    for (changes, expected) in cases {
        let began = Instant::now();
        let fault = fault(changes, Duration::from_millis(600));
        assert_eq!(kind(&fault), expected, "{changes:?}: {fault}");
        assert!(began.elapsed() < Duration::from_secs(3), "{changes:?}");
    }
}

/// Would break: a client that reads a line to its end. A server could fill the memory.
#[test]
fn a_server_that_floods_is_left() {
    let fault = fault(&[("EHLO", "flood")], Duration::from_secs(5));
    assert!(fault.to_string().contains("too long"), "{fault}");
}

#[test]
fn stopping_ends_an_attempt() {
    let server = server(&[("", "hang")]);
    let began = Instant::now();
    let deadline = ansai_notify::channel::Deadline {
        within: Duration::from_secs(60),
        is_stopping: &|| began.elapsed() > Duration::from_millis(300),
    };
    let fault = channel(settings(server.port)).send(&message(Kind::Test), deadline).unwrap_err();
    assert!(fault.to_string().contains("stopping"), "{fault}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_hostile_message_is_one_mail_with_its_own_headers() {
    let server = server(&[]);
    let mail = channel(settings(server.port));
    send(&*mail, &hostile(), Duration::from_secs(5)).unwrap();
    send(&*mail, &hostile(), Duration::from_secs(5)).unwrap();
    let mails = loop {
        let all = server.received.lock().unwrap().clone();
        if all.len() == 2 {
            break all;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(mails[0], mails[1], "a second attempt sends the same mail");
    let (head, body) = mails[0].split_once("\n\n").unwrap();
    let names: Vec<&str> = head
        .lines()
        .filter(|line| !line.starts_with([' ', '\t']))
        .filter_map(|line| line.split_once(':').map(|(name, _)| name))
        .collect();
    for name in &names {
        let known = [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "In-Reply-To",
            "References",
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
            "MIME-Version",
            "Content-Type",
        ];
        assert!(known.contains(name), "{name}: {head}");
    }
    assert!(mails[0].is_ascii() && mails[0].lines().all(|line| line.len() <= 998), "{head}");
    assert!(body.contains("text/plain; charset=utf-8") && body.contains("text/html; charset=utf-8"), "{body}");
}

#[test]
fn a_server_elsewhere_is_never_reached_in_the_clear() {
    let settings = json!({ "kind": "mail", "from": "a@example.org", "to": ["b@example.org"],
                           "server": "192.0.2.1:25", "tls": "none" });
    let settings = serde_json::from_value(settings).unwrap();
    let problem =
        ansai_notify::channel::open(&settings, &ansai_notify::channel::Surroundings::default()).err().unwrap();
    assert_eq!((problem.key, problem.code.word()), ("tls", "channel-settings"));
}
