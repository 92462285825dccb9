//! This test program, started as a worker: an honest one, or one that was taken over.

use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ansai_engine::isolated::{WorkerProgram, Workers, worker};
use ansai_isolation::{BlockingChannel, ChannelError, Profile, Start, confine};
use serde_json::{Value, json};

#[path = "child_dies.rs"]
mod dies;
#[path = "child_plans.rs"]
mod plans;

/// The first argument of a worker.
pub(crate) const WORKER: &str = "worker";
/// The largest frame that a child reads, in bytes.
const MOST: usize = 64 << 20;

/// Workers that are this program, and behave like this.
pub(crate) fn workers(behaviour: &'static str) -> Arc<Workers> {
    workers_that(move || behaviour)
}

/// Workers that are this program. Each one behaves as `behaviour` says when it is started.
pub(crate) fn workers_that(behaviour: impl Fn() -> &'static str + Send + Sync + 'static) -> Arc<Workers> {
    Workers::new(WorkerProgram::new(move |level| {
        let mut start = Start::new(WORKER, Profile::Guest, level);
        start.arguments.push(behaviour().to_owned());
        start
    }))
}

/// What the children run.
pub(crate) fn start(behaviour: &str, job: &str) {
    if behaviour == "honest" {
        std::process::exit(worker::run(ansai_host_functions::builtin(), job).into());
    }
    let channel = confine::begin(job).unwrap();
    Evil { channel, number: 0, carried: Value::Null }.behave(behaviour);
}

/// A worker that was taken over: it says whatever it likes.
struct Evil {
    channel: BlockingChannel,
    /// Of the evaluation that the supervisor asked for last.
    number: u64,
    /// The state that came with it.
    carried: Value,
}

