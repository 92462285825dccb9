//! What is wrong with settings, and that secrets are nowhere.

use ansai_notify::channel::{ChannelSettings, Surroundings, check};
use serde_json::{Value, json};

use crate::fixture::{Place, channel, file};

fn problems(settings: Value) -> Vec<(&'static str, &'static str)> {
    let settings: ChannelSettings = serde_json::from_value(settings).unwrap();
    let found = check(&settings, &Surroundings::default());
    for one in &found {
        assert!(!one.hint.is_empty() && !one.message.contains("hunter2"), "{one}");
    }
    found.into_iter().map(|one| (one.key, one.code.word())).collect()
}

#[test]
fn everything_wrong_is_named_at_once() {
    let mail = |changes: Value| {
        let mut settings =
            json!({ "kind": "mail", "from": "ansai@example.org", "to": ["ops@example.org"], "server": "localhost" });
        for (key, value) in changes.as_object().unwrap() {
            settings[key] = value.clone();
        }
        problems(settings)
    };
    assert!(mail(json!({})).is_empty());
    let settings = "channel-settings";
    assert_eq!(
        mail(
            json!({ "from": "no", "to": ["a@b\r\nBcc: c@d", "x@example.org"], "tls": "none", "server": "mail.example.org" })
        ),
        [("from", settings), ("to", settings), ("tls", settings)]
    );
    assert_eq!(mail(json!({ "to": [] })), [("to", settings)]);
    assert_eq!(mail(json!({ "to": ["größe@example.org"] })), [("to", settings)]);
    for server in ["", "host:0", "host:port", "host:99999", "-x y", "[::1", "a:b:c", "user@host"] {
        assert_eq!(mail(json!({ "server": server })), [("server", settings)], "{server}");
    }
    assert!(mail(json!({ "server": "[::1]:25", "tls": "none" })).is_empty());
    assert_eq!(mail(json!({ "user": "ansai" })), [("user", settings)]);
    let place = Place::new();
    let secret = place.write("secret", "hunter2");
    assert_eq!(mail(json!({ "secret": file(&secret) })), [("secret", settings)]);
    assert_eq!(mail(json!({ "user": "a", "secret": { "credential": "mail" } })), [("secret", "no-credential")]);
    let webhook = |mut changes: Value| {
        changes["kind"] = json!("webhook");
        problems(changes)
    };
    assert_eq!(webhook(json!({})), [("url", settings)]);
    assert_eq!(webhook(json!({ "preset": "pagerduty" })), [("secret", settings)]);
    assert_eq!(webhook(json!({ "url": "http://example.org/hunter2" })), [("url", "bad-url")]);
    assert_eq!(webhook(json!({ "url": "https://u:hunter2@example.org/" })), [("url", "bad-url")]);
    assert_eq!(webhook(json!({ "url": "https://a/", "url_secret": file(&secret) })), [("url", settings)]);
    assert_eq!(
        webhook(json!({ "preset": "slack", "url": "https://a/", "secret": file(&secret) })),
        [("secret", settings)]
    );
    assert_eq!(problems(json!({ "kind": "command", "command": [] })), [("command", settings)]);
    assert_eq!(problems(json!({ "kind": "command", "command": ["/nonexistent"] })), [("command", "program-start")]);
    assert_eq!(problems(json!({ "kind": "syslog", "socket": "log" })), [("socket", "bad-path")]);
    assert!(
        problems(json!({ "kind": "mail", "from": "a@b.example", "to": ["c@d.example"], "user": "x" }))
            .contains(&("user", settings))
    );
}

#[test]
fn keys_that_do_not_exist_are_refused() {
    for wrong in [
        json!({ "kind": "mail", "from": "a@b", "to": [], "password": "hunter2" }),
        json!({ "kind": "webhook", "preset": "irc" }),
        json!({ "kind": "pigeon" }),
        json!({ "kind": "mail", "from": "a@b", "to": [], "secret": "hunter2" }),
    ] {
        serde_json::from_value::<ChannelSettings>(wrong).unwrap_err();
    }
}

#[test]
fn destinations_have_no_secrets() {
    let place = Place::new();
    let url = place.write("url", "https://hooks.slack.com/services/hunter2");
    let slack = channel(json!({ "kind": "webhook", "preset": "slack", "url_secret": file(&url) }));
    assert_eq!(slack.destination(), "slack (the URL is a secret)");
    let hook = channel(json!({ "kind": "webhook", "url": "https://example.org/hunter2?key=hunter2" }));
    assert_eq!(hook.destination(), "https://example.org");
}
