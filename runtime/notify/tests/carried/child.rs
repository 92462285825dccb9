//! What this program does when it is the process that sends.

use ansai_isolation::confine;
use ansai_notify::channel::HANDLER;
use serde_json::{Value, json};

/// Its second argument says how it behaves, the last one is what ansai tells it.
pub(crate) fn run(arguments: &[String]) {
    let [_, _, manner, job] = arguments else { panic!("not started by a test") };
    if manner == "honest" {
        std::process::exit(i32::from(ansai_reach::process::run(job, &[HANDLER])));
    }
    let mut channel = confine::begin(job).unwrap();
    let mut heard = String::new();
    while let Ok(frame) = channel.receive(64 << 20, None) {
        let text = String::from_utf8(frame.payload).unwrap();
        let frame: Value = serde_json::from_str(&text).unwrap();
        let Some(call) = frame.get("call") else { continue };
        heard += &text;
        let number = call["number"].as_u64().unwrap();
        let reply = |number: u64, told: Value| json!({"number": number, "busy": false, "answer": told}).to_string();
        let accepted = json!({"ok": {"Ok": {"answer": "250 delivered"}}});
        let later = |after: u64, why: &str| json!({"ok": {"Err": {"later": {"after": {"secs": after, "nanos": 0}, "why": why}}}});
        let mut send = |text: String| channel.send(text.as_bytes(), None, None).unwrap();
        match manner.as_str() {
            // As if it answered the attempt of another message.
            "other-number" => send(reply(number + 1, accepted)),
            "earlier-number" => send(reply(number - 1, accepted)),
            "twice" => {
                send(reply(number, later(1, "once")));
                send(reply(number, accepted));
            }
            "no-json" => send("{".into()),
            "huge" => send("x".repeat(40 << 20)),
            "dies" => return,
            "other-type" => send(reply(number, json!({"ok": {"Ok": {"answer": "250", "message": "m-2"}}}))),
            "lost" => send(reply(number, json!({"lost": {"other": "it may have arrived"}}))),
            "long" => send(reply(number, json!({"ok": {"Ok": {"answer": "x".repeat(1 << 20)}}}))),
            "talks" => send(reply(number, later(u64::MAX, &"\u{1b}[2J x".repeat(3_000)))),
            "tells" => send(reply(number, later(1, &format!("it has {}", &heard[..heard.len().min(30_000)])))),
            "reads" => send(reply(number, later(1, &reads()))),
            other => panic!("{other}"),
        }
    }
}

fn reads() -> String {
    let tried = ["/etc/shadow", "/proc/1/environ", "/root"].map(|path| {
        match std::fs::read_dir(path).map(drop).or_else(|_| std::fs::read(path).map(drop)) {
            Ok(()) => format!("{path} could be read"),
            Err(error) => format!("{path}: {}", error.kind()),
        }
    });
    tried.join("; ")
}
