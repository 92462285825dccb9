//! The process is killed at each step of a delivery.

use std::io::{BufReader, Write as _};
use std::sync::Mutex;
use std::sync::mpsc::channel as pipe;

use ansai_notify::channel::Fault;

use crate::fixture::{Scripted, line, send};
use crate::scene::{LONG, Outgoing, channel, kill, mail, process};

/// What the client says last before it is killed.
const STEPS: [&str; 6] = ["", "EHLO", "MAIL", "RCPT", "DATA", "."];

/// Would break: a message that is lost with the process, that is repeated without its mark, or that is repeated after the server
/// acknowledged it.
pub(crate) fn a_process_that_is_killed_loses_and_repeats_nothing() {
    for step in STEPS {
        let (reached, reaches) = pipe();
        let reached = Mutex::new(reached);
        let server = Scripted::start(move |number, mut stream| {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut received, mut command, mut is_in_mail) = (String::new(), String::new(), false);
            loop {
                let word = command.split(' ').next().unwrap();
                if !is_in_mail || command == "." {
                    if number == 0 && word == step {
                        reached.lock().unwrap().send(()).unwrap();
                        // Until it is killed.
                        line(&mut reader);
                        return received;
                    }
                    is_in_mail = word == "DATA";
                    let answer = if is_in_mail { "354 go on\r\n" } else { "250 ok\r\n" };
                    if word == "QUIT" || stream.write_all(answer.as_bytes()).is_err() {
                        return received;
                    }
                }
                command = line(&mut reader);
                received += &format!("{command}\n");
            }
        });
        let sends = process("honest", "ops");
        let (mail, mut outgoing) = (channel(mail(server.port), Some(&sends)), Outgoing::new());
        let first = outgoing.begin().unwrap();
        let lost = std::thread::scope(|threads| {
            let attempt = threads.spawn(|| send(&*mail, &first, LONG));
            reaches.recv_timeout(LONG).unwrap();
            kill(&sends);
            attempt.join().unwrap()
        });
        assert!(matches!(&lost, Err(Fault::Unknown { .. })), "{step}: {lost:?}");
        outgoing.conclude(&first, &lost);
        // It is sent again, with its mark; also if ansai ends before that is stored.
        let second = outgoing.begin().unwrap();
        assert!(second.id == first.id && second.may_repeat, "{step}: {second:?}");
        outgoing.restart();
        let second = outgoing.begin().unwrap();
        assert!(second.id == first.id && second.may_repeat, "{step}: {second:?}");
        let sent = send(&*mail, &second, LONG);
        assert!(sent.is_ok(), "{step}: {sent:?}");
        outgoing.conclude(&second, &sent);
        // Killed after the acknowledgement, and ansai with it.
        kill(&sends);
        outgoing.restart();
        assert_eq!(outgoing.begin(), None, "{step}: it was acknowledged");
    }
}
