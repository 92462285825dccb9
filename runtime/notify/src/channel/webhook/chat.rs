//! Chats: Slack, Microsoft Teams, Discord and ntfy.
//!
//! Each has its own limits, and its own characters that begin a link, a mention or a format. Those are escaped, so that
//! the name of a file calls nobody.

use ansai_core::Severity;
use serde_json::{Value, json};

use super::fit::{self, escaped, fitting, json_bytes, utf16};
use crate::channel::Fault;
use crate::message::Message;
use crate::render::words::time;
use crate::render::{Block, Document, TIME_LINE, Tone};

/// Most facts of a card.
const MOST_FACTS: usize = 10;
/// Most bytes of the blocks of a card. Teams takes 28 KiB, counted in UTF-16: twice the bytes of ASCII.
const MOST_CARD: usize = 12_000;

/// Incoming webhooks: <https://api.slack.com/messaging/webhooks>; limits of
/// <https://api.slack.com/reference/block-kit/blocks>.
pub(super) fn slack(document: &Document) -> Value {
    let text = fitting(&short(document, "*", "`"), 2_900, utf16, fit::slack);
    json!({
        "text": fitting(&document.subject, 2_900, utf16, fit::slack),
        "blocks": [
            { "type": "header", "text": {
                "type": "plain_text", "text": fitting(&document.subject, 150, utf16, fit::plain), "emoji": false,
            } },
            { "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } },
        ],
    })
}

/// A workflow "when a Teams webhook request is received", with an adaptive card:
/// <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using>.
pub(super) fn teams(document: &Document) -> Value {
    let colour = match document.tone {
        Tone::Good => "good",
        Tone::Neutral => "default",
        Tone::Warning => "warning",
        Tone::Critical => "attention",
    };
    let mut body = vec![json!({
        "type": "TextBlock", "text": escaped(&document.subject, fit::markdown), "weight": "bolder", "size": "medium",
        "color": colour, "wrap": true,
    })];
    let mut left = MOST_CARD;
    for one in elements(document) {
        match left.checked_sub(one.to_string().len()) {
            Some(rest) => left = rest,
            None => {
                body.push(paragraph("…"));
                break;
            }
        }
        body.push(one);
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}

/// A sentence of a card.
fn paragraph(text: &str) -> Value {
    json!({ "type": "TextBlock", "text": fitting(text, 400, utf16, fit::markdown), "wrap": true })
}

/// The blocks that matter, as elements of a card.
fn elements(document: &Document) -> Vec<Value> {
    let mut all = Vec::new();
    let mut heading: Option<&str> = None;
    let title = |text: &str| json!({ "type": "TextBlock", "text": escaped(text, fit::markdown), "weight": "bolder", "wrap": true });
    for block in &document.blocks {
        let below = heading.take();
        match block {
            Block::Lead(text) | Block::Paragraph(text) => all.push(paragraph(text)),
            Block::Title(text) => all.push(title(text)),
            Block::Heading(text) => heading = Some(text),
            Block::Facts(_) if below == Some(TIME_LINE) => {}
            Block::Facts(facts) => {
                let facts = facts.iter().take(MOST_FACTS).map(|(name, value)| {
                    json!({ "title": escaped(name, fit::markdown), "value": fitting(value, 400, utf16, fit::markdown) })
                });
                all.push(json!({ "type": "FactSet", "facts": facts.collect::<Vec<_>>() }));
            }
            Block::List(points) => {
                all.extend(below.map(title));
                for (point, names) in points {
                    all.push(paragraph(&format!("• {point}")));
                    all.extend((!names.is_empty()).then(|| paragraph(&names.join(", "))));
                }
            }
            Block::Commands(commands) => {
                all.extend(below.map(title));
                all.extend(commands.iter().map(|(command, _)| {
                    json!({ "type": "TextBlock", "text": escaped(command, fit::markdown), "fontType": "monospace", "wrap": true })
                }));
            }
            Block::Foot(_) => {}
        }
    }
    all
}

/// Webhooks: <https://discord.com/developers/docs/resources/webhook#execute-webhook>; limits of
/// <https://discord.com/developers/docs/resources/message#embed-object-embed-limits>.
pub(super) fn discord(document: &Document, message: &Message) -> Value {
    let colour = match document.tone {
        Tone::Good => 0x15_80_3d,
        Tone::Neutral => 0x47_55_69,
        Tone::Warning => 0xb4_53_09,
        Tone::Critical => 0xb9_1c_1c,
    };
    json!({
        "username": "ansai",
        "allowed_mentions": { "parse": [] },
        "embeds": [{
            // Both together may have 6,000 characters.
            "title": fitting(&document.subject, 256, utf16, fit::markdown),
            "description": fitting(&short(document, "", ""), 4_096, utf16, fit::markdown),
            "color": colour,
            "timestamp": time::rfc3339(message.at),
        }],
    })
}

/// The URL that answers only once the message is stored: without `wait`, one that is not stored is no error.
pub(super) fn discord_url(url: &str) -> String {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let is_wait = |pair: &str| pair.split('=').next() == Some("wait");
    let pairs = query.split('&').filter(|pair| !pair.is_empty() && !is_wait(pair)).chain(["wait=true"]);
    format!("{place}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// Publishing as JSON: <https://docs.ntfy.sh/publish/#publish-as-json>.
pub(super) fn ntfy(document: &Document, message: &Message, topic: &str) -> Value {
    let priority = match (document.tone, message.severity()) {
        (Tone::Good | Tone::Neutral, _) | (_, Severity::Notice) => 3,
        (_, Severity::Warning) => 4,
        (_, Severity::Critical | Severity::Emergency) => 5,
    };
    let tag = match document.tone {
        Tone::Good => "white_check_mark",
        Tone::Neutral => "information_source",
        Tone::Warning => "warning",
        Tone::Critical => "rotating_light",
    };
    json!({
        "topic": topic,
        "title": document.subject,
        // The server turns messages over 4,096 bytes into files, and refuses a request over 8,192 bytes. A phone shows the
        // first lines.
        "message": fitting(&short(document, "", ""), 3_800, json_bytes, fit::plain),
        "priority": priority,
        "tags": [tag],
    })
}

/// The URL of the server, and the topic that ends the configured URL.
pub(super) fn ntfy_topic(url: &str) -> Result<(String, String), Fault> {
    let wrong = || Fault::later("the URL must end with the topic, such as https://ntfy.sh/ansai-web1");
    let (server, topic) = url.trim_end_matches('/').rsplit_once('/').ok_or_else(wrong)?;
    let is_topic = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match !server.ends_with('/') && !topic.is_empty() && topic.len() <= 64 && topic.chars().all(is_topic) {
        true => Ok((format!("{server}/"), topic.to_owned())),
        false => Err(wrong()),
    }
}

/// The blocks that matter in a chat: without time line and ids. Headings are between `strong`, commands between `code`.
fn short(document: &Document, strong: &str, code: &str) -> String {
    let mut lines = Vec::new();
    let mut heading: Option<&str> = None;
    for block in &document.blocks {
        let below = heading.take();
        match block {
            Block::Lead(text) | Block::Paragraph(text) => lines.push(text.clone()),
            Block::Title(text) => lines.push(format!("\n{strong}{text}{strong}")),
            Block::Heading(text) => heading = Some(text),
            Block::Facts(_) if below == Some(TIME_LINE) => {}
            Block::Facts(facts) => lines.extend(facts.iter().map(|(name, value)| format!("{name}: {value}"))),
            Block::List(points) => {
                lines.extend(below.map(|text| format!("{strong}{text}{strong}")));
                for (point, names) in points {
                    lines.push(format!("• {point}"));
                    lines.extend(names.iter().map(|name| format!("    {name}")));
                }
            }
            Block::Commands(commands) => {
                lines.extend(below.map(|text| format!("{strong}{text}{strong}")));
                for (command, does) in commands {
                    // A mark within the command would end it.
                    let command = if code.is_empty() { command.clone() } else { command.replace(code, "'") };
                    let dash = if does.is_empty() { "" } else { " – " };
                    lines.push(format!("{code}{command}{code}{dash}{does}"));
                }
            }
            Block::Foot(_) => {}
        }
    }
    lines.join("\n")
}
