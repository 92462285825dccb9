//! Lists of incidents.

use ansai_core::control::{ClosedIncident, IncidentEnd, IncidentList};
use ansai_core::text::{inert, prose};
use serde_json::{Value, json};

use super::count::count;
use super::details::Layout;
use super::status::{Page, for_people};
use super::{MOST_TEXT, colour, time};

#[cfg(test)]
mod tests;

/// Version of the document; see `schemas/incidents.schema.json`.
const FORMAT: u32 = 1;
/// Longer ids are cut.
const MOST_ID: usize = 400;

/// For people. `all`: closed incidents were asked for, too.
pub(crate) fn render(list: &IncidentList, all: bool, layout: Layout) -> String {
    let mut page = Page::new(layout.width);
    let open = list.open.len() + list.more_open;
    match open {
        0 => page.line(0, "no open incidents"),
        _ => page.line(0, &count(open, "open incident")),
    }
    if !list.is_running {
        page.line(0, "no ansai runs: this is what it left");
    }
    for one in &list.open {
        page.incident(one, list.at);
        page.line(4, &inert(&one.incident, MOST_ID));
    }
    more(&mut page, list.more_open, layout);
    if !all {
        return page.out;
    }
    if list.closed.is_empty() {
        page.out.push('\n');
        page.line(0, "no closed incidents");
    }
    if !list.closed.is_empty() {
        page.out.push_str(&format!("\n{}\n", colour::paint(colour::STRONG, "Closed")));
    }
    for one in &list.closed {
        page.line(2, &closed(one));
        page.line(4, &prose(&one.summary, MOST_TEXT));
        page.line(4, &inert(&one.incident, MOST_ID));
    }
    more(&mut page, list.more_closed, layout);
    page.out
}

fn more(page: &mut Page, more: usize, layout: Layout) {
    if more > 0 {
        let hint = if layout.all { "" } else { ": -v lists up to 1,000" };
        page.out.push('\n');
        page.line(2, &format!("and {more} more{hint}"));
    }
}

/// `2026-11-21 03:02  disk-space /var: healed after 4 min, 1 attempt (was critical)`.
fn closed(one: &ClosedIncident) -> String {
    let (at, key, took) = (time::minute(one.closed), inert(&one.key, 200), for_people(one.closed - one.opened));
    let attempts = if one.attempts == 0 { String::new() } else { format!(", {}", count(one.attempts, "attempt")) };
    format!("{at}  {} {key}: {} after {took}{attempts} (was {})", one.instance, end(one.end), one.worst)
}

/// How an incident ended.
pub(super) fn end(end: IncidentEnd) -> &'static str {
    match end {
        IncidentEnd::Healed => "healed",
        IncidentEnd::HealedWithApproval => "healed, with approval,",
        IncidentEnd::Recovered => "recovered",
        IncidentEnd::Gone => "gone",
        IncidentEnd::Displaced => "displaced by a more severe one",
    }
}

/// For programs.
pub(crate) fn document(list: &IncidentList) -> Value {
    let mut document = serde_json::to_value(list).unwrap_or_default();
    if let Some(fields) = document.as_object_mut() {
        fields.insert("format".to_owned(), json!(FORMAT));
        fields.insert("time".to_owned(), json!(time::rfc3339(list.at)));
    }
    document
}
