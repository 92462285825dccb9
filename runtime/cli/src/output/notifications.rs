//! Channels and messages in words.

use ansai_core::notify::{ChannelStatus, DeadMessage, NotifyStatus, ReportStatus};
use ansai_core::text::{inert, prose};

use super::count::count;
use super::time;

/// Characters of an error.
const MOST: usize = 300;

/// One line for each channel and each message that was not delivered.
pub(crate) fn lines(status: &NotifyStatus) -> Vec<String> {
    let mut lines: Vec<String> = status.channels.iter().map(channel).collect();
    if lines.is_empty() {
        lines.push("no channel is configured: nobody is told anything".to_owned());
    }
    if status.grouping > 0 {
        lines.push(format!(
            "{} wait for others of their group, or for the end of a quiet time",
            count(status.grouping, "notice")
        ));
    }
    if status.for_digest > 0 {
        lines.push(format!("{} for the next digest", count(status.for_digest, "notice")));
    }
    lines.extend(status.report.as_ref().map(report));
    lines.extend(status.dead.iter().map(dead));
    lines
}

/// `mail: 12 messages sent, the last one at 2026-11-29 03:02; 2 messages wait`.
fn channel(channel: &ChannelStatus) -> String {
    let mut parts = vec![match channel.sent_at {
        Some(at) => format!("{} sent, the last one at {}", count(channel.sent, "message"), time::minute(at)),
        None => "nothing sent yet".to_owned(),
    }];
    if channel.waiting > 0 {
        let oldest = channel.oldest.map(|at| format!(", the oldest since {}", time::minute(at))).unwrap_or_default();
        parts.push(format!("{} waiting{oldest}", count(channel.waiting, "message")));
    }
    if let Some(since) = channel.sending_since {
        parts.push(format!("sending since {}", time::clock(since)));
    }
    if channel.failures > 0 {
        let next = channel.next_at.map(|at| format!(", next at {}", time::clock(at))).unwrap_or_default();
        let why = channel.error.as_deref().map(|error| format!(": {}", prose(error, MOST))).unwrap_or_default();
        parts.push(format!("{} in a row{next}{why}", count(channel.failures, "failed attempt")));
    }
    if channel.dead > 0 {
        parts.push(format!("{} not delivered", count(channel.dead, "message")));
    }
    if channel.dropped > 0 {
        parts.push(format!("{} dropped because too many waited", count(channel.dropped, "message")));
    }
    format!("{}: {}", inert(&channel.channel, 80), parts.join("; "))
}

/// `report to mail: next at 2026-12-07 07:00`.
pub(crate) fn report(report: &ReportStatus) -> String {
    let channels = report.channels.iter().map(|name| inert(name, 80)).collect::<Vec<_>>().join(", ");
    let next = report.next.map_or_else(
        || "next time unknown: time zone not found on this host".to_owned(),
        |at| format!("next at {}", time::minute(at)),
    );
    format!("report to {channels}: {next}")
}

/// `not delivered: 1764400000000-7 through mail, 2026-11-29 03:02: /var is full (550 no such user)`.
fn dead(message: &DeadMessage) -> String {
    format!(
        "not delivered: {} through {}, {}: {} ({})",
        inert(&message.message, 80),
        inert(&message.channel, 80),
        time::minute(message.at),
        prose(&message.summary, MOST),
        prose(&message.error, MOST)
    )
}

#[cfg(test)]
mod tests {
    use ansai_core::Timestamp;

    use super::*;

    #[test]
    fn a_channel_that_does_not_deliver_says_why_and_hostile_text_is_inert() {
        let fails = ChannelStatus {
            channel: "mail".into(),
            waiting: 1,
            failures: 2,
            error: Some("454 try\u{1b}[2J later".into()),
            ..ChannelStatus::default()
        };
        let dead = DeadMessage {
            message: "1-2".into(),
            channel: "mail".into(),
            at: Timestamp::EPOCH,
            attempts: 1,
            error: "550 no such user".into(),
            summary: "disk \u{202e}full".into(),
        };
        let status = NotifyStatus { channels: vec![fails], dead: vec![dead], ..NotifyStatus::default() };
        let text = lines(&status).join("\n");
        assert!(
            text.starts_with("mail: nothing sent yet; 1 message waiting; 2 failed attempts in a row: 454 try"),
            "{text}"
        );
        assert!(text.contains("(550 no such user)") && !text.contains(['\u{1b}', '\u{202e}']), "{text}");
        assert_eq!(lines(&NotifyStatus::default()), ["no channel is configured: nobody is told anything"]);
    }
}
