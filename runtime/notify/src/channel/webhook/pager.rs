//! Pagers: PagerDuty and Alertmanager. Both know an alert by its key, open it and resolve it; what is sent twice changes
//! nothing.

use std::collections::BTreeMap;

use ansai_core::text::{inert, prose};
use ansai_core::{Millis, Severity};
use serde_json::{Value, json};

use crate::digest::digest;
use crate::message::{Kind, Message, Notice};
use crate::render::words::{measure, time};
use crate::render::{Document, Tone, document as document_of, text};

/// An alert of the message: its key, the notice that says its state, and whether it is over.
struct Alert<'a> {
    key: String,
    notice: Option<&'a Notice>,
    is_over: bool,
}

/// One alert for each incident, in its latest state; one for the group if the message only counts its notices.
fn alerts<'m>(message: &'m Message) -> Vec<Alert<'m>> {
    let by_group = |is_over| Alert { key: digest(&[&message.host, &message.group]), notice: None, is_over };
    if !message.counts.is_empty() || message.notices.is_empty() {
        return vec![by_group(message.is_resolving())];
    }
    let mut latest: BTreeMap<&str, &Notice> = BTreeMap::new();
    for notice in &message.notices {
        let id = notice.incident.as_ref().map_or(message.group.as_str(), |incident| incident.id.as_str());
        latest.insert(id, notice);
    }
    let alert = |(id, notice): (&str, &'m Notice)| Alert {
        key: digest(&[&notice.host, id]),
        notice: Some(notice),
        is_over: notice.kind.is_resolving(),
    };
    latest.into_iter().map(alert).collect()
}

/// The text, up to a length that both services accept.
fn described(document: &Document) -> String {
    text(document).chars().take(10_000).collect()
}

/// Events API v2: <https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>. One event for each incident.
pub(super) fn pagerduty(message: &Message, document: &Document, routing_key: &str) -> Vec<Value> {
    let event = |alert: Alert<'_>| {
        let mut event = json!({
            "routing_key": routing_key,
            "event_action": if alert.is_over { "resolve" } else { "trigger" },
            "dedup_key": format!("ansai-{}", alert.key),
        });
        if !alert.is_over
            && let Some(fields) = event.as_object_mut()
        {
            fields.insert("client".to_owned(), json!("ansai"));
            fields.insert("payload".to_owned(), payload(message, document, alert.notice));
        }
        event
    };
    alerts(message).into_iter().map(event).collect()
}

fn payload(message: &Message, document: &Document, notice: Option<&Notice>) -> Value {
    let severity = match (document.tone, notice.map_or(message.severity(), |notice| notice.severity)) {
        (Tone::Good | Tone::Neutral, _) | (_, Severity::Notice) => "info",
        (_, Severity::Warning) => "warning",
        (_, Severity::Critical) => "error",
        (_, Severity::Emergency) => "critical",
    };
    let summary = match notice {
        // Escapes are longer than what they stand for; PagerDuty takes 1,024 characters.
        Some(notice) => inert(&format!("{}: {}", inert(&notice.host, 60), prose(&notice.summary, 800)), 1_023),
        None => document.subject.clone(),
    };
    let mut payload = json!({
        "summary": summary,
        "source": inert(&message.host, 200),
        "severity": severity,
        "timestamp": time::rfc3339(message.at),
        "custom_details": { "text": described(document) },
    });
    if let (Some(fields), Some(notice)) = (payload.as_object_mut(), notice) {
        let component = notice.subject.as_ref().map(|subject| inert(&subject.to_string(), 200));
        fields.extend(component.map(|text| ("component".to_owned(), json!(text))));
        fields.extend(notice.instance.as_deref().map(|name| ("group".to_owned(), json!(inert(name, 63)))));
        fields.insert("class".to_owned(), json!(notice.kind.name()));
    }
    payload
}

/// Ten years: the server itself never resolves an alert that is not over.
const FAR: Millis = Millis::from_hours(24 * 3_650);
/// A test or a report is seen by then.
const SOON: Millis = Millis::from_hours(1);

/// API v2: <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>. All alerts in one request. An alert
/// without `endsAt` ends after the server's `resolve_timeout`, so an open one ends in the far future.
pub(super) fn alertmanager(message: &Message, document: &Document) -> Value {
    let alert = |alert: Alert<'_>| {
        let since = alert.notice.map_or(message.at, |notice| notice.since);
        let ends = match (alert.is_over, alert.notice) {
            (true, Some(notice)) => notice.at,
            (true, None) => message.at,
            // Nothing else will ever say that these are over.
            (false, Some(Notice { kind: Kind::Test | Kind::Report, .. })) => message.at + SOON,
            (false, _) => message.at + FAR,
        };
        // Labels are the identity of an alert. What changes while it is open must not be among them.
        let mut labels = json!({
            "alertname": "ansai",
            "host": inert(&message.host, 200),
            "ansai_key": alert.key,
        });
        let mut annotations = json!({
            "summary": document.subject,
            "description": described(document),
        });
        if let (Some(labels), Some(annotations), Some(notice)) =
            (labels.as_object_mut(), annotations.as_object_mut(), alert.notice)
        {
            labels.extend(notice.instance.as_deref().map(|name| ("policy".to_owned(), json!(inert(name, 63)))));
            let about = notice.subject.as_ref().map(|about| inert(&about.to_string(), 200));
            labels.extend(about.map(|text| ("subject".to_owned(), json!(text))));
            let alone = document_of(&Message { notices: vec![notice.clone()], ..message.clone() });
            annotations.insert("summary".to_owned(), json!(alone.subject));
            annotations.insert("description".to_owned(), json!(described(&alone)));
            annotations.insert("severity".to_owned(), json!(notice.severity.to_string()));
            let evidence: Vec<String> = notice.evidence.iter().map(measure).collect();
            if !evidence.is_empty() {
                annotations.insert("evidence".to_owned(), json!(evidence.join("; ")));
            }
        }
        json!({
            "labels": labels,
            "annotations": annotations,
            "startsAt": time::rfc3339(since.min(ends)),
            "endsAt": time::rfc3339(ends),
        })
    };
    Value::Array(alerts(message).into_iter().map(alert).collect())
}
