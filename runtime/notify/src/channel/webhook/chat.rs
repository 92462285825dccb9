//! Chats: Slack, Microsoft Teams, Discord and ntfy.
//!
//! Each has its own limits, and its own characters that begin a link, a mention or a format. Those are escaped, so that
//! the name of a file calls nobody.

use ansai_core::Severity;
use serde_json::{Value, json};

use crate::channel::Fault;
use crate::message::Message;
use crate::render::words::time;
use crate::render::{Block, Document, Tone};

/// Most facts of a card.
const MOST_FACTS: usize = 10;

/// Incoming webhooks: <https://api.slack.com/messaging/webhooks>; limits of
/// <https://api.slack.com/reference/block-kit/blocks>.
pub(super) fn slack(document: &Document) -> Value {
    let subject = cut(&document.subject, 150);
    let text = cut(&slack_escaped(&short(document, "*", "`")), 2_900);
    json!({
        "text": slack_escaped(&subject),
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": subject, "emoji": false } },
            { "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } },
        ],
    })
}

/// Slack reads these three characters as the begin of links and mentions:
/// <https://api.slack.com/reference/surfaces/formatting#escaping>.
fn slack_escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
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
        "type": "TextBlock", "text": markdown_escaped(&document.subject), "weight": "bolder", "size": "medium",
        "color": colour, "wrap": true,
    })];
    let block = |text: &str| json!({ "type": "TextBlock", "text": markdown_escaped(&cut(text, 400)), "wrap": true });
    for one in &document.blocks {
        match one {
            Block::Lead(text) | Block::Paragraph(text) | Block::Title(text) => body.push(block(text)),
            Block::Commands(commands) => {
                body.extend(commands.iter().map(|(command, _)| {
                    json!({ "type": "TextBlock", "text": markdown_escaped(command), "fontType": "monospace", "wrap": true })
                }));
            }
            Block::Facts(facts) if body.iter().all(|one| one.get("facts").is_none()) => {
                let facts = facts
                    .iter()
                    .take(MOST_FACTS)
                    .map(|(name, value)| json!({ "title": markdown_escaped(name), "value": markdown_escaped(value) }));
                body.push(json!({ "type": "FactSet", "facts": facts.collect::<Vec<_>>() }));
            }
            _ => {}
        }
        // A request may have 28 KiB.
        if body.len() >= 20 {
            break;
        }
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
            "title": cut(&markdown_escaped(&document.subject), 256),
            "description": cut(&markdown_escaped(&short(document, "", "")), 4_000),
            "color": colour,
            "timestamp": time::rfc3339(message.at),
        }],
    })
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
        // The server turns messages over 4,096 bytes into files.
        "message": cut(&short(document, "", ""), 1_000),
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
            Block::Facts(_) if below == Some("Time line") => {}
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

/// Characters that Markdown of Discord and of adaptive cards gives a meaning.
fn markdown_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '_' | '`' | '~' | '|' | '>' | '<' | '#' | '[' | ']' | '(' | ')' | '@') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// At most so many characters.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most.saturating_sub(1)) {
        Some((end, _)) if text.chars().nth(most).is_some() => format!("{}…", text.get(..end).unwrap_or_default()),
        _ => text.to_owned(),
    }
}
