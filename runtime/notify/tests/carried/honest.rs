//! An honest process gives the answers that this process would give.

use std::io::{BufReader, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel as pipe;
use std::time::Instant;

use ansai_harness::until;
use ansai_notify::channel::{Deadline, Fault, Receipt};
use ansai_notify::message::Kind;
use serde_json::{Value, json};

use crate::fixture::{PASSWORD, Place, Scripted, file, line, message, send};
use crate::scene::{LONG, channel, mail, process};

/// A mail server that answers the recipient so. It repeats the login.
fn mail_server(answer: &'static str) -> Scripted {
    Scripted::start(move |_, mut stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut received, mut is_in_mail) = (String::new(), false);
        let mut say = |text: &str| stream.write_all(text.as_bytes());
        say("220 mail\r\n").unwrap();
        loop {
            let command = line(&mut reader);
            received += &format!("{command}\n");
            if is_in_mail && command != "." {
                continue;
            }
            is_in_mail = command == "DATA";
            let is_over = command.is_empty() || command == "QUIT";
            let answered = match command.split(' ').next().unwrap() {
                "EHLO" => say("250-mail\r\n250 AUTH PLAIN\r\n"),
                "AUTH" if answer.starts_with("535") => say(&format!("535 not {command} or {PASSWORD}\r\n")),
                "AUTH" => say("235 ok\r\n"),
                "MAIL" => say("250 ok\r\n"),
                "RCPT" => say(answer),
                "DATA" => say("354 go on\r\n"),
                "." => say("250 2.0.0 Ok: queued as 9F3C\r\n"),
                _ => Ok(()),
            };
            if is_over || answered.is_err() {
                return received;
            }
        }
    })
}

fn kind(sent: &Result<Receipt, Fault>) -> &'static str {
    match sent {
        Ok(_) => "accepted",
        Err(Fault::Later { .. }) => "later",
        Err(Fault::Never { .. }) => "never",
        Err(Fault::Unknown { .. }) => "unknown",
    }
}

/// Would break: an answer that means something else after it crossed, or a secret in it.
pub(crate) fn answers_are_those_of_this_process() {
    let place = Place::new();
    let password = place.write("password", PASSWORD);
    let sends = process("honest", "ops");
    let both = |settings: &Value, expected: &str| {
        let here = send(&*channel(settings.clone(), None), &message(Kind::Opened), LONG);
        let there = send(&*channel(settings.clone(), Some(&sends)), &message(Kind::Opened), LONG);
        assert_eq!(kind(&here), expected, "{here:?}");
        assert_eq!(here, there);
        format!("{there:?}")
    };
    for (answer, expected) in
        [("250 ok\r\n", "accepted"), ("450 later\r\n", "later"), ("550 no\r\n", "never"), ("535", "later")]
    {
        let server = mail_server(answer);
        let mut settings = mail(server.port);
        settings["user"] = "ansai".into();
        settings["secret"] = file(&password);
        let told = both(&settings, expected);
        assert!(!told.contains(PASSWORD), "{told}");
        // The same mail, to the last byte.
        let received = until("both mails", LONG, || {
            let all = server.received.lock().unwrap();
            (all.len() == 2).then(|| all.clone())
        });
        assert_eq!(received[0], received[1]);
    }
    for (status, expected) in [("204 No Content", "accepted"), ("404 Not Found", "never"), ("500 Error", "later")] {
        let answer: &'static str = Box::leak(format!("HTTP/1.1 {status}\r\n\r\nnot {PASSWORD}").into_boxed_str());
        let server = Scripted::http(&[answer]);
        let settings =
            json!({ "kind": "webhook", "url": server.url("/x"), "secret": file(&password), "token": file(&password) });
        let told = both(&settings, expected);
        assert!(!told.contains(PASSWORD), "{told}");
        let requests = server.requests(2);
        assert!(requests[1].0.contains("ansai-signature: v1=") && requests[1].0.contains("authorization: bearer"));
        assert_eq!(requests[0].1, requests[1].1);
    }
    // Encrypted, with certificates that only this process can read: the connection is refused, not the file.
    let settings = json!({ "kind": "webhook", "url": "https://127.0.0.1:1/" });
    let told = both(&settings, "later");
    assert!(told.contains("refused"), "{told}");
}

/// Would break: ansai that waits for a minute at its end, or a process that goes on with what nobody waits for.
pub(crate) fn a_stop_ends_an_attempt_at_once() {
    let (arrived, arrives) = pipe();
    let server = Scripted::start(move |_, stream| {
        arrived.send(()).unwrap();
        line(&mut BufReader::new(stream))
    });
    let sends = process("honest", "ops");
    let (stopping, began) = (AtomicBool::new(false), Instant::now());
    std::thread::scope(|threads| {
        let stopping = &stopping;
        threads.spawn(move || {
            arrives.recv_timeout(LONG).unwrap();
            stopping.store(true, Ordering::Relaxed);
        });
        let deadline = Deadline { within: LONG, is_stopping: &|| stopping.load(Ordering::Relaxed) };
        let sent = channel(mail(server.port), Some(&sends)).send(&message(Kind::Opened), deadline);
        assert_eq!(kind(&sent), "unknown", "{sent:?}");
    });
    assert!(began.elapsed() < LONG / 2);
    assert_eq!(sends.id(), None, "it does not go on");
}
