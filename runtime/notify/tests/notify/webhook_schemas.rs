//! Requests to chats and pagers against schemas of ours. Those of PagerDuty, Alertmanager and adaptive cards were
//! compared with the schemas that they publish, at the commits that are named. Of Discord and ntfy, fields and limits were
//! compared with Discord's documentation of webhooks and the source of ntfy's server. Limits of Slack and Teams are those of
//! their documentation. Ours forbid what is not named, so they are stricter.

use std::time::Duration;

use ansai_notify::message::{Count, Kind, Message};
use serde_json::{Value, json};

use crate::fixture::{Place, Scripted, channel, file, hostile, message, send};
use crate::webhook_limits::{large, within};

pub(crate) const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

/// The preset, the path of its URL, and the schema of its request.
fn presets() -> Vec<(&'static str, &'static str, Value)> {
    let text = |most: u32| json!({ "type": "string", "minLength": 1, "maxLength": most });
    vec![
        // https://api.slack.com/reference/block-kit/blocks: header 150, section text 3000, 50 blocks.
        (
            "slack",
            "/services/T0/B0/x",
            json!({
                "type": "object", "required": ["text"], "additionalProperties": false,
                "properties": { "text": text(40_000), "blocks": { "type": "array", "maxItems": 50, "items": { "oneOf": [
                    { "required": ["type", "text"], "additionalProperties": false, "properties": {
                        "type": { "const": "header" },
                        "text": { "required": ["type", "text"], "properties": { "type": { "const": "plain_text" },
                                  "text": text(150), "emoji": { "type": "boolean" } }, "additionalProperties": false } } },
                    { "required": ["type", "text"], "additionalProperties": false, "properties": {
                        "type": { "const": "section" },
                        "text": { "required": ["type", "text"], "properties": { "type": { "const": "mrkdwn" },
                                  "text": text(3_000), "verbatim": { "type": "boolean" } },
                                  "additionalProperties": false } } },
                ] } } },
            }),
        ),
        // https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using, and
        // https://github.com/microsoft/AdaptiveCards schemas/src/elements/TextBlock.json (13d569ee), enums/Colors.json (8ea6015c).
        (
            "teams",
            "/workflows/x",
            json!({
                "type": "object", "required": ["type", "attachments"], "properties": {
                    "type": { "const": "message" },
                    "attachments": { "type": "array", "minItems": 1, "maxItems": 1, "items": {
                        "required": ["contentType", "content"], "properties": {
                            "contentType": { "const": "application/vnd.microsoft.card.adaptive" },
                            "content": { "required": ["type", "version", "body"], "properties": {
                                "type": { "const": "AdaptiveCard" }, "version": { "const": "1.4" },
                                "body": { "type": "array", "minItems": 1, "items": { "oneOf": [
                                    { "required": ["type", "text"], "additionalProperties": false, "properties": {
                                        "type": { "const": "TextBlock" }, "text": text(10_000),
                                        "weight": { "enum": ["default", "lighter", "bolder"] },
                                        "size": { "enum": ["default", "small", "medium", "large", "extraLarge"] },
                                        "color": { "enum": ["default", "dark", "light", "accent", "good", "warning", "attention"] },
                                        "fontType": { "enum": ["default", "monospace"] },
                                        "wrap": { "type": "boolean" } } },
                                    { "required": ["type", "facts"], "additionalProperties": false, "properties": {
                                        "type": { "const": "FactSet" },
                                        "facts": { "type": "array", "items": { "required": ["title", "value"],
                                            "properties": { "title": text(1_000), "value": text(2_000) } } } } },
                                ] } } } },
                        } } },
                },
            }),
        ),
        // https://github.com/discord/discord-api-docs docs/resources/webhook.mdx, "Execute Webhook" (0faf8b87).
        (
            "discord",
            "/api/webhooks/1/x",
            json!({
                "type": "object", "required": ["embeds", "allowed_mentions"], "additionalProperties": false, "properties": {
                    "username": text(80),
                    "allowed_mentions": { "const": { "parse": [] } },
                    "embeds": { "type": "array", "minItems": 1, "maxItems": 10, "items": {
                        "additionalProperties": false, "properties": {
                            "title": text(256), "description": text(4_096), "timestamp": { "type": "string", "format": "date-time" },
                            "color": { "type": "integer", "minimum": 0, "maximum": 16_777_215 } } } },
                },
            }),
        ),
        // https://github.com/PagerDuty/api-schema reference/events-v2/openapiv3.json (5cd58ff2). Lengths are those of
        // https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
        (
            "pagerduty",
            "/v2/enqueue",
            json!({
                "type": "object", "required": ["routing_key", "event_action", "dedup_key"], "additionalProperties": false,
                "properties": {
                    "routing_key": { "type": "string", "minLength": 32, "maxLength": 32 },
                    "event_action": { "enum": ["trigger", "acknowledge", "resolve"] },
                    "dedup_key": text(255), "client": { "type": "string" }, "client_url": { "type": "string" },
                    "payload": { "required": ["summary", "source", "severity"], "additionalProperties": false, "properties": {
                        "summary": text(1_024), "source": text(1_000), "severity": { "enum": ["critical", "warning", "error", "info"] },
                        "timestamp": { "type": "string", "format": "date-time" }, "component": { "type": "string" }, "group": { "type": "string" },
                        "class": { "type": "string" }, "custom_details": { "type": "object" } } },
                },
                "if": { "properties": { "event_action": { "const": "trigger" } } }, "then": { "required": ["payload"] },
            }),
        ),
        // https://github.com/prometheus/alertmanager api/v2/openapi.yaml (07d03b6c): postableAlerts
        (
            "alertmanager",
            "",
            json!({
                "type": "array", "items": { "required": ["labels"], "additionalProperties": false, "properties": {
                    "labels": { "type": "object", "required": ["alertname"], "propertyNames": { "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$" },
                                "additionalProperties": { "type": "string" } },
                    "annotations": { "type": "object", "additionalProperties": { "type": "string" } },
                    "startsAt": { "type": "string", "format": "date-time" }, "endsAt": { "type": "string", "format": "date-time" },
                    "generatorURL": { "type": "string" } } },
            }),
        ),
        // https://github.com/binwiederhier/ntfy server/types.go, `publishMessage` (01fd4754).
        (
            "ntfy",
            "/ansai-web1",
            json!({
                "type": "object", "required": ["topic"], "additionalProperties": false, "properties": {
                    "topic": { "type": "string", "pattern": "^[-_A-Za-z0-9]{1,64}$" },
                    "title": { "type": "string" }, "message": text(4_096),
                    "priority": { "type": "integer", "minimum": 1, "maximum": 5 },
                    "tags": { "type": "array", "items": { "type": "string" } } },
            }),
        ),
    ]
}

