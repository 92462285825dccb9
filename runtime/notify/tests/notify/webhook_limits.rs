//! Limits of chats and pagers: what a schema does not know, texts that are cut, and too many requests.

use std::time::Duration;

use ansai_core::Subject;
use ansai_notify::channel::Fault;
use ansai_notify::message::{Command, Kind, Message, Step};
use serde_json::{Value, json};

use crate::fixture::{Place, Scripted, channel, file, message, send};
use crate::webhook_schemas::ACCEPTED;

/// Every text and list at its bound, of a character that is escaped or takes four bytes.
pub(crate) fn large(unit: &str) -> Message {
    let text = unit.repeat(1_000);
    let mut one = message(Kind::Held).notices.remove(0);
    (one.summary, one.host) = (text.clone(), text.clone());
    one.subject = Some(Subject::new(text.as_str(), text.as_str()));
    one.instance = Some(text.clone());
    let step =
        Step { what: text.clone(), names: vec![text.clone(); 30], why: Some(text.clone()), ..one.steps[0].clone() };
    one.steps = vec![step; 30];
    if let Some(asked) = &mut one.asked {
        (asked.who, asked.what) = (Some(text.clone()), text.clone());
        asked.commands = vec![Command { line: text.clone(), does: text.clone() }; 30];
    }
    let mut large = message(Kind::Held);
    (large.host, large.notices) = (text, vec![one; 60]);
    large.bounded()
}

/// Limits that a schema does not know: sums of texts, and other units than characters.
pub(crate) fn within(preset: &str, head: &str, body: &Value) {
    let whole = body.to_string();
    let units = |text: &Value| text.as_str().unwrap().encode_utf16().count();
    match preset {
        // Each text counts 3,000 UTF-16 units at most for JavaScript.
        "slack" => assert!(
            units(&body["blocks"][1]["text"]["text"]) <= 3_000 && units(&body["blocks"][0]["text"]["text"]) <= 150
        ),
        // 28 KiB, which Teams counts in UTF-16.
        "teams" => assert!(whole.encode_utf16().count() * 2 <= 28 << 10, "{}", whole.len()),
        // https://github.com/discord/discord-api-docs docs/resources/message.mdx, "Embed Limits".
        "discord" => {
            let embed = &body["embeds"][0];
            assert!(units(&embed["title"]) <= 256 && units(&embed["description"]) <= 4_096, "{embed}");
            assert!(units(&embed["title"]) + units(&embed["description"]) <= 6_000, "{embed}");
            assert!(head.starts_with("post /api/webhooks/1/x?wait=true "), "{head}");
        }
        // https://github.com/binwiederhier/ntfy server/server.go: `MessageSizeLimit`, and twice as much for all of the JSON.
        "ntfy" => assert!(body["message"].as_str().unwrap().len() <= 4_096 && whole.len() <= 8_192, "{}", whole.len()),
        // https://developer.pagerduty.com/docs/events-api-v2/overview/: an event has 512 KB.
        "pagerduty" => assert!(whole.len() <= 512_000, "{}", whole.len()),
        _ => {}
    }
}

/// Would break: a text that is cut before it says what to do.
#[test]
fn a_long_message_has_the_commands_and_says_that_it_is_cut() {
    let mut long = message(Kind::Held);
    long.notices[0].steps =
        vec![Step { names: vec!["/var/cache/app/a-long-name".repeat(5); 20], ..long.notices[0].steps[0].clone() }; 20];
    for (preset, path, texts) in [
        ("slack", "/services/T0/B0/x", "/blocks/1/text/text"),
        ("teams", "/workflows/x", "/attachments/0/content/body"),
        ("discord", "/api/webhooks/1/x", "/embeds/0/description"),
        ("ntfy", "/ansai-web1", "/message"),
    ] {
        let server = Scripted::http(&[ACCEPTED]);
        send(
            &*channel(json!({ "kind": "webhook", "preset": preset, "url": server.url(path) })),
            &long,
            Duration::from_secs(5),
        )
        .unwrap();
        let (_, body) = server.requests(1).remove(0);
        let text = body.pointer(texts).unwrap().to_string();
        assert!(text.contains("ansai approve 3f2a91") && text.contains('…'), "{preset}: {text}");
        assert!(text.contains("remove 16 files below"), "{preset} says what is proposed: {text}");
    }
}

/// Would break: an address of a thread that is lost, or one that says not to wait.
#[test]
fn discord_answers_once_the_message_is_stored() {
    for (given, asked) in [
        ("/api/webhooks/1/x", "/api/webhooks/1/x?wait=true"),
        ("/api/webhooks/1/x?", "/api/webhooks/1/x?wait=true"),
        ("/api/webhooks/1/x?thread_id=7", "/api/webhooks/1/x?thread_id=7&wait=true"),
        ("/api/webhooks/1/x?wait=false&thread_id=7", "/api/webhooks/1/x?thread_id=7&wait=true"),
    ] {
        let server = Scripted::http(&[ACCEPTED]);
        let hook = channel(json!({ "kind": "webhook", "preset": "discord", "url": server.url(given) }));
        send(&*hook, &message(Kind::Opened), Duration::from_secs(5)).unwrap();
        let (head, _) = server.requests(1).remove(0);
        assert!(head.starts_with(&format!("post {asked} ")), "{head}");
    }
}

/// The answers of each service to too many requests, as they are documented.
#[test]
fn each_service_that_limits_requests_is_left_alone_for_so_long() {
    let place = Place::new();
    let key = place.write("key", "0123456789abcdef0123456789abcdef");
    let discord = r#"{"message":"You are being rate limited.","retry_after":64.57,"global":false}"#;
    let ntfy = r#"{"code":42901,"http":429,"error":"limit reached: too many requests"}"#;
    for (preset, path, header, body, wait) in [
        ("slack", "/services/T0/B0/x", "retry-after: 30\r\n", "rate_limited", Some(30_000)),
        ("teams", "/workflows/x", "retry-after: 17\r\n", "", Some(17_000)),
        ("discord", "/api/webhooks/1/x", "x-ratelimit-remaining: 0\r\nretry-after: 64.57\r\n", discord, Some(64_570)),
        ("ntfy", "/ansai-web1", "", ntfy, None),
        ("pagerduty", "/v2/enqueue", "", "Throttled", None),
        ("alertmanager", "", "retry-after: Fri, 31 Dec 1999 23:59:59 GMT\r\n", "", Some(0)),
    ] {
        let answer = format!(
            "HTTP/1.1 429 Too Many Requests\r\n{header}content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let server = Scripted::http(&[&answer]);
        let mut settings = json!({ "kind": "webhook", "preset": preset, "url": server.url(path) });
        if preset == "pagerduty" {
            settings["secret"] = file(&key);
        }
        let fault = send(&*channel(settings), &message(Kind::Opened), Duration::from_secs(5)).unwrap_err();
        let Fault::Later { after, .. } = fault else { panic!("{preset}: {fault:?}") };
        assert_eq!(after, wait.map(Duration::from_millis), "{preset}");
    }
}
