//! Notifications of the real program: a real HTTP receiver on loopback, and SIGKILL at each point of a delivery.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::*;

const LIMIT: Duration = Duration::from_secs(60);

/// A request that has arrived whole and waits for its answer.
struct Request {
    stream: TcpStream,
    body: Value,
}

impl Request {
    fn answer(mut self, status: &str) {
        // Who sent it may be gone.
        let _ = write!(self.stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let _ = self.stream.flush();
    }

    fn id(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }

    fn may_repeat(&self) -> bool {
        self.body["may_repeat"].as_bool().unwrap()
    }

    fn kinds(&self) -> Vec<&str> {
        self.body["notices"].as_array().unwrap().iter().map(|notice| notice["kind"].as_str().unwrap()).collect()
    }
}

/// Connections in the order in which they come. Its thread ends with the program.
fn receiver() -> (u16, Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, connections) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            if send.send(stream).is_err() {
                return;
            }
        }
    });
    (port, connections)
}

fn read(stream: TcpStream) -> Request {
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Request { stream, body: serde_json::from_slice(&body).unwrap() }
}

fn next(connections: &Receiver<TcpStream>) -> Request {
    read(connections.recv_timeout(LIMIT).expect("a request"))
}

fn configured(scene: &Scene, port: u16) -> PathBuf {
    let file = scene.policy("sick", &sick("sick"));
    scene.configuration(&format!(
        "[policy.sick]\nsource = \"{}\"\n\
         [notify.channel.hook]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/\"\n\
         [notify.channel.other]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/other\"\n\
         [[notify.route]]\nkinds = [\"opened\"]\nchannels = [\"hook\"]\ngroup_wait = \"0s\"\n",
        file.display()
    ))
}

fn run(scene: &Scene, config: &std::path::Path) -> ansai_harness::Daemon {
    scene.command(&["run", "--config", config.to_str().unwrap()]).spawn()
}

/// Would break: a message that a kill loses, one that comes twice although its end was stored, or one that may have arrived and
/// does not say so.
#[test]
fn a_message_survives_sigkill_at_each_point_of_its_delivery() {
    let scene = Scene::new();
    let (port, connections) = receiver();
    let config = configured(&scene, port);
    // Connected, and nothing is read: it may have been sent.
    let running = run(&scene, &config);
    let connected = connections.recv_timeout(LIMIT).expect("a connection");
    running.signal(Signal::KILL);
    drop((connected, running));
    // It has arrived, and no answer has left.
    let running = run(&scene, &config);
    let first = next(&connections);
    assert!(first.may_repeat(), "{}", first.body);
    assert_eq!(first.kinds(), ["opened"]);
    running.signal(Signal::KILL);
    let id = first.id();
    drop((first, running));
    // It is answered, and the end is stored or not.
    let running = run(&scene, &config);
    let second = next(&connections);
    assert_eq!((second.id(), second.may_repeat()), (id.clone(), true));
    second.answer("200 OK");
    running.killed();
    // Another one only if the end was not stored; then it is marked, and this time it is the last one.
    let mut running = run(&scene, &config);
    if let Ok(stream) = connections.recv_timeout(Duration::from_secs(2)) {
        let third = read(stream);
        assert_eq!((third.id(), third.may_repeat()), (id, true));
        third.answer("200 OK");
    }
    let sent = scene.path("sent");
    for _ in 0..200 {
        let status = scene.ansai(&["notify", "status", "--format", "json", "--config", config.to_str().unwrap()]);
        std::fs::write(&sent, &status.stdout).unwrap();
        let status: Value = serde_json::from_str(&status.stdout).unwrap();
        if status["channels"][0]["waiting"] == 0 && status["channels"][0]["sent"] == 1 {
            running.signal(Signal::TERM);
            running.wait(LIMIT);
            assert!(connections.try_recv().is_err(), "it came again after its end was stored");
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{}", std::fs::read_to_string(sent).unwrap());
}

/// Would break: a run of cron that ends before anybody is told, or that prints although nothing is wrong.
#[test]
fn one_pass_tells_before_it_ends_and_a_refused_message_goes_through_another_channel() {
    let scene = Scene::new();
    let (port, connections) = receiver();
    let config = configured(&scene, port);
    let answering = std::thread::spawn(move || {
        let refused = next(&connections);
        let kinds = refused.kinds().join(" ");
        refused.answer("410 Gone");
        let other = next(&connections);
        let all = format!("{kinds}, then {}", other.kinds().join(" "));
        other.answer("200 OK");
        all
    });
    let config = config.to_str().unwrap();
    scene.ansai(&["run", "--once", "--config", config]).code(3);
    assert_eq!(answering.join().unwrap(), "opened, then undelivered opened");
    let status = scene.ansai(&["notify", "status", "--config", config]).code(3);
    status.says("hook: nothing sent yet; 1 message not delivered").says("other: 1 message sent");
    scene.ansai(&["notify", "drop", "hook", "--config", config]).code(0).says("dropped 1 message");
    scene.ansai(&["notify", "status", "--config", config]).code(0);
}

#[test]
fn a_test_message_shows_the_answer_and_an_unknown_channel_is_refused() {
    let scene = Scene::new();
    let (port, connections) = receiver();
    let config = configured(&scene, port);
    let config = config.to_str().unwrap();
    let answering = std::thread::spawn(move || {
        let first = next(&connections);
        let kinds = first.kinds().join(" ");
        first.answer("200 OK");
        next(&connections).answer("403 Forbidden");
        kinds
    });
    scene.ansai(&["notify", "test", "hook", "--config", config]).code(0).says("hook accepted the message");
    scene.ansai(&["notify", "test", "hook", "--config", config]).code(1).complains("not-delivered").complains("403");
    assert_eq!(answering.join().unwrap(), "test");
    scene
        .ansai(&["notify", "test", "hok", "--config", config])
        .code(2)
        .complains("unknown-channel")
        .complains("`hook`");
}

/// Would break: a report that nobody gets because ansai did not run at its time, or one with each run after it.
#[test]
fn a_report_by_schedule_is_sent_once_also_if_its_time_was_missed() {
    let scene = Scene::new();
    let (port, connections) = receiver();
    let hook = format!("[notify.channel.hook]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/\"\n");
    let report = "[notify.report]\nat = \"0 7 * * MON\"\nchannels = [\"hook\"]\n";
    let file = scene.policy("sick", &sick("sick"));
    let policy = format!("[policy.sick]\nsource = \"{}\"\n", file.display());
    let route = "[[notify.route]]\nkinds = [\"test\"]\nchannels = [\"hook\"]\n";
    let config = scene.configuration(&format!("{policy}{hook}{report}{route}"));
    let config = config.to_str().unwrap();
    scene.ansai(&["check", "--config", config]).says("[notify.report] report to hook: next at ");
    let run = |hours: i64| {
        let run = scene.command(&["run", "--once", "--accept-clock", "--config", config]);
        run.clock_offset_hours(hours).run();
    };
    run(0);
    scene.ansai(&["notify", "status", "--config", config]).says("report to hook: next at ");
    assert!(connections.try_recv().is_err(), "a first start has missed nothing");
    let answering = std::thread::spawn(move || {
        let request = next(&connections);
        let kinds = request.kinds().join(" ");
        request.answer("200 OK");
        (kinds, connections)
    });
    run(8 * 24);
    let (kinds, connections) = answering.join().unwrap();
    assert_eq!(kinds, "report");
    run(8 * 24);
    assert!(connections.try_recv().is_err(), "it came again");
}