fn messages() -> Vec<Message> {
    let mut all: Vec<Message> = Kind::ALL.into_iter().map(message).collect();
    all.push(hostile());
    all.extend(["\u{10ffff}", "&", "\\", "\"", "_"].map(large));
    let mut storm = message(Kind::Opened);
    storm.notices = vec![storm.notices[0].clone(); 50];
    storm.counts = vec![Count { kind: Kind::Opened, number: 4_000 }];
    all.push(storm);
    all.push(Message { digest: true, ..message(Kind::Healed) });
    all
}

#[test]
fn each_request_fits_the_documented_form() {
    let place = Place::new();
    let key = place.write("key", "0123456789abcdef0123456789abcdef");
    for (preset, path, schema) in presets() {
        let server = Scripted::http(&[ACCEPTED]);
        let mut settings = json!({ "kind": "webhook", "preset": preset, "url": server.url(path) });
        if preset == "pagerduty" {
            settings["secret"] = file(&key);
        }
        let hook = channel(settings);
        let messages = messages();
        for message in &messages {
            send(&*hook, message, Duration::from_secs(5)).unwrap();
        }
        let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
        for (head, body) in server.requests(messages.len()) {
            let problems: Vec<String> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
            assert!(problems.is_empty(), "{preset}: {problems:?}\n{body:#}");
            assert!(head.contains("content-type: application/json"), "{head}");
            let text = body.to_string();
            assert!(!text.contains("\\u001b") && !text.contains('\u{202e}'), "{preset}: {text}");
            within(preset, &head, &body);
            if preset == "slack" {
                // The title is plain text, in which nothing has a meaning.
                let mut parsed = body.clone();
                parsed["blocks"][0] = Value::Null;
                let parsed = parsed.to_string();
                assert!(!parsed.contains("<!channel>") && !parsed.contains("<script>"), "{parsed}");
            }
        }
        assert!(!validator.is_valid(&json!({ "unknown": 1 })), "{preset}: the schema refuses something");
    }
}

/// Would break: a key that depends on the notice, so that an alert stays open for ever.
#[test]
fn pagers_resolve_what_they_opened() {
    let place = Place::new();
    let key = place.write("key", "0123456789abcdef0123456789abcdef");
    let server = Scripted::http(&[ACCEPTED]);
    let pager = channel(
        json!({ "kind": "webhook", "preset": "pagerduty", "url": server.url("/v2/enqueue"), "secret": file(&key) }),
    );
    for kind in [Kind::Opened, Kind::RepairFailed, Kind::Healed] {
        send(&*pager, &message(kind), Duration::from_secs(5)).unwrap();
    }
    let events = server.requests(3);
    let of = |at: usize, key: &str| events[at].1[key].clone();
    assert_eq!([0, 1, 2].map(|at| of(at, "event_action")), ["trigger", "trigger", "resolve"]);
    assert!(of(0, "dedup_key") == of(1, "dedup_key") && of(1, "dedup_key") == of(2, "dedup_key"));

    let server = Scripted::http(&[ACCEPTED]);
    let manager = channel(json!({ "kind": "webhook", "preset": "alertmanager", "url": server.url("/") }));
    for kind in [Kind::Opened, Kind::Healed, Kind::Test] {
        send(&*manager, &message(kind), Duration::from_secs(5)).unwrap();
    }
    let posts = server.requests(3);
    // A test stays open for an hour, not for years.
    assert_eq!(posts[2].1[0]["endsAt"], "2026-11-21T04:02:43Z");
    assert!(posts[0].0.starts_with("post /api/v2/alerts http/1.1"), "{}", posts[0].0);
    assert_eq!(posts[0].1[0]["labels"], posts[1].1[0]["labels"]);
    assert_eq!(posts[1].1[0]["endsAt"], "2026-11-21T03:02:43Z");
    assert!(posts[0].1[0]["endsAt"].as_str() > posts[1].1[0]["endsAt"].as_str());
}

#[test]
fn several_incidents_are_several_alerts() {
    let mut both = message(Kind::Opened);
    let mut other = both.notices[0].clone();
    if let Some(incident) = &mut other.incident {
        incident.id = "disk-space//srv/1".to_owned();
    }
    other.kind = Kind::Healed;
    both.notices.push(other);
    let server = Scripted::http(&[ACCEPTED]);
    let manager = channel(json!({ "kind": "webhook", "preset": "alertmanager", "url": server.url("") }));
    send(&*manager, &both, Duration::from_secs(5)).unwrap();
    let (_, body) = server.requests(1).remove(0);
    assert_eq!(body.as_array().unwrap().len(), 2);
}