impl Evil {
    fn behave(&mut self, behaviour: &str) {
        self.until_evaluate(behaviour);
        match behaviour {
            plan if plan.starts_with(plans::PREFIX) => self.plan(plan),
            dies if dies.starts_with(dies::PREFIX) => self.die(dies),
            "not-imported" => self.call("ansai:files/files-probe", "list-files", &json!({"pattern": "/etc/*"})),
            "with-version" => self.call("ansai:disk/disk-probe@0.2.0", "list-filesystems", &json!({})),
            "no-function" => self.call("ansai:disk/disk-probe", "no-such-function", &json!({})),
            "not-granted" => self.call("ansai:disk/disk-check-actions", "check-available", &check("/")),
            "two-readers" => self.raw_call(r#"{"subject":"/","subject":"/etc","minimum":1,"reason":"r"}"#),
            "with-spaces" => self.raw_call("{ }"),
            "no-object" => self.raw_call("[]"),
            "million-calls" => {
                // With short replies: nobody reads them.
                for _ in 0..1_000_000 {
                    self.call("ansai:disk/disk-check-actions", "check-available", &check("/"));
                }
            }
            "over-budget" => {
                let long = format!("{{\"a\":{:?}}}", "x".repeat(2 << 20));
                self.send(&call(self.number, "ansai:disk/disk-probe", "list-filesystems", &long));
            }
            "other-number" => self.send(&call(self.number + 1, "ansai:disk/disk-probe", "list-filesystems", "{}")),
            "number-before" => self.send(&call(self.number - 1, "ansai:disk/disk-probe", "list-filesystems", "{}")),
            "done-other-number" => self.done(self.number + 1, &json!({"Ok": {"observed": []}})),
            "decides-in-detect" => self.done(self.number, &json!({"Ok": {"decided": {"wait": "why"}}})),
            "aborted" => self.done(self.number, &json!({"Err": {"aborted": "because"}})),
            "no-key" => self.done(self.number, &json!({"Ok": {"observed": [observation("")]}})),
            "many-observations" => {
                let all: Vec<Value> = (0..1_001).map(|at| observation(&at.to_string())).collect();
                self.done(self.number, &json!({"Ok": {"observed": all}}));
            }
            "long-words" => {
                self.done(self.number, &json!({"Err": {"trap": format!("\u{1b}[31m{}", "x".repeat(10_000))}}))
            }
            "lies-about-fuel" => self.done(self.number, &json!({"Ok": {"observed": []}})),
            "twice" => {
                self.done(self.number, &json!({"Ok": {"observed": []}}));
                self.done(self.number, &json!({"Ok": {"observed": [observation("second")]}}));
            }
            "loaded-again" => self.send(r#"{"loaded":{"Ok":null}}"#),
            "garbage" => self.send("garbage"),
            "deep" => self.send(&"[".repeat(500_000)),
            "silent" => {}
            "takes-a-moment" => loop {
                std::thread::sleep(Duration::from_millis(40));
                self.done(self.number, &json!({"Ok": {"observed": []}}));
                self.until_evaluate(behaviour);
            },
            "busy-without-work" => {
                self.done(self.number, &json!({"Ok": {"observed": []}}));
                use_processor(Duration::from_millis(400));
                self.until_evaluate(behaviour);
                self.done(self.number, &json!({"Ok": {"observed": []}}));
            }
            "descriptor" => {
                let frame = call(self.number, "ansai:disk/disk-probe", "list-filesystems", "{}");
                // The kernel refuses it: nobody reads from the socket any more. It is announced all the same.
                let sent = self.channel.send(frame.as_bytes(), Some(std::io::stderr().as_fd()), None);
                assert!(matches!(sent, Err(ChannelError::Closed)), "{sent:?}");
                let [mut head, bytes] = [header(2, u32::try_from(frame.len()).unwrap()), frame.into_bytes()];
                head[12] = 1;
                self.raw(&[head, bytes].concat());
            }
            // After the report and the answer to `load`.
            "gigabyte" => self.raw(&header(2, 1 << 30)),
            "half-a-frame" => self.raw(&[&header(2, 100)[..], b"{\"call\""].concat()),
            "sequence-again" => self.raw(&header(1, 0)),
            "says-what-is-carried" => {
                let told = format!("{} {}", self.carried["store"], self.carried["series"]);
                self.done(self.number, &json!({"Err": {"trap": told}}));
            }
            "says-nothing-of-replies" => self.done_after(self.number, &[get()], ""),
            "another-reply" => self.done_after(self.number, &[get()], &replies(&["\"forged\""])),
            "fewer-replies" => self.done_after(self.number, &[log(), log()], &replies(&["null"])),
            "answers-a-probe" => {
                self.done_after(self.number, &[beside("ansai:disk/disk-probe", "list-filesystems", "{}")], "");
            }
            "answers-history" => {
                let about = r#"{"about":{"kind":"k","name":"n"},"since":0}"#;
                self.done_after(self.number, &[beside("ansai:policy/context", "history", about)], &replies(&["[]"]));
            }
            "answers-what-is-not-imported" => {
                self.done_after(self.number, &[beside("ansai:files/files-probe", "list-files", "{}")], "");
            }
            "answers-what-nobody-can-read" => {
                self.done_after(self.number, &[beside("ansai:policy/log", "write", "{ }")], "");
            }
            "answers-a-flood" => self.done_after(self.number, &vec![log(); 101], &replies(&["null"; 101])),
            "answers-more-than-a-frame" => {
                self.done_after(self.number, &vec![log(); 100_000], &replies(&["null"; 100_000]));
            }
            "answers-more-than-go-with-a-frame" => {
                self.done_after(self.number, &vec![log(); 400], &replies(&["null"; 400]));
            }
            "answers-for-another" => self.done_after(self.number + 1, &[log()], &replies(&["null"])),
            "answers-after-the-end" => {
                self.done(self.number, &json!({"Ok": {"observed": []}}));
                self.done_after(self.number, &[log()], &replies(&["null"]));
            }
            "stores-too-many" => {
                let all: Vec<String> = (0..270).map(|at| set(&format!("key-{at}"), "x")).collect();
                self.done_after(self.number, &all, &replies(&["null"; 270]));
            }
            "stores-too-much" => {
                let large = "x".repeat((64 << 10) + 1);
                self.done_after(self.number, &[set("key", &large)], &replies(&["null"]));
            }
            "closes" => std::process::exit(0),
            "dies" => std::process::abort(),
            "closes-in-a-call" => {
                self.send(&call(self.number, "ansai:disk/disk-probe", "list-filesystems", "{}"));
                std::process::exit(0);
            }
            other => panic!("{other}"),
        }
        // Whatever the supervisor answers.
        while self.channel.receive(MOST, None).is_ok() {}
    }

    /// Says that everything is loaded, until the first evaluation comes.
    fn until_evaluate(&mut self, behaviour: &str) {
        loop {
            let Ok(frame) = self.channel.receive(MOST, None) else { std::process::exit(0) };
            let asked: Value = serde_json::from_slice(&frame.payload).unwrap();
            if let Some(evaluate) = asked.get("evaluate") {
                self.number = evaluate["number"].as_u64().unwrap();
                self.carried = evaluate["carried"].clone();
                return;
            }
            if behaviour == "dies-at-load" {
                std::process::abort();
            }
            self.send(r#"{"loaded":{"Ok":null}}"#);
        }
    }

    fn call(&mut self, interface: &str, function: &str, arguments: &Value) {
        self.send(&call(self.number, interface, function, &arguments.to_string()));
    }

    fn raw_call(&mut self, arguments: &str) {
        self.send(&call(self.number, "ansai:disk/disk-check-actions", "check-available", arguments));
    }

    fn done(&mut self, number: u64, answer: &Value) {
        let all = u64::MAX;
        let done = json!({"number": number, "answer": answer, "fuel": all, "memory_bytes": all, "refused_calls": all});
        self.send(&json!({ "done": done }).to_string());
    }

    /// Says that it answered these calls itself, with these replies.
    fn done_after(&mut self, number: u64, calls: &[String], replies: &str) {
        let calls = calls.join(",");
        self.send(&format!(
            r#"{{"done":{{"number":{number},"answer":{{"Ok":{{"observed":[]}}}},"fuel":1,"memory_bytes":1,
            "refused_calls":0,"before":{{"calls":[{calls}],"replies":{replies:?}}}}}}}"#
        ));
    }

    /// Who sends to a supervisor that has ended the channel ends too.
    fn send(&mut self, frame: &str) {
        if self.channel.send(frame.as_bytes(), None, None).is_err() {
            std::process::exit(0);
        }
    }

    /// Past the channel.
    fn raw(&self, bytes: &[u8]) {
        assert_eq!(rustix::io::write(self.channel.written_to(), bytes), Ok(bytes.len()));
    }
}

