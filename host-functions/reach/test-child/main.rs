//! The process that calls servers, for the tests of this crate: an honest one, or one that was taken over. A thread of a test
//! program could not confine itself.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests"
)]

mod escapes;
mod manner;

use ansai_isolation::{BlockingChannel, confine};
use ansai_reach::process::LOOKUP_CHILD;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use self::manner::Manner;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, manner, job] = &arguments[..] else { panic!("not started by a test") };
    match manner.as_str() {
        "Honest" => std::process::exit(i32::from(ansai_reach::process::run(job, &[]))),
        LOOKUP_CHILD => std::process::exit(i32::from(ansai_reach::process::run_lookup(job))),
        _ => {}
    }
    run(manner.parse().unwrap(), confine::begin(job).unwrap());
}

fn run(manner: Manner, mut channel: BlockingChannel) {
    while let Ok(frame) = channel.receive(64 << 20, None) {
        let frame: Value = serde_json::from_slice(&frame.payload).unwrap();
        let Some(call) = frame.get("call") else { continue };
        let reply = |number: u64, answer: Value| json!({"number": number, "busy": false, "answer": answer}).to_string();
        let number = call["number"].as_u64().unwrap();
        let mut send = |text: String| channel.send(text.as_bytes(), None, None).unwrap();
        let busy = |why: &str| json!({"refused": {"busy": why}});
        let request = &call["request"];
        match manner {
            Manner::WrongNumber => send(reply(number + 1_000, busy("x"))),
            Manner::NoJson => send("{\"number\":".into()),
            Manner::Huge => send("x".repeat(40 << 20)),
            Manner::Commands => send(frame.to_string()),
            Manner::Dies => return,
            Manner::Twice => {
                send(reply(number, busy("once")));
                send(reply(number, busy("twice")));
            }
            Manner::TwiceBegun => {
                let applied = json!({"outcome": "done", "detail": "it says so", "measures": [], "items": []});
                send(reply(number, json!({"ok": {"finished": applied}})));
                send(reply(number, json!({"ok": {"finished": null}})));
            }
            Manner::OtherType => send(reply(number, json!({"ok": {"certificates": []}}))),
            Manner::OtherShape => send(reply(number, json!({"ok": 1, "refused": {"busy": "x"}}))),
            Manner::TellsSecret => {
                let encoded = request["targets"][0]["secret"].as_str().unwrap();
                let secret = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
                let told = format!("it is {secret}, or {encoded} \u{1b}[2J {}", "x".repeat(1 << 20));
                send(reply(number, json!({"refused": {"denied": told}})));
            }
            // By its number: a later call may overtake it.
            Manner::AnswersNotTheFirst if number == 1 => {}
            Manner::AnswersNotTheFirst | Manner::AnswersAll => send(reply(number, busy("an answer"))),
            Manner::Silent => {}
            Manner::Previews => send(reply(number, json!({"ok": previewed(request, "db", None)}))),
            Manner::PreviewsOther => send(reply(number, json!({"ok": previewed(request, "other", None)}))),
            Manner::PreviewsOtherUnit => {
                send(reply(number, json!({"ok": previewed(request, "db", Some("sshd.service"))})));
            }
            Manner::SaysLost => send(reply(number, json!({"lost": {"other": "it may be done"}}))),
            // The user of the target says where to.
            Manner::ConnectsElsewhere => {
                send(escapes::connect_frame(&format!("127.0.0.1:{}", request["targets"][0]["user"].as_str().unwrap())));
            }
            Manner::LooksUp => {
                send(json!({"look-up": {"id": 1, "host": "other.example", "port": 1, "limit": 1000}}).to_string());
            }
            Manner::Escapes => {
                let tried = escapes::all(&mut channel, request);
                let why = json!({"refused": {"other": tried}});
                channel.send(reply(number, why).as_bytes(), None, None).unwrap();
            }
            Manner::Floods => (0..1_000).for_each(|_| send(escapes::connect_frame(&escapes::address(request)))),
            // The user of the target says where to.
            Manner::AsksOnce => {
                let told = escapes::told(&mut channel, request["targets"][0]["user"].as_str().unwrap());
                channel.send(reply(number, busy(told)).as_bytes(), None, None).unwrap();
            }
            Manner::LooksUpOwn => {
                let told = escapes::looked_up(&mut channel, &escapes::address(request));
                channel.send(reply(number, busy(told)).as_bytes(), None, None).unwrap();
            }
            Manner::LooksUpAndConnects => {
                let found = escapes::looked_up(&mut channel, &escapes::address(request));
                let told = escapes::told(&mut channel, request["targets"][0]["user"].as_str().unwrap());
                channel.send(reply(number, busy(&format!("{found}, {told}"))).as_bytes(), None, None).unwrap();
            }
            Manner::FollowsRedirect => {
                let elsewhere = escapes::redirected(&mut channel, &escapes::address(request));
                let told = escapes::told(&mut channel, &elsewhere);
                channel.send(reply(number, busy(told)).as_bytes(), None, None).unwrap();
            }
            Manner::ConnectsLater => {
                send(reply(number, busy("an answer")));
                send(escapes::connect_frame(&escapes::address(request)));
            }
            Manner::Measures => {
                let told = escapes::measured(&mut channel, request);
                let why = json!({"refused": {"other": told}});
                channel.send(reply(number, why).as_bytes(), None, None).unwrap();
            }
            Manner::Reads => send(reply(number, json!({"refused": {"other": reads(request)}}))),
        }
    }
}

/// The reason of the step says what the preview is about.
fn previewed(request: &Value, target: &str, unit: Option<&str>) -> Value {
    let about: Value = serde_json::from_str(request["arguments"]["reason"].as_str().unwrap()).unwrap();
    let mut preview = serde_json::to_value(ansai_core::Preview::nothing(ansai_core::Subject::new("x", "y"))).unwrap();
    preview["about"] = about;
    let targets = json!({
        "target": target, "identity": {"pid": 7, "began": 1, "transaction": null}, "user": "app", "application": "shop",
        "database": "app", "unit": unit, "mount": null,
    });
    json!({"preview": preview, "targets": targets})
}

fn reads(request: &Value) -> String {
    let state = request["targets"][0]["user"].as_str().unwrap();
    let tried = ["/etc/shadow", state].map(|path| {
        match std::fs::read_dir(path).map(drop).or_else(|_| std::fs::read(path).map(drop)) {
            Ok(()) => format!("{path} could be read"),
            Err(error) => format!("{path}: {}", error.kind()),
        }
    });
    tried.join("; ")
}
