//! What happened, one line each.

use ansai_core::control::History;
use serde_json::{Value, json};

use super::details::Layout;
use super::status::Page;
use super::{events, time};

/// Version of the document; see `schemas/history.schema.json`.
const FORMAT: u32 = 1;

/// For people. `changes`: only changes were asked for.
pub(crate) fn render(found: &History, changes: bool, layout: Layout) -> String {
    let mut page = Page::new(layout.width);
    if !found.is_running {
        page.line(0, "no ansai runs: this is what it left");
    }
    for one in &found.records {
        page.line(0, &format!("{}  {}", time::local(one.record.at), events::line(&one.record.event)));
    }
    let (what, since) = (if changes { "changes" } else { "records" }, time::minute(found.since));
    if found.records.is_empty() {
        page.line(0, &format!("no {what} since {since}"));
    }
    if found.has_more {
        let hint = if layout.all { "`ansai audit show` has all" } else { "-v shows up to 2,000" };
        page.line(0, &format!("and more: {hint}"));
    } else if let Some(begins) = found.begins {
        page.line(0, &format!("the audit log begins at {}", time::minute(begins)));
    }
    page.out
}

/// For programs: the records as the audit log has them, with their numbers.
pub(crate) fn document(found: &History) -> Value {
    let mut document = serde_json::to_value(found).unwrap_or_default();
    if let Some(fields) = document.as_object_mut() {
        fields.insert("format".to_owned(), json!(FORMAT));
        fields.insert("time".to_owned(), json!(time::rfc3339(found.at)));
    }
    document
}