/// Uses the processor for about this long, however busy the machine is.
fn use_processor(for_long: Duration) {
    let (mut used, mut last) = (Duration::ZERO, Instant::now());
    while used < for_long {
        let since = std::mem::replace(&mut last, Instant::now()).elapsed();
        // Longer than this, another process had it.
        used += if since < Duration::from_millis(1) { since } else { Duration::ZERO };
    }
}

/// The header of a frame: its number and the bytes that follow, without a descriptor.
fn header(sequence: u64, bytes: u32) -> Vec<u8> {
    [&sequence.to_le_bytes()[..], &bytes.to_le_bytes(), &[0; 4]].concat()
}

fn call(number: u64, interface: &str, function: &str, arguments: &str) -> String {
    format!(
        r#"{{"call":{{"number":{number},"interface":{interface:?},"function":{function:?},"arguments":{arguments}}}}}"#
    )
}

fn beside(interface: &str, function: &str, arguments: &str) -> String {
    format!(r#"{{"interface":{interface:?},"function":{function:?},"arguments":{arguments}}}"#)
}

fn log() -> String {
    beside("ansai:policy/log", "write", r#"{"level":"info","message":"m"}"#)
}

fn get() -> String {
    beside("ansai:policy/store", "get", r#"{"key":"old-key"}"#)
}

fn set(key: &str, value: &str) -> String {
    beside("ansai:policy/store", "set", &format!(r#"{{"key":{key:?},"value":{value:?}}}"#))
}

/// What stands for these replies.
fn replies(texts: &[&str]) -> String {
    use sha2::Digest as _;
    let all: String = texts.iter().map(|text| format!("{text}\n")).collect();
    hex::encode(sha2::Sha256::digest(all))
}

fn check(path: &str) -> Value {
    json!({"path": path, "minimum": 1, "reason": "r"})
}

fn observation(key: &str) -> Value {
    let about = json!({"kind": "k", "name": "n"});
    json!({"key": key, "about": about, "status": "healthy", "summary": "", "evidence": [], "related": [], "distance": null})
}
